//! Owns what the records of kept heights were: for each block, what it changed as it was before. The values
//! lie on disk in chunks; what says in which chunk a key is lies in memory.
//!
//! | key | value |
//! |---|---|
//! | height (u64) chunk (u32) | entries by key hash: hash, length (u32), record; a length of `u32::MAX` for none |
//! | height (u64) | the head record before the block |
//!
//! A start begins without history; what an earlier process left of the last block is there for whoever
//! takes that back.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use ait_app::{
    InvariantViolation,
    state::merkle::{Delta, Hash, Leaf},
};
use ait_store::{Entry, Store, StoreError, Table, WriteBatch};

/// Bytes from which on a chunk ends.
const CHUNK_BYTES: usize = 16 * 1024;
const ABSENT: u32 = u32::MAX;
/// Chunks of an earlier process that a block removes.
const SWEPT_CHUNKS: usize = 64;

/// A key's leaf before a block; `None` where it had none.
pub(super) type Before = (Hash, Option<Leaf>);

/// What the last blocks changed, the oldest first.
#[derive(Default)]
pub(super) struct History {
    blocks: VecDeque<Arc<Undo>>,
    swept: Swept,
}

/// How far what an earlier process left was removed.
#[derive(Default)]
enum Swept {
    /// Nothing of it yet.
    #[default]
    Nothing,
    /// Up to this key.
    UpTo(Vec<u8>),
    /// All of it.
    All,
}

/// What one block changed.
pub(super) struct Undo {
    height: u64,
    /// The first bytes of the changed keys' hashes, in order.
    hashes: Vec<u32>,
    /// With which of them each chunk begins.
    chunks: Vec<usize>,
    /// All of it, until it is on disk.
    unwritten: Option<Arc<Vec<Before>>>,
}

impl History {
    /// Takes in a block that is about to be written.
    pub(super) fn push(
        &mut self,
        delta: &Delta,
        height: u64,
        head: Option<Vec<u8>>,
        batch: &mut WriteBatch,
    ) {
        if let Some(head) = head {
            batch.put(Table::Undo, head_key(height), head);
        }
        let mut undo = Undo {
            height,
            hashes: Vec::with_capacity(delta.before.len()),
            chunks: Vec::new(),
            unwritten: Some(Arc::new(delta.before.clone())),
        };
        let mut chunk = Vec::new();
        for (key_hash, leaf) in &delta.before {
            if chunk.is_empty() {
                undo.chunks.push(undo.hashes.len());
            }
            undo.hashes.push(prefix(key_hash));
            chunk.extend_from_slice(key_hash);
            let record: &[u8] = leaf.as_ref().map_or(&[], |leaf| leaf.record());
            let length = leaf.as_ref().map(|_| u32::try_from(record.len()));
            let length = length.map_or(ABSENT, |length| length.unwrap_or(ABSENT));
            chunk.extend_from_slice(&length.to_be_bytes());
            chunk.extend_from_slice(record);
            if chunk.len() >= CHUNK_BYTES {
                undo.put(std::mem::take(&mut chunk), batch);
            }
        }
        if !chunk.is_empty() {
            undo.put(chunk, batch);
        }
        self.blocks.push_back(Arc::new(undo));
    }

    /// The last block is on disk.
    pub(super) fn written(&mut self) {
        let Some(last) = self.blocks.pop_back() else {
            return;
        };
        self.blocks.push_back(Arc::new(Undo {
            height: last.height,
            hashes: last.hashes.clone(),
            chunks: last.chunks.clone(),
            unwritten: None,
        }));
    }

    /// Forgets blocks up to a height.
    pub(super) fn forget(&mut self, height: u64, batch: &mut WriteBatch) {
        while let Some(oldest) = self.blocks.front()
            && oldest.height <= height
        {
            batch.remove(Table::Undo, head_key(oldest.height));
            for chunk in 0..oldest.chunks.len() {
                batch.remove(Table::Undo, chunk_key(oldest.height, chunk));
            }
            self.blocks.pop_front();
        }
    }

    /// Removes some of what an earlier process left of blocks below a height.
    pub(super) fn sweep(
        &mut self,
        below: u64,
        store: &dyn Store,
        batch: &mut WriteBatch,
    ) -> Result<(), StoreError> {
        let first = match &self.swept {
            Swept::All => return Ok(()),
            Swept::Nothing => Vec::new(),
            Swept::UpTo(key) => key.clone(),
        };
        let last = chunk_key(
            below.saturating_sub(1),
            u32::MAX.try_into().unwrap_or(usize::MAX),
        );
        let left = store.range(Table::Undo, &first, &last, SWEPT_CHUNKS)?;
        self.swept = match left.last().filter(|_| left.len() == SWEPT_CHUNKS) {
            Some((key, _)) => Swept::UpTo(key.clone()),
            None => Swept::All,
        };
        for (key, _) in left {
            batch.remove(Table::Undo, key);
        }
        Ok(())
    }

