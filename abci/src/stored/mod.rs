//! Owns what the node has on disk, and what of it is in memory: the state of the last block, with which
//! those of the kept heights can be read, and the transactions of all blocks that are kept.
//!
//! Records stand in the table of records by the hash of their key, so that a bucket of the state's tree is
//! one range. `shape` has the tree itself, `history` what records were before, `past` what they were longer
//! ago, `buckets` reads them all and remembers, `accounts` remembers those decoded; `blocks` has the
//! transactions; `open` finds the chain again, `check` and `scrub` read everything, `migrate` brings a store
//! over, `rollback` takes its last block back, `packing` makes one value of several. Whatever is read counts
//! only with the root that the tree has for it: a lost, torn or exchanged record stops the node with one
//! message. What `past` tells has no such root: it is for queries without proofs.

mod accounts;
mod blocks;
mod buckets;
mod check;
mod history;
mod migrate;
mod open;
pub(crate) mod packing;
mod past;
mod rollback;
mod scrub;
mod shape;

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use ait_app::{
    InvariantViolation,
    identifiers::ChainId,
    state::{
        Key, State, StateDelta, View as _, indexed_in,
        merkle::{Bucket, Hash, Tree},
    },
    tx::{TxHash, TxResult, VerifiedTx},
};
use ait_store::{Store, StoreError, Table, WriteBatch};
use bytes::Bytes;
use rayon::prelude::*;

pub(crate) use blocks::Blocks;
use buckets::StateReader;
pub use check::{Checked, check};
pub use migrate::{bring_over, copy};
pub use open::OpenError;
pub(crate) use open::open;
pub use past::Kept as HistoryKept;
use past::{Found, Past};
pub use rollback::{RollBackError, roll_back};
pub use scrub::Scrubber;
use shape::Shape;

use crate::{
    fatal::Fatal,
    records::{BlockInfo, CommittedState},
};

/// Changes of the first state that are written at once.
const FILL_PART: usize = 10_000;

/// The chain on disk.
pub(crate) struct Stored {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) blocks: Blocks,
    reader: Arc<StateReader>,
    shape: Mutex<Shape>,
    past: Past,
    /// Whether the store holds a state; the first commit writes all of it.
    has_state: AtomicBool,
}

/// A block to be written.
pub(crate) struct Written<'a> {
    pub(crate) info: &'a BlockInfo,
    pub(crate) txs: &'a [Bytes],
    pub(crate) hashes: &'a [TxHash],
    pub(crate) results: &'a [TxResult],
    /// The state after it, and what it changed.
    pub(crate) state: &'a State,
    pub(crate) delta: &'a StateDelta,
    /// Transactions of blocks below this height need not be kept; 0 for none.
    pub(crate) retain_height: u64,
}

impl Stored {
    /// One batch with an fsync. Gives the same state, whose records are all on disk.
    ///
    /// # Errors
    /// [`Fatal`]. After one nobody knows what the disk holds, and the node has to stop.
    pub(crate) fn commit(&self, block: &Written<'_>) -> Result<State, Fatal> {
        let height = block.info.height;
        let is_first = !self.has_state.load(Ordering::Relaxed);
        let mut batch = WriteBatch {
            height,
            meta: serde_json::to_vec(block.info)?,
            ..WriteBatch::default()
        };
        // Nothing was before the first state.
        let nothing = StateDelta::default();
        let delta = if is_first { &nothing } else { block.delta };
        write_delta(delta, &mut batch);
        let mut shape = self.shape();
        if is_first {
            fill::<Fatal>(self.store.as_ref(), block.state)?;
            shape.write_all(block.state.tree(), height, &mut batch);
        } else {
            shape.write(block.state.tree(), &delta.tree, height, &mut batch);
        }
        drop(shape);
        self.blocks.write(block, self.store.as_ref(), &mut batch)?;
        self.reader.begin(&delta.tree, height, &mut batch)?;
        let store = self.store.as_ref();
        self.past
            .write(&delta.tree, height, is_first, store, &mut batch)?;
        self.store.commit(&batch)?;
        self.has_state.store(true, Ordering::Relaxed);
        let source = self.reader.end(delta, height);
        Ok(block.state.stored(Arc::new(source)))
    }

    /// Removes all that the store holds of a chain.
    ///
    /// # Errors
    /// [`Fatal`].
    pub(crate) fn clear(&self) -> Result<(), Fatal> {
        self.has_state.store(false, Ordering::Relaxed);
        *self.shape() = Shape::none();
        self.reader.forget();
        self.past.forget_all();
        Ok(self.store.clear()?)
    }

