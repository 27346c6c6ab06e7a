//! Owns what a judgement was made of: the records and owners of consensus keys that it read. Until one of
//! them changes, judging again would say the same.
//!
//! The sender's own account is not listed: every judgement reads it, so whatever changes it touches all
//! of the sender's transactions.

use std::{cell::RefCell, sync::Arc};

use ait_app::{
    InvariantViolation,
    address::Address,
    block::ConsensusAddress,
    state::{Key, Value, View},
    tx::Payload,
};

use super::pooled_tx::PooledTx;

/// Something that a judgement read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// A record, or that there is none.
    Record(Key),
    /// Whose a consensus key is.
    KeyOwner(ConsensusAddress),
}

/// What one judgement read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// What may make it another one by changing.
    watched: Vec<Fact>,
    /// What can't, although its effects were made of it.
    settled: Option<Key>,
}

impl Reads {
    /// What may make the judgement another one by changing.
    pub fn watched(&self) -> &[Fact] {
        &self.watched
    }

    /// Whether a fact was read.
    pub fn has(&self, fact: &Fact) -> bool {
        let is_settled =
            matches!((fact, &self.settled), (Fact::Record(key), Some(settled)) if key == settled);
        is_settled || self.watched.contains(fact)
    }
}

/// A view that notes what is read through it.
pub struct Recording<V: View> {
    below: V,
    noted: RefCell<Vec<(Fact, bool)>>,
}

impl<V: View> Recording<V> {
    /// Of reads from what lies `below`.
    pub fn new(below: V) -> Self {
        Self {
            below,
            noted: RefCell::default(),
        }
    }

    fn note(&self, fact: Fact, is_there: bool) {
        let mut noted = self.noted.borrow_mut();
        if noted.iter().all(|(known, _)| *known != fact) {
            noted.push((fact, is_there));
        }
    }

    /// What was read of it to judge a transaction.
    pub fn into_noted(self) -> Vec<(Fact, bool)> {
        self.noted.into_inner()
    }
}

/// Sorts what was read to judge a transaction.
pub fn reads_of(entry: &PooledTx, noted: Vec<(Fact, bool)>) -> Arc<Reads> {
    let own = Fact::Record(Key::Account(entry.sender()));
    let recipient = recipient_of(&entry.verified.tx.payload);
    let mut reads = Reads::default();
    for (fact, is_there) in noted {
        match fact {
            fact if fact == own => {}
            // An account is never deleted, and that a recipient has one is all that matters of it.
            Fact::Record(Key::Account(address)) if is_there && recipient == Some(address) => {
                reads.settled = Some(Key::Account(address));
            }
            fact if reads.watched.contains(&fact) => {}
            fact => reads.watched.push(fact),
        }
    }
    Arc::new(reads)
}

fn recipient_of(payload: &Payload) -> Option<Address> {
    match payload {
        Payload::Transfer(transfer) => Some(transfer.to),
        _ => None,
    }
}

impl<V: View> View for Recording<V> {
    fn value(&self, key: &Key) -> Result<Option<Arc<Value>>, InvariantViolation> {
        let value = self.below.value(key)?;
        self.note(Fact::Record(key.clone()), value.is_some());
        Ok(value)
    }

    fn key_owner(&self, key: &ConsensusAddress) -> Option<Address> {
        let owner = self.below.key_owner(key);
        self.note(Fact::KeyOwner(*key), owner.is_some());
        owner
    }
}
