//! What lies beside the database's folder and knows of blocks that it has lost.
//!
//! A database may open an emptied or cut-off one of its own without an error, so the store remembers in files of its own:
//! - `MARKER` is written and synced once, when the first block is on disk and before its commit returns. A
//!   database that is empty although there is a marker was lost. A crash just before the marker leaves a
//!   database with a block and no marker: opening writes the marker again. A crash that loses a first block
//!   without a marker loses nothing that anybody was told of.
//! - `HEIGHT` names a height known to be on disk. It is written after each commit without waiting for the
//!   disk, and synced now and then, so it costs microseconds and may lag behind, but never runs ahead: a
//!   database below it went back. One that cannot be read says nothing, because a crash may tear it.
//!
//! Both are written only while the lock on the database is held.

use std::{
    fs::{self, File, Metadata},
    io::{self, Seek as _, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use crate::{StoreError, disk};

/// The format written here, and the only one read.
pub(crate) const FORMAT: u32 = 2;

const MARKER_FILE: &str = "MARKER";
const MARKER_TITLE: &str = "ait-store";
const HEIGHT_FILE: &str = "HEIGHT";
/// Commits between two syncs of `HEIGHT`: one sync costs about as much as a commit.
const HEIGHT_SYNC_INTERVAL: u32 = 64;

/// Whether a store with blocks was here, by its marker.
///
/// # Errors
/// [`StoreError::OtherChain`], [`StoreError::NewerFormat`], [`StoreError::OlderFormat`],
/// [`StoreError::Corrupt`] by what the marker says.
pub(crate) fn check_marker(folder: &Path, chain_id: &str) -> Result<bool, StoreError> {
    let Some(contents) = disk::read_file(&folder.join(MARKER_FILE))? else {
        return Ok(false);
    };
    let corrupt = || StoreError::Corrupt {
        path: folder.to_owned(),
        detail: format!("its file {MARKER_FILE} cannot be understood"),
    };
    let text = std::str::from_utf8(&contents).map_err(|_| corrupt())?;
    let mut lines = text.lines();
    if lines.next() != Some(MARKER_TITLE) {
        return Err(corrupt());
    }
    let format = lines.next().and_then(|line| line.strip_prefix("format "));
    let format: u32 = format
        .and_then(|format| format.parse().ok())
        .ok_or_else(corrupt)?;
    // A newer one may say more than this version knows.
    if format > FORMAT {
        return Err(StoreError::format(folder, format));
    }
    let found = lines
        .next()
        .and_then(|line| line.strip_prefix("chain "))
        .ok_or_else(corrupt)?;
    if text != marker_text(format, found) {
        return Err(corrupt());
    }
    if format != FORMAT {
        return Err(StoreError::format(folder, format));
    }
    if found != chain_id {
        return Err(StoreError::OtherChain {
            path: folder.to_owned(),
            found: found.to_owned(),
            expected: chain_id.to_owned(),
        });
    }
    Ok(true)
}

/// Marks the folder as one with blocks, on disk when it returns.
pub(crate) fn write_marker(folder: &Path, chain_id: &str) -> Result<(), StoreError> {
    disk::replace_file(
        &folder.join(MARKER_FILE),
        marker_text(FORMAT, chain_id).as_bytes(),
    )
}

/// Makes the folder one without blocks, on disk when it returns.
pub(crate) fn remove_marker(folder: &Path) -> Result<(), StoreError> {
    disk::remove_file(&folder.join(MARKER_FILE))
}

fn marker_text(format: u32, chain_id: &str) -> String {
    let text = format!("{MARKER_TITLE}\nformat {format}\nchain {chain_id}\n");
    let checksum = checksum(text.as_bytes());
    format!("{text}checksum {:016x}\n", u64::from_be_bytes(checksum))
}

fn checksum(bytes: &[u8]) -> [u8; 8] {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    [a, b, c, d, e, f, g, h]
}

/// The file that names a height known to be on disk.
pub(crate) struct HeightFile {
    path: PathBuf,
    file: File,
    unsynced: u32,
}

impl HeightFile {
    /// The height the file names, or `None` when there is none or it cannot be read.
    pub(crate) fn read(folder: &Path) -> Result<Option<u64>, StoreError> {
        let contents = disk::read_file(&folder.join(HEIGHT_FILE))?;
        // An empty one is of a store that was cleared.
        let contents = contents.filter(|contents| !contents.is_empty());
        let height = contents.as_deref().and_then(decode_height);
        if contents.is_some() && height.is_none() {
            tracing::warn!(
                component = "store",
                event = "height_file_unreadable",
                "the file {HEIGHT_FILE} cannot be understood and is ignored"
            );
        }
        Ok(height)
    }

    /// Opens the file for writing.
    pub(crate) fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(HEIGHT_FILE);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let file = file.map_err(|error| StoreError::io("write", &path, error))?;
        Ok(Self {
            path,
            file,
            unsynced: 0,
        })
    }

    /// That it is still where it was opened: what is written into a folder that was removed is lost, and into
    /// one that was moved away, not found by the next start.
    pub(crate) fn check_in_place(&self) -> Result<(), StoreError> {
        let opened = self.file.metadata();
        let opened = opened.map_err(|error| StoreError::io("read", &self.path, error))?;
        let is_same = |found: &Metadata| (found.dev(), found.ino()) == (opened.dev(), opened.ino());
        match fs::metadata(&self.path) {
            Ok(found) if is_same(&found) => Ok(()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::io("read", &self.path, error))
            }
            _ => Err(StoreError::Removed {
                path: self.path.parent().unwrap_or(&self.path).to_owned(),
            }),
        }
    }

    /// Names a height that is on disk.
    pub(crate) fn write(&mut self, height: u64) -> Result<(), StoreError> {
        let written = self
            .file
            .rewind()
            .and_then(|()| self.file.write_all(&encode_height(height)));
        written.map_err(|error| StoreError::io("write", &self.path, error))?;
        self.unsynced = self.unsynced.saturating_add(1);
        if self.unsynced >= HEIGHT_SYNC_INTERVAL {
            self.sync()
        } else {
            Ok(())
        }
    }

    /// Names none any more, on disk when it returns.
    pub(crate) fn clear(&mut self) -> Result<(), StoreError> {
        self.file
            .set_len(0)
            .map_err(|error| StoreError::io("write", &self.path, error))?;
        self.sync()
    }

    /// Waits until what was written is on disk.
    pub(crate) fn sync(&mut self) -> Result<(), StoreError> {
        self.unsynced = 0;
        self.file
            .sync_data()
            .map_err(|error| StoreError::io("sync", &self.path, error))
    }
}

fn encode_height(height: u64) -> [u8; 16] {
    let mut encoded = [0; 16];
    let (number, sum) = encoded.split_at_mut(8);
    number.copy_from_slice(&height.to_be_bytes());
    sum.copy_from_slice(&checksum(&height.to_be_bytes()));
    encoded
}

fn decode_height(contents: &[u8]) -> Option<u64> {
    let (number, sum) = contents.split_first_chunk::<8>()?;
    (sum == checksum(number)).then(|| u64::from_be_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_height_with_any_bit_flipped_says_nothing() {
        let encoded = encode_height(123_456);
        assert_eq!(decode_height(&encoded), Some(123_456));
        for position in 0..encoded.len() {
            let mut damaged = encoded;
            damaged[position] ^= 1;
            assert_eq!(decode_height(&damaged), None);
        }
        assert_eq!(decode_height(&encoded[..9]), None);
    }
}