    /// Keeps values of earlier heights on disk from now on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn keep_history(&self, kept: HistoryKept) -> Result<(), StoreError> {
        self.past.keep(kept, self.store.as_ref())
    }

    /// A record's value after the block of a height, by the state that is the newest; `None` where that height is not
    /// kept.
    ///
    /// # Errors
    /// [`InvariantViolation`] when it can't be read.
    pub(crate) fn value_at(
        &self,
        key: &Key,
        height: u64,
        newest: &State,
    ) -> Result<Option<Option<Vec<u8>>>, InvariantViolation> {
        let last = newest.height().get();
        match self.past.value(key, height, last, self.store.as_ref())? {
            Found::NotKept => Ok(None),
            Found::Was(value) => Ok(Some(value)),
            Found::Unchanged => Ok(Some(newest.bytes(key)?)),
        }
    }

    /// Writes records of a state that is being restored, which count once that is.
    ///
    /// # Errors
    /// [`Fatal`].
    pub(crate) fn fill(&self, bucket: &Bucket) -> Result<(), Fatal> {
        let mut part = WriteBatch::default();
        put_bucket(bucket, &indexed_in(bucket)?, &mut part);
        Ok(self.store.fill(&part.writes)?)
    }

    /// Makes the records that were filled in the state after a block, and finds it as a start would.
    ///
    /// # Errors
    /// [`Fatal`], also where the records are not those of the tree.
    pub(crate) fn restore(
        &self,
        tree: &Tree,
        info: &BlockInfo,
        chain_id: &ChainId,
    ) -> Result<CommittedState, Fatal> {
        let mut batch = WriteBatch {
            height: info.height,
            meta: serde_json::to_vec(info)?,
            ..WriteBatch::default()
        };
        self.shape().write_all(tree, info.height, &mut batch);
        self.store.commit(&batch)?;
        let loaded = open::load(&self.reader, self.store.as_ref(), chain_id)?;
        let (committed, shape) =
            loaded.ok_or_else(|| Fatal::OutOfStep("a restored state is not there".to_owned()))?;
        *self.shape() = shape;
        self.has_state.store(true, Ordering::Relaxed);
        Ok(committed)
    }

    fn shape(&self) -> MutexGuard<'_, Shape> {
        self.shape.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads on all cores what these transactions will read of a state and is not in memory, decoded.
///
/// # Errors
/// [`InvariantViolation`] when a record can't be read.
pub(crate) fn prefetch<'a>(
    state: &State,
    transactions: impl Iterator<Item = &'a VerifiedTx>,
) -> Result<(), InvariantViolation> {
    let read = transactions.flat_map(|transaction| transaction.tx.reads());
    let unknown: BTreeSet<Key> = read.filter(|key| state.recall(key).is_none()).collect();
    unknown
        .into_par_iter()
        .try_for_each(|key| state.value(&key).map(|_| ()))
}

fn write_delta(delta: &StateDelta, batch: &mut WriteBatch) {
    for (key_hash, leaf) in &delta.tree.after {
        match leaf {
            Some(leaf) => batch.put(Table::Records, *key_hash, leaf.shared_record()),
            None => batch.remove(Table::Records, *key_hash),
        }
    }
    for (key_hash, is_needed) in &delta.indexed {
        match is_needed {
            true => batch.put(Table::Indexed, *key_hash, []),
            false => batch.remove(Table::Indexed, *key_hash),
        }
    }
}

/// Writes a whole state into an empty store, in parts: it may have millions of records.
fn fill<E>(store: &dyn Store, state: &State) -> Result<(), E>
where
    E: From<StoreError> + From<InvariantViolation>,
{
    let mut part = WriteBatch::default();
    state.for_each_bucket(|bucket, indexed| {
        put_bucket(bucket, indexed, &mut part);
        if part.writes.len() >= FILL_PART {
            store.fill(&part.writes)?;
            part.writes.clear();
        }
        Ok::<(), E>(())
    })?;
    Ok(store.fill(&part.writes)?)
}

fn put_bucket(bucket: &Bucket, indexed: &[Hash], part: &mut WriteBatch) {
    for leaf in bucket.leaves() {
        part.put(Table::Records, *leaf.key_hash(), leaf.record());
    }
    for key_hash in indexed {
        part.put(Table::Indexed, *key_hash, []);
    }
}
