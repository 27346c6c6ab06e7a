//! What a store refuses, and what the reader of the message can do about it.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::marker::FORMAT;

/// Why a store could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The path of the store is not a folder.
    #[error("{} is not a folder: give the store a path of its own", path.display())]
    NotAFolder {
        /// The path given.
        path: PathBuf,
    },
    /// The folder of the store cannot be written.
    #[error("cannot write to {}: {source}; give the node's user write access, or another path", path.display())]
    NotWritable {
        /// The file or folder that refused.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The disk has no room.
    #[error(
        "no room is left on the disk of {}: {source}; free some and start the node again, nothing is lost",
        path.display()
    )]
    DiskFull {
        /// The file or folder that had to grow.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The folder was removed or moved away while it was open.
    #[error(
        "the store at {} was removed or moved away while the node ran, which writes nothing more: put it back, or start the node without it, and it builds its state again",
        path.display()
    )]
    Removed {
        /// The store's folder.
        path: PathBuf,
    },
    /// Another process has the store open.
    #[error("the store at {} is in use by another process: stop that node, or give this one another path", path.display())]
    Locked {
        /// The store's folder.
        path: PathBuf,
    },
    /// The chain id to open a store with cannot be one.
    #[error("chain id {chain_id:?}: must be 1 to {limit} bytes of printable ASCII")]
    InvalidChainId {
        /// The id given.
        chain_id: String,
        /// The longest id in bytes.
        limit: usize,
    },
    /// The store holds the state of another chain.
    #[error(
        "the store at {} belongs to chain {found:?}, not to {expected:?}: start the node with that chain id, or give it another path",
        path.display()
    )]
    OtherChain {
        /// The store's folder.
        path: PathBuf,
        /// The chain id in the store.
        found: String,
        /// The chain id asked for.
        expected: String,
    },
    /// The store was written by a newer version of this program.
    #[error(
        "the store at {} has format {found}, and this version reads format {supported}: start the newer version that wrote it",
        path.display()
    )]
    NewerFormat {
        /// The store's folder.
        path: PathBuf,
        /// The format of the store.
        found: u32,
        /// The newest format known here.
        supported: u32,
    },
    /// The store's bytes are damaged.
    #[error(
        "the store at {} is damaged: {detail}; restore the folder from a copy, or move it away and let the node build its state again: from the chain's blocks, or from a snapshot where these are pruned (`ait snapshot import`)",
        path.display()
    )]
    Corrupt {
        /// The store's folder.
        path: PathBuf,
        /// What does not fit.
        detail: String,
    },
    /// Blocks were stored here, and the database is empty.
    #[error(
        "the store at {} is lost: {} had been stored, and the database is empty; restore the folder from a copy, or move it away and let the node build its state again: from the chain's blocks, or from a snapshot where these are pruned (`ait snapshot import`)",
        path.display(),
        match height { Some(height) => format!("block {height}"), None => "blocks".to_owned() }
    )]
    Lost {
        /// The store's folder.
        path: PathBuf,
        /// A height known to have been stored.
        height: Option<u64>,
    },
    /// The database holds an older block than the store is known to have stored.
    #[error(
        "the store at {} went back to block {found}, although block {stored} had been stored: its files are damaged or from different times; restore the whole folder from one copy, or move it away and let the node build its state again: from the chain's blocks, or from a snapshot where these are pruned (`ait snapshot import`)",
        path.display()
    )]
    RolledBack {
        /// The store's folder.
        path: PathBuf,
        /// The height found.
        found: u64,
        /// The height known to have been stored.
        stored: u64,
    },
    /// The store was written by an older version of this program.
    #[error(
        "the store at {} has format {found}, and this version reads format {supported}: bring it over with `ait store migrate`",
        path.display()
    )]
    OlderFormat {
        /// The store's folder.
        path: PathBuf,
        /// The format of the store.
        found: u32,
        /// The format read here.
        supported: u32,
    },
    /// A batch of another height than the next one.
    #[error("batch of height {found} refused: the next height is {expected}")]
    HeightOutOfOrder {
        /// The height that would be next; in an empty store, the lowest one allowed.
        expected: u64,
        /// The batch's height.
        found: u64,
    },
    /// A store that holds a block already, to which only the next one can be added.
    #[error("the store holds block {height} already: only an empty one can be filled")]
    NotEmpty {
        /// The height of the block.
        height: u64,
    },
    /// A key that is empty or too long.
    #[error("{table}: key of {length} bytes refused: keys have 1 to {limit} bytes")]
    InvalidKey {
        /// The table.
        table: &'static str,
        /// The key's length in bytes.
        length: usize,
        /// The longest key in bytes.
        limit: usize,
    },
    /// A value that is too long.
    #[error("{field}: value of {length} bytes refused: at most {limit} bytes are stored")]
    ValueTooLong {
        /// The table, or what else was too long.
        field: &'static str,
        /// Its length in bytes.
        length: usize,
        /// The longest value in bytes.
        limit: usize,
    },
    /// An earlier write failed, so that nobody knows what the disk holds.
    #[error(
        "the store stopped writing after a failure: {reason}; stop the node, mend the cause and start it again"
    )]
    Poisoned {
        /// The earlier failure.
        reason: String,
    },
    /// The system refused to read or write.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The database failed inside.
    #[error("the database at {} failed: {detail}", path.display())]
    Database {
        /// The store's folder.
        path: PathBuf,
        /// What it said.
        detail: String,
    },
}

impl StoreError {
    /// The refusal of a store of another format than this version's.
    pub(crate) fn format(path: &Path, found: u32) -> Self {
        let (path, supported) = (path.to_owned(), FORMAT);
        if found > supported {
            Self::NewerFormat {
                path,
                found,
                supported,
            }
        } else {
            Self::OlderFormat {
                path,
                found,
                supported,
            }
        }
    }

    /// The error of a failed file operation, with refused access and a full disk told apart from the rest.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::NotWritable { path, source }
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { path, source }
            }
            _ => Self::Io {
                action,
                path,
                source,
            },
        }
    }
}
