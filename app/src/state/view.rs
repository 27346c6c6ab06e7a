//! Owns how records are read, from the committed state or through what lies above it.

use super::{
    key::Key,
    record::{Record, Value},
};
use crate::{
    address::Address,
    bank::record::{Account, Supply},
    engine::ConsensusAddress,
    error::Broken,
    prelude::*,
    staking::record::Consensus,
};

/// Something that records can be read from.
pub trait View {
    /// The record under a key; `None` where there is none.
    ///
    /// # Errors
    /// [`Broken`] when it is unreadable.
    fn value(&self, key: &Key) -> Result<Option<Arc<Value>>, Broken>;

    /// The account that a consensus key belongs to; `None` for one that was never used.
    fn key_owner(&self, key: &ConsensusAddress) -> Option<Address>;

    /// A record of one type.
    ///
    /// # Errors
    /// [`Broken`] when it is unreadable.
    fn get<R: Record>(&self, id: &R::Id) -> Result<Option<R>, Broken> {
        let key = R::key(id);
        let Some(value) = self.value(&key)? else {
            return Ok(None);
        };
        match R::from_value(&value) {
            Some(record) => Ok(Some(record.clone())),
            None => Err(Broken::new(format!("the record {key} is another's"))),
        }
    }

    /// Whether there is a record of one type.
    ///
    /// # Errors
    /// As [`View::get`].
    fn has<R: Record>(&self, id: &R::Id) -> Result<bool, Broken> {
        Ok(self.value(&R::key(id))?.is_some())
    }

    /// What an address owns: nothing where it has no record.
    ///
    /// # Errors
    /// As [`View::get`].
    fn account(&self, address: &Address) -> Result<Account, Broken> {
        Ok(self.get::<Account>(address)?.unwrap_or_default())
    }

    /// Where the coins are.
    ///
    /// # Errors
    /// [`Broken`] when the record is missing or unreadable.
    fn supply(&self) -> Result<Supply, Broken> {
        self.get::<Supply>(&())?
            .ok_or_else(|| Broken::new("the state has no supply"))
    }

    /// The mode in force and the epochs.
    ///
    /// # Errors
    /// [`Broken`] when the record is missing or unreadable.
    fn consensus(&self) -> Result<Consensus, Broken> {
        self.get::<Consensus>(&())?
            .ok_or_else(|| Broken::new("the state has no consensus record"))
    }
}

impl<V: View> View for &V {
    fn value(&self, key: &Key) -> Result<Option<Arc<Value>>, Broken> {
        (*self).value(key)
    }

    fn key_owner(&self, key: &ConsensusAddress) -> Option<Address> {
        (*self).key_owner(key)
    }
}
