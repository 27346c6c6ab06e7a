//! Owns the answers of a node's REST routes (SPEC section 9), as far as this program reads them.

use ait_app::{events::Event, identifiers::ChainId};
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

/// `GET /rpc/getBalance`
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Balance {
    /// Spendable uait.
    pub balance: u64,
    /// The nonce of the last committed transaction.
    pub nonce: u64,
}

/// `GET /rpc/getTx`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TxStatus {
    /// Its hash.
    #[serde(default)]
    pub hash: String,
    /// `pending`, `committed` or `failed`.
    pub status: String,
    /// What it came to; none while pending.
    pub receipt: Option<TxReceipt>,
    /// The transaction.
    pub tx: Value,
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

/// `GET /rpc/getBlock`
#[derive(Debug, Clone, Deserialize)]
pub struct Block {
    /// Its transactions: hashes, or objects that name theirs.
    pub txs: Vec<Value>,
}

/// `POST /rpc/sendTx`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    /// The transaction's hash.
    pub tx_hash: String,
}
