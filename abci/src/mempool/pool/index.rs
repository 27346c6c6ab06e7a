//! Owns the counts and orders over all senders' pending transactions. It holds nothing that the
//! queues don't, and is changed only where they are.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use ait_app::{
    address::Address,
    quantity::{Height, Nonce},
    tx::TxHash,
};

use super::{
    contests::Contest,
    limits,
    pooled_tx::{EscrowId, PooledTx, Rank, Status},
    queue::Queue,
    readers::Readers,
    sightings::Sightings,
    worth::Worth,
};

/// The next transaction of a sender that a block may take: the highest fee a byte last, of equals the
/// earliest.
pub type Head = (Worth, Reverse<u64>, Address, Nonce);

/// A parked transaction among all of them: the one that was parked first, of equals the one that came first.
pub type Parked = (Height, u64, Address, Nonce);

/// The last transaction of a run among all of them: the one that is worth least first, of equals the
/// one that came last.
pub type Tail = (Worth, Reverse<u64>, Address);

/// A waiting claim among all of them: the one with the least right to its place first, of equals the
/// one that came last.
pub type Waiter = (Rank, Reverse<u64>, Address, Nonce);

/// Counts and orders.
#[derive(Default, PartialEq, Eq)]
pub struct Index {
    /// Where each transaction stands; also those that a replacement has not yet displaced.
    places: HashMap<TxHash, (Address, Nonce)>,
    bytes: usize,
    parked: BTreeSet<Parked>,
    /// Claims that wait, and what stands behind them.
    waiting: usize,
    waiting_of_escrow: BTreeMap<EscrowId, usize>,
    /// Escrows with more waiting claims than may wait.
    crowded_escrows: BTreeSet<EscrowId>,
    waiters: BTreeSet<Waiter>,
    heads: BTreeSet<Head>,
    tails: BTreeSet<Tail>,
    contests: BTreeMap<Contest, BTreeMap<Address, BTreeSet<Nonce>>>,
    /// Those with more senders than places.
    crowded: BTreeSet<Contest>,
    /// Transactions that have replaced others which may revive.
    replacements: BTreeSet<(Address, Nonce)>,
    readers: Readers,
    sightings: Sightings,
    envelopes: HashMap<TxHash, Members>,
}

/// What is pending of an envelope.
#[derive(Default, PartialEq, Eq)]
struct Members {
    places: BTreeSet<(Address, Nonce)>,
    bytes: usize,
}

impl Index {
    /// Takes in a sender's transaction, and what it replaced.
    pub fn add(&mut self, entry: &PooledTx) {
        let (sender, nonce) = (entry.sender(), entry.nonce());
        for held in entry.with_replaced() {
            self.places.insert(held.hash(), (sender, nonce));
            self.bytes = self.bytes.saturating_add(held.wire.len());
        }
        if entry.replaced.is_some() {
            self.replacements.insert((sender, nonce));
        }
        if entry.is_parked() {
            self.parked.insert(parked(entry));
        }
        self.waiting = self.waiting.saturating_add(usize::from(entry.is_waiting()));
        if let Status::Waiting(wait) = &entry.status {
            self.waiters.insert(waiter(entry, wait.rank));
            self.count_waiting(&wait.escrow, |count| count.saturating_add(1));
        }
        if let Some(contest) = entry.contest() {
            let holders = self.contests.entry(contest.clone()).or_default();
            holders.entry(sender).or_default().insert(nonce);
            if holders.len() > contest.places() {
                self.crowded.insert(contest);
            }
        }
        self.readers.add(entry);
        self.sightings.add(entry.last_seen());
        if let Some(envelope) = entry.envelope {
            let members = self.envelopes.entry(envelope).or_default();
            members.places.insert((sender, nonce));
            members.bytes = members.bytes.saturating_add(entry.wire.len());
        }
    }

    /// Lets go of a transaction and of what it replaced.
    pub fn remove(&mut self, entry: &PooledTx) {
        let (sender, nonce) = (entry.sender(), entry.nonce());
        for held in entry.with_replaced() {
            self.places.remove(&held.hash());
            self.bytes = self.bytes.saturating_sub(held.wire.len());
        }
        self.replacements.remove(&(sender, nonce));
        if entry.is_parked() {
            self.parked.remove(&parked(entry));
        }
        self.waiting = self.waiting.saturating_sub(usize::from(entry.is_waiting()));
        if let Status::Waiting(wait) = &entry.status {
            self.waiters.remove(&waiter(entry, wait.rank));
            self.count_waiting(&wait.escrow, |count| count.saturating_sub(1));
        }
        if let Some(contest) = entry.contest() {
            self.leave(contest, sender, nonce);
        }
        self.readers.remove(entry);
        self.sightings.remove(entry.last_seen());
        if let Some(envelope) = entry.envelope
            && let Some(members) = self.envelopes.get_mut(&envelope)
        {
            members.places.remove(&(sender, nonce));
            members.bytes = members.bytes.saturating_sub(entry.wire.len());
            if members.places.is_empty() {
                self.envelopes.remove(&envelope);
            }
        }
    }

    /// Bytes of what is pending of an envelope's own.
    pub fn bytes_of(&self, envelope: &TxHash) -> usize {
        let members = self.envelopes.get(envelope);
        members.map_or(0, |members| members.bytes)
    }

