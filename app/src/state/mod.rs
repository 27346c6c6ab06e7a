//! Owns the committed state of one height: the upper part of the Merkle tree over every record, the
//! protocol's version and the params read from it, and the indexes that are derived from it and are not part of the app hash.
//! A `State` never changes; a block makes the next one, and old ones stay readable.
//!
//! The records stand in the tree's buckets. Those that a block made are its state's own until they are
//! stored; all others come from the source that the state was given, and count only with the root that
//! the tree has for them.
//!
//! `key` and `record` are what there is, `view` and `overlay` how it is read and written, `base` the
//! state as one block reads it, `indexes` what is derived, `buckets` where records come from, `merkle`
//! the tree, `app_hash` its place in CometBFT's headers.

pub mod app_hash;
pub mod base;
mod buckets;
mod indexes;
pub mod key;
pub mod merkle;
pub mod overlay;
pub mod record;
pub mod view;

pub use app_hash::AppHash;
pub use buckets::Source;
use buckets::StateBuckets;
use indexes::Indexes;
pub use indexes::{OpenEscrows, SentSet, SentValidator};
pub use key::Key;
pub use overlay::{Changes, Overlay};
pub use record::{Record, Value};
pub use view::View;

use crate::{
    address::Address,
    crypto::sha256,
    engine::ConsensusAddress,
    error::InvariantViolation,
    identifiers::ChainId,
    params::table::Params,
    prelude::*,
    quantity::{Height, Uait},
    upgrades::record::Protocol,
};

/// The whole state after one block. Cloning is cheap: the tree is shared.
#[derive(Clone)]
pub struct State {
    chain_id: ChainId,
    height: Height,
    tree: merkle::Tree,
    buckets: StateBuckets,
    protocol: Protocol,
    params: Arc<Params>,
    indexes: Indexes,
}

/// A record that a block made, changed or deleted (`None`).
pub type Changed = (Key, Option<Arc<Value>>);

/// What a block did to the records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateDelta {
    /// Their leaves and buckets.
    pub tree: merkle::Delta,
    /// The records themselves, by key ascending.
    pub changed: Vec<Changed>,
    /// Key hashes of the records that the indexes need now (`true`), or no longer need.
    pub indexed: Vec<(merkle::Hash, bool)>,
}

impl View for State {
    fn value(&self, key: &Key) -> Result<Option<Arc<Value>>, InvariantViolation> {
        if let Some(known) = self.recall(key) {
            return Ok(known);
        }
        let decoded = self.look_up(key, |leaf| Value::decode(key, leaf.value()))?;
        let value = decoded.transpose()?.map(Arc::new);
        self.buckets.remember(key, &value);
        Ok(value)
    }

    fn key_owner(&self, key: &ConsensusAddress) -> Option<Address> {
        self.indexes.key_owners.get(key).copied()
    }
}

impl State {
    /// The state with these records alone, after block `height`. All of its buckets are its own.
    ///
    /// # Errors
    /// [`InvariantViolation`] when a param is missing.
    pub(crate) fn of_records(
        chain_id: ChainId,
        height: Height,
        records: &Changes,
    ) -> Result<Self, InvariantViolation> {
        let nothing = Self {
            chain_id,
            height,
            tree: merkle::Tree::new(),
            buckets: StateBuckets::none(),
            protocol: Protocol::default(),
            params: Arc::new(Params::new(Address::treasury(), Height::ZERO)),
            indexes: Indexes::default(),
        };
        let (state, _) = nothing.updated(records, &nothing, height)?;
        Ok(state)
    }

    /// The state with these records alone, by their keys' and values' bytes.
    ///
    /// # Errors
    /// [`InvariantViolation`] when a record is unreadable or a param is missing.
    pub fn from_entries(
        chain_id: ChainId,
        height: Height,
        entries: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>,
    ) -> Result<Self, InvariantViolation> {
        let mut records = Changes::new();
        for (path, bytes) in entries {
            let key = stored_key(&path)?;
            let value = Value::decode(&key, &bytes)?;
            records.insert(key, Some(Arc::new(value)));
        }
        Self::of_records(chain_id, height, &records)
    }

    /// Finds a stored state again: its tree, whose buckets `source` has, and the hashes of the keys of
    /// the records that [`StateDelta::indexed`] named.
    ///
    /// # Errors
    /// [`InvariantViolation`] when a record can't be read, or a param is missing.
    pub fn restored(
        chain_id: ChainId,
        height: Height,
        tree: merkle::Tree,
        source: Arc<dyn Source>,
        indexed: impl IntoIterator<Item = merkle::Hash>,
    ) -> Result<Self, InvariantViolation> {
        let mut state = Self {
            chain_id,
            height,
            tree,
            buckets: StateBuckets::of(source),
            protocol: Protocol::default(),
            params: Arc::new(Params::new(Address::treasury(), Height::ZERO)),
            indexes: Indexes::default(),
        };
        state.protocol = View::protocol(&state)?;
        state.params = Arc::new(Params::of(&state)?);
        for key_hash in indexed {
            let (key, value) = state.record_of(&key_hash)?;
            state.indexes.update(&key, None, Some(&value))?;
        }
        Ok(state)
    }

