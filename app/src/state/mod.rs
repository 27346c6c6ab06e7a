//! Owns the committed state of one height: every record in a Merkle tree, the params read from it,
//! and the indexes that are derived from it and are not part of the app hash.
//! A `State` never changes; a block makes the next one, and old ones stay readable.
//!
//! `key` and `record` are what there is, `view` and `overlay` how it is read and written, `base` the
//! state as one block reads it, `indexes` what is derived, `merkle` the tree, `app_hash` its place
//! in CometBFT's headers.

pub mod app_hash;
pub mod base;
mod indexes;
pub mod key;
pub mod merkle;
pub mod overlay;
pub mod record;
pub mod view;

pub use app_hash::AppHash;
use indexes::Indexes;
pub use indexes::{OpenEscrows, SentSet, SentValidator};
pub use key::Key;
pub use overlay::{Changes, Overlay};
pub use record::{Record, Value};
pub use view::View;

use crate::{
    address::Address,
    engine::ConsensusAddress,
    error::InvariantViolation,
    identifiers::ChainId,
    params::table::Params,
    prelude::*,
    quantity::{Height, Uait},
};

/// The whole state after one block. Cloning is cheap: the tree is shared.
#[derive(Clone)]
pub struct State {
    chain_id: ChainId,
    height: Height,
    tree: merkle::Tree,
    params: Arc<Params>,
    indexes: Indexes,
}

impl View for State {
    fn value(&self, key: &Key) -> Result<Option<Arc<Value>>, InvariantViolation> {
        let bytes = self.tree.get(&key.to_bytes());
        bytes
            .map(|bytes| Value::decode(key, bytes).map(Arc::new))
            .transpose()
    }

    fn key_owner(&self, key: &ConsensusAddress) -> Option<Address> {
        self.indexes.key_owners.get(key).copied()
    }
}

impl State {
    /// The state with these records alone, after block `height`.
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
            params: Arc::new(Params::new(Address::treasury(), Height::ZERO)),
            indexes: Indexes::default(),
        };
        let (state, _) = nothing.updated(records, &nothing, height)?;
        Ok(state)
    }

    /// Reads a state back from the stored records.
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
            let path = String::from_utf8_lossy(&path);
            let key = Key::parse(&path).map_err(|refusal| {
                InvariantViolation::new(format!("a stored key {path:?}: {refusal}"))
            })?;
            let value = Value::decode(&key, &bytes)?;
            records.insert(key, Some(Arc::new(value)));
        }
        Self::of_records(chain_id, height, &records)
    }

    /// The state after a block, and what the block did to each record's bytes. `before` tells what
    /// the changed records were.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub(crate) fn updated(
        &self,
        changes: &Changes,
        before: &impl View,
        height: Height,
    ) -> Result<(Self, merkle::Changes), InvariantViolation> {
        let mut next = self.clone();
        next.height = height;
        let mut bytes = merkle::Changes::new();
        let mut params_changed = false;
        for (key, new) in changes {
            let old = before.value(key)?;
            if old == *new {
                continue;
            }
            next.indexes.update(key, old.as_deref(), new.as_deref())?;
            params_changed |= matches!(key, Key::Param(_));
            let encoded = new.as_ref().map(|value| value.encode()).transpose()?;
            bytes.insert(key.to_bytes(), encoded.map(Into::into));
        }
        next.tree = self.tree.updated(&bytes);
        if params_changed {
            next.params = Arc::new(Params::of(&next)?);
        }
        Ok((next, bytes))
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

    /// A record's stored bytes.
    pub fn bytes(&self, key: &Key) -> Option<&Arc<[u8]>> {
        self.tree.get(&key.to_bytes())
    }

    /// The tree of all records.
    pub fn tree(&self) -> &merkle::Tree {
        &self.tree
    }

    /// Every record's key and stored bytes.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8], &Arc<[u8]>)> {
        self.tree.iter()
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

fn due<'a>(
    index: impl Iterator<Item = (&'a (Height, String), &'a Key)>,
    height: Height,
) -> impl Iterator<Item = (Height, &'a Key)> {
    index
        .map(|((due, _), key)| (*due, key))
        .take_while(move |(due, _)| *due <= height)
}
