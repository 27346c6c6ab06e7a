//! Owns the checking of proofs as others do it.

use ait_app::state::{
    AppHash,
    app_hash::{ProofOp, STORE_KEY, verify},
    merkle::decode_proof,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use ics23::{
    CommitmentProof, HostFunctionsManager, commitment_proof::Proof, smt_spec, tendermint_spec,
    verify_membership, verify_non_membership,
};
use serde_json::Value;

/// Whether a proof holds for its own app hash, key and value: by the project's own verifier and by the
/// chain of two that stock ICS-23 verifiers take, which must agree.
pub fn holds(proof: &Value) -> bool {
    let own = holds_by_the_projects_verifier(proof);
    assert_eq!(own, holds_by_stock_verifiers(proof), "{proof}");
    own
}

fn app_hash(proof: &Value) -> [u8; 32] {
    let bytes = hex::decode(proof["app_hash"].as_str().unwrap()).unwrap();
    bytes.try_into().unwrap()
}

fn ops(proof: &Value) -> Vec<ProofOp> {
    let kinds = ["ics23:smt", "ics23:simple"];
    let ops = proof["ops"].as_array().unwrap().iter();
    ops.map(|op| ProofOp {
        kind: kinds.into_iter().find(|kind| op["type"] == *kind).unwrap(),
        key: op["key"].as_str().unwrap().into(),
        data: STANDARD.decode(op["data"].as_str().unwrap()).unwrap(),
    })
    .collect()
}

fn holds_by_the_projects_verifier(proof: &Value) -> bool {
    let key = proof["key"].as_str().unwrap().as_bytes();
    let value = proof["value"].as_str().map(str::as_bytes);
    verify(&AppHash(app_hash(proof)), key, value, &ops(proof))
}

fn holds_by_stock_verifiers(proof: &Value) -> bool {
    let ops = ops(proof);
    let commitments: Vec<CommitmentProof> = ops
        .iter()
        .map(|op| decode_proof(&op.data).unwrap())
        .collect();
    let [record, simple] = commitments.as_slice() else {
        panic!("{proof}")
    };
    let Some(Proof::Exist(exist)) = &simple.proof else {
        panic!("{proof}")
    };
    let (root, header) = (exist.value.clone(), app_hash(proof).to_vec());
    let key = proof["key"].as_str().unwrap().as_bytes();
    let spec = smt_spec();
    let below = match proof["value"].as_str() {
        Some(value) => {
            let value = value.as_bytes();
            verify_membership::<HostFunctionsManager>(record, &spec, &root, key, value)
        }
        None => verify_non_membership::<HostFunctionsManager>(record, &spec, &root, key),
    };
    let spec = tendermint_spec();
    below && verify_membership::<HostFunctionsManager>(simple, &spec, &header, STORE_KEY, &root)
}
