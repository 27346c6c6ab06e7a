//! Owns the application's own pool (SPEC section 3, CheckTx and proposals): each sender's pending
//! transactions by nonce. CometBFT gossips transactions and keeps its own list; this pool decides
//! which of them are proposed, and answers rechecks from what it decided at the last commit.
//!
//! `queue` judges one sender's run of nonces, `limits` says how much is kept, `propose` builds
//! blocks, `attestations` matches waiting claims with their coordinators' answers.

mod attestations;
pub mod limits;
mod propose;
mod queue;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use ait_app::{
    Broken, Refusal,
    address::Address,
    code::Code,
    state::{Key, State},
    tx::{TxHash, VerifiedTx},
};
use queue::{Entry, Queue, Row, Status};

use crate::records::{PendingTx, PoolStats, Verdict};

/// Pending transactions of all senders, judged on the committed state of one height.
#[derive(Default)]
pub struct Pool {
    queues: BTreeMap<Address, Queue>,
    /// Where each pending transaction stands; also those that a replacement has not yet displaced.
    by_hash: HashMap<TxHash, (Address, u64)>,
    /// What left the pool at the last commits and why, for the rechecks that still ask.
    dropped: HashMap<TxHash, (Refusal, u64)>,
    /// Commits seen: the pool's own clock.
    generation: u64,
    /// Transactions received, for their order of arrival.
    arrivals: u64,
    bytes: usize,
    parked: usize,
    /// Claims that wait for their coordinator, by escrow.
    waiting: BTreeMap<Key, usize>,
}

