//! Owns the indexes that are derived from the records: what a block must find without reading
//! every record. They are not part of the app hash.

use std::{collections::BTreeMap, sync::Arc};

use serde::de::DeserializeOwned;

use super::{
    ConsensusAddress, SentValidator,
    records::{Escrow, EscrowStatus, Miner, Validator},
};
use crate::{address::Address, crypto::PublicKey, error::Broken};

/// Keys of records by the block in which they are due, then by key.
pub(super) type DueSet = rpds::RedBlackTreeSetSync<(u64, Vec<u8>)>;

/// All that is derived from the records. Cloning is cheap: the nodes are shared.
#[derive(Clone, Default)]
pub(super) struct Derived {
    /// Open escrows by the block that refunds them.
    pub(super) due_escrows: DueSet,
    /// Validators by the blocks that make their unbonding coins spendable.
    pub(super) due_unbondings: DueSet,
    /// Every consensus key ever used, and its account.
    pub(super) key_owners: rpds::RedBlackTreeMapSync<ConsensusAddress, Address>,
    /// Accounts with stake, and the uait of it.
    pub(super) stakes: rpds::RedBlackTreeMapSync<Address, u64>,
    /// Accounts whose record at an epoch's end changes: a work score, or work that will count.
    pub(super) working: rpds::RedBlackTreeSetSync<Address>,
    /// The set last sent to CometBFT.
    pub(super) sent: Arc<BTreeMap<PublicKey, SentValidator>>,
}

impl Derived {
    /// Takes in the change of a record.
    ///
    /// # Errors
    /// [`Broken`] when it is unreadable.
    pub(super) fn update(
        &mut self,
        key: &[u8],
        old: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<(), Broken> {
        if key.starts_with(b"/escrow/") {
            self.update_escrow(key, decode(old)?, decode(new)?);
        } else if key.starts_with(b"/validator/") {
            self.update_validator(key, decode(old)?, decode(new)?);
        } else if key.starts_with(b"/miner/") {
            self.update_miner(decode(old)?, decode(new)?);
        }
        Ok(())
    }

    fn update_escrow(&mut self, key: &[u8], old: Option<Escrow>, new: Option<Escrow>) {
        let due = |escrow: Option<Escrow>| {
            escrow
                .filter(|escrow| escrow.status == EscrowStatus::Open)
                .map(|escrow| escrow.expires_height)
        };
        if let Some(height) = due(old) {
            self.due_escrows.remove_mut(&(height, key.to_vec()));
        }
        if let Some(height) = due(new) {
            self.due_escrows.insert_mut((height, key.to_vec()));
        }
    }

    fn update_validator(&mut self, key: &[u8], old: Option<Validator>, new: Option<Validator>) {
        let sent = Arc::make_mut(&mut self.sent);
        if let Some(validator) = old {
            let known = sent.get(&validator.pubkey);
            if known.is_some_and(|known| known.address == validator.address) {
                sent.remove(&validator.pubkey);
            }
            self.stakes.remove_mut(&validator.address);
            for entry in &validator.unbonding {
                let due = (entry.due_height, key.to_vec());
                self.due_unbondings.remove_mut(&due);
            }
        }
        if let Some(validator) = new {
            let (address, power) = (validator.address, validator.power);
            if power > 0 {
                sent.insert(validator.pubkey, SentValidator { address, power });
            }
            if validator.stake > 0 {
                self.stakes.insert_mut(address, validator.stake);
            }
            for entry in &validator.unbonding {
                let due = (entry.due_height, key.to_vec());
                self.due_unbondings.insert_mut(due);
            }
            for key in &validator.keys {
                self.key_owners
                    .insert_mut(ConsensusAddress::of(key), address);
            }
        }
    }

    fn update_miner(&mut self, old: Option<Miner>, new: Option<Miner>) {
        let works = |miner: &Miner| miner.score > 0 || miner.epoch_units > 0;
        if let Some(miner) = old.filter(works) {
            self.working.remove_mut(&miner.address);
        }
        if let Some(miner) = new.filter(works) {
            self.working.insert_mut(miner.address);
        }
    }
}

fn decode<T: DeserializeOwned>(bytes: Option<&[u8]>) -> Result<Option<T>, Broken> {
    let Some(bytes) = bytes else { return Ok(None) };
    serde_json::from_slice(bytes)
        .map(Some)
        .map_err(|error| Broken::new(format!("a record is unreadable: {error}")))
}
