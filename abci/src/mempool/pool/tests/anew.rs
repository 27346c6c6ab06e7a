//! The reference: a commit that takes all senders' transactions out, judges every one of them again and
//! counts everything anew.

use ait_app::{
    InvariantViolation,
    state::State,
    tx::{Anew, TxHash},
};

use super::super::{
    Bench, Block, Index, Pool, Queue, Turn, commit::Fate, judge_all, pooled_tx::PooledTx,
};

impl Pool {
    /// As [`Pool::commit`], whatever the block changed.
    pub fn commit_anew(
        &mut self,
        state: &State,
        block: Block<'_>,
    ) -> Result<(), InvariantViolation> {
        let last_seen = self.close_generation();
        self.end_silent_envelopes(last_seen);
        let mut senders = Vec::new();
        for (sender, mut queue) in std::mem::take(&mut self.queues) {
            let mut held = Vec::new();
            for entry in queue.split_off(ait_app::quantity::Nonce::ZERO) {
                if let Fate::Held(entry) | Fate::Revived(entry) = self.fate(entry, block, last_seen)
                {
                    held.push(entry);
                }
            }
            senders.push((sender, held));
        }
        self.index = Index::default();
        let bench = Bench::new(state, &Anew)?;
        let (index, nothing) = (Index::default(), Queue::default());
        for (sender, held) in senders {
            let judged = judge_all(Turn::after(&bench, &index, &nothing), held)?;
            for (entry, why) in judged.dropped {
                self.bury(&entry, &why);
            }
            self.put_tail(sender, judged.kept);
        }
        self.hold_limits(&bench)
    }

    /// All that it says of each of its transactions, in the order of senders and nonces.
    pub fn said(&self) -> Vec<Said> {
        let entries = self.queues.values().flat_map(Queue::entries);
        entries.map(Said::of).collect()
    }
}

/// What a pool says of a transaction, and what it knows of it.
#[derive(Debug, PartialEq)]
pub struct Said {
    pub hash: TxHash,
    facts: String,
}

impl Said {
    fn of(entry: &PooledTx) -> Self {
        let replaced = entry.replaced.as_ref().map(|older| older.hash());
        Self {
            hash: entry.hash(),
            facts: format!(
                "{:?} worth {:?} since {} seen {} unoffered {} in {:?} attested {} replaced {replaced:?}",
                entry.status,
                entry.worth,
                entry.since,
                entry.seen,
                entry.unoffered,
                entry.envelope,
                entry.attestation.is_some(),
            ),
        }
    }
}
