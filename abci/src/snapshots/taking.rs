//! Owns the taking of a snapshot, chunk by chunk, of a state that is held meanwhile: blocks go on.

use std::sync::Arc;

use ait_app::state::merkle::{Bucket, Stub};

use super::{
    SnapshotError,
    folder::NewSnapshot,
    format::{CHUNK_BYTES, CHUNK_RECORDS, Manifest, chunk},
};
use crate::records::CommittedState;

/// Bytes of a record's length in a chunk.
const LENGTH_BYTES: usize = 4;

/// A snapshot on its way.
pub(super) struct Taking {
    committed: Arc<CommittedState>,
    /// The subtrees that are still to be read, the last first.
    left: Vec<Stub>,
    /// Those that are written.
    written: Vec<Stub>,
    new: NewSnapshot,
}

impl Taking {
    /// Begins with a state.
    pub(super) fn of(committed: Arc<CommittedState>, new: NewSnapshot) -> Self {
        let coarse = committed.state.tree().coarsened(CHUNK_RECORDS);
        let mut left: Vec<Stub> = coarse.buckets().collect();
        left.reverse();
        Self {
            committed,
            left,
            written: Vec::new(),
            new,
        }
    }

    /// Writes the next subtree: one chunk, or a few where its records are long. Says whether there are more.
    pub(super) fn step(&mut self) -> Result<bool, SnapshotError> {
        if let Some(stub) = self.left.pop() {
            let bucket = stub.read(self.committed.state.buckets())?;
            let mut leaves = bucket.leaves();
            for part in parts(&bucket, &stub) {
                self.new.push(&chunk(leaves.by_ref().take(part.leaves)))?;
                self.written.push(part);
            }
        }
        Ok(!self.left.is_empty())
    }

    /// All that was written, once there is no more.
    pub(super) fn finish(self) -> Result<(NewSnapshot, Manifest), SnapshotError> {
        let state = &self.committed.state;
        let manifest = Manifest::new(state.chain_id().clone(), state.height(), self.written);
        let manifest = manifest.filter(|manifest| manifest.app_hash() == state.app_hash());
        let manifest = manifest.ok_or_else(|| {
            SnapshotError::Manifest("has another app hash than the state".to_owned())
        })?;
        Ok((self.new, manifest))
    }
}

/// The subtrees into which one is parted so that none has too many bytes.
fn parts(bucket: &Bucket, stub: &Stub) -> Vec<Stub> {
    let mut most = stub.leaves;
    loop {
        let parts = bucket.stubs(&stub.place, most);
        let mut sizes = bucket
            .leaves()
            .map(|leaf| leaf.record().len().saturating_add(LENGTH_BYTES));
        let fit = parts.iter().all(|part| {
            let size = sizes
                .by_ref()
                .take(part.leaves)
                .fold(0, usize::saturating_add);
            size <= CHUNK_BYTES
        });
        if fit || most <= 1 {
            return parts;
        }
        most /= 2;
    }
}
