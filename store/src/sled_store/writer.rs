//! Writing: one sled batch a block, then a real sync.

use std::{collections::BTreeMap, fs::File};

use super::{
    Target,
    changes::Changes,
    contain::{corrupt, read},
    pool,
};
use crate::{
    StoreError, TransactionHash, WriteBatch,
    layout::{self, HEAD, Head, MAX_KEY_BYTES, MAX_VALUE_BYTES},
    marker::{self, HeightFile},
};

/// State entries in a part of the first block.
pub(super) const FILL_PART: usize = 1_000;

/// What a commit needs to know of the ones before it.
pub(super) struct Writer {
    /// sled's data file. Opened once, so that a failed write-back is reported to it.
    pub(super) file: File,
    pub(super) height_file: HeightFile,
    /// Height of the last block, if there is one.
    pub(super) height: Option<u64>,
    /// Chunks of the meta stored.
    pub(super) meta_chunks: u32,
    /// Further chunks of the state's long values.
    pub(super) further_chunks: BTreeMap<Vec<u8>, u32>,
    /// The failure after which nothing is written any more.
    pub(super) failure: Option<String>,
}

impl Writer {
    /// Writes a block; on disk when it returns.
    pub(super) fn commit(
        &mut self,
        target: Target<'_>,
        batch: &WriteBatch,
    ) -> Result<(), StoreError> {
        self.check_usable()?;
        check(batch, self.height)?;
        let written = self.write_block(target, batch);
        self.remember_failure(written)
    }

    /// Writes the pool, replacing the one saved; on disk when it returns.
    pub(super) fn save_pool(
        &mut self,
        target: Target<'_>,
        transactions: &[Vec<u8>],
    ) -> Result<(), StoreError> {
        self.check_usable()?;
        for transaction in transactions {
            check_length("transaction of the pool", transaction)?;
        }
        let written =
            pool::save(target, transactions).and_then(|changes| changes.apply(target, &self.file));
        self.remember_failure(written)
    }

    fn check_usable(&self) -> Result<(), StoreError> {
        match &self.failure {
            Some(reason) => Err(StoreError::Poisoned {
                reason: reason.clone(),
            }),
            None => Ok(()),
        }
    }

    /// After a failed write or sync the kernel may have dropped what was to be written, and a second sync
    /// would report success: nothing may be written on top of that.
    fn remember_failure(&mut self, written: Result<(), StoreError>) -> Result<(), StoreError> {
        if let Err(error) = &written {
            tracing::error!(component = "store", event = "write_failed", %error, "the store stops writing");
            self.failure = Some(error.to_string());
        }
        written
    }

    fn write_block(&mut self, target: Target<'_>, batch: &WriteBatch) -> Result<(), StoreError> {
        let mut changes = Changes::default();
        if let Some(height) = batch.prune_transactions_below {
            prune(target, height, batch.prune_limit(), &mut changes)?;
        }
        put_transactions(batch, &mut changes);
        if self.height.is_none() {
            self.fill(target, batch)?;
        } else {
            for (key, value) in &batch.state {
                self.put_state(key, value.as_deref(), &mut changes);
            }
        }
        self.put_head(target.chain_id, batch, &mut changes);
        changes.apply(target, &self.file)?;
        if self.height.is_none() {
            marker::write_marker(target.path, target.chain_id)?;
        }
        self.height = Some(batch.height);
        self.height_file.write(batch.height)
    }

    /// Writes the first state in parts, as sled keeps some 5 KB of memory for every change until its batch
    /// ends, and a first state may have millions. The parts count for nothing until the head is written:
    /// opening removes those of a fill that was cut short.
    fn fill(&mut self, target: Target<'_>, batch: &WriteBatch) -> Result<(), StoreError> {
        for part in batch.state.chunks(FILL_PART) {
            let mut changes = Changes::default();
            for (key, value) in part {
                self.put_state(key, value.as_deref(), &mut changes);
            }
            changes.apply(target, &self.file)?;
        }
        Ok(())
    }

    fn put_state(&mut self, key: &[u8], value: Option<&[u8]>, changes: &mut Changes) {
        let mut chunks = 0;
        match value {
            Some(value) => {
                let length = layout::length_of(value);
                let (first, further) = layout::cut(value);
                changes.insert(layout::state_key(key), layout::state_value(length, first));
                for (index, chunk) in further {
                    changes.insert(layout::state_chunk_key(key, index), chunk);
                }
                chunks = layout::further_chunk_count(length);
            }
            None => changes.remove(layout::state_key(key)),
        }
        let before = match chunks {
            0 => self.further_chunks.remove(key),
            _ => self.further_chunks.insert(key.to_vec(), chunks),
        };
        for index in chunks..before.unwrap_or(0) {
            changes.remove(layout::state_chunk_key(key, index));
        }
    }

