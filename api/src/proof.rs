//! Owns what `?prove=true` adds to an answer (PROTOCOL section 7.3).

use ait_app::quantity::Height;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::schema;

/// A record, or its absence, under the app hash in the header of block `height` + 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Proof {
    /// The state after this block.
    #[schema(value_type = schema::Height)]
    pub height: Height,
    /// The state key.
    pub key: String,
    /// The record's bytes, canonical JSON as text; null where there is none.
    #[schema(required = true)]
    pub value: Option<String>,
    /// The app hash that it holds under.
    #[schema(value_type = schema::AppHash)]
    pub app_hash: String,
    /// From the record, or its absence, to the root; from the root to the app hash. ICS-23 verifiers take
    /// both with the specs [smt_spec, tendermint_spec].
    #[schema(min_items = 2, max_items = 2)]
    pub ops: Vec<ProofOp>,
}

/// One step of a proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProofOp {
    /// `ics23:smt` or `ics23:simple`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The state key, then `ait`.
    pub key: String,
    /// Base64 of the protobuf `CommitmentProof`.
    pub data: String,
}

/// An answer, and the proof of the record that it is made of where one was asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Proved<T> {
    /// The answer.
    #[serde(flatten)]
    pub answer: T,
    /// The proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}
