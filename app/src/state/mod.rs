//! Owns the committed state of one height: every record in a Merkle tree, the params read from it,
//! and the indexes that are derived from it and are not part of the app hash.
//! A `State` never changes; a block makes the next one, and old ones stay readable.

mod derived;
pub mod keys;
pub mod merkle;
pub mod overlay;
pub mod records;

use std::{collections::BTreeMap, sync::Arc};

use derived::Derived;
pub use keys::Key;
use overlay::{Changes, View};

use crate::{
    address::Address,
    crypto::{PublicKey, sha256},
    error::Broken,
    identifiers::ChainId,
    json::Json,
    params::Params,
};

/// CometBFT's name for a consensus key: the first 20 bytes of its sha256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsensusAddress(pub [u8; 20]);

impl ConsensusAddress {
    /// The address of a consensus key.
    pub fn of(key: &PublicKey) -> Self {
        let digest = sha256(key.as_bytes());
        Self(std::array::from_fn(|i| {
            digest.get(i).copied().unwrap_or_default()
        }))
    }

    /// From CometBFT's bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

/// A validator as CometBFT was last told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentValidator {
    /// The account behind the key.
    pub address: Address,
    /// Its voting power.
    pub power: u64,
}

/// The committed state after a block. Cloning is cheap.
#[derive(Clone)]
pub struct State {
    chain_id: ChainId,
    height: u64,
    tree: merkle::Tree,
    params: Arc<Params>,
    derived: Derived,
}

impl View for State {
    fn bytes(&self, key: &[u8]) -> Option<Arc<[u8]>> {
        self.tree.get(key).cloned()
    }

    fn key_owner(&self, key: &ConsensusAddress) -> Result<Option<Address>, Broken> {
        Ok(self.derived.key_owners.get(key).copied())
    }
}

impl State {
    /// A state without records, for a genesis to write into.
    pub(crate) fn empty(chain_id: ChainId, height: u64, params: Params) -> Self {
        Self {
            chain_id,
            height,
            tree: merkle::Tree::new(),
            params: Arc::new(params),
            derived: Derived::default(),
        }
    }

    /// The state after block `height`, from all of its records as [`State::entries`] gave them.
    ///
    /// # Errors
    /// [`Broken`] when a record is unreadable or the params are incomplete.
    pub fn from_entries(
        chain_id: ChainId,
        height: u64,
        entries: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>,
    ) -> Result<Self, Broken> {
        let changes: Changes = entries
            .into_iter()
            .map(|(key, value)| (key, Some(value.into())))
            .collect();
        let params = Params::new(Address::treasury(), Vec::new(), 0);
        Self::empty(chain_id, height, params).updated(changes, height)
    }

    /// The state that these changes make of this one.
    ///
    /// # Errors
    /// [`Broken`] when a changed record is unreadable.
    pub(crate) fn updated(&self, changes: Changes, height: u64) -> Result<Self, Broken> {
        let mut derived = self.derived.clone();
        let mut params_changed = false;
        for (key, new) in &changes {
            derived.update(key, self.bytes(key).as_deref(), new.as_deref())?;
            params_changed |= key.starts_with(b"/param/");
        }
        let tree = self.tree.updated(&changes);
        let params = if params_changed {
            Arc::new(read_params(&tree, &self.params)?)
        } else {
            self.params.clone()
        };
        Ok(Self {
            chain_id: self.chain_id.clone(),
            height,
            tree,
            params,
            derived,
        })
    }

    /// The chain.
    pub fn chain_id(&self) -> &ChainId {
        &self.chain_id
    }

    /// The last block in it; 0 is the genesis.
    pub fn height(&self) -> u64 {
        self.height
    }

    /// The app hash: the Merkle root over all records (SPEC section 7).
    pub fn root(&self) -> [u8; 32] {
        self.tree.root()
    }

    /// The params, which hold in the next block.
    pub fn params(&self) -> &Arc<Params> {
        &self.params
    }

    /// The ICS-23 proof that a key has its value, or has none, under [`State::root`].
    pub fn prove(&self, key: &Key) -> Option<ics23::CommitmentProof> {
        self.tree.prove(&key.to_bytes())
    }

    /// Every record by its key, in the order of the tree.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8], &Arc<[u8]>)> {
        self.tree.iter()
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.tree.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.tree.is_empty()
    }

    /// The validators as last sent to CometBFT, by key.
    pub fn sent_validators(&self) -> &BTreeMap<PublicKey, SentValidator> {
        &self.derived.sent
    }

    /// Accounts with stake, and the uait of it, by address.
    pub fn stakes(&self) -> impl Iterator<Item = (&Address, u64)> {
        let stakes = self.derived.stakes.iter();
        stakes.map(|(address, stake)| (address, *stake))
    }

    /// Accounts with a work score, or with work that will count for one, by address.
    pub fn working(&self) -> impl Iterator<Item = &Address> {
        self.derived.working.iter()
    }

    /// The keys of open escrows that are due in block `height` or before, by due height, then key.
    pub fn due_escrows(&self, height: u64) -> impl Iterator<Item = &[u8]> {
        due(&self.derived.due_escrows, height).map(|(_, key)| key)
    }

    /// Due heights and keys of validators with unbonding coins that are due in block `height` or
    /// before, by due height, then key.
    pub fn due_unbondings(&self, height: u64) -> impl Iterator<Item = (u64, &[u8])> {
        due(&self.derived.due_unbondings, height)
    }
}

fn due(set: &derived::DueSet, height: u64) -> impl Iterator<Item = (u64, &[u8])> {
    set.iter()
        .map(|(due, key)| (*due, key.as_slice()))
        .take_while(move |(due, _)| *due <= height)
}

fn read_params(tree: &merkle::Tree, before: &Params) -> Result<Params, Broken> {
    let mut entries = BTreeMap::new();
    for name in before.entries()?.into_keys() {
        let key = Key::Param(name.clone());
        if let Some(bytes) = tree.get(&key.to_bytes()) {
            let value: Json = overlay::decode(&key, bytes)?;
            entries.insert(name, value);
        }
    }
    Params::from_entries(&entries)
}
