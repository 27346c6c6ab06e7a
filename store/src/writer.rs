//! What writing is for every database: in the order of heights, and never again after a failure.

use std::path::Path;

use crate::{
    StoreError, Write, WriteBatch,
    batch::check_all,
    marker::{self, HeightFile},
    pool,
};

/// What a commit needs to know of the ones before it.
pub(crate) struct Writer {
    /// Height of the last block, if there is one.
    height: Option<u64>,
    height_file: HeightFile,
    /// The failure after which nothing is written any more.
    failure: Option<String>,
}

impl Writer {
    /// The writer of a folder whose database holds this height.
    pub(crate) fn open(folder: &Path, height: Option<u64>) -> Result<Self, StoreError> {
        Ok(Self {
            height,
            height_file: HeightFile::open(folder)?,
            failure: None,
        })
    }

    /// Writes a block by `write`, which is told whether it is the first one; on disk when it returns.
    pub(crate) fn commit(
        &mut self,
        folder: &Path,
        chain_id: &str,
        batch: &WriteBatch,
        write: impl FnOnce(bool) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.check_usable()?;
        batch.check(self.height)?;
        let is_first = self.height.is_none();
        let in_place = self.height_file.check_in_place();
        let written = in_place.and_then(|()| write(is_first)).and_then(|()| {
            if is_first {
                marker::write_marker(folder, chain_id)?;
            }
            self.height = Some(batch.height);
            self.height_file.write(batch.height)
        });
        self.remember_failure(written)
    }

    /// Puts the block before the last one back by `write`; on disk when it returns.
    pub(crate) fn roll_back(
        &mut self,
        batch: &WriteBatch,
        write: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.check_usable()?;
        batch.check_back(self.height)?;
        // First: a database that is ahead of the file was stopped in a commit, one behind it was lost.
        let named = self
            .height_file
            .check_in_place()
            .and_then(|()| self.height_file.write(batch.height))
            .and_then(|()| self.height_file.sync());
        let written = named.and_then(|()| write());
        if written.is_ok() {
            self.height = Some(batch.height);
        }
        self.remember_failure(written)
    }

    /// Writes a part of what the first block will have, by `write`.
    pub(crate) fn fill(
        &mut self,
        writes: &[Write],
        write: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.check_usable()?;
        if let Some(height) = self.height {
            return Err(StoreError::NotEmpty { height });
        }
        check_all(writes)?;
        let written = write();
        self.remember_failure(written)
    }

    /// Forgets the blocks, all of which `clear` removes; on disk when it returns.
    pub(crate) fn clear(
        &mut self,
        folder: &Path,
        clear: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.check_usable()?;
        // First, so that whoever interrupts it leaves no store that counts as lost.
        let cleared = marker::remove_marker(folder)
            .and_then(|()| self.height_file.clear())
            .and_then(|()| clear());
        if cleared.is_ok() {
            self.height = None;
        }
        self.remember_failure(cleared)
    }

    /// Saves the pool by `write`; on disk when it returns.
    pub(crate) fn save_pool(
        &mut self,
        transactions: &[Vec<u8>],
        write: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.check_usable()?;
        pool::check(transactions)?;
        let in_place = self.height_file.check_in_place();
        let written = in_place.and_then(|()| write());
        self.remember_failure(written)
    }

    fn check_usable(&self) -> Result<(), StoreError> {
        match &self.failure {
            Some(reason) => Err(StoreError::Poisoned {
                reason: reason.clone(),
            }),
            None => Ok(()),
        }
    }

    /// After a failed write or sync the kernel may have dropped what was to be written, and a second sync
    /// would report success: nothing may be written on top of that.
    fn remember_failure(&mut self, written: Result<(), StoreError>) -> Result<(), StoreError> {
        if let Err(error) = &written {
            tracing::error!(component = "store", event = "write_failed", %error, "the store stops writing");
            self.failure = Some(error.to_string());
        }
        written
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Err(error) = self.height_file.sync() {
            tracing::warn!(component = "store", event = "height_file_unsynced", %error, "closing");
        }
    }
}
