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

    /// Forgets all of them.
    pub(super) fn clear(&self) {
        let mut newest = self.height.write().unwrap_or_else(PoisonError::into_inner);
        *newest = 0;
        self.known.clear();
    }

    fn height(&self) -> RwLockReadGuard<'_, u64> {
        self.height.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ait_app::{bank::record::Account, quantity::Uait, state::Record as _};

    use super::*;

    fn holding(uait: u64) -> Option<Arc<Value>> {
        let balance = Uait::constant(uait);
        let account = Account {
            balance,
            ..Account::default()
        };
        Some(Arc::new(account.into_value()))
    }

    #[test]
    fn an_account_is_told_at_the_height_it_is_of_and_at_no_other() {
        let accounts = Accounts::new(1_000_000, 7);
        let [rich, poor, none] =
            ["rich", "poor", "none"].map(|name| Key::Account(Address::module(name)));
        accounts.remember(&rich, &holding(100), 7);
        accounts.remember(&poor, &holding(1), 7);
        accounts.remember(&none, &None, 7);
        assert_eq!(accounts.recall(&rich, 7), Some(holding(100)));
        assert_eq!(accounts.recall(&none, 7), Some(None));
        assert_eq!(accounts.recall(&rich, 6), None);
        assert_eq!(accounts.recall(&rich, 8), None);

        accounts.advance(
            8,
            &[(rich.clone(), holding(90)), (none.clone(), holding(10))],
        );
        assert_eq!(accounts.recall(&rich, 8), Some(holding(90)));
        assert_eq!(accounts.recall(&poor, 8), Some(holding(1)));
        assert_eq!(accounts.recall(&none, 8), Some(holding(10)));
        assert_eq!(accounts.recall(&rich, 7), None);
        // A reader of the height before that comes late.
        accounts.remember(&rich, &holding(100), 7);
        assert_eq!(accounts.recall(&rich, 8), Some(holding(90)));
    }

    #[test]
    fn only_accounts_are_remembered_and_no_more_than_there_is_room_for() {
        let accounts = Accounts::new(10 * ACCOUNT_BYTES, 1);
        accounts.remember(&Key::Supply, &None, 1);
        assert_eq!(accounts.recall(&Key::Supply, 1), None);
        let keys: Vec<Key> = (0..1_000)
            .map(|number| Key::Account(Address::module(&format!("account {number}"))))
            .collect();
        for key in &keys {
            accounts.remember(key, &holding(1), 1);
        }
        let known = keys.iter().filter(|key| accounts.recall(key, 1).is_some());
        assert!(known.count() <= 20);
        let nothing = Accounts::new(0, 1);
        nothing.remember(&keys[0], &holding(1), 1);
        assert_eq!(nothing.recall(&keys[0], 1), None);
    }
}
