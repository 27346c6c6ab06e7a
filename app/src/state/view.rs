//! Owns how records are read, from the committed state or through what lies above it.

use super::{
    key::Key,
    record::{Record, Value},
};
use crate::{
    address::Address,
    bank::record::{Account, Supply},
    engine::ConsensusAddress,
    error::InvariantViolation,
    prelude::*,
    staking::record::Consensus,
    upgrades::record::Protocol,
};

/// Something that records can be read from.
pub trait View {
    /// The record under a key; `None` where there is none.
    ///
    /// # Errors
    /// [`InvariantViolation`] when it is unreadable.
    fn value(&self, key: &Key) -> Result<Option<Arc<Value>>, InvariantViolation>;

    /// The account that a consensus key belongs to; `None` for one that was never used.
    fn key_owner(&self, key: &ConsensusAddress) -> Option<Address>;

    /// A record of one type.
    ///
    /// # Errors
    /// [`InvariantViolation`] when it is unreadable.
    fn get<R: Record>(&self, id: &R::Id) -> Result<Option<R>, InvariantViolation> {
        let key = R::key(id);
        let Some(value) = self.value(&key)? else {
            return Ok(None);
        };
        match R::from_value(&value) {
            Some(record) => Ok(Some(record.clone())),
            None => Err(InvariantViolation::new(format!(
                "the record {key} is another's"
            ))),
        }
    }

    /// Whether there is a record of one type.
    ///
    /// # Errors
    /// As [`View::get`].
    fn has<R: Record>(&self, id: &R::Id) -> Result<bool, InvariantViolation> {
        Ok(self.value(&R::key(id))?.is_some())
    }

    /// What an address owns: nothing where it has no record.
    ///
    /// # Errors
    /// As [`View::get`].
    fn account(&self, address: &Address) -> Result<Account, InvariantViolation> {
        Ok(self.get::<Account>(address)?.unwrap_or_default())
    }

    /// Where the coins are.
    ///
    /// # Errors
    /// [`InvariantViolation`] when the record is missing or unreadable.
    fn supply(&self) -> Result<Supply, InvariantViolation> {
        self.get::<Supply>(&())?
            .ok_or_else(|| InvariantViolation::new("the state has no supply"))
    }

    /// The mode in force and the epochs.
    ///
    /// # Errors
    /// [`InvariantViolation`] when the record is missing or unreadable.
    fn consensus(&self) -> Result<Consensus, InvariantViolation> {
        self.get::<Consensus>(&())?
            .ok_or_else(|| InvariantViolation::new("the state has no consensus record"))
    }

    /// The version of the protocol, and the upgrade that is planned.
    ///
    /// # Errors
    /// As [`View::get`].
    fn protocol(&self) -> Result<Protocol, InvariantViolation> {
        Ok(self.get::<Protocol>(&())?.unwrap_or_default())
    }
}

impl<V: View> View for &V {
    fn value(&self, key: &Key) -> Result<Option<Arc<Value>>, InvariantViolation> {
        (*self).value(key)
    }

    fn key_owner(&self, key: &ConsensusAddress) -> Option<Address> {
        (*self).key_owner(key)
    }
}