    /// The blocks after a height, the oldest first.
    pub(super) fn after(&self, height: u64) -> Vec<Arc<Undo>> {
        let later = self.blocks.iter().filter(|undo| undo.height > height);
        later.cloned().collect()
    }
}

impl Undo {
    fn put(&self, chunk: Vec<u8>, batch: &mut WriteBatch) {
        let number = self.chunks.len().saturating_sub(1);
        batch.put(Table::Undo, chunk_key(self.height, number), chunk);
    }

    /// Adds what the block changed between two hashes, both included, where a block before it did not.
    pub(super) fn add_to(
        &self,
        found: &mut BTreeMap<Hash, Option<Leaf>>,
        (first, last): (&Hash, &Hash),
        store: &dyn Store,
    ) -> Result<(), InvariantViolation> {
        let from = self.hashes.partition_point(|hash| *hash < prefix(first));
        let to = self.hashes.partition_point(|hash| *hash <= prefix(last));
        if from == to {
            return Ok(());
        }
        let mut add = |(key_hash, leaf): Before| {
            if *first <= key_hash && key_hash <= *last {
                found.entry(key_hash).or_insert(leaf);
            }
        };
        if let Some(all) = &self.unwritten {
            let between = all.get(from..to).unwrap_or_default();
            between.iter().cloned().for_each(add);
            return Ok(());
        }
        let begin = self.chunks.partition_point(|start| *start <= from);
        let end = self.chunks.partition_point(|start| *start < to);
        for chunk in begin.saturating_sub(1)..end {
            self.read(chunk, store)?.into_iter().for_each(&mut add);
        }
        Ok(())
    }

    fn read(&self, chunk: usize, store: &dyn Store) -> Result<Vec<Before>, InvariantViolation> {
        let height = self.height;
        let unreadable = || lost(height);
        let stored = store
            .get(Table::Undo, &chunk_key(height, chunk))
            .map_err(|error| InvariantViolation::new(error.to_string()))?
            .ok_or_else(unreadable)?;
        decode(&stored).ok_or_else(unreadable)
    }
}

/// What was before a block.
pub(super) struct BeforeBlock {
    /// The head record.
    pub head: Vec<u8>,
    /// Each record that the block changed.
    pub records: Vec<Before>,
}

/// What was before a block; `None` where that is not known.
///
/// # Errors
/// [`InvariantViolation`] where it can't be read.
pub(super) fn read_undo(
    store: &dyn Store,
    height: u64,
) -> Result<Option<BeforeBlock>, InvariantViolation> {
    let unreadable = |error: StoreError| InvariantViolation::new(error.to_string());
    let head = store
        .get(Table::Undo, &head_key(height))
        .map_err(unreadable)?;
    let Some(head) = head else {
        return Ok(None);
    };
    let mut records = Vec::new();
    for (_, chunk) in chunks_of(store, height).map_err(unreadable)? {
        records.extend(decode(&chunk).ok_or_else(|| lost(height))?);
    }
    Ok(Some(BeforeBlock { head, records }))
}

/// Removes what is known of a block.
///
/// # Errors
/// [`StoreError`].
pub(super) fn remove_undo(
    store: &dyn Store,
    height: u64,
    batch: &mut WriteBatch,
) -> Result<(), StoreError> {
    batch.remove(Table::Undo, head_key(height));
    for (key, _) in chunks_of(store, height)? {
        batch.remove(Table::Undo, key);
    }
    Ok(())
}

fn chunks_of(store: &dyn Store, height: u64) -> Result<Vec<Entry>, StoreError> {
    let last = usize::try_from(u32::MAX).unwrap_or(usize::MAX);
    let (first, last) = (chunk_key(height, 0), chunk_key(height, last));
    store.range(Table::Undo, &first, &last, usize::MAX)
}

fn lost(height: u64) -> InvariantViolation {
    InvariantViolation::new(format!(
        "what block {height} changed can't be read any more"
    ))
}

fn decode(mut bytes: &[u8]) -> Option<Vec<Before>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let (key_hash, rest) = bytes.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = u32::from_be_bytes(*length);
        bytes = rest;
        let mut leaf = None;
        if length != ABSENT {
            let (record, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            leaf = Some(Leaf::placed(*key_hash, Arc::from(record))?);
            bytes = rest;
        }
        entries.push((*key_hash, leaf));
    }
    Some(entries)
}

fn prefix(hash: &Hash) -> u32 {
    let first = hash.first_chunk().copied().unwrap_or_default();
    u32::from_be_bytes(first)
}

fn head_key(height: u64) -> Vec<u8> {
    height.to_be_bytes().to_vec()
}

fn chunk_key(height: u64, chunk: usize) -> Vec<u8> {
    let chunk = u32::try_from(chunk).unwrap_or(u32::MAX);
    [&height.to_be_bytes()[..], &chunk.to_be_bytes()].concat()
}
