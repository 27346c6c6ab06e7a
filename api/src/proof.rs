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

/// The format of the bundles that this version writes.
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

/// A neighbour on the way from a leaf to a Merkle root (RFC 6962), by the side on which it stands; its hash in hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Neighbour {
    /// Before the node.
    Left(String),
    /// Behind it.
    Right(String),
}

/// That a transaction stands in a block, and the code that it ended with: all that a verifier needs which trusts some
/// earlier block. Both are in hashes of headers: the transaction in its own block's, its result in the next one's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TxProofBundle {
    /// 1.
    pub format: u32,
    /// The block.
    #[schema(value_type = schema::Height)]
    pub height: u64,
    /// Base64 of the transaction's bytes.
    pub tx: String,
    /// From the transaction to `data_hash` in `header`: the neighbours, the lowest first.
    pub tx_path: Vec<Neighbour>,
    /// Base64 of what of the result is hashed: a protobuf `ExecTxResult` with `code` alone, so empty where that is 0.
    pub result: String,
    /// From the result to `last_results_hash` in `signed_header`; its sides are those of `tx_path`.
    pub result_path: Vec<Neighbour>,
    /// The header of the block, as CometBFT's RPC has it; the signed one names its hash.
    #[schema(value_type = Object, additional_properties = true)]
    pub header: Value,
    /// `header` and `commit` of the block of `height` + 1, as in [`SignedBlock`].
    #[schema(value_type = schema::SignedHeader)]
    pub signed_header: Value,
    /// The whole set that signs that block.
    pub validators: Vec<Signer>,
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
