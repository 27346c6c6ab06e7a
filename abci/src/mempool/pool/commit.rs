//! Owns what a commit does to the pool: what is done, outdated, timed out or unknown to CometBFT
//! leaves, the rest is judged anew in nonce order, and the limits over all senders are held again.

use std::collections::HashSet;

use ait_app::{
    Code, InvariantViolation, Refusal,
    address::Address,
    state::State,
    tx::{Signatures, TxHash},
};
use rayon::prelude::*;

use super::{Bench, Index, Judged, Pool, Queue, Turn, judge_all, pooled_tx::PooledTx, replaced};

/// Senders whose transactions are judged with one reading of the state.
const SENDERS_A_BENCH: usize = 64;

impl Pool {
    /// Rebuilds the pool on a newly committed state; `committed` are the block's transactions.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub fn commit(
        &mut self,
        state: &State,
        signatures: &(dyn Signatures + Sync),
        committed: &HashSet<TxHash>,
    ) -> Result<(), InvariantViolation> {
        debug_assert!(self.is_indexed(), "between two commits");
        let closing = self.generation;
        self.generation = closing.saturating_add(1);
        self.evictions = 0;
        let mut senders = Vec::with_capacity(self.queues.len());
        for (sender, queue) in std::mem::take(&mut self.queues) {
            // Not presented since the commit before the last: CometBFT doesn't hold it. One more
            // round of patience, since CometBFT 0.40 rechecks while the next block is made.
            let last_seen = closing.saturating_sub(1);
            let held: Vec<PooledTx> = queue
                .into_entries()
                .filter_map(|entry| self.held(entry, committed, last_seen))
                .collect();
            senders.push((sender, held));
        }
        self.index = Index::default();
        for (sender, judged) in judge_senders(state, signatures, senders)? {
            for (entry, why) in judged.dropped {
                self.bury(&entry, &why);
            }
            self.put_tail(sender, judged.kept);
        }
        let bench = Bench::new(state, signatures)?;
        self.hold_limits(&bench)?;
        debug_assert!(self.is_indexed(), "after a commit");
        Ok(())
    }

    /// An entry as CometBFT holds it, the one that it replaced in its stead, or none.
    fn held(
        &mut self,
        mut entry: PooledTx,
        committed: &HashSet<TxHash>,
        last_seen: u64,
    ) -> Option<PooledTx> {
        if let Some(older) = &entry.replaced
            && committed.contains(&older.hash())
        {
            entry.replaced = None;
        }
        if committed.contains(&entry.hash()) {
            if let Some(older) = &entry.replaced {
                self.bury(older, &replaced());
            }
            return None;
        }
        if entry.unoffered || entry.seen >= last_seen {
            // Once a recheck showed it, CometBFT keeps it and may forget what it replaced.
            if entry.seen > entry.since_generation
                && let Some(older) = entry.replaced.take()
            {
                self.bury(&older, &replaced());
            }
            return Some(entry);
        }
        let older = entry.replaced.take();
        let why = Refusal::new(Code::Dropped, "CometBFT's mempool did not keep it");
        self.bury(&entry, &why);
        let older = older?;
        if older.unoffered || older.seen >= last_seen {
            return Some(*older);
        }
        self.bury(&older, &why);
        None
    }

    /// The limits over all senders: each of them alone was held to them when it was judged.
    fn hold_limits(&mut self, bench: &Bench<'_>) -> Result<(), InvariantViolation> {
        self.expel(bench, self.crowded_out())?;
        self.expel(bench, self.waiting_too_many())?;
        for (sender, nonces) in self.parked_too_many() {
            let Some(first) = nonces.first() else {
                continue;
            };
            let why = Refusal::new(
                Code::TooManyParked,
                "more transactions wait for a nonce, a balance or an escrow than the node keeps",
            );
            // What stands behind a parked one is parked for its gap: nothing needs to be judged.
            let (gone, kept): (Vec<_>, Vec<_>) = self
                .take_tail(&sender, *first)
                .into_iter()
                .partition(|entry| nonces.contains(&entry.nonce()));
            self.put_tail(sender, kept);
            for entry in gone {
                self.bury(&entry, &why);
            }
        }
        Ok(())
    }
}

/// Judges the transactions of each sender, on all cores: what others have pending doesn't count.
fn judge_senders(
    state: &State,
    signatures: &(dyn Signatures + Sync),
    senders: Vec<(Address, Vec<PooledTx>)>,
) -> Result<Vec<(Address, Judged)>, InvariantViolation> {
    let chunks: Result<Vec<Vec<_>>, InvariantViolation> = senders
        .into_par_iter()
        .chunks(SENDERS_A_BENCH)
        .map(|senders| {
            let bench = Bench::new(state, signatures)?;
            let (index, nothing) = (Index::default(), Queue::default());
            let judge = |(sender, entries)| {
                let turn = Turn::after(&bench, &index, &nothing);
                judge_all(turn, entries).map(|judged| (sender, judged))
            };
            senders.into_iter().map(judge).collect()
        })
        .collect();
    Ok(chunks?.into_iter().flatten().collect())
}
