//! The store of tests and simulations: it refuses and answers as those on disk do, and forgets.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    Entry, Head, Store, StoreError, Table, Write, WriteBatch,
    batch::{check_all, check_length},
};

/// A [`Store`] in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    contents: Mutex<Contents>,
}

#[derive(Debug, Default)]
struct Contents {
    head: Option<Head>,
    tables: BTreeMap<Table, BTreeMap<Vec<u8>, Vec<u8>>>,
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
    fn height(&self) -> Option<u64> {
        self.head.as_ref().map(|head| head.height)
    }

    fn write_all(&mut self, batch: &WriteBatch) {
        batch.writes.iter().for_each(|write| self.write(write));
        self.head = Some(Head {
            height: batch.height,
            meta: batch.meta.clone(),
        });
    }

    fn write(&mut self, write: &Write) {
        let table = self.tables.entry(write.table).or_default();
        match &write.value {
            Some(value) => table.insert(write.key.clone(), value.to_vec()),
            None => table.remove(&write.key),
        };
    }
}

impl Store for MemoryStore {
    fn head(&self) -> Result<Option<Head>, StoreError> {
        Ok(self.contents().head.clone())
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let contents = self.contents();
        let table = contents.tables.get(&table);
        Ok(table.and_then(|table| table.get(key)).cloned())
    }

    fn range(
        &self,
        table: Table,
        first: &[u8],
        last: &[u8],
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        if first > last {
            return Ok(Vec::new());
        }
        let contents = self.contents();
        let Some(table) = contents.tables.get(&table) else {
            return Ok(Vec::new());
        };
        let entries = table.range::<[u8], _>((
            std::ops::Bound::Included(first),
            std::ops::Bound::Included(last),
        ));
        let owned = entries.map(|(key, value)| (key.clone(), value.clone()));
        Ok(owned.take(limit).collect())
    }

    fn fill(&self, writes: &[Write]) -> Result<(), StoreError> {
        check_all(writes)?;
        let mut contents = self.contents();
        if let Some(head) = &contents.head {
            return Err(StoreError::NotEmpty {
                height: head.height,
            });
        }
        writes.iter().for_each(|write| contents.write(write));
        Ok(())
    }

    fn commit(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        let mut contents = self.contents();
        batch.check(contents.height())?;
        contents.write_all(batch);
        Ok(())
    }

    fn roll_back(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        let mut contents = self.contents();
        batch.check_back(contents.height())?;
        contents.write_all(batch);
        Ok(())
    }

    fn clear(&self) -> Result<(), StoreError> {
        let mut contents = self.contents();
        contents.head = None;
        contents.tables.clear();
        Ok(())
    }

    fn save_pool(&self, transactions: &[Vec<u8>]) -> Result<(), StoreError> {
        for transaction in transactions {
            check_length("transaction of the pool", transaction)?;
        }
        self.contents().pool = transactions.to_vec();
        Ok(())
    }

    fn saved_pool(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(self.contents().pool.clone())
    }
}
