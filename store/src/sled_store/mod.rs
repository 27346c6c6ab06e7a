//! The store on disk: one sled tree, and the files beside it that `marker` describes.
//!
//! `open` refuses what must not be opened, `writer` turns a block into `changes`, which get it on disk, `pool`
//! saves the pool, `contain` keeps sled's panics in, and this file reads.

mod changes;
mod contain;
mod open;
mod pool;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

pub use contain::is_background_thread;
use contain::{corrupt, read};
use writer::Writer;
pub(crate) use writer::{check, check_length};

use crate::{
    Loaded, StateEntry, Store, StoreError, TransactionHash, WriteBatch,
    layout::{self, Head},
};

/// A [`Store`] in a folder, opened with [`SledStore::open`]. One process at a time has it open.
pub struct SledStore {
    path: PathBuf,
    chain_id: String,
    database: sled::Db,
    writer: Mutex<Writer>,
}

/// What there is to write to.
#[derive(Clone, Copy)]
struct Target<'a> {
    path: &'a Path,
    chain_id: &'a str,
    database: &'a sled::Db,
}

impl SledStore {
    fn new(path: PathBuf, chain_id: String, database: sled::Db, writer: Writer) -> Self {
        Self {
            path,
            chain_id,
            database,
            writer: Mutex::new(writer),
        }
    }

    fn target(&self) -> Target<'_> {
        Target {
            path: &self.path,
            chain_id: &self.chain_id,
            database: &self.database,
        }
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        // No panic leaves a write, so a poisoned lock holds no half-made change.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, key: &[u8]) -> Result<Option<sled::IVec>, StoreError> {
        read(&self.path, || self.database.get(key))
    }

    fn read_meta(&self, head: &Head) -> Result<Vec<u8>, StoreError> {
        let mut meta = Vec::new();
        for index in 0..layout::chunk_count(u64::from(head.meta_length)) {
            let chunk = self.get(&layout::meta_chunk_key(index))?;
            meta.extend_from_slice(&chunk.ok_or_else(|| self.incomplete("head record"))?);
        }
        if layout::length_of(&meta) != head.meta_length {
            return Err(self.incomplete("head record"));
        }
        Ok(meta)
    }

    fn read_state_entry(&self, key: &[u8], value: &[u8]) -> Result<StateEntry, StoreError> {
        let incomplete = || self.incomplete("state");
        let (_, key) = key.split_first().ok_or_else(incomplete)?;
        let (length, first) = layout::decode_state_value(value).ok_or_else(incomplete)?;
        let mut whole = first.to_vec();
        for index in 0..layout::further_chunk_count(length) {
            let chunk = self.get(&layout::state_chunk_key(key, index))?;
            whole.extend_from_slice(&chunk.ok_or_else(incomplete)?);
        }
        if layout::length_of(&whole) != length {
            return Err(incomplete());
        }
        Ok((key.to_vec(), whole))
    }

    /// The record whose first chunk is given, or `None` when chunks are missing.
    fn read_record(
        &self,
        hash: &TransactionHash,
        first: &[u8],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let (height, length, first) = layout::decode_transaction_value(first)
            .ok_or_else(|| self.incomplete("record of a transaction"))?;
        let mut whole = first.to_vec();
        for index in 0..layout::further_chunk_count(length) {
            match self.get(&layout::transaction_chunk_key(height, hash, index))? {
                Some(chunk) => whole.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
        Ok((layout::length_of(&whole) == length).then_some(whole))
    }

    /// The record of a transaction; of one block's alone where a height is given.
    fn record_of(
        &self,
        hash: &TransactionHash,
        height: Option<u64>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let key = layout::transaction_key(hash);
        let mut first = self.get(&key)?;
        loop {
            let Some(value) = first else { return Ok(None) };
            let of = layout::decode_transaction_value(&value).map(|(of, _, _)| of);
            if height.is_some() && of.is_some() && of != height {
                return Ok(None);
            }
            if let Some(record) = self.read_record(hash, &value)? {
                return Ok(Some(record));
            }
            // A commit may have pruned or replaced the record in the meantime.
            let again = self.get(&key)?;
            if again.as_ref() == Some(&value) {
                return Err(self.incomplete("record of a transaction"));
            }
            first = again;
        }
    }

    fn incomplete(&self, what: &str) -> StoreError {
        corrupt(&self.path, format!("a {what} is incomplete"))
    }
}

impl Store for SledStore {
    fn load(&self) -> Result<Option<Loaded<'_>>, StoreError> {
        let Some(head) = open::read_head(&self.path, &self.database)? else {
            return Ok(None);
        };
        let state = StateReader {
            store: self,
            entries: self.database.scan_prefix([layout::STATE]),
            ended: false,
        };
        let meta = self.read_meta(&head)?;
        Ok(Some(Loaded {
            height: head.height,
            meta,
            state: Box::new(state),
        }))
    }

    fn commit(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        self.writer().commit(self.target(), batch)
    }

    fn transaction(&self, hash: &TransactionHash) -> Result<Option<Vec<u8>>, StoreError> {
        self.record_of(hash, None)
    }

    fn transactions_of(&self, height: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut entries = self
            .database
            .scan_prefix(layout::transactions_of_height(height));
        let mut records = Vec::new();
        while let Some((key, _)) = read(&self.path, || entries.next().transpose())? {
            let (_, hash) = layout::decode_transaction_height_key(&key)
                .ok_or_else(|| self.incomplete("index of transactions"))?;
            records.extend(self.record_of(&hash, Some(height))?);
        }
        Ok(records)
    }

    fn save_pool(&self, transactions: &[Vec<u8>]) -> Result<(), StoreError> {
        self.writer().save_pool(self.target(), transactions)
    }

    fn take_pool(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut writer = self.writer();
        let transactions = pool::read_saved(self.target())?;
        if !transactions.is_empty() {
            writer.save_pool(self.target(), &[])?;
        }
        Ok(transactions)
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        let synced = self.writer().height_file.sync();
        if let Err(error) = synced {
            tracing::warn!(component = "store", event = "height_file_unsynced", %error, "closing");
        }
    }
}

/// Reads the state, and ends after its first error.
struct StateReader<'a> {
    store: &'a SledStore,
    entries: sled::Iter,
    ended: bool,
}

impl Iterator for StateReader<'_> {
    type Item = Result<StateEntry, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let entry = read(&self.store.path, || self.entries.next().transpose());
        let item = match entry {
            Ok(None) => None,
            Ok(Some((key, value))) => Some(self.store.read_state_entry(&key, &value)),
            Err(error) => Some(Err(error)),
        };
        self.ended = !matches!(item, Some(Ok(_)));
        item
    }
}
