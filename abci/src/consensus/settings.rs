//! Owns what an operator decides of a node's blocks: how many are kept, of how many heights values are, and where it
//! halts.

use std::{num::NonZeroU64, sync::atomic::Ordering};

use ait_app::upgrades::record::ProtocolVersion;
use ait_store::StoreError;

use super::Consensus;
use crate::{halt::Halt, stored::HistoryKept};

impl Consensus {
    /// Keeps only the last `blocks` blocks' transactions in the index, and lets CometBFT prune its
    /// blocks likewise, but never those that evidence may still name; 0 keeps all.
    pub fn keep_blocks(&self, blocks: u64) {
        self.kept_blocks.store(blocks, Ordering::Relaxed);
    }

    /// Keeps values of earlier heights on disk from now on, for queries.
    ///
    /// # Errors
    /// [`StoreError`] when the disk can't be read.
    pub fn keep_history(&self, kept: HistoryKept) -> Result<(), StoreError> {
        self.stored.keep_history(kept)
    }

    /// Halts before a block of a version of the protocol after `newest`, as a program does that does not know
    /// it, and after block `halt_height`, if there is one.
    ///
    /// # Errors
    /// [`Halt`] where that is now.
    pub fn halt_before(
        &self,
        newest: ProtocolVersion,
        halt_height: Option<NonZeroU64>,
    ) -> Result<(), Halt> {
        self.limits.follow_up_to(newest);
        self.limits
            .halt_after(halt_height.map_or(0, NonZeroU64::get));
        self.may_make_next()
    }

    /// Whether this node may make the block after the newest one.
    pub(crate) fn may_make_next(&self) -> Result<(), Halt> {
        match self.committed.newest() {
            Some(newest) => self.limits.check(&newest.state),
            None => Ok(()),
        }
    }

    /// The oldest block worth keeping after `height`, 0 for all: evidence may still name those of
    /// its age, and who restores a snapshot needs those behind it.
    pub(super) fn retain_height(&self, height: u64, evidence_age: u64) -> u64 {
        let kept = self.kept_blocks.load(Ordering::Relaxed);
        if kept == 0 {
            return 0;
        }
        let oldest = height.saturating_sub(kept.max(evidence_age));
        let oldest = oldest.saturating_add(1).min(height);
        let snapshot = self.snapshots.oldest();
        snapshot.map_or(oldest, |snapshot| oldest.min(snapshot))
    }
}
