//! Owns the JSON of transactions and blocks (SPEC section 9): getTx, getBlock and the live events show the
//! same objects.

use ait_abci::{CommittedBlock, Head};
use ait_app::tx::{TxHash, TxResult};
use serde_json::{Value, json};

/// A transaction, or a proposer's entry, as a JSON object. What is none is shown as `{"raw": hex}`.
pub fn transaction(wire: &[u8]) -> Value {
    match serde_json::from_slice(wire) {
        Ok(Value::Object(fields)) => Value::Object(fields),
        _ => json!({"raw": hex::encode(wire)}),
    }
}

/// getTx's answer for a transaction of the pool.
pub fn pending(hash: &TxHash, wire: &[u8]) -> Value {
    json!({
        "hash": hash.to_string(),
        "status": "pending",
        "receipt": null,
        "tx": transaction(wire),
    })
}

/// getTx's answer for an entry of a block.
pub fn committed(hash: &TxHash, height: u64, index: u32, result: &TxResult, wire: &[u8]) -> Value {
    json!({
        "hash": hash.to_string(),
        "status": if result.code == 0 { "committed" } else { "failed" },
        "receipt": {
            "height": height,
            "index": index,
            "code": result.code,
            "codespace": result.codespace,
            "log": result.log,
            "fee": result.fee,
            "events": result.events,
        },
        "tx": transaction(wire),
    })
}

/// An entry in a block's list: its own fields and its hash.
pub fn listed(hash: &TxHash, wire: &[u8]) -> Value {
    let mut entry = transaction(wire);
    if let Some(fields) = entry.as_object_mut() {
        fields.insert("hash".into(), Value::String(hash.to_string()));
    }
    entry
}

/// getBlock's answer.
pub fn block(head: &Head, parent: &str, txs: Vec<Value>, signature: Option<String>) -> Value {
    json!({
        "hash": head.block_hash,
        "parent": parent,
        "height": head.height,
        "timestamp": head.time,
        "proposer": head.proposer,
        "txs": txs,
        "stateRoot": head.app_hash,
        "sig": signature,
    })
}

/// A block at the moment of its commit: nobody has signed it in a next block yet.
pub fn fresh_block(committed: &CommittedBlock, parent: &str) -> Value {
    let txs = committed.txs.iter().map(|tx| listed(&tx.hash, &tx.wire));
    block(&committed.head, parent, txs.collect(), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_shown_whatever_they_are() {
        let hash = TxHash::of(b"x");
        let shown = listed(&hash, br#"{"type":"TRANSFER","nonce":9007199254740991}"#);
        assert_eq!(
            shown,
            json!({"type": "TRANSFER", "nonce": 9_007_199_254_740_991_u64, "hash": hash.to_string()})
        );
        for wire in [b"\xff\xfe".as_slice(), b"7", b""] {
            assert_eq!(transaction(wire), json!({"raw": hex::encode(wire)}));
        }
    }
}
