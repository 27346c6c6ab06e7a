//! Owns the snapshots on disk: a folder for each by its height, in it the file `manifest` and a file for each
//! chunk. One that is there is whole: it is written aside, synced, and put in its place by a rename.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{
    SnapshotError,
    format::{MANIFEST_BYTES, Manifest, PACKED_CHUNK_BYTES},
};

const MANIFEST_FILE: &str = "manifest";
/// What is being written, and what is being removed: names that nobody else's folders have, since what is there was
/// cut short, and is removed.
const NEW: &str = "ait-snapshot.new";
const OLD: &str = "ait-snapshot.old";
/// How long one is kept after a chunk of it was asked for, so that whoever restores it comes to its end: CometBFT
/// waits as long for a chunk.
const FETCH_PATIENCE: Duration = Duration::from_secs(120);
/// The most that are there because of that.
const MOST_KEPT: usize = 10;

/// A snapshot as it lies in a folder of its own.
#[derive(Debug, Clone)]
pub struct SnapshotFiles {
    path: PathBuf,
    manifest: Manifest,
}

impl SnapshotFiles {
    /// Reads the manifest in a snapshot's folder.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn open(path: &Path) -> Result<Self, SnapshotError> {
        let bytes = read(&path.join(MANIFEST_FILE), MANIFEST_BYTES)?;
        Ok(Self {
            path: path.to_owned(),
            manifest: Manifest::decode(&bytes)?,
        })
    }

    /// What it consists of.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A chunk as it is stored.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn chunk(&self, index: u32) -> Result<Vec<u8>, SnapshotError> {
        self.manifest.subtree(index)?;
        read(&self.path.join(chunk_name(index)), PACKED_CHUNK_BYTES)
    }

    /// The bytes of all its files.
    ///
    /// # Errors
    /// [`SnapshotError::Io`].
    pub fn bytes(&self) -> Result<u64, SnapshotError> {
        let names = (0..self.manifest.chunks()).map(chunk_name);
        let names = names.chain([MANIFEST_FILE.to_owned()]);
        names
            .map(|name| {
                let path = self.path.join(name);
                let metadata = fs::metadata(&path).map_err(|error| io_error("read", &path, error));
                metadata.map(|metadata| metadata.len())
            })
            .try_fold(0, |sum: u64, bytes| Ok(sum.saturating_add(bytes?)))
    }
}

/// The folder of a node's snapshots. One process at a time takes some there.
pub(crate) struct SnapshotsFolder {
    path: PathBuf,
    /// How many are kept, and more while they are fetched.
    keep: usize,
    found: Mutex<BTreeMap<u64, Kept>>,
}

struct Kept {
    files: SnapshotFiles,
    /// When a chunk of it was asked for last.
    fetched: Option<Instant>,
}

impl Kept {
    fn new(files: SnapshotFiles) -> Self {
        Self {
            files,
            fetched: None,
        }
    }

    fn is_fetched(&self) -> bool {
        self.fetched
            .is_some_and(|fetched| fetched.elapsed() < FETCH_PATIENCE)
    }
}

impl SnapshotsFolder {
    /// Opens a folder, which is created if need be, and removes what was cut short in it.
    pub(crate) fn open(path: &Path, keep: usize) -> Result<Self, SnapshotError> {
        fs::create_dir_all(path).map_err(|error| io_error("create", path, error))?;
        for unfinished in [path.join(NEW), path.join(OLD)] {
            remove(&unfinished)?;
        }
        let found = list(path)?.into_iter();
        let folder = Self {
            path: path.to_owned(),
            keep,
            found: Mutex::new(
                found
                    .map(|(height, files)| (height, Kept::new(files)))
                    .collect(),
            ),
        };
        folder.remove_oldest()?;
        Ok(folder)
    }

    /// The snapshots, the newest first.
    pub(crate) fn all(&self) -> Vec<SnapshotFiles> {
        let found = self.found();
        let newest_first = found.values().rev();
        newest_first.map(|kept| kept.files.clone()).collect()
    }

    /// The snapshot of a height.
    pub(crate) fn at(&self, height: u64) -> Option<SnapshotFiles> {
        self.found().get(&height).map(|kept| kept.files.clone())
    }

    /// The snapshot of a height, of which somebody fetches a chunk.
    pub(crate) fn fetch(&self, height: u64) -> Option<SnapshotFiles> {
        let mut found = self.found();
        let kept = found.get_mut(&height)?;
        kept.fetched = Some(Instant::now());
        Some(kept.files.clone())
    }

