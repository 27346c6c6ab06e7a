//! Owns what `?prove=true` adds (SPEC sections 7 and 9): an ICS-23 proof of presence or absence, made
//! from the one snapshot that the answer itself is read from.

use ait_abci::Snapshot;
use ait_app::state::{Key, merkle::encode_proof, overlay::View};
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

/// `{height, key, value, root, ics23}`: that `key` has `value` (its canonical JSON as text), or with null
/// has none, under `root`, the app hash in the header of block `height + 1`. `ics23` is the base64 of the
/// protobuf `CommitmentProof`.
///
/// # Errors
/// 500 when the state has no proof of one of its own keys.
pub fn prove(snapshot: &Snapshot, key: &Key) -> Result<Value, ApiError> {
    let state = &snapshot.state;
    let proof = state
        .prove(key)
        .ok_or_else(|| ApiError::internal(format!("no proof of {key}")))?;
    let value = state.bytes(&key.to_bytes());
    let value = value.as_deref().map(String::from_utf8_lossy);
    Ok(json!({
        "height": state.height(),
        "key": key.to_string(),
        "value": value,
        "root": hex::encode(state.root()),
        "ics23": STANDARD.encode(encode_proof(&proof)),
    }))
}

/// Puts a proof into an answer.
pub fn add(mut answer: Value, proof: Option<Value>) -> Value {
    if let (Some(proof), Some(object)) = (proof, answer.as_object_mut()) {
        object.insert("proof".into(), proof);
    }
    answer
}
