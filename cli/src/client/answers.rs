//! Owns the answers of a node's REST routes (PROTOCOL section 9), as far as this program reads them.

use std::fmt;

use ait_app::{
    crypto::PublicKey,
    events::Event,
    identifiers::ChainId,
    quantity::{Nonce, Uait},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `GET /health`
#[derive(Debug, Clone, Deserialize)]
pub struct Health {
    /// `ok`, or why not.
    pub status: String,
    /// The chain.
    pub chain_id: ChainId,
    /// The last block committed.
    #[serde(default)]
    pub height: u64,
}

/// `GET /rpc/getHead`
#[derive(Debug, Clone, Deserialize)]
pub struct Head {
    /// The last block committed.
    pub height: u64,
}

/// `GET /rpc/getAccount`
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Account {
    /// Spendable coins.
    pub balance: Uait,
    /// The nonce after all that is committed or pending.
    pub next_nonce: Nonce,
    /// Its key; none before its first transaction.
    pub pubkey: Option<PublicKey>,
    /// What it bonded as a coordinator.
    pub bond: Uait,
}

/// `POST /rpc/estimateFee`
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct FeeEstimate {
    /// What is required.
    pub fee: Uait,
    /// What the node's pool takes at present.
    pub recommended: Uait,
}

/// Of `GET /rpc/getParams`: what fees are made of (PROTOCOL section 3.4).
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct FeeParams {
    /// Of every transaction.
    pub base_fee: Uait,
    /// Of each 1,024 bytes of canonical payload.
    pub fee_per_kib: Uait,
    /// Of a lasting record.
    pub record_fee: Uait,
}

/// `GET /rpc/getTx`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TxStatus {
    /// Its hash.
    #[serde(default)]
    pub hash: String,
    /// `pending`, `committed`, `failed` or `dropped`.
    pub status: String,
    /// What it came to; none where it is in no block.
    pub receipt: Option<TxReceipt>,
    /// The transaction.
    #[serde(default)]
    pub tx: Value,
    /// Why the node dropped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// Why a node dropped a transaction.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reason {
    /// The stable name.
    pub code: String,
    /// Its codespace.
    pub codespace: String,
    /// For people.
    pub message: String,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}: {}", self.codespace, self.code, self.message)
    }
}

/// What a transaction came to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TxReceipt {
    /// Its block.
    pub height: u64,
    /// Its place in the block.
    pub index: u64,
    /// 0, or the number of the code.
    pub code: u32,
    /// The code's codespace.
    pub codespace: String,
    /// For people.
    pub log: String,
    /// uait paid to the proposer.
    pub fee: u64,
    /// What happened.
    pub events: Vec<Event>,
}

/// `GET /rpc/getBlock?txs=full`
#[derive(Debug, Clone, Deserialize)]
pub struct Block {
    /// Its transactions as objects that name their hashes.
    pub txs: Vec<Value>,
}

/// `POST /rpc/sendTx`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    /// The transaction's hash.
    pub tx_hash: String,
}
