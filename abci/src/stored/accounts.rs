//! Owns the accounts of the last state that were read or written lately, decoded: nearly every transaction
//! reads two, at CheckTx, in a proposal, in the block.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use ait_app::{
    address::Address,
    state::{Changed, Key, Value},
};
use quick_cache::sync::Cache;

/// Memory of an account, bytes; measured roughly, and rather too much.
const ACCOUNT_BYTES: usize = 400;

/// Accounts of one height; `None` is one that has no record.
pub(super) struct Accounts {
    known: Cache<Address, Option<Arc<Value>>>,
    /// Of which height they are. Held while one is looked up or added, so that none is of another.
    height: RwLock<u64>,
}

impl Accounts {
    /// None yet, and later as many as take about so many bytes.
    pub(super) fn new(bytes: usize, height: u64) -> Self {
        Self {
            known: Cache::new(bytes / ACCOUNT_BYTES),
            height: RwLock::new(height),
        }
    }

    /// An account at a height.
    pub(super) fn recall(&self, key: &Key, height: u64) -> Option<Option<Arc<Value>>> {
        let Key::Account(address) = key else {
            return None;
        };
        let newest = self.height();
        (*newest == height).then(|| self.known.get(address))?
    }

    /// Adds an account as it is at a height.
    pub(super) fn remember(&self, key: &Key, value: &Option<Arc<Value>>, height: u64) {
        let Key::Account(address) = key else {
            return;
        };
        let newest = self.height();
        if *newest == height {
            self.known.insert(*address, value.clone());
        }
    }

    /// Goes on to the height after a block that changed these records.
    pub(super) fn advance(&self, height: u64, changed: &[Changed]) {
        let mut newest = self.height.write().unwrap_or_else(PoisonError::into_inner);
        *newest = height;
        for (key, value) in changed {
            if let Key::Account(address) = key {
                self.known.insert(*address, value.clone());
            }
        }
    }

    fn height(&self) -> RwLockReadGuard<'_, u64> {
        self.height.read().unwrap_or_else(PoisonError::into_inner)
    }
}
