//! Owns how the buckets of a state's tree are read: from memory, or from disk and the history. A bucket is
//! remembered by its root, so what is remembered is right for every height.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use ait_app::{
    InvariantViolation,
    state::{
        Key, State,
        merkle::{Bucket, Buckets, Delta, Hash, Leaf, MAX_BUCKET, Place, Stub},
    },
};
use ait_store::{Store, StoreError, Table, WriteBatch};
use quick_cache::{Weighter, sync::Cache};
use rayon::prelude::*;

use super::history::History;

/// Memory of a bucket and of a leaf besides its record, bytes; measured roughly, and rather too much.
const BUCKET_BYTES: u64 = 200;
const LEAF_BYTES: u64 = 160;

/// Reads buckets of the last state, and of those of kept heights.
pub(super) struct StateReader {
    store: Arc<dyn Store>,
    /// The block after the one that the store held when it was opened.
    opened_at: u64,
    remembered: Cache<Hash, Arc<Bucket>, Weight>,
    history: RwLock<History>,
    /// How many readers there are of each height.
    heights: Mutex<BTreeMap<u64, usize>>,
}

/// The buckets of one height. While it lives, what that height needs is kept.
pub(super) struct AtHeight {
    reader: Arc<StateReader>,
    height: u64,
}

#[derive(Clone)]
struct Weight;

impl Weighter<Hash, Arc<Bucket>> for Weight {
    fn weight(&self, _: &Hash, bucket: &Arc<Bucket>) -> u64 {
        let leaves = bucket.leaves().iter();
        leaves.fold(BUCKET_BYTES, |sum, leaf| {
            let record = u64::try_from(leaf.record().len()).unwrap_or(u64::MAX);
            sum.saturating_add(LEAF_BYTES).saturating_add(record)
        })
    }
}

impl StateReader {
    /// A reader that remembers about as many bytes.
    ///
    /// # Errors
    /// As [`Store::head`].
    pub(super) fn new(store: Arc<dyn Store>, cache_bytes: usize) -> Result<Self, StoreError> {
        let opened_at = store
            .head()?
            .map_or(0, |head| head.height.saturating_add(1));
        let capacity = u64::try_from(cache_bytes).unwrap_or(u64::MAX);
        let of_a_bucket = 5_000;
        Ok(Self {
            store,
            opened_at,
            remembered: Cache::with_weighter(cache_bytes / of_a_bucket, capacity, Weight),
            history: RwLock::default(),
            heights: Mutex::default(),
        })
    }

    /// The buckets of a height: the one on disk.
    pub(super) fn at(self: &Arc<Self>, height: u64) -> AtHeight {
        let mut heights = self.heights();
        let count = heights.entry(height).or_default();
        *count = count.saturating_add(1);
        AtHeight {
            reader: self.clone(),
            height,
        }
    }

    /// A block is about to be written: from now on its readers' predecessors look for what it changes.
    pub(super) fn begin(
        &self,
        delta: &Delta,
        height: u64,
        batch: &mut WriteBatch,
    ) -> Result<(), StoreError> {
        let oldest = self.heights().first_key_value().map(|(height, _)| *height);
        let mut history = self.history.write().unwrap_or_else(PoisonError::into_inner);
        history.sweep(self.opened_at, self.store.as_ref(), batch)?;
        history.forget(oldest.unwrap_or(height.saturating_sub(1)), batch);
        history.push(delta, height, batch);
        Ok(())
    }

    /// It is on disk.
    pub(super) fn end(self: &Arc<Self>, delta: &Delta, height: u64) -> AtHeight {
        self.history
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .written();
        for (_, root) in &delta.gone {
            self.remembered.remove(root);
        }
        for (_, bucket) in delta.fresh.iter() {
            self.remembered.insert(*bucket.root(), bucket.clone());
        }
        self.at(height)
    }

    /// See [`super::Stored::prefetch`].
    pub(super) fn prefetch(
        &self,
        state: &State,
        keys: impl Iterator<Item = Key>,
    ) -> Result<(), InvariantViolation> {
        let tree = state.tree();
        let places = keys.filter_map(|key| {
            let (place, root) = tree.place_of(&ait_app::crypto::sha256(&key.to_bytes()))?;
            (!self.remembered.contains_key(&root)).then_some((root, place))
        });
        let places: BTreeMap<Hash, Place> = places.collect();
        places
            .into_par_iter()
            .try_for_each(|(root, place)| state.buckets().bucket(&place, &root).map(|_| ()))
    }

    /// The leaves below a place at a height, from disk.
    fn read(&self, place: &Place, height: u64) -> Result<Vec<Leaf>, InvariantViolation> {
        let (first, last) = (place.first(), place.last());
        // In this order: whatever a commit changes in the meantime, the history knows already.
        let stored = self
            .store
            .range(Table::Records, first, &last, usize::MAX)
            .map_err(|error| InvariantViolation::new(error.to_string()))?;
        let history = self.history.read().unwrap_or_else(PoisonError::into_inner);
        let later = history.after(height);
        drop(history);
        let unreadable = || InvariantViolation::new("a stored record can't be understood");
        let mut leaves = Vec::with_capacity(stored.len());
        for (key_hash, record) in stored {
            let key_hash = Hash::try_from(key_hash).map_err(|_| unreadable())?;
            leaves.push(Leaf::placed(key_hash, record.into()).ok_or_else(unreadable)?);
        }
        let mut before = BTreeMap::new();
        for undo in later {
            undo.add_to(&mut before, (first, &last), self.store.as_ref())?;
        }
        if before.is_empty() {
            return Ok(leaves);
        }
        let mut all: BTreeMap<Hash, Option<Leaf>> = leaves
            .into_iter()
            .map(|leaf| (*leaf.key_hash(), Some(leaf)))
            .collect();
        all.extend(before);
        Ok(all.into_values().flatten().collect())
    }

    fn heights(&self) -> MutexGuard<'_, BTreeMap<u64, usize>> {
        self.heights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AtHeight {
    /// Whether a bucket on disk is what its tree says, whatever is remembered.
    ///
    /// # Errors
    /// [`InvariantViolation`] when it can't be read, or is another.
    pub(super) fn check(&self, stub: &Stub) -> Result<(), InvariantViolation> {
        let bucket = self.stored_bucket(&stub.place)?;
        if *bucket.root() == stub.root && bucket.leaves().len() == stub.leaves {
            return Ok(());
        }
        Err(InvariantViolation::new(format!(
            "the records on disk below {:?} are not those that block {} left",
            stub.place, self.height
        )))
    }

    fn stored_bucket(&self, place: &Place) -> Result<Bucket, InvariantViolation> {
        let leaves = self.reader.read(place, self.height)?;
        Bucket::new(place, leaves)
            .ok_or_else(|| InvariantViolation::new(format!("records stand twice below {place:?}")))
    }
}

impl Buckets for AtHeight {
    fn bucket(&self, place: &Place, root: &Hash) -> Result<Arc<Bucket>, InvariantViolation> {
        let remembered = &self.reader.remembered;
        if let Some(bucket) = remembered.get(root) {
            return Ok(bucket);
        }
        let bucket = Arc::new(self.stored_bucket(place)?);
        // Coarser ones of old trees are not read again.
        if bucket.leaves().len() <= MAX_BUCKET && bucket.root() == root {
            remembered.insert(*root, bucket.clone());
        }
        Ok(bucket)
    }
}

impl Drop for AtHeight {
    fn drop(&mut self) {
        let mut heights = self.reader.heights();
        if let Some(count) = heights.get_mut(&self.height) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                heights.remove(&self.height);
            }
        }
    }
}
