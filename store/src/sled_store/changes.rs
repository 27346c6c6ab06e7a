//! Changes of the tree that are made as one, and are on disk afterwards.

use std::fs::File;

use super::{Target, contain::write};
use crate::StoreError;

/// Changes that one round of collecting makes up for. sled leaves less than ten pieces of garbage for each,
/// and crossbeam-epoch frees 512 pieces a round.
const CHANGES_A_ROUND: usize = 50;

/// Puts and removals. The last one for a key counts.
#[derive(Default)]
pub(super) struct Changes {
    batch: sled::Batch,
    count: usize,
}

impl Changes {
    pub(super) fn insert(&mut self, key: impl Into<sled::IVec>, value: impl Into<sled::IVec>) {
        self.batch.insert(key, value);
        self.count = self.count.saturating_add(1);
    }

    pub(super) fn remove(&mut self, key: impl Into<sled::IVec>) {
        self.batch.remove(key);
        self.count = self.count.saturating_add(1);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Makes the changes; on disk when it returns. The file is sled's data file.
    pub(super) fn apply(self, target: Target<'_>, file: &File) -> Result<(), StoreError> {
        write(target.path, || {
            target.database.apply_batch(self.batch)?;
            target.database.flush()
        })?;
        file.sync_data()
            .map_err(|error| StoreError::io("sync the database in", target.path, error))?;
        collect_garbage(self.count);
        Ok(())
    }
}

/// Frees the pages and segments that sled replaced.
///
/// sled leaves them to crossbeam-epoch, which frees a few with every 128th operation. A batch is one operation
/// however many changes it has, so that batches of thousands would use more memory and disk with every block.
fn collect_garbage(changes: usize) {
    for _ in 0..changes / CHANGES_A_ROUND {
        crossbeam_epoch::pin().flush();
    }
}
