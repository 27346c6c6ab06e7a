//! Owns writing of records through overlays: transaction → block → committed. Dropping an overlay
//! is the rollback; nothing here can touch what lies below it.

use super::{
    key::Key,
    record::{Record, Value},
    view::View,
};
use crate::{
    address::Address, engine::ConsensusAddress, error::InvariantViolation, prelude::*,
    quantity::Uait,
};

/// What became of each record that was written; `None` is a deleted one.
pub type Changes = BTreeMap<Key, Option<Arc<Value>>>;

/// Writes that lie on a view.
pub struct Overlay<V: View> {
    below: V,
    changes: Changes,
    key_owners: BTreeMap<ConsensusAddress, Address>,
}

impl<V: View> View for Overlay<V> {
    fn value(&self, key: &Key) -> Result<Option<Arc<Value>>, InvariantViolation> {
        match self.changes.get(key) {
            Some(change) => Ok(change.clone()),
            None => self.below.value(key),
        }
    }

    fn key_owner(&self, key: &ConsensusAddress) -> Option<Address> {
        match self.key_owners.get(key) {
            Some(owner) => Some(*owner),
            None => self.below.key_owner(key),
        }
    }
}

impl<V: View> Overlay<V> {
    /// An overlay that says what lies below.
    pub fn new(below: V) -> Self {
        Self {
            below,
            changes: Changes::new(),
            key_owners: BTreeMap::new(),
        }
    }

    /// Writes a record.
    pub fn put<R: Record>(&mut self, id: &R::Id, record: R) {
        self.write(R::key(id), Some(Arc::new(record.into_value())));
    }

    /// Deletes a record.
    pub fn delete<R: Record>(&mut self, id: &R::Id) {
        self.write(R::key(id), None);
    }

    /// Takes in the changes of an overlay that lay on this one.
    pub fn absorb(&mut self, changes: Changes) {
        for (key, change) in changes {
            self.write(key, change);
        }
    }

    fn write(&mut self, key: Key, change: Option<Arc<Value>>) {
        if let Some(Value::Validator(record)) = change.as_deref() {
            for consensus_key in &record.keys {
                let owned = ConsensusAddress::of(consensus_key);
                self.key_owners.insert(owned, record.address);
            }
        }
        self.changes.insert(key, change);
    }

    /// Adds to a balance. Nothing is written for 0.
    ///
    /// # Errors
    /// [`InvariantViolation`] when it passes the supply's limit.
    pub fn credit(&mut self, address: &Address, amount: Uait) -> Result<(), InvariantViolation> {
        if amount.is_zero() {
            return Ok(());
        }
        let mut account = self.account(address)?;
        account.balance = account.balance.plus(amount)?;
        self.put(address, account);
        Ok(())
    }

    /// Takes from a balance; the caller has checked that it is there.
    ///
    /// # Errors
    /// [`InvariantViolation`] when it is not.
    pub fn debit(&mut self, address: &Address, amount: Uait) -> Result<(), InvariantViolation> {
        let mut account = self.account(address)?;
        account.balance = account.balance.minus(amount)?;
        self.put(address, account);
        Ok(())
    }

    /// What it lies on.
    pub fn below(&self) -> &V {
        &self.below
    }

    /// What was written, by key.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// What was written, letting go of what lies below.
    pub fn into_changes(self) -> Changes {
        self.changes
    }
}
