//! Owns what a commit does to the pool: what is done, outdated, timed out or unknown to CometBFT
//! leaves, what the block touched is judged again in nonce order, and the limits over all senders are
//! held again. It costs what changed: the tests compare it with judging everything anew.

use ait_app::{
    Code, InvariantViolation, Refusal,
    address::Address,
    bank::record::Account,
    quantity::Nonce,
    state::{Key, State, Value, View},
    tx::Signatures,
};
use rayon::prelude::*;

use super::{
    Bench, Index, Judged, Pool, Queue, Turn, judge_all,
    pooled_tx::{PooledTx, Standing},
    replaced,
    touched::{Block, Touch},
};

/// Senders whose transactions are judged with one reading of the state.
const SENDERS_A_BENCH: usize = 64;

/// What became of a transaction at a commit, before any is judged.
pub(super) enum Fate {
    /// It stays.
    Held(PooledTx),
    /// It left, and the one that it had replaced is back.
    Revived(PooledTx),
    /// The block took it.
    Taken,
    /// CometBFT does not hold it.
    Lost,
}

impl Pool {
    /// Brings the pool to a newly committed state.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub fn commit(
        &mut self,
        state: &State,
        signatures: &(dyn Signatures + Sync),
        block: Block<'_>,
    ) -> Result<(), InvariantViolation> {
        debug_assert!(self.is_indexed(), "between two commits");
        let bench = Bench::new(state, signatures)?;
        let last_seen = self.close_generation();
        self.end_silent_envelopes(last_seen);
        let touched = self.touched(&bench, block, last_seen)?;
        let mut senders = Vec::with_capacity(touched.0.len());
        for (sender, touch) in touched.0 {
            let tail = self.retire(&bench, sender, touch, block, last_seen)?;
            senders.push((sender, tail));
        }
        for (sender, judged) in self.judge_senders(state, signatures, senders)? {
            for (entry, why) in judged.dropped {
                self.bury(&entry, &why);
            }
            self.put_tail(sender, judged.kept);
        }
        self.hold_limits(&bench)?;
        debug_assert!(self.is_indexed(), "after a commit");
        Ok(())
    }

    /// Begins the next generation, and says in which CometBFT must have presented what it holds: this one,
    /// or the one before, since CometBFT 0.40 rechecks while the next block is made.
    pub(super) fn close_generation(&mut self) -> u64 {
        let closing = self.generation;
        self.generation = closing.saturating_add(1);
        self.evictions = 0;
        closing.saturating_sub(1)
    }

    /// Takes out what is judged again of a touched sender; puts back what stands as it stood.
    fn retire(
        &mut self,
        bench: &Bench<'_>,
        sender: Address,
        mut touch: Touch,
        block: Block<'_>,
        last_seen: u64,
    ) -> Result<Vec<PooledTx>, InvariantViolation> {
        let mut held = Vec::new();
        let mut foretold = None;
        for entry in self.take_tail(&sender, touch.first()) {
            let nonce = entry.nonce();
            let left = account_left_by(&entry);
            match self.fate(entry, block, last_seen) {
                Fate::Held(entry) => held.push(entry),
                Fate::Revived(entry) => {
                    touch.judge_from(nonce);
                    held.push(entry);
                }
                Fate::Taken => foretold = left,
                Fate::Lost => touch.judge_from(nonce),
            }
        }
        let mut stays = Vec::new();
        // What the block took did to the account what was foretold, so those behind it stand as they stood.
        if let Some(foretold) = foretold
            && held
                .first()
                .is_none_or(|next| next.nonce() == foretold.nonce.next())
            && foretold == bench.base.account(&sender)?
        {
            let from = touch.from.unwrap_or(Nonce::MAX);
            let tail = held.partition_point(|entry| entry.nonce() < from);
            let tail = held.split_off(tail);
            stays = std::mem::replace(&mut held, tail);
        }
        let mut worth = None;
        for entry in &mut stays {
            let own = entry.own_worth();
            entry.worth = worth.map_or(own, |before| own.min(before));
            worth = Some(entry.worth);
        }
        self.put_tail(sender, stays);
        Ok(held)
    }

    /// An entry as CometBFT holds it, the one that it replaced in its stead, or none.
    pub(super) fn fate(&mut self, mut entry: PooledTx, block: Block<'_>, last_seen: u64) -> Fate {
        if let Some(older) = &entry.replaced
            && block.txs.contains(&older.hash())
        {
            entry.replaced = None;
        }
        if block.txs.contains(&entry.hash()) {
            if let Some(older) = &entry.replaced {
                self.bury(older, &replaced());
            }
            return Fate::Taken;
        }
        if self.is_held(&entry, last_seen) {
            // Once a recheck showed it, CometBFT keeps it and may forget what it replaced.
            if self.last_seen_of(&entry) > entry.since_generation
                && let Some(older) = entry.replaced.take()
            {
                self.bury(&older, &replaced());
            }
            return Fate::Held(entry);
        }
        let older = entry.replaced.take();
        let why = Refusal::new(Code::Dropped, "CometBFT's mempool did not keep it");
        self.bury(&entry, &why);
        match older {
            Some(mut older) if self.is_held(&older, last_seen) => {
                let envelope = older.envelope;
                older.envelope = envelope.filter(|envelope| self.envelopes.get(envelope).is_some());
                Fate::Revived(*older)
            }
            Some(older) => {
                self.bury(&older, &why);
                Fate::Lost
            }
            None => Fate::Lost,
        }
    }

    /// Whether CometBFT presented it lately enough, or is still to be offered it.
    fn is_held(&self, entry: &PooledTx, last_seen: u64) -> bool {
        entry.unoffered || self.last_seen_of(entry) >= last_seen
    }

    /// The limits over all senders: each of them alone was held to them when it was judged.
    pub(super) fn hold_limits(&mut self, bench: &Bench<'_>) -> Result<(), InvariantViolation> {
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

    /// Judges the transactions of each sender behind those that it has in the pool, many on all cores: what
    /// others have pending doesn't count.
    fn judge_senders(
        &self,
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
                    let before = self.queues.get(&sender).unwrap_or(&nothing);
                    let turn = Turn::after(&bench, &index, before);
                    judge_all(turn, entries).map(|judged| (sender, judged))
                };
                senders.into_iter().map(judge).collect()
            })
            .collect();
        Ok(chunks?.into_iter().flatten().collect())
    }
}

/// Its sender's account as a transaction leaves it; `None` where that is not known.
fn account_left_by(entry: &PooledTx) -> Option<Account> {
    if entry.status.standing() != Standing::Ready {
        return None;
    }
    let change = entry.effects.get(&Key::Account(entry.sender()))?;
    match change.as_deref() {
        Some(Value::Account(account)) => Some(account.clone()),
        _ => None,
    }
}
