//! Owns the committed state as a block reads it: each record is decoded at most once.

use core::cell::RefCell;

use super::{State, key::Key, record::Value, view::View};
use crate::{address::Address, engine::ConsensusAddress, error::InvariantViolation, prelude::*};

/// The state before a block, with what the block has read of it.
pub struct Base<'a> {
    state: &'a State,
    decoded: RefCell<BTreeMap<Key, Option<Arc<Value>>>>,
}

impl<'a> Base<'a> {
    /// The state before a block.
    pub fn new(state: &'a State) -> Self {
        Self {
            state,
            decoded: RefCell::default(),
        }
    }

    /// The state itself.
    pub fn state(&self) -> &'a State {
        self.state
    }
}

impl View for Base<'_> {
    fn value(&self, key: &Key) -> Result<Option<Arc<Value>>, InvariantViolation> {
        if let Some(known) = self.state.recall(key) {
            return Ok(known);
        }
        if let Some(value) = self.decoded.borrow().get(key) {
            return Ok(value.clone());
        }
        let value = self.state.value(key)?;
        self.decoded.borrow_mut().insert(key.clone(), value.clone());
        Ok(value)
    }

    fn key_owner(&self, key: &ConsensusAddress) -> Option<Address> {
        self.state.key_owner(key)
    }
}
