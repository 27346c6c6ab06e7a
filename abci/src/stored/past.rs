//! Owns what records were at heights that no state in memory has any more: for each block that is kept, the records
//! that it changed as they were before it, found by key. Values alone: their tree is not kept, so nothing is proved.
//!
//! | key | value |
//! |---|---|
//! | `k` key hash, height (u64) | the record before that block; nothing where there was none |
//! | `b` height (u64) | the hashes of the keys that the block changed |
//! | `s` | the first and the last height (u64 each) whose values are known |
//!
//! A record at height H is what stands under its key with the least height above H, else what it is now.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ait_app::{
    InvariantViolation,
    crypto::sha256,
    state::{
        Key,
        merkle::{Delta, Hash, Leaf},
    },
};
use ait_store::{Store, StoreError, Table, WriteBatch};

const SPAN: &[u8] = b"s";
const RECORD: u8 = b'k';
const BLOCK: u8 = b'b';
/// Blocks that a commit forgets at most: enough to catch up after the setting was lowered.
const FORGOTTEN: usize = 4;

/// How many heights are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Those in memory alone.
    InMemory,
    /// So many of the last.
    Last(u64),
    /// All, from when this began on: an archive.
    All,
}

/// What is kept, and what is there.
pub(super) struct Past(Mutex<(Kept, Option<Span>)>);

/// Heights after whose blocks values are known, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    first: u64,
    last: u64,
}

/// What is known of a record at a height.
pub(super) enum Found {
    /// Nothing: the height is not kept.
    NotKept,
    /// It is what it was: no block has changed it since.
    Unchanged,
    /// It was this; `None` where there was none.
    Was(Option<Vec<u8>>),
}

impl Default for Past {
    fn default() -> Self {
        Self(Mutex::new((Kept::InMemory, None)))
    }
}

impl Past {
    /// Keeps so much from now on. What an earlier process kept counts where it goes up to the last block.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn keep(&self, kept: Kept, store: &dyn Store) -> Result<(), StoreError> {
        let head = store.head()?.map(|head| head.height);
        let span = match kept {
            Kept::InMemory => None,
            _ => store
                .get(Table::History, SPAN)?
                .and_then(|span| decode_span(&span)),
        };
        *self.lock() = (kept, span.filter(|span| Some(span.last) == head));
        Ok(())
    }

    /// Writes what a block changed as it was before, and forgets what is older than is kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn write(
        &self,
        delta: &Delta,
        height: u64,
        is_first: bool,
        store: &dyn Store,
        batch: &mut WriteBatch,
    ) -> Result<(), StoreError> {
        let mut held = self.lock();
        let (kept, span) = *held;
        let kept = match kept {
            Kept::InMemory => {
                // What is there ends before this block, and will never be told.
                for block in blocks_up_to(height, store)? {
                    forget(block, batch);
                    // Not even where this block is taken back: some of it is gone.
                    batch.remove(Table::History, SPAN);
                }
                return Ok(());
            }
            Kept::Last(blocks) => blocks,
            Kept::All => u64::MAX,
        };
        let mut hashes = Vec::with_capacity(delta.before.len().saturating_mul(32));
        for (key_hash, leaf) in &delta.before {
            let before = leaf.as_ref().map(Leaf::shared_record);
            let before = before.unwrap_or_else(|| [].into());
            batch.put(Table::History, record_key(key_hash, height), before);
            hashes.extend_from_slice(key_hash);
        }
        batch.put(Table::History, block_key(height), hashes);
        let begun = if is_first {
            height
        } else {
            height.saturating_sub(1)
        };
        let first = span.map_or(begun, |span| span.first);
        let span = Span {
            first: first.max(height.saturating_sub(kept)),
            last: height,
        };
        // The value at the first height is what stands before the next block.
        for block in blocks_up_to(span.first, store)? {
            forget(block, batch);
        }
        batch.put(Table::History, SPAN, encode_span(span));
        held.1 = Some(span);
        Ok(())
    }

    /// The store was cleared.
    pub(super) fn forget_all(&self) {
        self.lock().1 = None;
    }

    /// What a record was after the block of a height; changes by blocks after `newest` are not looked at.
    ///
    /// # Errors
    /// [`InvariantViolation`] when it can't be read.
    pub(super) fn value(
        &self,
        key: &Key,
        height: u64,
        newest: u64,
        store: &dyn Store,
    ) -> Result<Found, InvariantViolation> {
        let span = self.lock().1;
        if !span.is_some_and(|span| (span.first..=span.last).contains(&height)) {
            return Ok(Found::NotKept);
        }
        let key_hash = sha256(&key.to_bytes());
        let first = record_key(&key_hash, height.saturating_add(1));
        let last = record_key(&key_hash, newest);
        let found = store
            .range(Table::History, &first, &last, 1)
            .map_err(|error| InvariantViolation::new(error.to_string()))?;
        let Some((_, record)) = found.into_iter().next() else {
            return Ok(Found::Unchanged);
        };
        if record.is_empty() {
            return Ok(Found::Was(None));
        }
        let leaf = Leaf::of_record(record).filter(|leaf| *leaf.key_hash() == key_hash);
        let leaf = leaf.ok_or_else(|| {
            InvariantViolation::new(format!("what {key} was can't be understood any more"))
        })?;
        Ok(Found::Was(Some(leaf.value().to_vec())))
    }

    fn lock(&self) -> MutexGuard<'_, (Kept, Option<Span>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes out what the last block left, which is taken back.
///
/// # Errors
/// [`StoreError`].
pub(super) fn roll_back(
    store: &dyn Store,
    height: u64,
    batch: &mut WriteBatch,
) -> Result<(), StoreError> {
    if let Some(hashes) = store.get(Table::History, &block_key(height))? {
        forget((height, hashes), batch);
    }
    let span = store.get(Table::History, SPAN)?;
    if let Some(span) = span.and_then(|span| decode_span(&span))
        && span.last == height
    {
        let last = height.saturating_sub(1);
        let first = span.first.min(last);
        batch.put(Table::History, SPAN, encode_span(Span { first, last }));
    }
    Ok(())
}

/// Some of the blocks up to a height of which something is there.
fn blocks_up_to(height: u64, store: &dyn Store) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    let found = store.range(Table::History, &block_key(0), &block_key(height), FORGOTTEN)?;
    let height_of = |key: &[u8]| {
        let height = key.get(1..)?.try_into().ok()?;
        Some(u64::from_be_bytes(height))
    };
    let blocks = found.into_iter();
    Ok(blocks
        .filter_map(|(key, hashes)| Some((height_of(&key)?, hashes)))
        .collect())
}

fn forget((height, hashes): (u64, Vec<u8>), batch: &mut WriteBatch) {
    let (hashes, _) = hashes.as_chunks::<32>();
    for key_hash in hashes {
        batch.remove(Table::History, record_key(key_hash, height));
    }
    batch.remove(Table::History, block_key(height));
}

fn record_key(key_hash: &Hash, height: u64) -> Vec<u8> {
    [&[RECORD][..], key_hash, &height.to_be_bytes()].concat()
}

fn block_key(height: u64) -> Vec<u8> {
    [&[BLOCK][..], &height.to_be_bytes()].concat()
}

fn encode_span(span: Span) -> Vec<u8> {
    [span.first.to_be_bytes(), span.last.to_be_bytes()].concat()
}

fn decode_span(bytes: &[u8]) -> Option<Span> {
    let (first, last) = bytes.split_first_chunk()?;
    Some(Span {
        first: u64::from_be_bytes(*first),
        last: u64::from_be_bytes(last.try_into().ok()?),
    })
}
