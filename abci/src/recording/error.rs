//! Owns why a recording can't be made or read.

use std::{io, path::PathBuf};

use super::frame::FORMAT;

/// Why a recording can't be made or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The disk.
    #[error("cannot {deed} {}: {error}", path.display())]
    Io {
        /// What was tried.
        deed: &'static str,
        /// Of what.
        path: PathBuf,
        /// The operating system's words.
        error: io::Error,
    },
    /// The file does not begin as a recording does.
    #[error("{} is no recording of ABCI calls: its first frame is not that of a run", .0.display())]
    NoRecording(PathBuf),
    /// Another program wrote it.
    #[error("the recording has format {found:?}, and this program reads {FORMAT}")]
    Format {
        /// What it says.
        found: String,
    },
    /// A frame is longer than any that is written.
    #[error(
        "byte {at}: a frame announces {length} bytes, more than the limit of {limit}: the file was changed"
    )]
    TooLong {
        /// Where it begins.
        at: u64,
        /// What it announces.
        length: u64,
        /// The most that is read.
        limit: u64,
    },
    /// A frame says nothing that is understood.
    #[error("byte {at}: a frame can't be understood: {why}")]
    Frame {
        /// Where it begins.
        at: u64,
        /// What is wrong.
        why: String,
    },
    /// The calls of a run are numbered, and one is missing or out of its place.
    #[error(
        "byte {at}: call {found} stands where call {expected} belongs: the recording was changed, or has a hole"
    )]
    Number {
        /// Where it begins.
        at: u64,
        /// Its number.
        found: u64,
        /// That of its place.
        expected: u64,
    },
}
