//! Owns that one command at a time sends with a key: the next nonce of the one after includes the transaction
//! of the one before. Two that found the same nonce could even make the very same transaction, and both believe
//! that it is theirs.
//!
//! Two locks, both of which end with the process that holds them: one on the key file itself, which is the same
//! for all users and by whatever path; and one by the account in a folder of the user, which is the same for
//! copies of the file, for seeds and for standard input.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::PathBuf,
    time::Duration,
};

use ait_app::address::Address;
use anyhow::{Result, bail};
use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
    process::geteuid,
};
use tokio::time::{Instant, sleep};

/// How often a waiting command looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// When a waiting command says so.
const SAY_AFTER: Duration = Duration::from_secs(2);

/// The locks of a key, in the order in which they are taken.
#[derive(Debug, Default)]
pub struct KeyLock(Vec<File>);

/// Held while a transaction is on its way to the node.
#[must_use]
pub struct Turn<'a>(&'a [File]);

impl KeyLock {
    /// The locks of an account's key, and of its open file if it came from one. Where the system has no place for
    /// one of them, the other has to do.
    pub fn of(address: &Address, file: Option<File>) -> Self {
        let by_account = match by_account(address) {
            Ok(file) => Some(file),
            Err(error) => {
                tracing::debug!(component = "cli", event = "account_not_locked", %error);
                None
            }
        };
        Self(file.into_iter().chain(by_account).collect())
    }

    /// Waits until no other command sends with this key, at most so long.
    ///
    /// # Errors
    /// When another one sends all the while.
    pub async fn turn(&self, patience: Duration) -> Result<Turn<'_>> {
        let begun = Instant::now();
        let mut said = false;
        // What is held already is let go where the rest is not to be had.
        let turn = Turn(&self.0);
        for file in &self.0 {
            while !is_locked(file) {
                if begun.elapsed() >= patience {
                    bail!(
                        "another command has been sending with this key for {}: nothing was signed",
                        humantime::format_duration(patience)
                    );
                }
                if !said && begun.elapsed() >= SAY_AFTER {
                    said = true;
                    eprintln!("ait: another command sends with this key: waiting for it");
                }
                sleep(LOOK_INTERVAL).await;
            }
        }
        Ok(turn)
    }
}

/// Whether it is locked now, or can't be: a pipe, or a file system without locks.
fn is_locked(file: &File) -> bool {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => true,
        Err(Errno::WOULDBLOCK | Errno::INTR) => false,
        Err(error) => {
            let error = io::Error::from(error);
            tracing::debug!(component = "cli", event = "key_not_locked", %error);
            true
        }
    }
}

/// The lock of an account, in a folder that is this user's alone and the same in every session.
fn by_account(address: &Address) -> io::Result<File> {
    let user = geteuid().as_raw();
    let runtime = PathBuf::from(format!("/run/user/{user}"));
    let folder = if runtime.is_dir() {
        runtime.join("ait")
    } else {
        PathBuf::from(format!("/tmp/ait-{user}"))
    };
    match DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(&folder)?;
    if !found.is_dir() || found.uid() != user {
        let message = format!("{} belongs to somebody else", folder.display());
        return Err(io::Error::other(message));
    }
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(folder.join(format!("{address}.lock")))
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        for file in self.0 {
            // It ends with the file at the latest.
            let _ = flock(file, FlockOperation::Unlock);
        }
    }
}
