//! Owns who is on the chain: `getBalance`, `getAccount`, `getMiner`, `getCoordinator`.

use ait_app::{
    address::Address,
    coordinators::record::Coordinator,
    crypto::PublicKey,
    quantity::{Count, Height, Nonce, Uait, Units},
    receipts::record::Miner,
    staking::record::Validator,
    unbonding::record::Unbonding,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    proof::{Proof, SignedBlock},
    records, schema,
};

/// Zeros for an account never seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Balance {
    /// Spendable coins.
    #[schema(value_type = schema::Amount)]
    pub balance: Uait,
    /// The nonce of its last transaction.
    #[schema(value_type = schema::Nonce)]
    pub nonce: Nonce,
}

/// All that an address has on the chain; zeros and nulls for one never seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// Whose.
    #[schema(value_type = schema::Address)]
    pub address: Address,
    /// Spendable coins.
    #[schema(value_type = schema::Amount)]
    pub balance: Uait,
    /// The nonce of its last transaction.
    #[schema(value_type = schema::Nonce)]
    pub nonce: Nonce,
    /// The nonce after those that are committed, or pending in sequence.
    #[schema(value_type = schema::Nonce)]
    pub next_nonce: Nonce,
    /// Its key; null before its first transaction.
    #[schema(value_type = Option<schema::PublicKey>, required = true)]
    pub pubkey: Option<PublicKey>,
    /// Coins bonded as a validator.
    #[schema(value_type = schema::Amount)]
    pub stake: Uait,
    /// Coins bonded as a coordinator.
    #[schema(value_type = schema::Amount)]
    pub bond: Uait,
    /// Everything on its way out, in the order in which it is paid.
    pub unbonding: Vec<Leaving>,
    /// Open escrows that it is the client of.
    pub escrows: OpenEscrows,
    /// Its record as a miner, the score brought up to date.
    #[schema(value_type = Option<records::MinerRecord>, required = true)]
    pub miner: Option<Miner>,
    /// Its record as a validator.
    #[schema(value_type = Option<records::ValidatorRecord>, required = true)]
    pub validator: Option<Validator>,
    /// Its record as a coordinator.
    #[schema(value_type = Option<records::CoordinatorRecord>, required = true)]
    pub coordinator: Option<Coordinator>,
    /// Of its records as an account, a coordinator, a miner and a validator, in this order. What waits, and the escrows
    /// that are open, are not proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub proofs: Option<Vec<Proof>>,
    /// The block of the proofs' `height` + 1: with it and `"format": 1` each proof makes a `ProofBundle`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub signed_block: Option<SignedBlock>,
}

/// Coins on their way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Leaving {
    /// How much.
    #[schema(value_type = schema::Amount)]
    pub amount: Uait,
    /// The block that makes them spendable.
    #[schema(value_type = schema::Height)]
    pub due_height: Height,
    /// Of what.
    pub kind: LeavingKind,
}

/// What coins are on their way out of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeavingKind {
    /// A validator's stake.
    Stake,
    /// A coordinator's bond.
    Bond,
}

/// Open escrows of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpenEscrows {
    /// How many.
    #[schema(value_type = schema::Count)]
    pub open: Count,
    /// Coins in them.
    #[schema(value_type = schema::Amount)]
    pub locked: Uait,
}

/// A miner's work; zeros for an account that never claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Miner)]
pub struct MinerAnswer {
    /// Who.
    #[schema(value_type = schema::Address)]
    pub address: Address,
    /// Its work score, up to date.
    #[schema(value_type = schema::Units)]
    pub score: Units,
    /// Units paid in the running epoch.
    #[schema(value_type = schema::Units)]
    pub epoch_units: Units,
    /// Units ever paid.
    #[schema(value_type = schema::Units)]
    pub units_total: Units,
    /// Receipts ever paid.
    #[schema(value_type = schema::Count)]
    pub receipts: Count,
    /// Receipts ever refused as its fault.
    #[schema(value_type = schema::Count)]
    pub offences: Count,
    /// The last block of the ban; 0: not banned.
    #[schema(value_type = schema::Height)]
    pub banned_until: Height,
}

/// A coordinator's bond and how its escrows ended; zeros for an account that is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Coordinator)]
pub struct CoordinatorAnswer {
    /// Who.
    #[schema(value_type = schema::Address)]
    pub address: Address,
    /// The key that the param `coordinators` names for it; null where it is not registered.
    #[schema(value_type = Option<schema::PublicKey>, required = true)]
    pub pubkey: Option<PublicKey>,
    /// uait bonded, without what unbonds.
    #[schema(value_type = schema::Amount)]
    pub bond: Uait,
    /// On its way out.
    #[schema(value_type = Vec<records::Unbonding>)]
    pub unbonding: Vec<Unbonding>,
    /// uait that its attestations minted in the running epoch.
    #[schema(value_type = schema::Amount)]
    pub epoch_minted: Uait,
    /// Escrows that named it, as coordinator or attester.
    #[schema(value_type = schema::Count)]
    pub opened: Count,
    /// Of them, those that paid.
    #[schema(value_type = schema::Count)]
    pub settled: Count,
    /// Those that a coordinator gave back.
    #[schema(value_type = schema::Count)]
    pub released: Count,
    /// Those that the client cancelled.
    #[schema(value_type = schema::Count)]
    pub cancelled: Count,
    /// Those whose time was over.
    #[schema(value_type = schema::Count)]
    pub expired: Count,
    /// Whether attestations that contradict each other suspend it.
    pub suspended: bool,
}
