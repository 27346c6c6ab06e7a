//! Changes of the tree that are made as one, and are on disk afterwards.

use std::collections::BTreeMap;

use super::layout::CHUNK_BYTES;
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
    /// Lengths of the values above one chunk.
    long: BTreeMap<Vec<u8>, u32>,
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

    /// Notes the length of a value that is in it, if that has several chunks.
    pub(super) fn note_length(&mut self, key: &[u8], length: usize) {
        if length > CHUNK_BYTES {
            let length = u32::try_from(length).unwrap_or(u32::MAX);
            let longest = self.long.entry(key.to_vec()).or_default();
            *longest = length.max(*longest);
        }
    }

    /// The longest that was noted of a key.
    pub(super) fn length_of(&self, key: &[u8]) -> Option<u32> {
        self.long.get(key).copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Makes the changes; on disk when it returns.
    pub(super) fn apply(self, target: Target<'_>) -> Result<(), StoreError> {
        write(target.path, || {
            target.database.apply_batch(self.batch)?;
            target.database.flush()
        })?;
        let synced = target.file.sync_data();
        synced.map_err(|error| StoreError::io("sync the database in", target.path, error))?;
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