impl Pool {
    /// CheckTx of a transaction whose encoding and signature hold: keeps it or says why not.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn check(
        &mut self,
        state: &State,
        verified: Arc<VerifiedTx>,
        wire: Arc<[u8]>,
    ) -> Result<Verdict, Broken> {
        let hash = verified.hash;
        if let Some(verdict) = self.seen_again(&hash) {
            return Ok(verdict);
        }
        if let Some(refusal) = self.no_room(&verified, &wire) {
            return Ok(Verdict::Refused(refusal));
        }
        let (sender, nonce) = (verified.tx.sender, verified.tx.nonce);
        self.arrivals = self.arrivals.saturating_add(1);
        let entry = Entry::new(
            verified,
            wire,
            self.arrivals,
            self.generation,
            state.height(),
        );
        let mut queue = self.take_out(&sender);
        let verdict = queue.insert(state, entry)?;
        let verdict = match verdict {
            Verdict::Ready | Verdict::Refused(_) => verdict,
            kept => match self.over_limit(&queue, nonce) {
                Some(refusal) => {
                    queue.withdraw(state, nonce)?;
                    Verdict::Refused(refusal)
                }
                None => kept,
            },
        };
        self.put_back(sender, queue);
        Ok(verdict)
    }

    /// What [`Pool::check`] would say, keeping nothing.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn preview(
        &self,
        state: &State,
        verified: Arc<VerifiedTx>,
        wire: Arc<[u8]>,
    ) -> Result<Verdict, Broken> {
        if let Some((sender, nonce)) = self.by_hash.get(&verified.hash) {
            let entry = self.queues.get(sender).and_then(|queue| queue.get(*nonce));
            return Ok(entry.map_or(Verdict::Ready, Entry::verdict));
        }
        if let Some(refusal) = self.no_room(&verified, &wire) {
            return Ok(Verdict::Refused(refusal));
        }
        let mut queue = self
            .queues
            .get(&verified.tx.sender)
            .cloned()
            .unwrap_or_default();
        let entry = Entry::new(verified, wire, 0, self.generation, state.height());
        queue.insert(state, entry)
    }

    /// Recheck: what the last commit decided of a transaction; `None` for one the pool doesn't know.
    pub fn recheck(&mut self, hash: &TxHash) -> Option<Verdict> {
        if let Some(verdict) = self.seen_again(hash) {
            return Some(verdict);
        }
        self.dropped
            .get(hash)
            .map(|(refusal, _)| Verdict::Refused(refusal.clone()))
    }

    /// Rebuilds the pool on a newly committed state: what is done, outdated, timed out or unknown to
    /// CometBFT leaves, the rest is judged anew in nonce order.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn commit(&mut self, state: &State) -> Result<(), Broken> {
        let closing = self.generation;
        self.generation = closing.saturating_add(1);
        self.dropped
            .retain(|_, (_, generation)| generation.saturating_add(2) > closing);
        let senders: Vec<Address> = self.queues.keys().copied().collect();
        for sender in senders {
            let mut queue = self.take_out(&sender);
            // Not presented since the commit before the last: CometBFT doesn't hold it. One more
            // round of patience, since CometBFT 0.40 rechecks while the next block is made.
            queue.forget_unseen(closing.saturating_sub(1));
            for (hash, refusal) in queue.rejudge(state)? {
                self.dropped.insert(hash, (refusal, self.generation));
            }
            self.put_back(sender, queue);
        }
        Ok(())
    }

    /// A pending transaction.
    pub fn pending(&self, hash: &TxHash) -> Option<PendingTx> {
        let (sender, nonce) = self.by_hash.get(hash)?;
        let entry = self.queues.get(sender)?.find(*nonce, hash)?;
        Some(PendingTx {
            wire: entry.wire.clone(),
            waits_for_attestation: matches!(entry.status, Status::Waiting),
            parked: matches!(entry.status, Status::Parked(_)),
        })
    }

    /// The nonce after `committed` and the sender's pending ones that follow it in sequence.
    pub fn next_nonce(&self, sender: &Address, committed: u64) -> u64 {
        let first = committed.saturating_add(1);
        let Some(queue) = self.queues.get(sender) else {
            return first;
        };
        let run = queue.entries().zip(first..);
        let in_sequence = run
            .take_while(|(entry, nonce)| entry.verified.tx.nonce == *nonce && !entry.is_parked());
        in_sequence
            .last()
            .map_or(first, |(_, nonce)| nonce.saturating_add(1))
    }

    /// How full it is.
    pub fn stats(&self) -> PoolStats {
        PoolStats {
            transactions: self.by_hash.len(),
            parked: self.parked,
            waiting_for_attestation: self.waiting.values().sum(),
            bytes: self.bytes,
        }
    }

    /// The wire bytes of everything in it, each sender's nonces in sequence.
    pub fn wires(&self) -> Vec<Vec<u8>> {
        let entries = self.queues.values().flat_map(Queue::entries);
        entries.map(|entry| entry.wire.to_vec()).collect()
    }

    /// CometBFT presents a transaction that is here already.
    fn seen_again(&mut self, hash: &TxHash) -> Option<Verdict> {
        let (sender, nonce) = self.by_hash.get(hash)?;
        let entry = self.queues.get_mut(sender)?.find_mut(*nonce, hash)?;
        entry.seen = self.generation;
        Some(entry.verdict())
    }

    /// Takes a sender's queue out to change it, and out of every count.
    fn take_out(&mut self, sender: &Address) -> Queue {
        let queue = self.queues.remove(sender).unwrap_or_default();
        for row in queue.index() {
            self.by_hash.remove(&row.hash);
            self.bytes = self.bytes.saturating_sub(row.bytes);
            self.parked = self.parked.saturating_sub(usize::from(row.parked));
            if let Some(escrow) = row.waits_for
                && let Some(count) = self.waiting.get_mut(&escrow)
            {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.waiting.remove(&escrow);
                }
            }
        }
        queue
    }

    /// Takes a changed queue back in, and into every count.
    fn put_back(&mut self, sender: Address, queue: Queue) {
        for row in queue.index() {
            let Row {
                hash,
                nonce,
                bytes,
                parked,
                waits_for,
            } = row;
            self.by_hash.insert(hash, (sender, nonce));
            self.bytes = self.bytes.saturating_add(bytes);
            self.parked = self.parked.saturating_add(usize::from(parked));
            if let Some(escrow) = waits_for {
                let count = self.waiting.entry(escrow).or_default();
                *count = count.saturating_add(1);
            }
        }
        if !queue.is_empty() {
            self.queues.insert(sender, queue);
        }
    }

    fn no_room(&self, verified: &VerifiedTx, wire: &[u8]) -> Option<Refusal> {
        let full = self.by_hash.len() >= limits::MAX_TRANSACTIONS
            || self.bytes.saturating_add(wire.len()) > limits::MAX_BYTES;
        let replaces = self
            .queues
            .get(&verified.tx.sender)
            .is_some_and(|queue| queue.get(verified.tx.nonce).is_some());
        (full && !replaces).then(|| {
            Refusal::new(
                Code::PoolFull,
                format!(
                    "the node's pool is full: {} transactions of {}, {} bytes of {}",
                    self.by_hash.len(),
                    limits::MAX_TRANSACTIONS,
                    self.bytes,
                    limits::MAX_BYTES
                ),
            )
        })
    }

    /// What keeps a parked or waiting transaction, already in its sender's `queue` (which is taken
    /// out), out after all.
    fn over_limit(&self, queue: &Queue, nonce: u64) -> Option<Refusal> {
        let entry = queue.get(nonce)?;
        let rows = queue.index();
        match &entry.status {
            Status::Ready => None,
            Status::Parked(why) => {
                let own = rows.iter().filter(|row| row.parked).count();
                let all = self.parked.saturating_add(own);
                let why = &why.message;
                above(own, limits::MAX_PARKED_OF_SENDER, || {
                    format!("{why}; the transactions of this sender that wait for such a cause are")
                })
                .or_else(|| {
                    above(all, limits::MAX_PARKED, || {
                        format!("{why}; the node's transactions that wait for such a cause are")
                    })
                })
            }
            Status::Waiting => {
                let escrow = entry.claimed_escrow()?;
                let own = rows.iter().filter_map(|row| row.waits_for.as_ref());
                let same = own.clone().filter(|key| **key == escrow).count();
                let same = same.saturating_add(self.waiting.get(&escrow).copied().unwrap_or(0));
                let all = self.waiting.values().sum::<usize>();
                let all = all.saturating_add(own.count());
                above(same, limits::MAX_WAITING_OF_ESCROW, || {
                    "the claims on this escrow that wait for its coordinator are".into()
                })
                .or_else(|| {
                    above(all, limits::MAX_WAITING, || {
                        "the claims that wait for coordinators are".into()
                    })
                })
            }
        }
    }
}

fn above(count: usize, limit: usize, what: impl Fn() -> String) -> Option<Refusal> {
    (count > limit).then(|| Refusal::new(Code::PoolFull, format!("{} {limit}, the limit", what())))
}
