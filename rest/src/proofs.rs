//! Owns what a request about the state reads, and what `?prove=true` adds (PROTOCOL sections 7 and 9): the chain of two
//! ICS-23 proofs of presence or absence, made from the one state that the answer itself is read from, and the signed
//! header that has the app hash.

use std::sync::Arc;

use ait_abci::{CommittedState, Reader};
use ait_api::proof::{Proof, ProofBundle, ProofOp, SignedBlock};
use ait_app::{
    quantity::MAX,
    state::{Key, app_hash},
};
use axum::{extract::FromRequestParts, http::request};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;

use crate::{
    error::{ApiError, RestCode},
    last_block::last_block,
    parts::Parts,
    routes::QueryOf,
};

/// The query of routes that prove.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadQuery {
    /// Whether to add proofs.
    #[serde(default)]
    prove: bool,
    /// The state after this block.
    height: Option<u64>,
}

/// What a request about the state reads from first to last.
pub struct Reading {
    /// The state after the last block, or after the one that was named; of a proof without a name after the one before
    /// the last, the newest whose app hash is in a header.
    pub committed: Arc<CommittedState>,
    /// The next block, where proofs were asked for.
    signed: Option<Arc<SignedBlock>>,
}

impl FromRequestParts<Parts> for Reading {
    type Rejection = ApiError;
    async fn from_request_parts(
        parts: &mut request::Parts,
        state: &Parts,
    ) -> Result<Self, ApiError> {
        let QueryOf(query) = QueryOf::<ReadQuery>::from_request_parts(parts, state).await?;
        let committed = query.state(&state.reader)?;
        if !query.prove {
            return Ok(Self {
                committed,
                signed: None,
            });
        }
        let next = committed.state.height().next().get();
        let signed = state.signed_blocks.at(next, &state.comet).await?;
        let signed = signed.ok_or_else(|| not_yet(next))?;
        Ok(Self {
            committed,
            signed: Some(signed),
        })
    }
}

impl ReadQuery {
    fn state(&self, reader: &Reader) -> Result<Arc<CommittedState>, ApiError> {
        let newest = last_block(reader)?;
        let last = newest.block.height;
        let height = match self.height {
            Some(height) if height > MAX => {
                let message = format!("height is {height}; heights end at 2^53-1");
                return Err(ApiError::new(RestCode::InvalidRequest, message)
                    .detail("field", "height")
                    .detail("limit", MAX));
            }
            Some(height) if height > last => {
                let message = format!("there is no block {height} yet: the last one is {last}");
                return Err(ApiError::new(RestCode::NotFound, message));
            }
            Some(height) => height,
            None if self.prove => last.saturating_sub(1),
            None => return Ok(newest),
        };
        if self.prove && height == last {
            return Err(not_yet(last.saturating_add(1)));
        }
        match reader.at(height) {
            Some(committed) => Ok(committed),
            // A node that has just started knows the last state alone.
            None if self.height.is_none() => Err(not_yet(last.saturating_add(1))),
            None => {
                let message = format!(
                    "the state after block {height} is not here any more: a node has those of the last 100 blocks \
                     since it started"
                );
                Err(ApiError::new(RestCode::NotFound, message))
            }
        }
    }
}

/// Where the header is not there yet.
pub fn not_yet(header: u64) -> ApiError {
    let message = format!(
        "the header of block {header}, which has the app hash to prove by, is not there yet"
    );
    ApiError::new(RestCode::NotYetProvable, message).retry_after(1)
}

impl Reading {
    /// The proof of `key`, where it was asked for.
    ///
    /// # Errors
    /// As [`prove`].
    pub fn proof(&self, key: &Key) -> Result<Option<ProofBundle>, ApiError> {
        let Some(signed) = &self.signed else {
            return Ok(None);
        };
        let proof = prove(&self.committed, key)?;
        Ok(Some(ProofBundle::new(proof, signed.as_ref().clone())))
    }

    /// The proofs of `keys`, in their order, where they were asked for.
    ///
    /// # Errors
    /// As [`prove`].
    pub fn proofs(&self, keys: impl Iterator<Item = Key>) -> Result<Option<Vec<Proof>>, ApiError> {
        let prove_all = || keys.map(|key| prove(&self.committed, &key)).collect();
        self.signed.as_ref().map(|_| prove_all()).transpose()
    }

    /// The block that these are trusted by.
    pub fn signed_block(&self) -> Option<SignedBlock> {
        self.signed.as_deref().cloned()
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
