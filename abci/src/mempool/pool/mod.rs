//! Owns the application's own pool (PROTOCOL section 3, CheckTx and proposals): each sender's pending
//! transactions by nonce. CometBFT gossips transactions and keeps its own list; this pool decides
//! which of them are proposed, and answers rechecks from what it decided at the last commit.
//!
//! `pooled_tx` is a pending transaction, `queue` a sender's, `index` all of them. `judge` says how one
//! stands, `turn` how a run of them does, with the limits of each judgement. A newcomer is `plan`ned
//! first and kept then: `contests`, `seats` and `room` say whose place it may take, `limits` says how much
//! is kept. A `commit` judges again what the block `touched`: `reads` is what a judgement was made of,
//! `readers` who made one of what. `propose` builds blocks, `attestations` matches waiting claims with
//! their coordinators' answers, `offers` knows what CometBFT must be given again, `sightings` what it
//! presented when.

mod attestations;
mod building;
mod commit;
mod contests;
mod dropped;
mod envelopes;
mod index;
mod journal;
mod judge;
mod keeping;
pub mod limits;
mod offers;
mod plan;
mod pooled_tx;
mod propose;
mod queue;
mod readers;
mod reads;
mod room;
mod run;
mod seats;
mod sightings;
mod touched;
mod turn;
mod worth;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use ait_app::{
    Code, InvariantViolation, Refusal,
    address::Address,
    quantity::Nonce,
    tx::{TxHash, VerifiedTx},
};
use dropped::Dropped;
use envelopes::Envelopes;
pub use envelopes::{Line, OfEnvelope};
use index::Index;
use journal::Journal;
pub use judge::Bench;
pub use keeping::{Keeping, Kept};
use pooled_tx::PooledTx;
use queue::Queue;
pub use touched::Block;
use touched::Ground;
use turn::Turn;

use crate::records::{PendingTx, PoolStats, Verdict};

/// Pending transactions of all senders, judged on the committed state of one height.
#[derive(Default)]
pub struct Pool {
    queues: BTreeMap<Address, Queue>,
    index: Index,
    dropped: Dropped,
    keeping: Keeping,
    /// Commits seen: the pool's own clock.
    generation: u64,
    /// Transactions received, for their order of arrival.
    arrivals: u64,
    /// Transactions pushed out of a full pool since the last commit.
    evictions: usize,
    /// Senders of what the last proposals left out: the next commit judges them again.
    left_out: BTreeSet<Address>,
    /// The sender from which on the next commit looks for what time may have changed.
    sweep: Option<Address>,
    /// How many senders it looks at.
    swept_senders: usize,
    /// What of the consensus record transactions depend on, as of the last commit.
    ground: Option<Ground>,
    envelopes: Envelopes,
    /// Whether there is more to offer to CometBFT than when it was last asked.
    has_unoffered: bool,
    /// While what is done may have to be taken back.
    journal: Option<Journal>,
}

impl Pool {
    /// An empty pool; who may replace nothing in it is said through `keeping`.
    pub fn new(keeping: Keeping) -> Self {
        Self {
            keeping,
            swept_senders: touched::SWEPT_SENDERS,
            ..Self::default()
        }
    }

