//! Owns which transactions CometBFT must be offered again: its mempool ends with its process, while
//! what this node acknowledged stays in the pool, or was saved with it at a graceful stop.

use std::sync::Arc;

use ait_app::{
    InvariantViolation,
    tx::{TxHash, VerifiedTx},
};

use super::{Bench, Pool, Queue, limits};
use crate::records::Verdict;

impl Pool {
    /// Takes in a transaction that was saved at a stop, as CheckTx would; CometBFT is to be offered it.
    /// Why one is not kept is what the node says of it from then on.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub fn restore(
        &mut self,
        bench: &Bench<'_>,
        verified: Arc<VerifiedTx>,
        wire: Arc<[u8]>,
    ) -> Result<Verdict, InvariantViolation> {
        let (hash, sender) = (verified.hash, verified.tx.sender);
        let verdict = self.check(bench, verified, wire)?;
        if let Verdict::Refused(why) = &verdict {
            self.dropped
                .remember(hash, why.clone(), limits::MAX_DROPPED);
        } else if let Some(queue) = self.queues.get_mut(&sender) {
            for entry in queue.entries() {
                self.index.see(entry.last_seen(), None);
            }
            queue.offer_again();
            self.has_unoffered = true;
        }
        Ok(verdict)
    }

    /// CometBFT began anew and holds nothing: all of it is to be offered.
    pub fn offer_again(&mut self) {
        self.queues.values_mut().for_each(Queue::offer_again);
        self.index.see_none();
        self.envelopes.forget_held();
        self.has_unoffered = true;
    }

    /// What is to be offered, each sender's nonces in sequence; then what is left of envelopes that were not
    /// kept.
    pub fn unoffered(&mut self) -> Vec<(TxHash, Arc<[u8]>)> {
        if !self.has_unoffered {
            return Vec::new();
        }
        let entries = self.queues.values().flat_map(Queue::entries);
        let pending = entries.filter(|entry| entry.unoffered);
        let pending = pending.map(|entry| (entry.hash(), &entry.wire));
        let handed = self.envelopes.handed();
        let all = pending.chain(handed.map(|(hash, wire)| (*hash, wire)));
        let all: Vec<_> = all.map(|(hash, wire)| (hash, wire.clone())).collect();
        self.has_unoffered = !all.is_empty();
        all
    }

    /// Whether a transaction is still to be offered.
    pub fn is_unoffered(&self, hash: &TxHash) -> bool {
        let is_pending = self.find(hash).is_some_and(|entry| entry.unoffered);
        is_pending || self.envelopes.is_handed(hash)
    }

    /// CometBFT was offered it. Unless it presents it from here on, it does not hold it.
    pub fn offered(&mut self, hash: &TxHash) {
        self.envelopes.was_handed(hash);
        self.seen_again(hash);
    }

    /// The wire bytes of everything in it, each sender's nonces in sequence.
    pub fn wires(&self) -> Vec<Vec<u8>> {
        let entries = self.queues.values().flat_map(Queue::entries);
        entries.map(|entry| entry.wire.to_vec()).collect()
    }
}
