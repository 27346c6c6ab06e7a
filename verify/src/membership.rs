//! Owns the two ICS-23 proofs of a record: from it, or its absence, to the state's root, and from the root
//! to the app hash. The checks are the `ics23` crate's, by the published specs; knows nothing of headers.

use base64::{Engine, engine::general_purpose::STANDARD};
use ics23::{
    CommitmentProof, ExistenceProof, HostFunctionsManager, LeafOp, NonExistenceProof,
    commitment_proof::Proof, smt_spec, tendermint_spec, verify_membership, verify_non_membership,
};
use prost_ics23::Message;
use serde::Deserialize;

use crate::{malformed::Malformed, rejection::Rejection};

/// The name of the store, the key of the state's root under the app hash.
const STORE_KEY: &str = "ait";

/// One of the two steps as a document writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Op {
    #[serde(rename = "type")]
    kind: String,
    key: String,
    data: String,
}

/// The two steps, parsed and not judged.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Membership {
    record: CommitmentProof,
    root: CommitmentProof,
}

impl Membership {
    /// # Errors
    /// [`Malformed`] where the steps are not these two, in this order, each of one proof in the one encoding
    /// that protobuf writes.
    pub(crate) fn read(key: &str, [record, root]: &[Op; 2]) -> Result<Self, Malformed> {
        Ok(Self {
            record: decode("ops[0]", record, "ics23:smt", key)?,
            root: decode("ops[1]", root, "ics23:simple", STORE_KEY)?,
        })
    }

    /// Whether the key has this value under the app hash, or with `None` is absent.
    pub(crate) fn judge(
        &self,
        app_hash: &[u8; 32],
        key: &str,
        value: Option<&str>,
    ) -> Result<(), Rejection> {
        let root = self.root_under(app_hash).ok_or(Rejection::RootProof)?;
        let key_bytes = key.as_bytes();
        let spec = smt_spec();
        let holds = match (&self.record.proof, value) {
            (Some(Proof::Exist(exist)), Some(value)) => {
                exist.leaf == spec.leaf_spec
                    && verify_membership::<HostFunctionsManager>(
                        &self.record,
                        &spec,
                        &root,
                        key_bytes,
                        value.as_bytes(),
                    )
            }
            (Some(Proof::Nonexist(absence)), None) => {
                absence.key == key_bytes
                    && are_neighbours(absence, spec.leaf_spec.as_ref())
                    && verify_non_membership::<HostFunctionsManager>(
                        &self.record,
                        &spec,
                        &root,
                        key_bytes,
                    )
            }
            (proof, _) => {
                let present = matches!(proof, Some(Proof::Exist(_)));
                return Err(Rejection::ProofKind { present });
            }
        };
        if holds {
            return Ok(());
        }
        Err(Rejection::RecordProof {
            key: key.to_owned(),
        })
    }

    /// The state's root, if the second step proves one of 32 bytes under the app hash.
    fn root_under(&self, app_hash: &[u8; 32]) -> Option<Vec<u8>> {
        let Some(Proof::Exist(exist)) = &self.root.proof else {
            return None;
        };
        let spec = tendermint_spec();
        let holds = exist.leaf == spec.leaf_spec
            && exist.value.len() == 32
            && verify_membership::<HostFunctionsManager>(
                &self.root,
                &spec,
                &app_hash.to_vec(),
                STORE_KEY.as_bytes(),
                &exist.value,
            );
        holds.then(|| exist.value.clone())
    }
}

/// Whether a proof of absence has the form that the `ics23` crate can judge: it follows two paths from the
/// root down to where they part, and panics where they don't.
fn are_neighbours(absence: &NonExistenceProof, leaf: Option<&LeafOp>) -> bool {
    let has_leaf = |side: &Option<ExistenceProof>| {
        let side = side.as_ref();
        side.is_none_or(|exist| exist.leaf.as_ref() == leaf)
    };
    let part = match (&absence.left, &absence.right) {
        (Some(left), Some(right)) => {
            let mut steps = left.path.iter().rev().zip(right.path.iter().rev());
            steps.any(|(left, right)| left.prefix != right.prefix || left.suffix != right.suffix)
        }
        _ => true,
    };
    has_leaf(&absence.left) && has_leaf(&absence.right) && part
}

fn decode(
    field: &str,
    op: &Op,
    kind: &'static str,
    key: &str,
) -> Result<CommitmentProof, Malformed> {
    if op.kind != kind {
        return Err(Malformed::field(
            format!("{field}.type"),
            format!("is not {kind}"),
        ));
    }
    if op.key != key {
        return Err(Malformed::field(
            format!("{field}.key"),
            format!("is not {key}"),
        ));
    }
    let data = |reason: &str| Malformed::field(format!("{field}.data"), reason);
    let bytes = STANDARD.decode(&op.data);
    let bytes = bytes.map_err(|_| data("is not base64 with its padding"))?;
    let proof = CommitmentProof::decode(bytes.as_slice());
    let proof = proof.map_err(|_| data("is not a protobuf CommitmentProof"))?;
    if proof.encode_to_vec() != bytes {
        return Err(data("has bytes that mean nothing"));
    }
    if !matches!(proof.proof, Some(Proof::Exist(_) | Proof::Nonexist(_))) {
        return Err(data(
            "is neither a proof of existence nor one of non-existence",
        ));
    }
    Ok(proof)
}