    /// The height of the oldest one.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.found().first_key_value().map(|(height, _)| *height)
    }

    /// Begins to write one.
    pub(super) fn begin(&self) -> Result<NewSnapshot, SnapshotError> {
        let path = self.path.join(NEW);
        remove(&path)?;
        NewSnapshot::begin(&path)
    }

    /// Takes one in that is written, and removes the oldest where there are too many.
    pub(super) fn add(&self, new: NewSnapshot, manifest: Manifest) -> Result<(), SnapshotError> {
        let height = manifest.height().get();
        let place = self.path.join(height.to_string());
        // Of the same height, which has the same records.
        self.found().remove(&height);
        self.put_away(&place)?;
        let files = new.finish(manifest, &place)?;
        self.found().insert(height, Kept::new(files));
        self.remove_oldest()
    }

    fn remove_oldest(&self) -> Result<(), SnapshotError> {
        while let Some(kept) = self.take_out() {
            self.put_away(&kept.files.path)?;
        }
        Ok(())
    }

    /// The oldest that nobody fetches, where there are too many; any, where there are far too many.
    fn take_out(&self) -> Option<Kept> {
        let mut found = self.found();
        let is_crowded = found.len() > MOST_KEPT;
        let too_many = found.len().saturating_sub(self.keep);
        let mut oldest = found.iter().take(too_many);
        let goes = oldest.find(|(_, kept)| is_crowded || !kept.is_fetched());
        let height = *goes?.0;
        found.remove(&height)
    }

    /// At no moment is a part of it there.
    fn put_away(&self, place: &Path) -> Result<(), SnapshotError> {
        let old = self.path.join(OLD);
        // Where removing the one before failed half-way.
        remove(&old)?;
        match fs::rename(place, &old) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(io_error("remove", place, error)),
            Ok(()) => remove(&old),
        }
    }

    fn found(&self) -> MutexGuard<'_, BTreeMap<u64, Kept>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A snapshot that is being written. One that is dropped stays where it is.
pub(super) struct NewSnapshot {
    path: PathBuf,
    chunks: u32,
}

impl NewSnapshot {
    /// Begins it in a folder of its own, which is not there yet.
    pub(super) fn begin(path: &Path) -> Result<Self, SnapshotError> {
        fs::create_dir(path).map_err(|error| io_error("create", path, error))?;
        Ok(Self {
            path: path.to_owned(),
            chunks: 0,
        })
    }

    /// Writes the next chunk.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), SnapshotError> {
        write(&self.path.join(chunk_name(self.chunks)), chunk)?;
        self.chunks = self.chunks.saturating_add(1);
        Ok(())
    }

    /// Puts it in its place, where there is nothing.
    pub(super) fn finish(
        self,
        manifest: Manifest,
        place: &Path,
    ) -> Result<SnapshotFiles, SnapshotError> {
        write(&self.path.join(MANIFEST_FILE), &manifest.encode())?;
        sync(&self.path)?;
        fs::rename(&self.path, place).map_err(|error| io_error("create", place, error))?;
        if let Some(parent) = place.parent().filter(|parent| parent.is_dir()) {
            sync(parent)?;
        }
        Ok(SnapshotFiles {
            path: place.to_owned(),
            manifest,
        })
    }
}

/// The snapshots in a folder by their heights. What can't be read is left alone.
pub(super) fn list(path: &Path) -> Result<BTreeMap<u64, SnapshotFiles>, SnapshotError> {
    let fail = |error| io_error("read", path, error);
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(path).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let Some(height) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        match SnapshotFiles::open(&entry.path()) {
            Ok(files) if files.manifest.height().get() == height => {
                found.insert(height, files);
            }
            Ok(_) => unreadable(&entry.path(), "its manifest names another height"),
            Err(error) => unreadable(&entry.path(), &error.to_string()),
        }
    }
    Ok(found)
}

fn unreadable(path: &Path, why: &str) {
    let path = path.display();
    tracing::warn!(component = "abci", event = "snapshot_unreadable", %path, "{why}");
}

/// The whole of a file, if it is no longer than this.
pub(super) fn read(path: &Path, most: usize) -> Result<Vec<u8>, SnapshotError> {
    let fail = |error| io_error("read", path, error);
    let file = File::open(path).map_err(fail)?;
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(fail)?;
    if bytes.len() > most {
        let why = io::Error::other(format!("it has more than {most} bytes"));
        return Err(fail(why));
    }
    Ok(bytes)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), SnapshotError> {
    let written = File::create_new(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|error| io_error("write", path, error))
}

fn sync(path: &Path) -> Result<(), SnapshotError> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|error| io_error("sync", path, error))
}

fn remove(path: &Path) -> Result<(), SnapshotError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(io_error("remove", path, error))
        }
        _ => Ok(()),
    }
}

fn chunk_name(index: u32) -> String {
    format!("{index:06}.chunk")
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> SnapshotError {
    SnapshotError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}
