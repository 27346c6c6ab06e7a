//! Owns the mending of what crashes left of CometBFT's files, where that is provably safe: databases that were never
//! finished (`databases`), and a write-ahead log without the end of a block (`wal`). CometBFT must not run meanwhile.

mod databases;
mod wal;

use std::{io, path::PathBuf};

use serde::Serialize;

use super::Home;
pub use wal::LogState;

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recovery {
    /// The databases that CometBFT was killed in before it had made them, and makes anew: folders below `data`.
    pub databases_begun_anew: Vec<String>,
    /// What was found of the last block's end in the write-ahead log, and done.
    pub write_ahead_log: LogState,
}

impl Recovery {
    /// Whether nothing had to be mended.
    pub fn is_empty(&self) -> bool {
        self.databases_begun_anew.is_empty() && self.write_ahead_log == LogState::NothingToMend
    }
}

/// Why a file can't be looked at or mended.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct RecoveryError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// Mends what crashes left of a home whose node has executed the blocks up to `height`; 0 before the first.
///
/// # Errors
/// [`RecoveryError`]; then the file that it names is as it was.
pub fn recover(home: &Home, height: u64) -> Result<Recovery, RecoveryError> {
    Ok(Recovery {
        databases_begun_anew: databases::begin_anew(home)?,
        write_ahead_log: wal::mend(home, height)?,
    })
}