    /// Lets go of an envelope, and says what is pending of its own.
    pub fn end_envelope(&mut self, envelope: &TxHash) -> BTreeSet<(Address, Nonce)> {
        let members = self.envelopes.remove(envelope);
        members.map(|members| members.places).unwrap_or_default()
    }

    fn count_waiting(&mut self, escrow: &EscrowId, change: impl FnOnce(usize) -> usize) {
        let count = change(self.waiting_of(escrow));
        if count == 0 {
            self.waiting_of_escrow.remove(escrow);
        } else {
            self.waiting_of_escrow.insert(escrow.clone(), count);
        }
        if count > limits::MAX_WAITING_OF_ESCROW {
            self.crowded_escrows.insert(escrow.clone());
        } else {
            self.crowded_escrows.remove(escrow);
        }
    }

    fn leave(&mut self, contest: Contest, sender: Address, nonce: Nonce) {
        let Some(holders) = self.contests.get_mut(&contest) else {
            return;
        };
        if let Some(nonces) = holders.get_mut(&sender) {
            nonces.remove(&nonce);
            if nonces.is_empty() {
                holders.remove(&sender);
            }
        }
        if holders.len() <= contest.places() {
            self.crowded.remove(&contest);
        }
        if holders.is_empty() {
            self.contests.remove(&contest);
        }
    }

    /// Notes which transactions are the first and the last of their sender's.
    pub fn add_ends(&mut self, queue: &Queue) {
        self.heads.extend(queue.next_ready().map(head));
        self.tails.extend(queue.last().map(tail));
    }

    /// They no longer are.
    pub fn remove_ends(&mut self, queue: &Queue) {
        if let Some(first) = queue.next_ready() {
            self.heads.remove(&head(first));
        }
        if let Some(last) = queue.last() {
            self.tails.remove(&tail(last));
        }
    }

    /// CometBFT presented a transaction again.
    pub fn see(&mut self, before: Option<u64>, now: Option<u64>) {
        self.sightings.remove(before);
        self.sightings.add(now);
    }

    /// CometBFT holds none of them, and no envelope.
    pub fn see_none(&mut self) {
        self.sightings = Sightings::default();
        self.envelopes.clear();
    }

    /// How many transactions CometBFT has not presented since this generation.
    pub fn unseen_since(&self, generation: u64) -> usize {
        self.sightings.before(generation)
    }

    /// Who must be judged again when something changes.
    pub fn readers(&self) -> &Readers {
        &self.readers
    }

    /// Transactions that have replaced others which may revive.
    pub fn replacements(&self) -> impl Iterator<Item = &(Address, Nonce)> {
        self.replacements.iter()
    }

    /// The next transaction of each sender that a block may take.
    pub fn heads(&self) -> impl DoubleEndedIterator<Item = &Head> {
        self.heads.iter()
    }

    /// Every parked transaction, the one that was parked first first.
    pub fn all_parked(&self) -> impl Iterator<Item = &Parked> {
        self.parked.iter()
    }

    /// Whether more claims wait than may, on one escrow or in all.
    pub fn too_many_wait(&self) -> bool {
        self.waiting > limits::MAX_WAITING || !self.crowded_escrows.is_empty()
    }

    /// Where a transaction stands.
    pub fn place(&self, hash: &TxHash) -> Option<(Address, Nonce)> {
        self.places.get(hash).copied()
    }

    /// All transactions, those included that a replacement has not yet displaced.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Their bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Parked ones.
    pub fn parked(&self) -> usize {
        self.parked.len()
    }

    /// Claims that wait, and what stands behind them.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Claims on an escrow that wait.
    pub fn waiting_of(&self, escrow: &EscrowId) -> usize {
        self.waiting_of_escrow.get(escrow).copied().unwrap_or(0)
    }

    /// Every waiting claim, the one with the least right to its place first.
    pub fn waiters(&self) -> impl DoubleEndedIterator<Item = &Waiter> {
        self.waiters.iter()
    }

    /// The last transaction of each sender, the one that is worth least first.
    pub fn tails(&self) -> impl Iterator<Item = &Tail> {
        self.tails.iter()
    }

    /// Who competes for the same, and with which nonces.
    pub fn rivals(&self, contest: &Contest) -> impl Iterator<Item = (&Address, &BTreeSet<Nonce>)> {
        self.contests.get(contest).into_iter().flatten()
    }

    /// Contests with more senders than places.
    pub fn crowded(&self) -> impl Iterator<Item = &Contest> {
        self.crowded.iter()
    }
}

/// The place of a transaction among those that a block may take next.
pub fn head(entry: &PooledTx) -> Head {
    let arrival = Reverse(entry.arrival);
    (entry.own_worth(), arrival, entry.sender(), entry.nonce())
}

fn parked(entry: &PooledTx) -> Parked {
    (entry.since, entry.arrival, entry.sender(), entry.nonce())
}

fn tail(entry: &PooledTx) -> Tail {
    (entry.worth, Reverse(entry.arrival), entry.sender())
}

fn waiter(entry: &PooledTx, rank: Rank) -> Waiter {
    (rank, Reverse(entry.arrival), entry.sender(), entry.nonce())
}
