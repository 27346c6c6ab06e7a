//! Owns what `?prove=true` adds to an answer (PROTOCOL section 7.3).

use ait_app::quantity::Height;
use serde::{Deserialize, Serialize};
use serde_json::Value;
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

/// A block's header and who signed it: what a proof's app hash is trusted by. As CometBFT's RPC has it in `commit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignedBlock {
    /// `header` and `commit`.
    #[schema(value_type = schema::SignedHeader)]
    pub signed_header: Value,
    /// The whole set that signs the block.
    pub validators: Vec<Signer>,
}

/// A validator of CometBFT's set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Signer {
    /// Base64 of the 32 bytes of its ed25519 key, from which its consensus address follows.
    pub pub_key: String,
    /// Voting power, a decimal number.
    pub power: String,
}

/// The format of a [`ProofBundle`] that this version writes.
pub const BUNDLE_FORMAT: u32 = 1;

/// A proof with the block whose header has its app hash: all that a verifier needs which trusts some earlier block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProofBundle {
    /// 1.
    pub format: u32,
    /// The state after this block.
    #[schema(value_type = schema::Height)]
    pub height: Height,
    /// As in [`Proof`].
    pub key: String,
    /// As in [`Proof`].
    #[schema(required = true)]
    pub value: Option<String>,
    /// That in the header.
    #[schema(value_type = schema::AppHash)]
    pub app_hash: String,
    /// As in [`Proof`].
    #[schema(min_items = 2, max_items = 2)]
    pub ops: Vec<ProofOp>,
    /// `header` and `commit` of the block of `height` + 1, as in [`SignedBlock`].
    #[schema(value_type = schema::SignedHeader)]
    pub signed_header: Value,
    /// The whole set that signs that block.
    pub validators: Vec<Signer>,
}

impl ProofBundle {
    /// Of a proof and the block of the next height.
    pub fn new(proof: Proof, block: SignedBlock) -> Self {
        Self {
            format: BUNDLE_FORMAT,
            height: proof.height,
            key: proof.key,
            value: proof.value,
            app_hash: proof.app_hash,
            ops: proof.ops,
            signed_header: block.signed_header,
            validators: block.validators,
        }
    }
}

/// An answer, and the proof of the record that it is made of where one was asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Proved<T> {
    /// The answer.
    #[serde(flatten)]
    pub answer: T,
    /// The proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<ProofBundle>,
}
