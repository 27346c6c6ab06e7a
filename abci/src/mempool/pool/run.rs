//! Owns what a sender's pending transactions would change of the committed state: the next of the run
//! is judged on it without running the others again.

use std::{collections::BTreeMap, sync::Arc};

use ait_app::{
    InvariantViolation,
    address::Address,
    block::ConsensusAddress,
    state::{Changes, Key, Value, View},
};

/// The changes of a run of transactions, one upon the other.
#[derive(Debug, Clone, Default)]
pub struct Run {
    changes: Changes,
    key_owners: BTreeMap<ConsensusAddress, Address>,
}

impl Run {
    /// Takes in what the next transaction changes.
    pub fn absorb(&mut self, changes: &Changes) {
        for (key, change) in changes {
            if let Some(Value::Validator(record)) = change.as_deref() {
                for consensus_key in &record.keys {
                    let owned = ConsensusAddress::of(consensus_key);
                    self.key_owners.insert(owned, record.address);
                }
            }
            self.changes.insert(key.clone(), change.clone());
        }
    }
}

/// The records as a run leaves them.
pub struct RunView<'a, V: View> {
    run: &'a Run,
    below: V,
}

impl<'a, V: View> RunView<'a, V> {
    /// `run` on what lies `below`.
    pub fn new(run: &'a Run, below: V) -> Self {
        Self { run, below }
    }
}

impl<V: View> View for RunView<'_, V> {
    fn value(&self, key: &Key) -> Result<Option<Arc<Value>>, InvariantViolation> {
        match self.run.changes.get(key) {
            Some(change) => Ok(change.clone()),
            None => self.below.value(key),
        }
    }

    fn key_owner(&self, key: &ConsensusAddress) -> Option<Address> {
        match self.run.key_owners.get(key) {
            Some(owner) => Some(*owner),
            None => self.below.key_owner(key),
        }
    }
}