    /// CheckTx of a transaction whose encoding and signature hold: keeps it or says why not.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub fn check(
        &mut self,
        bench: &Bench<'_>,
        verified: Arc<VerifiedTx>,
        wire: Arc<[u8]>,
    ) -> Result<Verdict, InvariantViolation> {
        if let Some(verdict) = self.seen_again(&verified.hash) {
            return Ok(verdict);
        }
        let entry = self.newcomer(bench, verified, wire);
        self.keep(bench, entry)
    }

    /// Keeps a newcomer or says why not.
    fn keep(
        &mut self,
        bench: &Bench<'_>,
        mut entry: PooledTx,
    ) -> Result<Verdict, InvariantViolation> {
        self.arrivals = self.arrivals.saturating_add(1);
        entry.arrival = self.arrivals;
        match self.plan(bench, entry)? {
            Ok(plan) => self.carry_out(bench, plan),
            Err(refusal) => Ok(Verdict::Refused(refusal)),
        }
    }

    /// What [`Pool::check`] would say; leaves everything as it was.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub fn preview(
        &mut self,
        bench: &Bench<'_>,
        verified: Arc<VerifiedTx>,
        wire: Arc<[u8]>,
    ) -> Result<Verdict, InvariantViolation> {
        if let Some(entry) = self.find(&verified.hash) {
            return Ok(entry.verdict());
        }
        let entry = self.newcomer(bench, verified, wire);
        match self.plan(bench, entry)? {
            Ok(plan) => Ok(self.call_off(plan)),
            Err(refusal) => Ok(Verdict::Refused(refusal)),
        }
    }

    /// Recheck: what the last commit decided of a transaction; `None` for one the pool doesn't know.
    pub fn recheck(&mut self, hash: &TxHash) -> Option<Verdict> {
        if let Some(verdict) = self.seen_again(hash) {
            return Some(verdict);
        }
        self.dropped.reason(hash).cloned().map(Verdict::Refused)
    }

    /// A pending transaction.
    pub fn pending(&self, hash: &TxHash) -> Option<PendingTx> {
        self.find(hash).map(PooledTx::pending)
    }

    /// Whether a transaction is pending.
    pub fn has(&self, hash: &TxHash) -> bool {
        self.find(hash).is_some()
    }

    /// Why a transaction that was accepted left the pool without being committed, if it is one of the
    /// last 100,000 that did.
    pub fn dropped(&self, hash: &TxHash) -> Option<&Refusal> {
        self.dropped.reason(hash)
    }

    /// The nonce after `committed` and the sender's pending ones that follow it in sequence.
    pub fn next_nonce(&self, sender: &Address, committed: Nonce) -> Nonce {
        let mut next = committed.next();
        let entries = self.queues.get(sender).map(Queue::entries);
        for entry in entries.into_iter().flatten() {
            if entry.nonce() != next || entry.is_parked() {
                break;
            }
            next = next.next();
        }
        next
    }

    /// How full it is.
    pub fn stats(&self) -> PoolStats {
        PoolStats {
            transactions: self.index.len(),
            parked: self.index.parked(),
            waiting_for_attestation: self.index.waiting(),
            bytes: self.index.bytes(),
        }
    }

    /// Whether the index says of the queues what is true.
    fn is_indexed(&self) -> bool {
        let mut index = Index::default();
        for queue in self.queues.values() {
            queue.entries().for_each(|entry| index.add(entry));
            index.add_ends(queue);
        }
        index == self.index
    }

    fn newcomer(&self, bench: &Bench<'_>, verified: Arc<VerifiedTx>, wire: Arc<[u8]>) -> PooledTx {
        let height = bench.state().height();
        PooledTx::new(verified, wire, self.arrivals, self.generation, height)
    }

    fn find(&self, hash: &TxHash) -> Option<&PooledTx> {
        let (sender, nonce) = self.index.place(hash)?;
        self.queues.get(&sender)?.find(nonce, hash)
    }

    /// CometBFT presents a transaction that is here already.
    fn seen_again(&mut self, hash: &TxHash) -> Option<Verdict> {
        let (sender, nonce) = self.index.place(hash)?;
        let queue = self.queues.get_mut(&sender)?;
        let before = queue.get(nonce)?.last_seen();
        let verdict = queue.see(nonce, hash, self.generation)?.verdict();
        let now = queue.get(nonce)?.last_seen();
        if now != before {
            self.index.see(before, now);
        }
        Some(verdict)
    }

    /// Takes a sender's transactions from a nonce on out of the pool.
    fn take_tail(&mut self, sender: &Address, nonce: Nonce) -> Vec<PooledTx> {
        self.note_queue(sender);
        let Some(queue) = self.queues.get_mut(sender) else {
            return Vec::new();
        };
        self.index.remove_ends(queue);
        let tail = queue.split_off(nonce);
        for entry in &tail {
            self.index.remove(entry);
        }
        self.index.add_ends(queue);
        if queue.is_empty() {
            self.queues.remove(sender);
        }
        tail
    }

    /// Appends judged transactions to their sender's.
    fn put_tail(&mut self, sender: Address, tail: Vec<PooledTx>) {
        if tail.is_empty() {
            return;
        }
        self.note_queue(&sender);
        let queue = self.queues.entry(sender).or_default();
        self.index.remove_ends(queue);
        for entry in tail {
            self.index.add(&entry);
            queue.push(entry);
        }
        self.index.add_ends(queue);
    }

    /// Judges a sender's transactions behind those it has in the pool, and keeps what holds.
    fn rejudge(
        &mut self,
        bench: &Bench<'_>,
        sender: Address,
        tail: Vec<PooledTx>,
    ) -> Result<(), InvariantViolation> {
        if tail.is_empty() {
            return Ok(());
        }
        let nothing = Queue::default();
        let queue = self.queues.get(&sender).unwrap_or(&nothing);
        let judged = judge_all(Turn::after(bench, &self.index, queue), tail)?;
        self.put_tail(sender, judged.kept);
        for (entry, why) in judged.dropped {
            self.bury(&entry, &why);
        }
        Ok(())
    }

    /// Remembers why a transaction left, and what it replaced with it.
    fn bury(&mut self, entry: &PooledTx, why: &Refusal) {
        for held in entry.with_replaced() {
            let why = if held.hash() == entry.hash() {
                why.clone()
            } else {
                replaced()
            };
            self.note_reason(&held.hash());
            self.dropped.remember(held.hash(), why, limits::MAX_DROPPED);
        }
    }
}

/// What became of transactions that were judged in a row.
#[derive(Default)]
struct Judged {
    kept: Vec<PooledTx>,
    dropped: Vec<(PooledTx, Refusal)>,
}

fn judge_all(
    mut turn: Turn<'_>,
    entries: impl IntoIterator<Item = PooledTx>,
) -> Result<Judged, InvariantViolation> {
    let mut judged = Judged::default();
    for mut entry in entries {
        match turn.judge(&mut entry, None)? {
            None => judged.kept.push(entry),
            Some(why) => judged.dropped.push((entry, why)),
        }
    }
    Ok(judged)
}

/// Why one that was replaced is gone.
fn replaced() -> Refusal {
    Refusal::new(
        Code::Dropped,
        "replaced by another transaction of its sender with the same nonce and a higher fee",
    )
}
