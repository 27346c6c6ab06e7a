//! Owns the app hash (PROTOCOL section 7): the state's root as one leaf of an ICS-23
//! `tendermint_spec` tree, so that a record's proof is the usual chain of two.

use core::fmt;

use ics23::{
    CommitmentProof, ExistenceProof, HostFunctionsManager, commitment_proof::Proof,
    tendermint_spec, verify_membership,
};
use sha2::{Digest, Sha256};

use super::{
    State,
    key::Key,
    merkle::{self, decode_proof, encode_proof},
};
use crate::{crypto::sha256, error::InvariantViolation, prelude::*};

/// The key of the only leaf: the name of the store, as IBC clients call it.
pub const STORE_KEY: &[u8] = b"ait";

/// What the header of block H+1 says of the state after block H.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AppHash(pub [u8; 32]);

impl AppHash {
    /// The app hash over a state's root: `sha256(0x00 ‖ 0x03 ‖ "ait" ‖ 0x20 ‖ sha256(root))`.
    pub fn of_root(root: &[u8; 32]) -> Self {
        let leaf = Sha256::new()
            .chain_update([0, 3])
            .chain_update(STORE_KEY)
            .chain_update([32])
            .chain_update(sha256(root));
        Self(leaf.finalize().into())
    }
}

impl fmt::Display for AppHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(self.0))
    }
}

impl fmt::Debug for AppHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One step of a record's proof, as CometBFT's `ProofOp` carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofOp {
    /// `ics23:smt`, then `ics23:simple`.
    pub kind: &'static str,
    /// The record's key, then `ait`.
    pub key: Vec<u8>,
    /// An ICS-23 `CommitmentProof` in protobuf.
    pub data: Vec<u8>,
}

impl State {
    /// The two steps from a record, or its absence, to the app hash. `None` only where the state is
    /// empty, which no chain's is.
    ///
    /// # Errors
    /// [`InvariantViolation`] when the records can't be read.
    pub fn prove(&self, key: &Key) -> Result<Option<Vec<ProofOp>>, InvariantViolation> {
        let key = key.to_bytes();
        let Some(record) = self.tree().prove(&key, self.buckets())? else {
            return Ok(None);
        };
        Ok(Some(vec![
            ProofOp {
                kind: "ics23:smt",
                data: encode_proof(&record),
                key,
            },
            ProofOp {
                kind: "ics23:simple",
                data: encode_proof(&root_proof(&self.root())),
                key: STORE_KEY.to_vec(),
            },
        ]))
    }
}

/// The existence proof of the root as the only leaf.
fn root_proof(root: &[u8; 32]) -> CommitmentProof {
    CommitmentProof {
        proof: Some(Proof::Exist(ExistenceProof {
            key: STORE_KEY.to_vec(),
            value: root.to_vec(),
            leaf: tendermint_spec().leaf_spec,
            path: Vec::new(),
        })),
    }
}

/// Whether the two steps show that under `app_hash` the `key` has this `value`, or with `None` that
/// it is absent. The checks are the `ics23` crate's.
pub fn verify(app_hash: &AppHash, key: &[u8], value: Option<&[u8]>, ops: &[ProofOp]) -> bool {
    let [record, simple] = ops else { return false };
    let kinds = record.kind == "ics23:smt" && simple.kind == "ics23:simple";
    if !kinds || record.key != key || simple.key != STORE_KEY {
        return false;
    }
    let Some((record, simple)) = decode_proof(&record.data).zip(decode_proof(&simple.data)) else {
        return false;
    };
    let Some(Proof::Exist(exist)) = &simple.proof else {
        return false;
    };
    let Ok(root) = <[u8; 32]>::try_from(exist.value.as_slice()) else {
        return false;
    };
    let header = app_hash.0.to_vec();
    verify_membership::<HostFunctionsManager>(
        &simple,
        &tendermint_spec(),
        &header,
        STORE_KEY,
        &root,
    ) && merkle::verify(&root, key, value, &record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn app_hashes_are_those_of_the_vectors() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/vectors/protocol.json")).unwrap();
        let cases = vectors["app_hashes"].as_array().unwrap();
        assert!(cases.len() >= 2);
        for case in cases {
            let mut root = [0; 32];
            hex::decode_to_slice(case["root"].as_str().unwrap(), &mut root).unwrap();
            let hash = AppHash::of_root(&root);
            assert_eq!(hex::encode(hash.0), case["app_hash"].as_str().unwrap());
            let proof = root_proof(&root);
            let spec = tendermint_spec();
            let header = hash.0.to_vec();
            assert!(verify_membership::<HostFunctionsManager>(
                &proof, &spec, &header, STORE_KEY, &root
            ));
        }
    }
}
