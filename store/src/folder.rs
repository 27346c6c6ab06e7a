//! Opening a store's folder: every refusal that is no database's own, in an order that touches nothing of a
//! store it refuses where that can be.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::{
    StoreError,
    contain::corrupt,
    disk,
    head::ChainHead,
    marker::{self, HeightFile},
};

/// The longest chain id in bytes (CometBFT, `MaxChainIDLen`).
const MAX_CHAIN_ID_BYTES: usize = 50;
/// Where a database is made, before it is put in its place. A name that nobody else's folder has: what is there
/// was cut short, and is removed.
const NEW_FOLDER: &str = "ait-store.new";
/// The file that is locked while one is made.
const LOCK_FILE: &str = "LOCK";
/// How long to wait for a lock: a process that was just stopped may still be closing its files.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);
const LOCK_RETRY: Duration = Duration::from_millis(20);

/// The database in which a store lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A log-structured merge tree: [`crate::FjallStore`].
    Fjall,
    /// A B-tree on a log: [`crate::SledStore`].
    Sled,
}

impl Engine {
    /// The name of its folder within the store's.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fjall => "fjall",
            Self::Sled => "sled",
        }
    }

    /// The database of the store in a folder; `None` where there is none yet.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        [Self::Fjall, Self::Sled]
            .into_iter()
            .find(|engine| path.join(engine.name()).is_dir())
    }
}

/// Looks at a folder before its database is opened, and creates it with those above it if need be. `file`
/// is within the database's folder, and is there whenever the database is; `make` makes an empty database in
/// a folder and closes it. Gives the database's folder.
pub(crate) fn prepare(
    path: &Path,
    chain_id: &str,
    engine: Engine,
    file: &str,
    make: impl FnOnce(&Path) -> Result<(), StoreError>,
) -> Result<PathBuf, StoreError> {
    check_chain_id(chain_id)?;
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_dir()) {
        return Err(StoreError::NotAFolder {
            path: path.to_owned(),
        });
    }
    disk::create_folder(path)?;
    let database = path.join(engine.name());
    let is_marked = marker::check_marker(path, chain_id)?;
    if !database.join(file).exists() {
        // Before the database makes new files where old ones are missing, or changes those of another store.
        if is_marked {
            return Err(StoreError::Lost {
                path: path.to_owned(),
                height: HeightFile::read(path)?,
            });
        }
        let _lock = lock(path)?;
        if !database.exists() {
            make_whole(path, &database, make)?;
        } else if !database.join(file).exists() {
            let name = engine.name();
            return Err(corrupt(path, format!("its file {name}/{file} is missing")));
        }
    }
    Ok(database)
}

/// Puts an empty database in its place once all of it is on disk: no engine opens one again that was cut short
/// while it was made.
fn make_whole(
    path: &Path,
    database: &Path,
    make: impl FnOnce(&Path) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let new = path.join(NEW_FOLDER);
    if new.exists() {
        fs::remove_dir_all(&new)
            .map_err(|error| StoreError::io("remove the unfinished", &new, error))?;
    }
    make(&new)?;
    disk::sync_tree(&new)?;
    fs::rename(&new, database)
        .map_err(|error| StoreError::io("put a new database in", database, error))?;
    disk::sync_folder_and_parent(path)
}

/// The right to make a database in a store's folder, until it is dropped.
fn lock(path: &Path) -> Result<File, StoreError> {
    let name = path.join(LOCK_FILE);
    let fail = |error| StoreError::io("lock", &name, error);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&name)
        .map_err(fail)?;
    wait_for_lock(path, || match file.try_lock() {
        Err(TryLockError::WouldBlock) => None,
        Err(TryLockError::Error(error)) => Some(Err(fail(error))),
        Ok(()) => Some(Ok(())),
    })??;
    Ok(file)
}

/// Repeats what gives nothing while another process holds a lock of the store, for a while.
pub(crate) fn wait_for_lock<T>(
    path: &Path,
    mut attempt: impl FnMut() -> Option<T>,
) -> Result<T, StoreError> {
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        if let Some(done) = attempt() {
            return Ok(done);
        }
        if Instant::now() >= deadline {
            return Err(StoreError::Locked {
                path: path.to_owned(),
            });
        }
        thread::sleep(LOCK_RETRY);
    }
}

/// Compares what the database holds with what the files beside it know, once its lock is held.
pub(crate) fn check_head(
    path: &Path,
    chain_id: &str,
    head: Option<&ChainHead>,
) -> Result<(), StoreError> {
    let is_marked = marker::check_marker(path, chain_id)?;
    let stored = HeightFile::read(path)?;
    let path = path.to_owned();
    let Some(ChainHead {
        chain_id: found,
        head,
    }) = head
    else {
        if is_marked || stored.is_some() {
            let height = stored;
            return Err(StoreError::Lost { path, height });
        }
        return Ok(());
    };
    if found != chain_id {
        return Err(StoreError::OtherChain {
            path,
            found: found.clone(),
            expected: chain_id.to_owned(),
        });
    }
    if let Some(stored) = stored.filter(|stored| head.height < *stored) {
        return Err(StoreError::RolledBack {
            path,
            found: head.height,
            stored,
        });
    }
    if !is_marked {
        marker::write_marker(&path, chain_id)?;
    }
    Ok(())
}

fn check_chain_id(chain_id: &str) -> Result<(), StoreError> {
    let length_fits = (1..=MAX_CHAIN_ID_BYTES).contains(&chain_id.len());
    if length_fits && chain_id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(StoreError::InvalidChainId {
        chain_id: chain_id.to_owned(),
        limit: MAX_CHAIN_ID_BYTES,
    })
}
