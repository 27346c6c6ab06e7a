//! Owns what `?prove=true` adds (PROTOCOL sections 7 and 9): the chain of two ICS-23 proofs
//! of presence or absence, made from the one state that the answer itself is read from.

use ait_abci::CommittedState;
use ait_api::proof::{Proof, ProofOp};
use ait_app::state::{Key, app_hash};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;

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
    pub fn proof(&self, committed: &CommittedState, key: &Key) -> Result<Option<Proof>, ApiError> {
        self.prove.then(|| prove(committed, key)).transpose()
    }

    /// The proofs of `keys`, in their order, where they were asked for.
    ///
    /// # Errors
    /// As [`prove`].
    pub fn proofs(
        &self,
        committed: &CommittedState,
        keys: impl Iterator<Item = Key>,
    ) -> Result<Option<Vec<Proof>>, ApiError> {
        let prove_all = || keys.map(|key| prove(committed, &key)).collect();
        self.prove.then(prove_all).transpose()
    }
}

/// The record that `key` has, or that it has none, under the app hash of that state.
///
/// # Errors
/// 500 when the state has no proof of one of its own keys.
fn prove(committed: &CommittedState, key: &Key) -> Result<Proof, ApiError> {
    let state = &committed.state;
    let ops = state
        .prove(key)?
        .ok_or_else(|| ApiError::internal(format!("no proof of {key}")))?;
    let value = state.bytes(key)?;
    Ok(Proof {
        height: state.height(),
        key: key.to_string(),
        value: value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        app_hash: hex::encode(state.app_hash().0),
        ops: ops.iter().map(step).collect(),
    })
}

fn step(op: &app_hash::ProofOp) -> ProofOp {
    ProofOp {
        kind: op.kind.to_owned(),
        key: String::from_utf8_lossy(&op.key).into_owned(),
        data: STANDARD.encode(&op.data),
    }
}