    /// The same state, all of whose buckets `source` has now.
    #[must_use]
    pub fn stored(&self, source: Arc<dyn Source>) -> Self {
        Self {
            buckets: StateBuckets::of(source),
            ..self.clone()
        }
    }

    /// The same state, whose tree takes less memory: see [`merkle::Tree::coarsened`].
    #[must_use]
    pub fn coarsened(&self, leaves: usize) -> Self {
        Self {
            tree: self.tree.coarsened(leaves),
            ..self.clone()
        }
    }

    /// The state after a block, and what the block did to the records. `before` tells what the changed
    /// records were.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub(crate) fn updated(
        &self,
        changes: &Changes,
        before: &impl View,
        height: Height,
    ) -> Result<(Self, StateDelta), InvariantViolation> {
        let mut next = self.clone();
        next.height = height;
        let mut bytes = merkle::Changes::new();
        let mut changed = Vec::with_capacity(changes.len());
        let mut indexed = Vec::new();
        let (mut params_changed, mut protocol_changed) = (false, false);
        for (key, new) in changes {
            let old = before.value(key)?;
            if old == *new {
                continue;
            }
            next.indexes.update(key, old.as_deref(), new.as_deref())?;
            protocol_changed |= *key == Key::Protocol;
            params_changed |= matches!(key, Key::Param(_) | Key::Protocol);
            changed.push((key.clone(), new.clone()));
            let path = key.to_bytes();
            let is_indexed = new.as_deref().is_some_and(Indexes::need);
            if is_indexed != old.as_deref().is_some_and(Indexes::need) {
                indexed.push((sha256(&path), is_indexed));
            }
            let encoded = new.as_ref().map(|value| value.encode()).transpose()?;
            bytes.insert(path, encoded.map(Into::into));
        }
        let (tree, delta) = self.tree.updated(&bytes, &self.buckets)?;
        next.tree = tree;
        next.buckets = self.buckets.after(&delta);
        if protocol_changed {
            next.protocol = View::protocol(&next)?;
        }
        if params_changed {
            next.params = Arc::new(Params::of(&next)?);
        }
        let delta = StateDelta {
            tree: delta,
            changed,
            indexed,
        };
        Ok((next, delta))
    }

    /// Hands over every bucket, from left to right, with the key hashes of those of its records that the
    /// indexes need.
    ///
    /// # Errors
    /// [`InvariantViolation`] when a record can't be read, and what `then` ends with.
    pub fn for_each_bucket<E: From<InvariantViolation>>(
        &self,
        mut then: impl FnMut(&merkle::Bucket, &[merkle::Hash]) -> Result<(), E>,
    ) -> Result<(), E> {
        for stub in self.tree.buckets() {
            let bucket = stub.read(&self.buckets)?;
            then(&bucket, &indexed_in(&bucket)?)?;
        }
        Ok(())
    }

    /// The chain's name.
    pub fn chain_id(&self) -> &ChainId {
        &self.chain_id
    }

    /// The block after which this is the state.
    pub fn height(&self) -> Height {
        self.height
    }

    /// The tree's root.
    pub fn root(&self) -> [u8; 32] {
        self.tree.root()
    }

    /// What the next block's header says of this state.
    pub fn app_hash(&self) -> AppHash {
        AppHash::of_root(&self.root())
    }

    /// The params that the next block runs under.
    pub fn params(&self) -> &Arc<Params> {
        &self.params
    }

    /// The version of the protocol after its block, and the upgrade that is planned.
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// A record's stored bytes.
    ///
    /// # Errors
    /// [`InvariantViolation`] when they can't be read.
    pub fn bytes(&self, key: &Key) -> Result<Option<Vec<u8>>, InvariantViolation> {
        self.look_up(key, |leaf| leaf.value().to_vec())
    }

    /// A record that need not be read, as [`Source::recall`] has it.
    pub fn recall(&self, key: &Key) -> Option<Option<Arc<Value>>> {
        self.buckets.recall(key)
    }

    /// The tree of all records.
    pub fn tree(&self) -> &merkle::Tree {
        &self.tree
    }

    /// Where this state's buckets come from.
    pub fn buckets(&self) -> &dyn merkle::Buckets {
        &self.buckets
    }

    /// Every record, by its key's hash. Ends after its first error.
    pub fn entries(&self) -> impl Iterator<Item = Result<merkle::Leaf, InvariantViolation>> {
        self.tree.leaves(&self.buckets)
    }

    fn look_up<T>(
        &self,
        key: &Key,
        of: impl FnOnce(merkle::Leaf<&[u8]>) -> T,
    ) -> Result<Option<T>, InvariantViolation> {
        let key_hash = sha256(&key.to_bytes());
        self.tree.look_up(&key_hash, &self.buckets, of)
    }

    fn record_of(&self, key_hash: &merkle::Hash) -> Result<(Key, Value), InvariantViolation> {
        let read = |leaf: merkle::Leaf<&[u8]>| {
            let key = stored_key(leaf.key())?;
            let value = Value::decode(&key, leaf.value())?;
            Ok((key, value))
        };
        let found = self.tree.look_up(key_hash, &self.buckets, read)?;
        found.unwrap_or_else(|| {
            let hash = hex::encode(key_hash);
            Err(InvariantViolation::new(format!(
                "the indexes need a record that is not there: {hash}"
            )))
        })
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.tree.len()
    }

    /// Whether there is no record at all.
    pub fn is_empty(&self) -> bool {
        self.tree.is_empty()
    }

    /// The set last sent to CometBFT.
    pub fn sent_validators(&self) -> &SentSet {
        &self.indexes.sent
    }

    /// Who has stake and isn't jailed, the most first, then by address bytes ascending.
    pub fn stakers(&self) -> impl Iterator<Item = (Address, Uait)> {
        let stakers = self.indexes.stakers.iter();
        stakers.map(|(stake, address)| (*address, stake.0))
    }

    /// Who has stake and is jailed, the most first, then by address bytes ascending.
    pub fn jailed(&self) -> impl Iterator<Item = (Address, Uait)> {
        let jailed = self.indexes.jailed.iter();
        jailed.map(|(stake, address)| (*address, stake.0))
    }

    /// How many open escrows a client has, and what is locked in them.
    ///
    /// # Errors
    /// [`InvariantViolation`] when they hold more coins than there can be.
    pub fn open_escrows(&self, client: &Address) -> Result<OpenEscrows, InvariantViolation> {
        self.indexes.open_escrows(client)
    }

    /// Keys of escrows to refund at the beginning of block `height`, the longest due first.
    pub fn due_escrows(&self, height: Height) -> impl Iterator<Item = &Key> {
        due(self.indexes.due_escrows.iter(), height).map(|(_, key)| key)
    }

    /// Due heights and keys of records with coins to pay out at the beginning of block `height`, the
    /// longest due first.
    pub fn due_unbondings(&self, height: Height) -> impl Iterator<Item = (Height, &Key)> {
        due(self.indexes.due_unbondings.iter(), height)
    }

    /// Keys of refunded escrows to delete at the beginning of block `height`, the longest due first.
    pub fn due_deletions(&self, height: Height) -> impl Iterator<Item = &Key> {
        due(self.indexes.due_deletions.iter(), height).map(|(_, key)| key)
    }
}

