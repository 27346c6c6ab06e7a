//! Owns reading and writing of records through overlays: transaction → block → committed. Dropping
//! an overlay is the rollback; nothing here can touch what lies below it.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

use super::{ConsensusAddress, Key, records::*};
use crate::{
    address::Address,
    amount,
    error::Broken,
    identifiers::{JobId, ReceiptId},
    json,
    params::ConsensusMode,
};

/// Changes of records by key: a new value, or `None` for a removed one.
pub type Changes = BTreeMap<Vec<u8>, Option<Arc<[u8]>>>;

/// Reads records as they are at this point of execution.
pub trait View {
    /// The stored bytes under a key.
    fn bytes(&self, key: &[u8]) -> Option<Arc<[u8]>>;

    /// The account that first used a consensus key, and owns it for ever.
    ///
    /// # Errors
    /// [`Broken`] when a validator's record is unreadable.
    fn key_owner(&self, key: &ConsensusAddress) -> Result<Option<Address>, Broken>;

    /// The record under a key.
    ///
    /// # Errors
    /// [`Broken`] when the stored bytes are no such record.
    fn record<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, Broken>
    where
        Self: Sized,
    {
        self.bytes(&key.to_bytes())
            .map(|bytes| decode(key, &bytes))
            .transpose()
    }

    /// An account; zeros for one never seen.
    ///
    /// # Errors
    /// [`Broken`], as all readers here.
    fn account(&self, address: &Address) -> Result<Account, Broken>
    where
        Self: Sized,
    {
        Ok(self.record(&Key::Account(*address))?.unwrap_or_default())
    }

    /// An escrow, in whatever status.
    ///
    /// # Errors
    /// [`Broken`].
    fn escrow(&self, client: &Address, job: &JobId) -> Result<Option<Escrow>, Broken>
    where
        Self: Sized,
    {
        self.record(&Key::Escrow(*client, job.clone()))
    }

    /// A paid receipt.
    ///
    /// # Errors
    /// [`Broken`].
    fn receipt(&self, id: &ReceiptId) -> Result<Option<Receipt>, Broken>
    where
        Self: Sized,
    {
        self.record(&Key::Receipt(id.clone()))
    }

    /// A miner's record; a clean one for an account that never claimed.
    ///
    /// # Errors
    /// [`Broken`].
    fn miner(&self, address: &Address) -> Result<Miner, Broken>
    where
        Self: Sized,
    {
        Ok(self
            .record(&Key::Miner(*address))?
            .unwrap_or_else(|| Miner::new(*address)))
    }

    /// A validator's record.
    ///
    /// # Errors
    /// [`Broken`].
    fn validator(&self, address: &Address) -> Result<Option<Validator>, Broken>
    where
        Self: Sized,
    {
        self.record(&Key::Validator(*address))
    }

    /// How the validators are chosen at present; by authority on a chain that never left it.
    ///
    /// # Errors
    /// [`Broken`].
    fn mode_in_force(&self) -> Result<ConsensusMode, Broken>
    where
        Self: Sized,
    {
        let record: Option<Consensus> = self.record(&Key::Consensus)?;
        Ok(record.map_or(ConsensusMode::Poa, |record| record.mode))
    }

    /// The supply.
    ///
    /// # Errors
    /// [`Broken`], also when there is none.
    fn supply(&self) -> Result<Supply, Broken>
    where
        Self: Sized,
    {
        self.record(&Key::Supply)?
            .ok_or_else(|| Broken::new("the state has no supply"))
    }
}

/// Reads a stored record.
///
/// # Errors
/// [`Broken`] when the bytes are no such record.
pub fn decode<T: DeserializeOwned>(key: &Key, bytes: &[u8]) -> Result<T, Broken> {
    serde_json::from_slice(bytes)
        .map_err(|error| Broken::new(format!("the record {key} is unreadable: {error}")))
}

