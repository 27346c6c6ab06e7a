//! What is wrong with a snapshot, or with taking or restoring one.

use std::{io, path::PathBuf};

use ait_app::InvariantViolation;

use super::format::FORMAT;
use crate::{Fatal, OpenError};

/// Why a snapshot can't be taken, read or restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// It is of a format that this version does not know.
    #[error("a snapshot of format {found}: this version reads format {FORMAT}")]
    Format {
        /// Its format.
        found: u32,
    },
    /// Its manifest breaks the format.
    #[error("its manifest {0}")]
    Manifest(String),
    /// It is of another chain.
    #[error("it is of chain {found:?}, not of {expected:?}")]
    OtherChain {
        /// Its chain.
        found: String,
        /// The node's.
        expected: String,
    },
    /// It is not the state that was asked for.
    #[error("it is the state with app hash {found}, not {expected}")]
    AppHash {
        /// Its app hash, upper-case hex.
        found: String,
        /// The trusted one.
        expected: String,
    },
    /// A chunk is not what the manifest says.
    #[error("chunk {index}: {why}")]
    Chunk {
        /// Which one, from 0.
        index: u32,
        /// What is wrong with it.
        why: String,
    },
    /// The node is past the beginning.
    #[error(
        "this node holds block {height} of the chain: a snapshot is restored into an empty store only. \
         Stop the node and move the folder of its store (DB_PATH) away first"
    )]
    NotEmpty {
        /// Its height.
        height: u64,
    },
    /// There is no state to take.
    #[error("no block is committed yet")]
    NoBlock,
    /// A file.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The state can't be read.
    #[error(transparent)]
    Violation(#[from] InvariantViolation),
    /// The store can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The node can't go on.
    #[error(transparent)]
    Fatal(#[from] Fatal),
}
