//! ICS-23 proofs of presence and absence, made from a [`Tree`] and verified without one.
//!
//! Proofs follow the published `smt_spec` (PROTOCOL section 7), so a stock ICS-23 verifier in any
//! language checks them. May not touch anything but the nodes of the tree it reads.

use core::cmp::Ordering;

use ics23::commitment_proof::Proof;
use ics23::{
    CommitmentProof, ExistenceProof, HashOp, HostFunctionsManager, InnerOp, NonExistenceProof,
    smt_spec, verify_membership, verify_non_membership,
};

use crate::prelude::*;

use super::{Hash, INNER_PREFIX, Kind, Link, Node, Tree, bit, hash_of, sha256};

/// The protobuf bytes of a proof, as ICS-23 verifiers in every language read them.
pub fn encode_proof(proof: &CommitmentProof) -> Vec<u8> {
    prost_ics23::Message::encode_to_vec(proof)
}

/// Reads what [`encode_proof`] wrote; `None` for any other bytes.
pub fn decode_proof(bytes: &[u8]) -> Option<CommitmentProof> {
    prost_ics23::Message::decode(bytes).ok()
}

/// One inner node on the way down to a leaf, and the side the way went on.
#[derive(Clone, Copy)]
struct Step<'a> {
    left: &'a Link,
    right: &'a Link,
    side: Side,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

impl Tree {
    /// The ICS-23 proof (`smt_spec`) that `key` has the value [`Tree::get`] tells, or, for an absent
    /// key, that it has none: then the proof shows its neighbours in the order of key hashes.
    ///
    /// `None` only for the empty tree, whose root of 32 zero bytes is proof enough.
    pub fn prove(&self, key: &[u8]) -> Option<CommitmentProof> {
        let key_hash = sha256(key);
        let mut path = Vec::new();
        let mut node = self.top.as_deref();
        let mut depth = 0u8;
        while let Some(Kind::Inner { left, right, .. }) = node.map(|node| &node.kind) {
            let side = Side::of(&key_hash, depth);
            let step = Step { left, right, side };
            node = step.taken().as_deref();
            path.push(step);
            depth = depth.saturating_add(1);
        }

        let standing = node.and_then(|node| Some((leaf_order(node, &key_hash)?, node)));
        let (left, right) = match standing {
            Some((Ordering::Equal, leaf)) => {
                let proof = Some(Proof::Exist(existence(&path, leaf)?));
                return Some(CommitmentProof { proof });
            }
            Some((Ordering::Less, leaf)) => (existence(&path, leaf), neighbour(&path, Side::Right)),
            Some((Ordering::Greater, leaf)) => {
                (neighbour(&path, Side::Left), existence(&path, leaf))
            }
            None => (neighbour(&path, Side::Left), neighbour(&path, Side::Right)),
        };
        if left.is_none() && right.is_none() {
            return None;
        }
        let key = key.to_vec();
        let proof = Some(Proof::Nonexist(NonExistenceProof { key, left, right }));
        Some(CommitmentProof { proof })
    }
}

/// Whether `proof` shows that under `root` the `key` has this `value`, or, with `value` `None`, that
/// it is absent. The check is the `ics23` crate's, by its `smt_spec` (PROTOCOL section 7).
///
/// Takes the two forms that [`Tree::prove`] makes; batch and compressed proofs are refused. An empty
/// tree has no proofs: there, auditors compare the root with 32 zero bytes.
pub fn verify(root: &Hash, key: &[u8], value: Option<&[u8]>, proof: &CommitmentProof) -> bool {
    let spec = smt_spec();
    let root = root.to_vec();
    match (&proof.proof, value) {
        (Some(Proof::Exist(_)), Some(value)) => {
            verify_membership::<HostFunctionsManager>(proof, &spec, &root, key, value)
        }
        (Some(Proof::Nonexist(_)), None) => {
            verify_non_membership::<HostFunctionsManager>(proof, &spec, &root, key)
        }
        _ => false,
    }
}

impl Side {
    fn of(key_hash: &Hash, depth: u8) -> Self {
        if bit(key_hash, depth) {
            Self::Right
        } else {
            Self::Left
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

impl<'a> Step<'a> {
    fn child(self, side: Side) -> &'a Link {
        match side {
            Side::Left => self.left,
            Side::Right => self.right,
        }
    }

    fn taken(self) -> &'a Link {
        self.child(self.side)
    }

    /// The same inner node, left by its other side.
    fn turned(self) -> Self {
        Self {
            side: self.side.other(),
            ..self
        }
    }

    /// How the inner node's hash comes from that of the child taken.
    fn inner_op(self) -> InnerOp {
        let mut prefix = vec![INNER_PREFIX];
        let mut suffix = Vec::new();
        match self.side {
            Side::Left => suffix.extend(hash_of(self.right)),
            Side::Right => prefix.extend(hash_of(self.left)),
        }
        InnerOp {
            hash: HashOp::Sha256.into(),
            prefix,
            suffix,
        }
    }
}

/// How the key hash of a leaf compares with `key_hash`; `None` for an inner node.
fn leaf_order(node: &Node, key_hash: &Hash) -> Option<Ordering> {
    match &node.kind {
        Kind::Leaf { key, .. } => Some(sha256(key).cmp(key_hash)),
        Kind::Inner { .. } => None,
    }
}

/// The proof of the leaf at the end of `path`; `None` for an inner node.
fn existence(path: &[Step<'_>], leaf: &Node) -> Option<ExistenceProof> {
    match &leaf.kind {
        Kind::Leaf { key, value } => Some(ExistenceProof {
            key: key.to_vec(),
            value: value.to_vec(),
            leaf: smt_spec().leaf_spec,
            path: path.iter().rev().map(|step| step.inner_op()).collect(),
        }),
        Kind::Inner { .. } => None,
    }
}

/// The proof of the leaf nearest to the end of `path` on its `side`; `None` when there is none.
fn neighbour(path: &[Step<'_>], side: Side) -> Option<ExistenceProof> {
    let fork = path
        .iter()
        .rposition(|step| step.side != side && step.child(side).is_some())?;
    let mut way = path.get(..fork)?.to_vec();
    way.push(path.get(fork)?.turned());
    let mut node = way.last()?.taken().as_deref()?;
    while let Kind::Inner { left, right, .. } = &node.kind {
        let inward = Step {
            left,
            right,
            side: side.other(),
        };
        let step = match inward.taken() {
            Some(_) => inward,
            None => inward.turned(),
        };
        node = step.taken().as_deref()?;
        way.push(step);
    }
    existence(&way, node)
}
