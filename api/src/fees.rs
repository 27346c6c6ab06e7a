//! Owns what a transaction would cost and do: `estimateFee`, `simulate`.

use ait_app::{
    events::Event,
    quantity::Uait,
    simulate::{BalanceChange, EscrowChange},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{records::EscrowRecord, schema, tx::ChainEvent};

/// What a payload must pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeeEstimate {
    /// The required fee; `record_fee` included where it is due.
    #[schema(value_type = schema::Amount)]
    pub fee: Uait,
    /// What the node's mempool takes at present: above `fee` where it is full.
    #[schema(value_type = schema::Amount)]
    pub recommended: Uait,
}

/// What fees are made of (PROTOCOL section 3.4): a part of `getParams`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeParams {
    /// Of every transaction.
    pub base_fee: Uait,
    /// Of each 1,024 bytes of canonical payload.
    pub fee_per_kib: Uait,
    /// Of a lasting record.
    pub record_fee: Uait,
}

/// What a transaction would do in the next block. A refusal is a result, with its code.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SimulationAnswer {
    /// 0, or the number of a code.
    #[schema(value_type = schema::Count)]
    pub code: u32,
    /// The code's codespace; empty for 0.
    pub codespace: String,
    /// For people.
    pub log: String,
    /// What it would pay.
    #[schema(value_type = schema::Amount)]
    pub fee: Uait,
    /// What it must pay.
    #[schema(value_type = schema::Amount)]
    pub required_fee: Uait,
    /// Balances that it would change.
    #[schema(value_type = Vec<BalanceDifference>)]
    pub balances: Vec<BalanceChange>,
    /// Escrows that it would change.
    #[schema(value_type = Vec<EscrowDifference>)]
    pub escrows: Vec<EscrowChange>,
    /// What would happen.
    #[schema(value_type = Vec<ChainEvent>)]
    pub events: Vec<Event>,
}

/// A balance that would change.
#[derive(ToSchema)]
#[allow(dead_code, reason = "read by the schema derive alone")]
pub struct BalanceDifference {
    address: schema::Address,
    before: schema::Amount,
    after: schema::Amount,
}

/// An escrow that would change; null where there is none.
#[derive(ToSchema)]
#[allow(dead_code, reason = "read by the schema derive alone")]
pub struct EscrowDifference {
    #[schema(required = true)]
    before: Option<EscrowRecord>,
    #[schema(required = true)]
    after: Option<EscrowRecord>,
}
