//! The store in sled: one tree, whose files get the fsync that sled leaves out.
//!
//! `open` opens sled's files, `changes` gets a batch on disk, `layout` says what stands under which key,
//! `contain` keeps sled's panics in, this file reads and writes, `first_format` reads stores of before.

mod changes;
mod contain;
mod first_format;
mod layout;
mod open;

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use changes::Changes;
pub use contain::is_background_thread;
use contain::read;
pub use first_format::FirstFormat;
use layout::{HEAD, POOL};

use crate::{
    Entry, Head, Store, StoreError, Table, Write, WriteBatch,
    contain::corrupt,
    head::{self, ChainHead},
    pool,
    writer::Writer,
};

/// Changes in a part of what is written before the first head.
const FILL_PART: usize = 1_000;

/// A [`Store`] in a folder, opened with [`SledStore::open`]. One process at a time has it open.
pub struct SledStore {
    path: PathBuf,
    chain_id: String,
    database: sled::Db,
    /// sled's data file. Opened once, so that a failed write-back is reported to it.
    file: File,
    writer: Mutex<Writer>,
}

/// What there is to write to.
#[derive(Clone, Copy)]
struct Target<'a> {
    path: &'a Path,
    database: &'a sled::Db,
    file: &'a File,
}

impl SledStore {
    fn target(&self) -> Target<'_> {
        Target {
            path: &self.path,
            database: &self.database,
            file: &self.file,
        }
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        // No panic leaves a write, so a poisoned lock holds no half-made change.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_block(&self, batch: &WriteBatch, is_first: bool) -> Result<(), StoreError> {
        let target = self.target();
        let mut changes = Changes::default();
        for (count, write) in batch.writes.iter().enumerate() {
            // sled keeps some 5 KB of memory for every change until its batch ends, and a first state may
            // have millions. The parts count for nothing until the head is written.
            if is_first && count % FILL_PART == FILL_PART - 1 {
                std::mem::take(&mut changes).apply(target)?;
            }
            let key = layout::entry_key(write.table, &write.key);
            put(target, &key, write.value.as_deref(), &mut changes)?;
        }
        let head = ChainHead::encode(&self.chain_id, batch.height, &batch.meta);
        put(target, HEAD, Some(&head), &mut changes)?;
        changes.apply(target)
    }
}

/// Sets or removes a key, and the chunks that it had and has no longer.
fn put(
    target: Target<'_>,
    key: &[u8],
    value: Option<&[u8]>,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    let before = read(target.path, || target.database.get(key))?;
    let before = before.and_then(|before| Some(layout::decode(&before)?.0));
    // What the same batch put there before counts no less.
    let before = before.max(changes.length_of(key));
    let mut chunks = 0;
    match value {
        Some(value) => {
            let (first, further) = layout::cut(value);
            changes.insert(key, first);
            for (index, chunk) in further {
                changes.insert(layout::chunk_key(key, index), chunk);
                chunks = index.saturating_add(1);
            }
            changes.note_length(key, value.len());
        }
        None => changes.remove(key),
    }
    for index in chunks..before.map_or(0, layout::further_chunks) {
        changes.remove(layout::chunk_key(key, index));
    }
    Ok(())
}

/// The value whose first chunk is given, or `None` when chunks are missing.
fn whole(target: Target<'_>, key: &[u8], stored: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    let Some((length, first)) = layout::decode(stored) else {
        return Ok(None);
    };
    let mut whole = first.to_vec();
    for index in 0..layout::further_chunks(length) {
        let chunk_key = layout::chunk_key(key, index);
        match read(target.path, || target.database.get(&chunk_key))? {
            Some(chunk) => whole.extend_from_slice(&chunk),
            None => return Ok(None),
        }
    }
    Ok((u32::try_from(whole.len()) == Ok(length)).then_some(whole))
}

/// The value under a key of the tree.
fn value_of(target: Target<'_>, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    let mut stored = read(target.path, || target.database.get(key))?;
    loop {
        let Some(first) = stored else { return Ok(None) };
        if let Some(value) = whole(target, key, &first)? {
            return Ok(Some(value));
        }
        // A commit may have replaced it in the meantime.
        let again = read(target.path, || target.database.get(key))?;
        if again.as_ref() == Some(&first) {
            return Err(corrupt(
                target.path,
                "a value in its database is incomplete",
            ));
        }
        stored = again;
    }
}

impl Store for SledStore {
    fn head(&self) -> Result<Option<Head>, StoreError> {
        let stored = value_of(self.target(), HEAD)?;
        Ok(head::read(&self.path, stored.as_deref())?.map(|found| found.head))
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        value_of(self.target(), &layout::entry_key(table, key))
    }

    fn range(
        &self,
        table: Table,
        first: &[u8],
        last: &[u8],
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let (first, last) = (
            layout::entry_key(table, first),
            layout::entry_key(table, last),
        );
        if first > last {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        let mut entries = self.database.range(first..=last);
        while found.len() < limit {
            let Some((key, stored)) = read(&self.path, || entries.next().transpose())? else {
                break;
            };
            let value = match whole(self.target(), &key, &stored)? {
                Some(value) => Some(value),
                None => value_of(self.target(), &key)?,
            };
            let key = key.get(1..).unwrap_or_default().to_vec();
            found.extend(value.map(|value| (key, value)));
        }
        Ok(found)
    }

    fn fill(&self, writes: &[Write]) -> Result<(), StoreError> {
        self.writer().fill(writes, || {
            for part in writes.chunks(FILL_PART) {
                let mut changes = Changes::default();
                for write in part {
                    let key = layout::entry_key(write.table, &write.key);
                    put(self.target(), &key, write.value.as_deref(), &mut changes)?;
                }
                changes.apply(self.target())?;
            }
            Ok(())
        })
    }

    fn commit(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        let write = |is_first| self.write_block(batch, is_first);
        self.writer()
            .commit(&self.path, &self.chain_id, batch, write)
    }

    fn roll_back(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        self.writer()
            .roll_back(batch, || self.write_block(batch, false))
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.writer().clear(&self.path, || {
            let mut changes = Changes::default();
            put(self.target(), HEAD, None, &mut changes)?;
            changes.apply(self.target())?;
            open::remove_all_entries(self.target())
        })
    }

    fn save_pool(&self, transactions: &[Vec<u8>]) -> Result<(), StoreError> {
        self.writer().save_pool(transactions, || {
            let mut changes = Changes::default();
            let encoded = (!transactions.is_empty()).then(|| pool::encode(transactions));
            put(self.target(), POOL, encoded.as_deref(), &mut changes)?;
            changes.apply(self.target())
        })
    }

    fn saved_pool(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        let Some(saved) = value_of(self.target(), POOL)? else {
            return Ok(Vec::new());
        };
        pool::decode(&saved)
            .ok_or_else(|| corrupt(&self.path, "the saved pool cannot be understood"))
    }
}
