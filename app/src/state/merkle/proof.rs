//! ICS-23 proofs of presence and absence, made from a [`Tree`] and verified without one.
//!
//! Proofs follow the published `smt_spec` (PROTOCOL section 7), so a stock ICS-23 verifier in any
//! language checks them. May not touch anything but the tree and the buckets that it reads.

use core::cmp::Ordering;

use ics23::commitment_proof::Proof;
use ics23::{
    CommitmentProof, ExistenceProof, HashOp, HostFunctionsManager, InnerOp, NonExistenceProof,
    smt_spec, verify_membership, verify_non_membership,
};

use crate::{crypto::sha256, error::InvariantViolation, prelude::*};

use super::{
    Bucket, Buckets, Hash, INNER_PREFIX, Node, Place, Side, Tree, bucket::subtree_root, hash_of,
    run::Slot, split,
};

/// The protobuf bytes of a proof, as ICS-23 verifiers in every language read them.
pub fn encode_proof(proof: &CommitmentProof) -> Vec<u8> {
    prost_ics23::Message::encode_to_vec(proof)
}

/// Reads what [`encode_proof`] wrote; `None` for any other bytes.
pub fn decode_proof(bytes: &[u8]) -> Option<CommitmentProof> {
    prost_ics23::Message::decode(bytes).ok()
}

impl Tree {
    /// The ICS-23 proof (`smt_spec`) that `key` has the value [`Tree::look_up`] finds, or, for an absent
    /// key, that it has none: then the proof shows its neighbours in the order of key hashes.
    ///
    /// `None` only for the empty tree, whose root of 32 zero bytes is proof enough.
    ///
    /// # Errors
    /// As [`Buckets::bucket`].
    pub fn prove(
        &self,
        key: &[u8],
        buckets: &dyn Buckets,
    ) -> Result<Option<CommitmentProof>, InvariantViolation> {
        let key_hash = sha256(key);
        if let Some(present) = self.existence(&key_hash, buckets)? {
            let proof = Some(Proof::Exist(present));
            return Ok(Some(CommitmentProof { proof }));
        }
        let left = self.neighbour(&key_hash, Ordering::Less, buckets)?;
        let right = self.neighbour(&key_hash, Ordering::Greater, buckets)?;
        if left.is_none() && right.is_none() {
            return Ok(None);
        }
        let key = key.to_vec();
        let proof = Some(Proof::Nonexist(NonExistenceProof { key, left, right }));
        Ok(Some(CommitmentProof { proof }))
    }

    /// The proof of the leaf of a key hash; `None` where there is none.
    fn existence(
        &self,
        key_hash: &Hash,
        buckets: &dyn Buckets,
    ) -> Result<Option<ExistenceProof>, InvariantViolation> {
        let Some((place, node)) = self.bucket_of(key_hash) else {
            return Ok(None);
        };
        let bucket = node.read(&place, buckets)?;
        let Some(leaf) = bucket.get(key_hash) else {
            return Ok(None);
        };
        let mut path = self.path_to(key_hash);
        path.extend(path_within(&bucket, &place, key_hash));
        path.reverse();
        Ok(Some(ExistenceProof {
            key: leaf.key().to_vec(),
            value: leaf.value().to_vec(),
            leaf: smt_spec().leaf_spec,
            path,
        }))
    }

    /// The proof of the leaf next to a key hash; `None` where there is none on that side.
    fn neighbour(
        &self,
        key_hash: &Hash,
        direction: Ordering,
        buckets: &dyn Buckets,
    ) -> Result<Option<ExistenceProof>, InvariantViolation> {
        if let Some((place, node)) = self.bucket_of(key_hash) {
            let bucket = node.read(&place, buckets)?;
            if let Some(leaf) = bucket.nearest(key_hash, direction) {
                return self.existence(leaf.key_hash(), buckets);
            }
        }
        let Some((place, node)) = self.beside(key_hash, direction) else {
            return Ok(None);
        };
        let bucket = node.read(&place, buckets)?;
        let nearest = match direction {
            Ordering::Less => bucket.leaves().next_back(),
            _ => bucket.leaves().next(),
        };
        match nearest {
            Some(leaf) => self.existence(leaf.key_hash(), buckets),
            None => Ok(None),
        }
    }

    /// The bucket next to the one that a key hash belongs to, or would.
    fn beside(&self, key_hash: &Hash, direction: Ordering) -> Option<(Place, &Node)> {
        let there = if direction == Ordering::Less {
            Side::Left
        } else {
            Side::Right
        };
        let mut fork = None;
        let mut place = Place::TOP;
        let mut node = self.top.as_deref();
        while let Some(children) = node.and_then(|node| node.children.as_ref()) {
            let side = place.towards(key_hash);
            if side != there
                && let Some(other) = children.child(there).as_deref()
            {
                fork = Some((place.child(there), other));
            }
            node = children.child(side).as_deref();
            place = place.child(side);
        }
        let (mut place, mut node) = fork?;
        while let Some(children) = &node.children {
            let inward = there.other();
            let (side, child) = match children.child(inward).as_deref() {
                Some(child) => (inward, child),
                None => (there, children.child(there).as_deref()?),
            };
            node = child;
            place = place.child(side);
        }
        Some((place, node))
    }

    /// The steps down to the bucket of a key hash.
    fn path_to(&self, key_hash: &Hash) -> Vec<InnerOp> {
        let mut path = Vec::new();
        let mut place = Place::TOP;
        let mut node = self.top.as_deref();
        while let Some(children) = node.and_then(|node| node.children.as_ref()) {
            let side = place.towards(key_hash);
            path.push(inner_op(side, &hash_of(children.child(side.other()))));
            node = children.child(side).as_deref();
            place = place.child(side);
        }
        path
    }
}

/// The steps from a bucket's top down to one of its leaves.
fn path_within(bucket: &Bucket, place: &Place, key_hash: &Hash) -> Vec<InnerOp> {
    let mut path = Vec::new();
    let mut place = *place;
    let mut slots = bucket.slots();
    while slots.len() > 1 {
        let (left, right) = split(slots, Slot::key_hash, place.depth());
        let side = place.towards(key_hash);
        let (taken, other) = match side {
            Side::Left => (left, right),
            Side::Right => (right, left),
        };
        place = place.child(side);
        path.push(inner_op(side, &subtree_root(other, place.depth())));
        slots = taken;
    }
    path
}

/// How an inner node's hash comes from that of the child taken.
fn inner_op(taken: Side, other: &Hash) -> InnerOp {
    let mut prefix = vec![INNER_PREFIX];
    let mut suffix = Vec::new();
    match taken {
        Side::Left => suffix.extend(other),
        Side::Right => prefix.extend(other),
    }
    InnerOp {
        hash: HashOp::Sha256.into(),
        prefix,
        suffix,
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