/// The key hashes of those of a bucket's records that the indexes need, as [`StateDelta::indexed`] has them.
///
/// # Errors
/// [`InvariantViolation`] when a record can't be read.
pub fn indexed_in(bucket: &merkle::Bucket) -> Result<Vec<merkle::Hash>, InvariantViolation> {
    let mut indexed = Vec::new();
    for leaf in bucket.leaves() {
        if is_indexed(&leaf)? {
            indexed.push(*leaf.key_hash());
        }
    }
    Ok(indexed)
}

/// Whether the indexes need a record.
///
/// # Errors
/// [`InvariantViolation`] when it can't be read.
pub fn is_indexed<R: AsRef<[u8]>>(leaf: &merkle::Leaf<R>) -> Result<bool, InvariantViolation> {
    let value = Value::decode(&stored_key(leaf.key())?, leaf.value())?;
    Ok(Indexes::need(&value))
}

fn stored_key(path: &[u8]) -> Result<Key, InvariantViolation> {
    let path = String::from_utf8_lossy(path);
    Key::parse(&path)
        .map_err(|refusal| InvariantViolation::new(format!("a stored key {path:?}: {refusal}")))
}

fn due<'a>(
    index: impl Iterator<Item = (&'a (Height, String), &'a Key)>,
    height: Height,
) -> impl Iterator<Item = (Height, &'a Key)> {
    index
        .map(|((due, _), key)| (*due, key))
        .take_while(move |(due, _)| *due <= height)
}
