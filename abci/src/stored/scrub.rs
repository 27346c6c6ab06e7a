//! Owns the slow reading of everything while the node runs: a disk that lost something is found before
//! anybody asks for it.

use std::sync::Arc;

use ait_app::{InvariantViolation, state::merkle::Hash};

use super::Stored;
use crate::{
    committed::Committed,
    fatal::{Stopper, Stopping},
};

/// Reads the last state from disk, some buckets at a time, and begins anew at its end.
pub struct Scrubber {
    committed: Arc<Committed>,
    stored: Arc<Stored>,
    stopper: Stopper,
    next: Hash,
}

impl Scrubber {
    pub(crate) fn new(committed: Arc<Committed>, stored: Arc<Stored>, stopper: Stopper) -> Self {
        Self {
            committed,
            stored,
            stopper,
            next: [0; 32],
        }
    }

    /// Reads the next buckets, past whatever is in memory. Gives how many there were: fewer at the end.
    ///
    /// # Errors
    /// [`Stopping`], with the node, when one is not what the app hash says.
    pub fn step(&mut self, buckets: usize) -> Result<usize, Stopping> {
        let read = self.read(buckets);
        read.map_err(|violation| self.stopper.stop(&violation))
    }

    fn read(&mut self, buckets: usize) -> Result<usize, InvariantViolation> {
        let Some(newest) = self.committed.newest() else {
            return Ok(0);
        };
        let source = self.stored.reader.at(newest.block.height);
        let tree = newest.state.tree();
        let mut read = 0_usize;
        let mut stubs = tree.buckets_from(&self.next);
        for stub in stubs.by_ref().take(buckets) {
            source.check(&stub)?;
            read = read.saturating_add(1);
        }
        self.next = stubs.next().map_or([0; 32], |stub| *stub.place.first());
        Ok(read)
    }
}
