//! Owns the restoring of a snapshot into an empty store: each chunk is checked before anything of it is
//! written, and nothing counts before the last one. What is cut short leaves an empty store.

use ait_app::{
    address::Address,
    block::entry::MOST_BLOCK_BYTES,
    identifiers::ChainId,
    state::merkle::{MAX_BUCKET, Stub, Tree},
};

use super::{SnapshotError, format::Manifest};
use crate::{
    Fatal,
    records::{BlockInfo, CommittedState, Origin},
    stored::Stored,
};

/// A snapshot that is being restored.
pub(super) struct Restoring {
    manifest: Manifest,
    /// The buckets of each chunk that was taken in.
    buckets: Vec<Option<Vec<Stub>>>,
}

impl Restoring {
    /// Begins with a manifest that has the app hash asked for, in a store without blocks.
    pub(super) fn begin(manifest: Manifest, stored: &Stored) -> Result<Self, Fatal> {
        stored.clear()?;
        Ok(Self {
            buckets: manifest.subtrees.iter().map(|_| None).collect(),
            manifest,
        })
    }

    /// Takes a chunk in. One that was taken in already changes nothing.
    pub(super) fn apply(
        &mut self,
        index: u32,
        chunk: &[u8],
        stored: &Stored,
    ) -> Result<(), SnapshotError> {
        let bucket = self.manifest.open(index, chunk)?;
        let subtree = *self.manifest.subtree(index)?;
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        if let Some(buckets) = self
            .buckets
            .get_mut(place)
            .filter(|buckets| buckets.is_none())
        {
            stored.fill(&bucket)?;
            *buckets = Some(bucket.stubs(&subtree.place, MAX_BUCKET));
        }
        Ok(())
    }

    /// Whether all chunks were taken in.
    pub(super) fn is_whole(&self) -> bool {
        self.buckets.iter().all(Option::is_some)
    }

    /// Makes it the node's state, once it is whole.
    pub(super) fn finish(
        self,
        chain_id: &ChainId,
        stored: &Stored,
    ) -> Result<CommittedState, SnapshotError> {
        let buckets: Vec<Stub> = self.buckets.into_iter().flatten().flatten().collect();
        let tree = Tree::of_buckets(&buckets)
            .ok_or_else(|| SnapshotError::Manifest("has no subtrees of one tree".to_owned()))?;
        let info = BlockInfo {
            height: self.manifest.height().get(),
            origin: Origin::Snapshot,
            block_hash: String::new(),
            time: 0,
            proposer: Address::treasury(),
            app_hash: hex::encode(self.manifest.app_hash().0),
            // What the genesis says is not known here. CometBFT, which knows it, hands on no larger block.
            max_block_bytes: MOST_BLOCK_BYTES,
        };
        Ok(stored.restore(&tree, &info, chain_id)?)
    }
}
