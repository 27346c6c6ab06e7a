//! Owns the records of who validates: validators, and the mode in force.

use serde::{Deserialize, Serialize};

use crate::{
    address::Address,
    crypto::PublicKey,
    params::values::ConsensusMode,
    prelude::*,
    quantity::{Count, Height, Power, Uait},
    receipts::record::Decay,
    unbonding::record::Unbonding,
};

/// Why a validator may not validate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Jail {
    /// For downtime: `UNJAIL` works from this height on.
    Until(Height),
    /// For equivocation, for good.
    Tombstoned,
}

/// `/validator/{addr}`: an account that validates or ever did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validator {
    /// The account.
    pub address: Address,
    /// Blocks counted in the running downtime window.
    pub counted_blocks: Count,
    /// Whether and why it is jailed.
    pub jail: Option<Jail>,
    /// Every consensus key it ever used, in that order; they are its own for ever.
    #[serde(deserialize_with = "crate::crypto::stored_keys")]
    pub keys: Vec<PublicKey>,
    /// Blocks it missed of those counted.
    pub missed_blocks: Count,
    /// Voting power last told to CometBFT; 0 when not in the set.
    pub power: Power,
    /// Whether it has signed since it came into the set.
    pub proven: bool,
    /// Its CometBFT consensus key in use, or the last one that was.
    #[serde(deserialize_with = "crate::crypto::stored_own_key")]
    pub pubkey: PublicKey,
    /// Bonded coins.
    pub stake: Uait,
    /// The consensus key its first `STAKE` named, with which it validates under compute-backed
    /// proof; null while it never staked. From then on its work counts for its score.
    #[serde(deserialize_with = "crate::crypto::stored_key")]
    pub stake_pubkey: Option<PublicKey>,
    /// Stake on its way out, in the order of the `UNSTAKE`s.
    pub unbonding: Vec<Unbonding>,
    /// How often the mode had changed when its downtime window was counted last: a change begins
    /// every window anew.
    pub window: Count,
}

impl Validator {
    /// An account with its first consensus key, not in the set yet.
    pub fn new(address: Address, pubkey: PublicKey) -> Self {
        Self {
            address,
            counted_blocks: Count::ZERO,
            jail: None,
            keys: vec![pubkey],
            missed_blocks: Count::ZERO,
            power: Power::ZERO,
            proven: false,
            pubkey,
            stake: Uait::ZERO,
            stake_pubkey: None,
            unbonding: Vec::new(),
            window: Count::ZERO,
        }
    }

    /// Whether it may stand for election with at least `min_stake` at stake.
    pub fn is_eligible(&self, min_stake: Uait) -> bool {
        self.jail.is_none() && self.stake_pubkey.is_some() && self.stake >= min_stake
    }

    /// Begins its downtime window anew.
    pub fn forget_window(&mut self) {
        self.counted_blocks = Count::ZERO;
        self.missed_blocks = Count::ZERO;
    }
}

/// `/consensus`: how the validators are chosen at present, and how far the epochs are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consensus {
    /// Who may become the admin by `ADMIN_ACCEPT`.
    pub admin_candidate: Option<Address>,
    /// How scores decayed, by epoch ascending.
    pub decays: Vec<Decay>,
    /// How many epochs have ended.
    pub epochs: Count,
    /// The block that ended the last one; the one before the first block where none has ended.
    pub last_epoch_end: Height,
    /// The mode in force: the param `consensus_mode` says what it shall be.
    pub mode: ConsensusMode,
    /// How often it changed.
    pub mode_changes: Count,
}
