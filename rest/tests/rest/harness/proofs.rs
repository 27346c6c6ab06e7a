//! Owns the checking of proofs as others do it.

use ait_app::state::merkle::decode_proof;
use base64::{Engine, engine::general_purpose::STANDARD};
use ics23::{HostFunctionsManager, smt_spec, verify_membership, verify_non_membership};
use serde_json::Value;

/// Whether a stock ICS-23 verifier takes the proof for its own root, key and value.
pub fn holds(proof: &Value) -> bool {
    let bytes = STANDARD.decode(proof["ics23"].as_str().unwrap()).unwrap();
    let commitment = decode_proof(&bytes).unwrap();
    let root = hex::decode(proof["root"].as_str().unwrap()).unwrap();
    let key = proof["key"].as_str().unwrap().as_bytes();
    let spec = smt_spec();
    match proof["value"].as_str() {
        Some(value) => verify_membership::<HostFunctionsManager>(
            &commitment,
            &spec,
            &root,
            key,
            value.as_bytes(),
        ),
        None => verify_non_membership::<HostFunctionsManager>(&commitment, &spec, &root, key),
    }
}
