//! Owns a naive state: its root and proofs by their definition (PROTOCOL section 7), from nothing but the
//! records.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use ics23::{
    CommitmentProof, ExistenceProof, HashOp, InnerOp, NonExistenceProof, commitment_proof::Proof,
    smt_spec, tendermint_spec,
};
use prost_ics23::Message;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

type Hash = [u8; 32];

/// Records by the hash of their key.
pub struct State(BTreeMap<Hash, (String, String)>);

pub fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

impl State {
    pub fn of(records: impl IntoIterator<Item = (String, String)>) -> Self {
        let records = records.into_iter();
        Self(
            records
                .map(|(key, value)| (sha256(key.as_bytes()), (key, value)))
                .collect(),
        )
    }

    /// So many accounts, `/account/0` and on, each with its number as balance.
    pub fn of_accounts(count: usize) -> Self {
        Self::of((0..count).map(|n| (format!("/account/{n}"), account(n))))
    }

    pub fn app_hash(&self) -> Hash {
        let root = sha256(&self.root());
        sha256(&[&[0, 3][..], b"ait", &[32], &root].concat())
    }

    fn root(&self) -> Hash {
        let leaves: Vec<_> = self
            .0
            .iter()
            .map(|(place, record)| (*place, leaf(place, &record.1)))
            .collect();
        subtree(&leaves, 0, None)
    }

    pub fn record_proof(&self, key: &str) -> CommitmentProof {
        let place = sha256(key.as_bytes());
        let proof = if self.0.contains_key(&place) {
            Proof::Exist(self.existence(&place))
        } else {
            let left = self.0.range(..place).next_back();
            let right = self.0.range(place..).next();
            Proof::Nonexist(NonExistenceProof {
                key: key.into(),
                left: left.map(|(place, _)| self.existence(place)),
                right: right.map(|(place, _)| self.existence(place)),
            })
        };
        CommitmentProof { proof: Some(proof) }
    }

    pub fn root_proof(&self) -> CommitmentProof {
        CommitmentProof {
            proof: Some(Proof::Exist(ExistenceProof {
                key: b"ait".to_vec(),
                value: self.root().to_vec(),
                leaf: tendermint_spec().leaf_spec,
                path: Vec::new(),
            })),
        }
    }

    pub fn value(&self, key: &str) -> Option<&str> {
        let record = self.0.get(&sha256(key.as_bytes()))?;
        Some(&record.1)
    }

    fn existence(&self, place: &Hash) -> ExistenceProof {
        let (key, value) = &self.0[place];
        let leaves: Vec<_> = self
            .0
            .iter()
            .map(|(place, record)| (*place, leaf(place, &record.1)))
            .collect();
        let mut path = Vec::new();
        subtree(&leaves, 0, Some((place, &mut path)));
        ExistenceProof {
            key: key.as_bytes().to_vec(),
            value: value.as_bytes().to_vec(),
            leaf: smt_spec().leaf_spec,
            path,
        }
    }
}

/// The record of an account.
pub fn account(balance: usize) -> String {
    json!({"balance": balance, "nonce": 0, "pubkey": null}).to_string()
}

/// The two steps of a proof as a bundle has them.
pub fn ops(key: &str, record: &CommitmentProof, root: &CommitmentProof) -> Value {
    let data = |proof: &CommitmentProof| STANDARD.encode(proof.encode_to_vec());
    json!([
        {"type": "ics23:smt", "key": key, "data": data(record)},
        {"type": "ics23:simple", "key": "ait", "data": data(root)},
    ])
}

fn leaf(place: &Hash, value: &str) -> Hash {
    sha256(&[&[0][..], place, &sha256(value.as_bytes())].concat())
}

/// The root of leaves in order; where one of them is asked for, the steps from it up too.
fn subtree(
    leaves: &[(Hash, Hash)],
    depth: usize,
    asked: Option<(&Hash, &mut Vec<InnerOp>)>,
) -> Hash {
    match leaves {
        [] => [0; 32],
        [(_, hash)] => *hash,
        _ => {
            let goes_left = |place: &Hash| place[depth / 8] & (0x80 >> (depth % 8)) == 0;
            let (left, right) =
                leaves.split_at(leaves.partition_point(|(place, _)| goes_left(place)));
            let Some((place, path)) = asked else {
                let left = subtree(left, depth + 1, None);
                let right = subtree(right, depth + 1, None);
                return sha256(&[&[1][..], &left, &right].concat());
            };
            let hash = HashOp::Sha256.into();
            let (taken, other, prefix, suffix);
            if goes_left(place) {
                taken = subtree(left, depth + 1, Some((place, &mut *path)));
                other = subtree(right, depth + 1, None);
                (prefix, suffix) = (vec![1], other.to_vec());
            } else {
                taken = subtree(right, depth + 1, Some((place, &mut *path)));
                other = subtree(left, depth + 1, None);
                (prefix, suffix) = ([&[1][..], &other].concat(), Vec::new());
            }
            let image = [&prefix[..], &taken, &suffix].concat();
            path.push(InnerOp {
                hash,
                prefix,
                suffix,
            });
            sha256(&image)
        }
    }
}
