//! Owns what `?prove=true` adds (PROTOCOL sections 7 and 9): the chain of two ICS-23 proofs
//! of presence or absence, made from the one snapshot that the answer itself is read from.

use ait_abci::Snapshot;
use ait_app::state::{Key, app_hash::ProofOp};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::ApiError;

/// The query of routes that prove.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProveQuery {
    /// Whether to add the proof.
    #[serde(default)]
    pub prove: bool,
}

impl ProveQuery {
    /// The proof of `key` where it was asked for.
    ///
    /// # Errors
    /// As [`prove`].
    pub fn proof(&self, snapshot: &Snapshot, key: &Key) -> Result<Option<Value>, ApiError> {
        self.prove.then(|| prove(snapshot, key)).transpose()
    }
}

/// `{height, key, value, app_hash, ops}`: that `key` has `value` (its canonical JSON as text), or with
/// null has none, under `app_hash`, which stands in the header of block `height + 1`. `ops` are the two
/// steps from the record to the app hash, `{type, key, data}` each, `data` the base64 of the protobuf
/// `CommitmentProof`.
///
/// # Errors
/// 500 when the state has no proof of one of its own keys.
pub fn prove(snapshot: &Snapshot, key: &Key) -> Result<Value, ApiError> {
    let state = &snapshot.state;
    let ops = state
        .prove(key)
        .ok_or_else(|| ApiError::internal(format!("no proof of {key}")))?;
    let ops: Vec<Value> = ops.iter().map(step).collect();
    let value = state.bytes(key);
    let value = value.map(|bytes| String::from_utf8_lossy(bytes));
    Ok(json!({
        "height": state.height(),
        "key": key.to_string(),
        "value": value,
        "app_hash": hex::encode(state.app_hash().0),
        "ops": ops,
    }))
}

fn step(op: &ProofOp) -> Value {
    json!({
        "type": op.kind,
        "key": String::from_utf8_lossy(&op.key),
        "data": STANDARD.encode(&op.data),
    })
}

/// Puts a proof into an answer.
pub fn add(mut answer: Value, proof: Option<Value>) -> Value {
    if let (Some(proof), Some(object)) = (proof, answer.as_object_mut()) {
        object.insert("proof".into(), proof);
    }
    answer
}
