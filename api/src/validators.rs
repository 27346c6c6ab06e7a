//! Owns the validators: `getValidators`.

use ait_app::{
    address::Address,
    crypto::PublicKey,
    params::values::ConsensusMode,
    quantity::{Count, Height, Power, Uait, Units},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    proof::{Proof, SignedBlock},
    schema,
};

/// The set that CometBFT was last told of, then who waits for a seat or is jailed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Validators {
    /// As of the state after this block.
    #[schema(value_type = schema::Height)]
    pub height: Height,
    /// How validators are chosen at present; the param `consensus_mode` says how they shall be.
    #[schema(value_type = Mode)]
    pub mode: ConsensusMode,
    /// By power descending, then address.
    pub validators: Vec<Validator>,
    /// One of each validator's record, in the same order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub proofs: Option<Vec<Proof>>,
    /// The block of the proofs' `height` + 1: with it and `"format": 1` each proof makes a `ProofBundle`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub signed_block: Option<SignedBlock>,
}

/// How validators are chosen.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "read by the schema derive alone")]
pub enum Mode {
    /// By the param `authorities`.
    Poa,
    /// By stake and work.
    Cbp,
}

/// A validator, or who could become one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Validator {
    /// Whose.
    #[schema(value_type = schema::Address)]
    pub address: Address,
    /// The key it validates with, or would.
    #[schema(value_type = schema::PublicKey)]
    pub pubkey: PublicKey,
    /// Voting power that CometBFT was last told of; 0: not in the set.
    #[schema(value_type = schema::Power)]
    pub power: Power,
    /// Coins bonded.
    #[schema(value_type = schema::Amount)]
    pub stake: Uait,
    /// Work score, up to date.
    #[schema(value_type = schema::Units)]
    pub score: Units,
    /// The height from which `UNJAIL` works; 0: not jailed; 2^53-1: for good.
    #[schema(value_type = schema::Height)]
    pub jailed_until: Height,
    /// In the running downtime window.
    #[schema(value_type = schema::Count)]
    pub missed_blocks: Count,
    /// Its key has signed since it last came into the set.
    pub proven: bool,
    /// As CometBFT reports it: power adds to it with every block, and who proposes loses the power of the
    /// whole set; null for those not in CometBFT's set, which changes two blocks late, and while CometBFT is
    /// away.
    #[schema(required = true)]
    pub proposer_priority: Option<i64>,
}