    fn put_head(&mut self, chain_id: &str, batch: &WriteBatch, changes: &mut Changes) {
        for (index, chunk) in layout::numbered_chunks(&batch.meta) {
            changes.insert(layout::meta_chunk_key(index), chunk);
        }
        let meta_length = layout::length_of(&batch.meta);
        let chunks = layout::chunk_count(u64::from(meta_length));
        for index in chunks..self.meta_chunks {
            changes.remove(layout::meta_chunk_key(index));
        }
        self.meta_chunks = chunks;
        let head = Head {
            height: batch.height,
            meta_length,
            chain_id: chain_id.to_owned(),
        };
        changes.insert(HEAD, head.encode());
    }
}

/// Refuses a batch that cannot be stored.
pub(crate) fn check(batch: &WriteBatch, height: Option<u64>) -> Result<(), StoreError> {
    let expected = height.map_or(1, |height| height.saturating_add(1));
    // State sync fills an empty store at any height.
    if batch.height != expected && (height.is_some() || batch.height == 0) {
        return Err(StoreError::HeightOutOfOrder {
            expected,
            found: batch.height,
        });
    }
    check_length("meta", &batch.meta)?;
    for (key, value) in &batch.state {
        if key.is_empty() || key.len() > MAX_KEY_BYTES {
            return Err(StoreError::InvalidKey {
                length: key.len(),
                limit: MAX_KEY_BYTES,
            });
        }
        check_length("state value", value.as_deref().unwrap_or_default())?;
    }
    batch
        .transactions
        .iter()
        .try_for_each(|(_, record)| check_length("transaction record", record))
}

pub(crate) fn check_length(field: &'static str, value: &[u8]) -> Result<(), StoreError> {
    if value.len() > MAX_VALUE_BYTES {
        return Err(StoreError::ValueTooLong {
            field,
            length: value.len(),
            limit: MAX_VALUE_BYTES,
        });
    }
    Ok(())
}

fn put_transactions(batch: &WriteBatch, changes: &mut Changes) {
    // One record a hash, or pruning would miss chunks of the ones before the last.
    let records: BTreeMap<&TransactionHash, &Vec<u8>> = batch
        .transactions
        .iter()
        .map(|(hash, record)| (hash, record))
        .collect();
    for (hash, record) in records {
        let length = layout::length_of(record);
        let (first, further) = layout::cut(record);
        let value = layout::transaction_value(batch.height, length, first);
        changes.insert(layout::transaction_key(hash), value);
        for (index, chunk) in further {
            changes.insert(
                layout::transaction_chunk_key(batch.height, hash, index),
                chunk,
            );
        }
        changes.insert(
            layout::transaction_height_key(batch.height, hash),
            &length.to_be_bytes(),
        );
    }
}

/// Removes the oldest transactions below a height.
fn prune(
    target: Target<'_>,
    height: u64,
    limit: usize,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    let not_understood = || {
        corrupt(
            target.path,
            "the index of transactions cannot be understood",
        )
    };
    let from = [layout::TRANSACTION_HEIGHT];
    let below = [&from[..], &height.to_be_bytes()].concat();
    let mut entries = target.database.range(&from[..]..&below[..]);
    for _ in 0..limit {
        let Some((key, length)) = read(target.path, || entries.next().transpose())? else {
            break;
        };
        let (height, hash) =
            layout::decode_transaction_height_key(&key).ok_or_else(not_understood)?;
        let length = length.as_ref().try_into().map_err(|_| not_understood())?;
        for index in 0..layout::further_chunk_count(u32::from_be_bytes(length)) {
            changes.remove(layout::transaction_chunk_key(height, &hash, index));
        }
        changes.remove(key);
        // A later block may have replaced the record.
        let record_key = layout::transaction_key(&hash);
        let record = read(target.path, || target.database.get(&record_key))?;
        let record_height =
            record.and_then(|record| Some(layout::decode_transaction_value(&record)?.0));
        if record_height == Some(height) {
            changes.remove(record_key);
        }
    }
    Ok(())
}
