//! Owns how the buckets of a state's tree are read: from memory, or from disk and the history. A bucket is
//! remembered by its root, so what is remembered is right for every height.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard},
};

use ait_app::{
    InvariantViolation,
    state::{
        Key, Source, StateDelta, Value,
        merkle::{Bucket, Buckets, Delta, Hash, Leaf, MAX_BUCKET, Place, Stub},
    },
};
use ait_store::{Entry, Store, StoreError, Table, WriteBatch};
use quick_cache::{Weighter, sync::Cache};

use super::{accounts::Accounts, history::History};

/// Memory of a bucket and of a leaf besides its record, bytes; measured roughly, and rather too much.
const BUCKET_BYTES: usize = 300;
const LEAF_BYTES: usize = 80;
/// Which part of the memory is for decoded accounts: one of so many.
const ACCOUNTS_SHARE: usize = 8;

/// Reads buckets of the last state, and of those of kept heights.
pub(super) struct StateReader {
    store: Arc<dyn Store>,
    /// The block after the one that the store held when it was opened.
    opened_at: u64,
    remembered: Cache<Hash, Arc<Bucket>, Weight>,
    accounts: Accounts,
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
        let slots = bucket.len().saturating_mul(LEAF_BYTES);
        let bytes = slots.saturating_add(bucket.records().len());
        u64::try_from(bytes.saturating_add(BUCKET_BYTES)).unwrap_or(u64::MAX)
    }
}

impl StateReader {
    /// A reader that remembers about as many bytes.
    ///
    /// # Errors
    /// As [`Store::head`].
    pub(super) fn new(store: Arc<dyn Store>, cache_bytes: usize) -> Result<Self, StoreError> {
        let height = store.head()?.map(|head| head.height);
        let of_accounts = cache_bytes / ACCOUNTS_SHARE;
        let of_buckets = cache_bytes.saturating_sub(of_accounts);
        let capacity = u64::try_from(of_buckets).unwrap_or(u64::MAX);
        let of_a_bucket = 5_000;
        Ok(Self {
            store,
            opened_at: height.map_or(0, |height| height.saturating_add(1)),
            accounts: Accounts::new(of_accounts, height.unwrap_or_default()),
            remembered: Cache::with_weighter(of_buckets / of_a_bucket, capacity, Weight),
            history: RwLock::default(),
            heights: Mutex::default(),
        })
    }

    /// The store was cleared.
    pub(super) fn forget(&self) {
        self.accounts.clear();
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
        let head = self.store.head()?.map(|head| head.meta);
        history.push(delta, height, head, batch);
        Ok(())
    }

    /// It is on disk.
    pub(super) fn end(self: &Arc<Self>, delta: &StateDelta, height: u64) -> AtHeight {
        self.history
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .written();
        for (_, root) in &delta.tree.gone {
            self.remembered.remove(root);
        }
        for (_, bucket) in delta.tree.fresh.iter() {
            self.remembered.insert(*bucket.root(), bucket.clone());
        }
        self.accounts.advance(height, &delta.changed);
        self.at(height)
    }

    /// A bucket at a height, from disk: the first records below its place, where nothing was changed since.
    fn read(
        &self,
        place: &Place,
        records: usize,
        height: u64,
    ) -> Result<Bucket, InvariantViolation> {
        let (first, last) = (place.first(), place.last());
        // In this order: whatever a commit changes in the meantime, the history knows already.
        let mut stored = self.entries(place, records)?;
        let mut later = self.history().after(height);
        if !later.is_empty() {
            stored = self.entries(place, usize::MAX)?;
            later = self.history().after(height);
        }
        let mut before = BTreeMap::new();
        for undo in later {
            undo.add_to(&mut before, (first, &last), self.store.as_ref())?;
        }
        let unreadable = || InvariantViolation::new("a stored record can't be understood");
        let mut leaves = Vec::with_capacity(stored.len());
        for (key_hash, record) in stored {
            let key_hash = Hash::try_from(key_hash).map_err(|_| unreadable())?;
            leaves.push(Leaf::placed(key_hash, record).ok_or_else(unreadable)?);
        }
        let bucket = if before.is_empty() {
            Bucket::new(place, leaves)
        } else {
            let now = leaves.iter();
            let mut all: BTreeMap<Hash, Option<Leaf>> = now
                .map(|leaf| (*leaf.key_hash(), Some(leaf.alone())))
                .collect();
            all.extend(before);
            Bucket::new(place, all.into_values().flatten())
        };
        bucket.ok_or_else(|| {
            InvariantViolation::new(format!("the records below {place:?} are in no order"))
        })
    }

    fn entries(&self, place: &Place, limit: usize) -> Result<Vec<Entry>, InvariantViolation> {
        self.store
            .range(Table::Records, place.first(), &place.last(), limit)
            .map_err(|error| InvariantViolation::new(error.to_string()))
    }

    fn history(&self) -> RwLockReadGuard<'_, History> {
        self.history.read().unwrap_or_else(PoisonError::into_inner)
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
        let bucket = self.reader.read(&stub.place, usize::MAX, self.height)?;
        if *bucket.root() == stub.root && bucket.len() == stub.leaves {
            return Ok(());
        }
        Err(InvariantViolation::new(format!(
            "the records on disk below {:?} are not those that block {} left",
            stub.place, self.height
        )))
    }
}

impl Buckets for AtHeight {
    fn bucket(&self, stub: &Stub) -> Result<Arc<Bucket>, InvariantViolation> {
        let remembered = &self.reader.remembered;
        if let Some(bucket) = remembered.get(&stub.root) {
            return Ok(bucket);
        }
        let bucket = Arc::new(self.reader.read(&stub.place, stub.leaves, self.height)?);
        // Coarser ones of old trees are not read again.
        if bucket.len() <= MAX_BUCKET && *bucket.root() == stub.root {
            remembered.insert(stub.root, bucket.clone());
        }
        Ok(bucket)
    }
}

impl Source for AtHeight {
    fn recall(&self, key: &Key) -> Option<Option<Arc<Value>>> {
        self.reader.accounts.recall(key, self.height)
    }

    fn remember(&self, key: &Key, value: &Option<Arc<Value>>) {
        self.reader.accounts.remember(key, value, self.height);
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
