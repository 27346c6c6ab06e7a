//! Owns the counts and orders over all senders' pending transactions. It holds nothing that the
//! queues don't, and is changed only where they are.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use ait_app::{address::Address, quantity::Nonce, tx::TxHash};

use super::{
    contests::Contest,
    pooled_tx::{EscrowId, PooledTx, Rank, Status},
    worth::Worth,
};

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
    parked: usize,
    /// Claims that wait, and what stands behind them.
    waiting: usize,
    waiting_of_escrow: BTreeMap<EscrowId, usize>,
    waiters: BTreeSet<Waiter>,
    tails: BTreeSet<Tail>,
    contests: BTreeMap<Contest, BTreeMap<Address, BTreeSet<Nonce>>>,
}

impl Index {
    /// Takes in a sender's transaction, and what it replaced.
    pub fn add(&mut self, entry: &PooledTx) {
        let (sender, nonce) = (entry.sender(), entry.nonce());
        for held in entry.with_replaced() {
            self.places.insert(held.hash(), (sender, nonce));
            self.bytes = self.bytes.saturating_add(held.wire.len());
        }
        self.parked = self.parked.saturating_add(usize::from(entry.is_parked()));
        self.waiting = self.waiting.saturating_add(usize::from(entry.is_waiting()));
        if let Status::Waiting(wait) = &entry.status {
            self.waiters.insert(waiter(entry, wait.rank));
            let count = self
                .waiting_of_escrow
                .entry(wait.escrow.clone())
                .or_default();
            *count = count.saturating_add(1);
        }
        if let Some(contest) = entry.contest() {
            let holders = self.contests.entry(contest).or_default();
            holders.entry(sender).or_default().insert(nonce);
        }
    }

    /// Lets go of a transaction and of what it replaced.
    pub fn remove(&mut self, entry: &PooledTx) {
        let (sender, nonce) = (entry.sender(), entry.nonce());
        for held in entry.with_replaced() {
            self.places.remove(&held.hash());
            self.bytes = self.bytes.saturating_sub(held.wire.len());
        }
        self.parked = self.parked.saturating_sub(usize::from(entry.is_parked()));
        self.waiting = self.waiting.saturating_sub(usize::from(entry.is_waiting()));
        if let Status::Waiting(wait) = &entry.status {
            self.waiters.remove(&waiter(entry, wait.rank));
            if let Some(count) = self.waiting_of_escrow.get_mut(&wait.escrow) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.waiting_of_escrow.remove(&wait.escrow);
                }
            }
        }
        if let Some(contest) = entry.contest() {
            self.leave(contest, sender, nonce);
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
        if holders.is_empty() {
            self.contests.remove(&contest);
        }
    }

    /// Notes which transaction is the last of its sender's.
    pub fn add_tail(&mut self, last: Option<&PooledTx>) {
        self.tails.extend(last.map(tail));
    }

    /// It is no longer the last.
    pub fn remove_tail(&mut self, last: Option<&PooledTx>) {
        if let Some(last) = last {
            self.tails.remove(&tail(last));
        }
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
        self.parked
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
    pub fn crowded(&self) -> Vec<Contest> {
        let crowded =
            |(contest, holders): &(&Contest, &BTreeMap<_, _>)| holders.len() > contest.places();
        let contests = self.contests.iter().filter(crowded);
        contests.map(|(contest, _)| contest.clone()).collect()
    }
}

fn tail(entry: &PooledTx) -> Tail {
    (entry.worth, Reverse(entry.arrival), entry.sender())
}

fn waiter(entry: &PooledTx, rank: Rank) -> Waiter {
    (rank, Reverse(entry.arrival), entry.sender(), entry.nonce())
}
