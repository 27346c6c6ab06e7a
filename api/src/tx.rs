//! Owns sending transactions and looking them up: `sendTx`, `sendTxs`, `submitReceipt`, `getTx`.

use std::fmt;

use ait_app::{events::Event, quantity::Uait};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{error::ErrorAnswer, proof::TxProofBundle, schema};

/// A transaction that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sent {
    /// Its hash.
    #[serde(rename = "txHash")]
    #[schema(value_type = schema::Hash)]
    pub tx_hash: String,
}

/// What became of one of many transactions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SentOrRefused {
    /// It was accepted.
    Sent(Sent),
    /// It was not.
    Refused(Box<ErrorAnswer>),
}

/// Where a transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TxStatus {
    /// In this node's mempool.
    Pending,
    /// In a block, where it did what it asked for.
    Committed,
    /// In a block, where it failed.
    Failed,
    /// This node let go of it.
    Dropped,
}

/// A transaction, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TxView {
    /// Its hash.
    #[schema(value_type = schema::Hash)]
    pub hash: String,
    /// Where it is.
    pub status: TxStatus,
    /// What it came to; null where it is in no block.
    #[schema(required = true)]
    pub receipt: Option<TxReceipt>,
    /// The transaction, or a proposer's `ATTESTATIONS` entry; null where it was dropped.
    #[serde(default)]
    #[schema(value_type = Option<Object>, required = true, additional_properties = true)]
    pub tx: Value,
    /// Why it was dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<DropReason>,
    /// That it stands in its block, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub proof: Option<TxProofBundle>,
}

/// Why a node let go of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DropReason {
    /// The stable name of a code.
    pub code: String,
    /// Its codespace.
    pub codespace: String,
    /// For people.
    pub message: String,
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}: {}", self.codespace, self.code, self.message)
    }
}

/// What a transaction came to in its block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TxReceipt {
    /// Its block.
    #[schema(value_type = schema::Height)]
    pub height: u64,
    /// Its place in the block.
    #[schema(value_type = schema::Count)]
    pub index: u64,
    /// 0, or the number of a code.
    #[schema(value_type = schema::Count)]
    pub code: u32,
    /// The code's codespace; empty for 0.
    pub codespace: String,
    /// For people.
    pub log: String,
    /// uait paid to the proposer.
    #[schema(value_type = schema::Amount)]
    pub fee: Uait,
    /// What happened.
    #[schema(value_type = Vec<ChainEvent>)]
    pub events: Vec<Event>,
}

/// Something that happened (PROTOCOL section 8.2).
#[derive(ToSchema)]
#[allow(dead_code, reason = "read by the schema derive alone")]
pub struct ChainEvent {
    r#type: String,
    attributes: Vec<EventAttribute>,
}

/// A part of an event.
#[derive(ToSchema)]
#[allow(dead_code, reason = "read by the schema derive alone")]
pub struct EventAttribute {
    key: String,
    value: String,
    /// Whether CometBFT indexes it.
    index: bool,
}
