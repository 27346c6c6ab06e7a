//! Owns the pool's journal: a file to which every transaction goes before it is acknowledged, so that those that no
//! block has yet outlive the process, however it ends. It is not synced: a power loss may take the last ones.
//!
//! A frame is the transaction's length (u32, big-endian), the first four bytes of the SHA-256 of its bytes, and these.
//! What is behind a torn frame counts for nothing. The file is written anew once most of it is of transactions that are
//! not pending any more.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use ait_app::{crypto::sha256, tx::codec::MAX_WIRE_BYTES};

/// The file's name.
const FILE: &str = "pool.journal";
/// Its next version, until it is in its place.
const NEW: &str = "pool.journal.new";
/// The longest that is read: far above a full pool.
const MOST_BYTES: u64 = 1024 * 1024 * 1024;
/// It is written anew when it is longer than so many times what is pending, and than this many bytes.
const SLACK: u64 = 4;
const LEAST_BYTES: u64 = 1024 * 1024;

/// A journal that is written.
pub(super) struct PoolJournal {
    folder: PathBuf,
    file: File,
    bytes: u64,
    /// Nothing is written any more after a write that failed.
    failed: bool,
}

impl PoolJournal {
    /// The transactions that the last process left in a folder, in the order in which they came.
    ///
    /// # Errors
    /// When the file can't be read, or is longer than any of ours.
    pub(super) fn left_in(folder: &Path) -> io::Result<Vec<Vec<u8>>> {
        let path = folder.join(FILE);
        match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
            Ok(found) if found.len() > MOST_BYTES => Err(io::Error::other(format!(
                "it has {} bytes, more than {MOST_BYTES}",
                found.len()
            ))),
            Ok(_) => Ok(decode(&fs::read(&path)?)),
        }
    }

    /// Begins it anew with what is pending.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn begin(folder: &Path, pending: &[Vec<u8>]) -> io::Result<Self> {
        let mut frames = Vec::new();
        pending.iter().for_each(|wire| encode(wire, &mut frames));
        let new = folder.join(NEW);
        let mut file = File::create(&new)?;
        file.write_all(&frames)?;
        // Whoever renames before the bytes are there may find neither after a power loss.
        file.sync_data()?;
        fs::rename(&new, folder.join(FILE))?;
        Ok(Self {
            folder: folder.to_owned(),
            file,
            bytes: frames.len() as u64,
            failed: false,
        })
    }

    /// Writes a transaction down that is about to be acknowledged.
    pub(super) fn note(&mut self, wire: &[u8]) {
        if self.failed {
            return;
        }
        let mut frame = Vec::with_capacity(wire.len().saturating_add(8));
        encode(wire, &mut frame);
        let written = self.file.write_all(&frame);
        self.bytes = self.bytes.saturating_add(frame.len() as u64);
        self.heed(written);
    }

    /// Writes it anew where most of it is done with; `pending_bytes` are those of all that is pending.
    pub(super) fn tidy(&mut self, pending_bytes: u64, pending: impl FnOnce() -> Vec<Vec<u8>>) {
        let most = pending_bytes.saturating_mul(SLACK).max(LEAST_BYTES);
        if self.failed || self.bytes <= most {
            return;
        }
        match Self::begin(&self.folder, &pending()) {
            Ok(anew) => *self = anew,
            Err(error) => self.heed(Err(error)),
        }
    }

    /// A node without its journal goes on: it keeps what it has to.
    fn heed(&mut self, written: io::Result<()>) {
        if let Err(error) = written {
            self.failed = true;
            tracing::error!(
                component = "abci",
                event = "pool_journal_failed",
                %error,
                "transactions are accepted without being written down (POOL_JOURNAL) until the next start",
            );
        }
    }
}

fn encode(wire: &[u8], frames: &mut Vec<u8>) {
    let length = u32::try_from(wire.len()).unwrap_or(u32::MAX);
    frames.extend_from_slice(&length.to_be_bytes());
    frames.extend_from_slice(&check_of(wire));
    frames.extend_from_slice(wire);
}

fn decode(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut wires = Vec::new();
    while let Some((wire, rest)) = first(bytes) {
        wires.push(wire.to_vec());
        bytes = rest;
    }
    wires
}

fn first(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (check, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (wire, rest) = rest.split_at_checked(length)?;
    (length <= MAX_WIRE_BYTES && *check == check_of(wire)).then_some((wire, rest))
}

fn check_of(wire: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..] = sha256(wire);
    [a, b, c, d]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn wires(count: u8) -> Vec<Vec<u8>> {
        (0..count)
            .map(|n| vec![n; usize::from(n) * 20 + 1])
            .collect()
    }

    #[test]
    fn what_was_noted_is_found_in_its_order() {
        let folder = tempfile::tempdir().unwrap();
        assert!(PoolJournal::left_in(folder.path()).unwrap().is_empty());
        let mut journal = PoolJournal::begin(folder.path(), &wires(3)).unwrap();
        wires(5).iter().skip(3).for_each(|wire| journal.note(wire));
        drop(journal);
        assert_eq!(PoolJournal::left_in(folder.path()).unwrap(), wires(5));
    }

    #[test]
    fn a_torn_or_damaged_frame_ends_it_and_takes_nothing_before_it() {
        let folder = tempfile::tempdir().unwrap();
        drop(PoolJournal::begin(folder.path(), &wires(4)).unwrap());
        let path = folder.path().join(FILE);
        let whole = fs::read(&path).unwrap();
        for end in 0..whole.len() {
            fs::write(&path, &whole[..end]).unwrap();
            let left = PoolJournal::left_in(folder.path()).unwrap();
            assert!(left.len() < 4 && wires(4).starts_with(&left), "{end}");
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, &damaged).unwrap();
            let left = PoolJournal::left_in(folder.path()).unwrap();
            assert!(left.len() < 4 && wires(4).starts_with(&left), "{at}");
        }
    }

    #[test]
    fn it_is_written_anew_once_most_of_it_is_done_with() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = PoolJournal::begin(folder.path(), &[]).unwrap();
        let wire = vec![7; 10_000];
        for _ in 0..200 {
            journal.note(&wire);
            journal.tidy(wire.len() as u64, || vec![wire.clone()]);
        }
        assert!(fs::metadata(folder.path().join(FILE)).unwrap().len() < 2 * LEAST_BYTES);
        journal.note(&[1]);
        drop(journal);
        let left = PoolJournal::left_in(folder.path()).unwrap();
        assert_eq!(left.last(), Some(&vec![1]));
    }
}