/// Changes on top of something that is only read.
pub struct Overlay<'a, V: View> {
    below: &'a V,
    changes: Changes,
    /// The consensus keys of the validators in `changes`: searching those for one would cost a block
    /// of many new keys the square of their number.
    key_owners: BTreeMap<ConsensusAddress, Address>,
}

impl<V: View> View for Overlay<'_, V> {
    fn bytes(&self, key: &[u8]) -> Option<Arc<[u8]>> {
        match self.changes.get(key) {
            Some(change) => change.clone(),
            None => self.below.bytes(key),
        }
    }

    fn key_owner(&self, key: &ConsensusAddress) -> Result<Option<Address>, Broken> {
        match self.key_owners.get(key) {
            Some(owner) => Ok(Some(*owner)),
            None => self.below.key_owner(key),
        }
    }
}

impl<'a, V: View> Overlay<'a, V> {
    /// No changes yet.
    pub fn new(below: &'a V) -> Self {
        Self::with(below, Changes::new())
    }

    /// Changes that were made before, on top of `below` again.
    pub fn with(below: &'a V, changes: Changes) -> Self {
        let mut overlay = Self {
            below,
            changes: Changes::new(),
            key_owners: BTreeMap::new(),
        };
        overlay.absorb(changes);
        overlay
    }

    /// Writes a record.
    ///
    /// # Errors
    /// [`Broken`] when it doesn't serialise.
    pub fn put<T: Serialize>(&mut self, key: &Key, record: &T) -> Result<(), Broken> {
        let bytes = json::canonical(record)?;
        self.changes.insert(key.to_bytes(), Some(bytes.into()));
        Ok(())
    }

    /// Writes a validator's record and remembers whose its consensus keys are.
    ///
    /// # Errors
    /// [`Broken`] when it doesn't serialise.
    pub fn put_validator(&mut self, record: &Validator) -> Result<(), Broken> {
        self.own_keys(record);
        self.put(&Key::Validator(record.address), record)
    }

    fn own_keys(&mut self, record: &Validator) {
        let owned = record.keys.iter().map(ConsensusAddress::of);
        self.key_owners
            .extend(owned.map(|key| (key, record.address)));
    }

    /// Adds to a balance, in uait.
    ///
    /// # Errors
    /// [`Broken`] when the books are wrong.
    pub fn credit(&mut self, address: &Address, uait: u64) -> Result<(), Broken> {
        if uait == 0 {
            return Ok(());
        }
        let mut account = self.account(address)?;
        account.balance = amount::add(account.balance, uait)?;
        self.put(&Key::Account(*address), &account)
    }

    /// Takes from a balance, in uait; the caller has checked that it is there.
    ///
    /// # Errors
    /// [`Broken`] when it is not.
    pub fn debit(&mut self, address: &Address, uait: u64) -> Result<(), Broken> {
        let mut account = self.account(address)?;
        account.balance = amount::subtract(account.balance, uait)?;
        self.put(&Key::Account(*address), &account)
    }

    /// Takes in the changes of an overlay that lay on this one.
    pub fn absorb(&mut self, changes: Changes) {
        let prefix = b"/validator/".as_slice();
        let validators = changes.range(prefix.to_vec()..);
        for (_, change) in validators.take_while(|(key, _)| key.starts_with(prefix)) {
            // An unreadable record stops the node where the block's books are closed.
            let record = change
                .as_deref()
                .and_then(|bytes| serde_json::from_slice(bytes).ok());
            if let Some(record) = record {
                self.own_keys(&record);
            }
        }
        if self.changes.is_empty() {
            self.changes = changes;
        } else {
            self.changes.extend(changes);
        }
    }

    /// What it lies on.
    pub fn below(&self) -> &'a V {
        self.below
    }

    /// What was changed, by key.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// What was changed, letting go of what lies below.
    pub fn into_changes(self) -> Changes {
        self.changes
    }
}
