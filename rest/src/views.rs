//! Owns the JSON of transactions and blocks (PROTOCOL section 9): getTx, getBlock and the live events show the
//! same objects.

use ait_abci::{BlockInfo, CommittedBlock};
use ait_api::{
    blocks::Block,
    tx::{DropReason, TxReceipt, TxStatus, TxView},
};
use ait_app::{
    Refusal,
    address::Address,
    tx::{TxHash, TxResult},
};
use ait_node::Found;
use serde_json::{Value, json};

/// A transaction, or a proposer's entry, as a JSON object. What is none is shown as `{"raw": hex}`.
pub fn transaction(wire: &[u8]) -> Value {
    match serde_json::from_slice(wire) {
        Ok(Value::Object(fields)) => Value::Object(fields),
        _ => json!({"raw": hex::encode(wire)}),
    }
}

/// getTx's answer for a transaction, wherever it is; `None` where it is nowhere.
pub fn found(hash: &TxHash, found: &Found) -> Option<TxView> {
    Some(match found {
        Found::Committed(record) => {
            let (height, index) = (record.height, record.index);
            committed(hash, height, index, &record.result, &record.wire)
        }
        Found::Pending(tx) => pending(hash, &tx.wire),
        Found::Dropped(reason) => dropped(hash, reason),
        Found::Nowhere => return None,
    })
}

fn pending(hash: &TxHash, wire: &[u8]) -> TxView {
    TxView {
        hash: hash.to_string(),
        status: TxStatus::Pending,
        receipt: None,
        tx: transaction(wire),
        reason: None,
        proof: None,
    }
}

/// The node remembers why it dropped a transaction, not what it was.
fn dropped(hash: &TxHash, reason: &Refusal) -> TxView {
    TxView {
        hash: hash.to_string(),
        status: TxStatus::Dropped,
        receipt: None,
        tx: Value::Null,
        reason: Some(DropReason {
            code: reason.code.name().to_owned(),
            codespace: reason.code.codespace().to_owned(),
            message: reason.message.clone(),
        }),
        proof: None,
    }
}

/// getTx's answer for an entry of a block.
pub fn committed(hash: &TxHash, height: u64, index: u32, result: &TxResult, wire: &[u8]) -> TxView {
    let status = if result.code == 0 {
        TxStatus::Committed
    } else {
        TxStatus::Failed
    };
    TxView {
        hash: hash.to_string(),
        status,
        receipt: Some(TxReceipt {
            height,
            index: index.into(),
            code: result.code,
            codespace: result.codespace.clone(),
            log: result.log.clone(),
            fee: result.fee,
            events: result.events.clone(),
        }),
        tx: transaction(wire),
        reason: None,
        proof: None,
    }
}

/// How getBlock shows a block's entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Entries {
    /// By their hashes.
    #[default]
    Hashes,
    /// As objects: their own fields and their hash.
    Full,
}

impl Entries {
    /// An entry in a block's list.
    pub fn entry(self, wire: &[u8]) -> Value {
        let hash = TxHash::of(wire);
        match self {
            Entries::Hashes => json!(hash),
            Entries::Full => {
                let mut entry = transaction(wire);
                if let Some(fields) = entry.as_object_mut() {
                    fields.insert("hash".into(), json!(hash));
                }
                entry
            }
        }
    }
}

/// What names a block and the state after it.
pub struct BlockFacts {
    pub height: u64,
    /// Its hash, upper-case hex.
    pub hash: String,
    /// The hash of the block before; empty for the first.
    pub parent: String,
    /// Unix seconds.
    pub time: i64,
    /// The account that its fees went to.
    pub proposer: Address,
    /// The app hash after it, lower-case hex.
    pub state_root: String,
}

impl BlockFacts {
    /// Of a block as it was committed here.
    pub fn of(head: &BlockInfo, parent: &str) -> Self {
        Self {
            height: head.height,
            hash: head.block_hash.clone(),
            parent: parent.to_owned(),
            time: head.time,
            proposer: head.proposer,
            state_root: head.app_hash.clone(),
        }
    }
}

/// getBlock's answer.
pub fn block(facts: BlockFacts, txs: Vec<Value>, signature: Option<String>) -> Block {
    Block {
        hash: facts.hash,
        parent: facts.parent,
        height: facts.height,
        timestamp: facts.time,
        proposer: facts.proposer,
        txs,
        state_root: facts.state_root,
        sig: signature,
    }
}

/// A block at the moment of its commit: nobody has signed it in a next block yet.
pub fn fresh_block(committed: &CommittedBlock, parent: &str) -> Block {
    let hashes = committed.txs.iter().map(|tx| json!(tx.hash));
    let facts = BlockFacts::of(&committed.info, parent);
    block(facts, hashes.collect(), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_shown_whatever_they_are() {
        let wire = br#"{"type":"TRANSFER","nonce":9007199254740991}"#;
        let hash = TxHash::of(wire).to_string();
        assert_eq!(
            Entries::Full.entry(wire),
            json!({"type": "TRANSFER", "nonce": 9_007_199_254_740_991_u64, "hash": hash})
        );
        assert_eq!(Entries::Hashes.entry(wire), json!(hash));
        for wire in [b"\xff\xfe".as_slice(), b"7", b""] {
            assert_eq!(transaction(wire), json!({"raw": hex::encode(wire)}));
        }
    }
}
