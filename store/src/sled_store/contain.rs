//! Turns sled's errors, and its panics on damaged files, into errors of the store.

use std::{io, path::Path};

use crate::{
    StoreError,
    contain::{self, corrupt},
};

/// Whether a thread is one of sled's own. sled writes its log from threads named like this, and a panic there
/// leaves a commit waiting for ever: a program's panic hook has to end the process when it sees one.
#[must_use]
pub fn is_background_thread(name: &str) -> bool {
    name.starts_with("sled-io-")
}

/// Runs a read. What sled cannot read, and what makes it panic, is damage.
pub(super) fn read<T>(
    folder: &Path,
    action: impl FnOnce() -> sled::Result<T>,
) -> Result<T, StoreError> {
    contain(action).map_err(|failure| match failure {
        sled::Error::ReportableBug(detail) => {
            corrupt(folder, format!("its database cannot be read ({detail})"))
        }
        other => translate("read the database in", folder, other),
    })
}

/// Runs a write.
pub(super) fn write<T>(
    folder: &Path,
    action: impl FnOnce() -> sled::Result<T>,
) -> Result<T, StoreError> {
    contain(action).map_err(|failure| translate("write the database in", folder, failure))
}

fn translate(action: &'static str, folder: &Path, failure: sled::Error) -> StoreError {
    match failure {
        sled::Error::Corruption { .. } => corrupt(folder, "a checksum in its database is wrong"),
        sled::Error::Io(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
            corrupt(folder, "a file of its database ends too early")
        }
        sled::Error::Io(source) => StoreError::io(action, folder, source),
        sled::Error::Unsupported(detail) => {
            corrupt(folder, format!("its database cannot be used ({detail})"))
        }
        sled::Error::ReportableBug(detail) => StoreError::Database {
            path: folder.to_owned(),
            detail,
        },
        other => StoreError::Database {
            path: folder.to_owned(),
            detail: other.to_string(),
        },
    }
}

/// Runs an action of sled's. A panic becomes the error sled has for its own bugs.
fn contain<T>(action: impl FnOnce() -> sled::Result<T>) -> sled::Result<T> {
    contain::contain(action).unwrap_or_else(|message| Err(sled::Error::ReportableBug(message)))
}
