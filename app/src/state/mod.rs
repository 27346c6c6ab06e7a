//! Owns the committed state of one height: every record in a Merkle tree, the params read from it,
//! and the indexes that are derived from it and are not part of the app hash.
//! A `State` never changes; a block makes the next one, and old ones stay readable.

pub mod keys;
pub mod merkle;
pub mod overlay;
pub mod records;

use std::{collections::BTreeMap, sync::Arc};

pub use keys::Key;
use overlay::{Changes, View};
use records::{Escrow, EscrowStatus, Validator};

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

/// All that is derived from the records. Cloning is cheap: the nodes are shared.
#[derive(Clone, Default)]
struct Derived {
    /// Open escrows by the block that refunds them, then by key.
    due_escrows: rpds::RedBlackTreeSetSync<(u64, Vec<u8>)>,
    /// Every consensus key ever used, and its account.
    key_owners: rpds::RedBlackTreeMapSync<ConsensusAddress, Address>,
    /// The set last sent to CometBFT.
    sent: Arc<BTreeMap<PublicKey, SentValidator>>,
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
            if key.starts_with(b"/escrow/") {
                let old = self.bytes(key);
                derived.update_escrow(key, old.as_deref(), new.as_deref())?;
            } else if key.starts_with(b"/validator/") {
                let old = self.bytes(key);
                derived.update_validator(old.as_deref(), new.as_deref())?;
            } else if key.starts_with(b"/param/") {
                params_changed = true;
            }
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

    /// The keys of open escrows that are due in block `height` or before, by due height, then key.
    pub fn due_escrows(&self, height: u64) -> impl Iterator<Item = &[u8]> {
        self.derived
            .due_escrows
            .iter()
            .take_while(move |(due, _)| *due <= height)
            .map(|(_, key)| key.as_slice())
    }
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

impl Derived {
    fn update_escrow(
        &mut self,
        key: &[u8],
        old: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<(), Broken> {
        let due = |bytes: Option<&[u8]>| -> Result<Option<u64>, Broken> {
            let escrow: Option<Escrow> = bytes.map(decode).transpose()?;
            Ok(escrow
                .filter(|escrow| escrow.status == EscrowStatus::Open)
                .map(|escrow| escrow.expires_height))
        };
        if let Some(height) = due(old)? {
            self.due_escrows.remove_mut(&(height, key.to_vec()));
        }
        if let Some(height) = due(new)? {
            self.due_escrows.insert_mut((height, key.to_vec()));
        }
        Ok(())
    }

    fn update_validator(&mut self, old: Option<&[u8]>, new: Option<&[u8]>) -> Result<(), Broken> {
        let sent = Arc::make_mut(&mut self.sent);
        let old: Option<Validator> = old.map(decode).transpose()?;
        let new: Option<Validator> = new.map(decode).transpose()?;
        if let Some(validator) = old {
            let known = sent.get(&validator.pubkey);
            if known.is_some_and(|known| known.address == validator.address) {
                sent.remove(&validator.pubkey);
            }
        }
        if let Some(validator) = new {
            let (address, power) = (validator.address, validator.power);
            if power > 0 {
                sent.insert(validator.pubkey, SentValidator { address, power });
            }
            for key in &validator.keys {
                self.key_owners
                    .insert_mut(ConsensusAddress::of(key), address);
            }
        }
        Ok(())
    }
}

fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Broken> {
    serde_json::from_slice(bytes)
        .map_err(|error| Broken::new(format!("a record is unreadable: {error}")))
}
