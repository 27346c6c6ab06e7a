//! Owns who must be judged again when something changes, or when time has passed: what the pool's
//! transactions read, and until when they may stand as they do.

use std::collections::{BTreeMap, BTreeSet};

use ait_app::{
    address::Address,
    quantity::{Height, Nonce},
};

use super::{
    limits,
    pooled_tx::{PooledTx, Status},
    reads::Fact,
};

/// Senders by what their transactions read, and transactions by when their time is up.
#[derive(Default, PartialEq, Eq)]
pub struct Readers {
    /// With how many of its sender's transactions read it.
    facts: BTreeMap<Fact, BTreeMap<Address, usize>>,
    deadlines: BTreeSet<(Height, Address, Nonce)>,
}

impl Readers {
    /// Takes in a transaction.
    pub fn add(&mut self, entry: &PooledTx) {
        for fact in entry.reads.watched() {
            let senders = self.facts.entry(fact.clone()).or_default();
            let count = senders.entry(entry.sender()).or_default();
            *count = count.saturating_add(1);
        }
        self.deadlines.extend(deadline(entry));
    }

    /// Lets go of a transaction.
    pub fn remove(&mut self, entry: &PooledTx) {
        for fact in entry.reads.watched() {
            let Some(senders) = self.facts.get_mut(fact) else {
                continue;
            };
            if let Some(count) = senders.get_mut(&entry.sender()) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    senders.remove(&entry.sender());
                }
            }
            if senders.is_empty() {
                self.facts.remove(fact);
            }
        }
        if let Some(deadline) = deadline(entry) {
            self.deadlines.remove(&deadline);
        }
    }

    /// Whose transactions read a fact.
    pub fn of(&self, fact: &Fact) -> impl Iterator<Item = &Address> {
        self.facts.get(fact).into_iter().flat_map(BTreeMap::keys)
    }

    /// What has stood as it does for as long as it may, once block `height` is committed.
    pub fn due(&self, height: Height) -> impl Iterator<Item = (Address, Nonce)> {
        let due = self
            .deadlines
            .iter()
            .take_while(move |(due, ..)| *due <= height);
        due.map(|(_, sender, nonce)| (*sender, *nonce))
    }
}

/// Until when a transaction may stand as it does.
fn deadline(entry: &PooledTx) -> Option<(Height, Address, Nonce)> {
    let blocks = match entry.status {
        Status::Parked(_) => limits::PARKED_BLOCKS,
        Status::Waiting(_) => limits::WAITING_BLOCKS,
        Status::Ready | Status::Behind => return None,
    };
    let due = entry.since.saturating_plus(Height::constant(blocks));
    Some((due, entry.sender(), entry.nonce()))
}
