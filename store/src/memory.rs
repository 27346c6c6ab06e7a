//! The store of tests and simulations: it refuses and answers as the one on disk does, and forgets.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    Loaded, Store, StoreError, TransactionHash, WriteBatch,
    sled_store::{check, check_length},
};

/// A [`Store`] in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    contents: Mutex<Contents>,
}

#[derive(Debug, Default)]
struct Contents {
    head: Option<(u64, Vec<u8>)>,
    state: BTreeMap<Vec<u8>, Vec<u8>>,
    transactions: BTreeMap<TransactionHash, (u64, Vec<u8>)>,
    transactions_by_height: BTreeSet<(u64, TransactionHash)>,
    pool: Vec<Vec<u8>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    fn prune(&mut self, height: u64, limit: usize) {
        for _ in 0..limit {
            let Some(&(oldest, hash)) = self.transactions_by_height.first() else {
                break;
            };
            if oldest >= height {
                break;
            }
            self.transactions_by_height.pop_first();
            if self
                .transactions
                .get(&hash)
                .is_some_and(|(height, _)| *height == oldest)
            {
                self.transactions.remove(&hash);
            }
        }
    }
}

impl Store for MemoryStore {
    fn load(&self) -> Result<Option<Loaded<'_>>, StoreError> {
        let contents = self.contents();
        let Some((height, meta)) = contents.head.clone() else {
            return Ok(None);
        };
        let state = contents.state.clone().into_iter().map(Ok);
        Ok(Some(Loaded {
            height,
            meta,
            state: Box::new(state),
        }))
    }

    fn commit(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        let mut contents = self.contents();
        check(batch, contents.head.as_ref().map(|(height, _)| *height))?;
        if let Some(height) = batch.prune_transactions_below {
            contents.prune(height, batch.prune_limit());
        }
        for (hash, record) in &batch.transactions {
            contents
                .transactions
                .insert(*hash, (batch.height, record.clone()));
            contents
                .transactions_by_height
                .insert((batch.height, *hash));
        }
        for (key, value) in &batch.state {
            match value {
                Some(value) => contents.state.insert(key.clone(), value.clone()),
                None => contents.state.remove(key),
            };
        }
        contents.head = Some((batch.height, batch.meta.clone()));
        Ok(())
    }

    fn transaction(&self, hash: &TransactionHash) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self
            .contents()
            .transactions
            .get(hash)
            .map(|(_, record)| record.clone()))
    }

    fn transactions_of(&self, height: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        let contents = self.contents();
        let hashes = contents
            .transactions_by_height
            .range((height, [0; 32])..=(height, [u8::MAX; 32]));
        let found = hashes.filter_map(|(_, hash)| contents.transactions.get(hash));
        let of_this_block = found.filter(|(of, _)| *of == height);
        Ok(of_this_block.map(|(_, record)| record.clone()).collect())
    }

    fn save_pool(&self, transactions: &[Vec<u8>]) -> Result<(), StoreError> {
        for transaction in transactions {
            check_length("transaction of the pool", transaction)?;
        }
        self.contents().pool = transactions.to_vec();
        Ok(())
    }

    fn take_pool(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(std::mem::take(&mut self.contents().pool))
    }
}
