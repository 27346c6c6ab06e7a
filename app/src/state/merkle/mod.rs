//! The committed state as a sparse Merkle tree (PROTOCOL section 7, ICS-23 `smt_spec`).
//!
//! Owns the shape of the tree, its hashing and its proofs. A [`Tree`] is a value: updating it gives
//! a new one that shares every untouched node with the old one, so holding a clone keeps the shape of
//! its height. It holds the upper part alone: where a subtree has few leaves it ends in a [`Bucket`],
//! whose leaves are wherever [`Buckets`] finds them. What it finds is believed only with the root that
//! the tree has for it. May not touch records, storage or anything else of the state machine: keys and
//! values are opaque bytes here.
//!
//! Where a leaf stands is decided by the bits of its key's SHA-256, most significant first: 0 is
//! left, 1 is right. A lone leaf stands at the shallowest place where it is alone, so the root
//! depends on the set of pairs only, never on the order in which they came and went.

mod bucket;
mod leaf;
mod place;
mod proof;
mod run;
mod shape;
#[cfg(test)]
mod tests;
mod update;

use core::fmt;

use sha2::{Digest, Sha256};

use crate::{error::InvariantViolation, prelude::*};

pub use bucket::{Bucket, Buckets, MAX_BUCKET, NoBuckets};
pub use leaf::Leaf;
pub use place::Place;
pub use proof::{decode_proof, encode_proof, verify};
pub use shape::Stub;
pub use update::{Changes, Delta, Fresh};

/// A SHA-256 digest: the root of a tree, or the hash of one of its nodes (PROTOCOL section 7).
pub type Hash = [u8; 32];

/// The hash of an empty subtree, and so the root of an empty tree (PROTOCOL section 7).
const EMPTY: Hash = [0; 32];
/// First byte of what a leaf hashes.
const LEAF_PREFIX: u8 = 0;
/// First byte of what an inner node hashes.
const INNER_PREFIX: u8 = 1;

/// The upper part of the state's tree after one block; its root is the app hash's (PROTOCOL section 7).
///
/// Cloning is O(1). A tree never changes: [`Tree::updated`] returns another one.
#[derive(Clone, Default)]
pub struct Tree {
    top: Link,
}

/// A subtree; `None` is the empty one.
type Link = Option<Arc<Node>>;

struct Node {
    hash: Hash,
    leaves: usize,
    /// `None` of a bucket.
    children: Option<Children>,
}

/// The two subtrees of a node; not both are empty.
struct Children {
    left: Link,
    right: Link,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

impl Tree {
    /// The empty tree; its root is 32 zero bytes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The root hash, which commits to every pair in the tree. O(1).
    pub fn root(&self) -> Hash {
        hash_of(&self.top)
    }

    /// How many keys the tree holds. O(1).
    pub fn len(&self) -> usize {
        leaves_of(&self.top)
    }

    /// Whether the tree holds no key at all.
    pub fn is_empty(&self) -> bool {
        self.top.is_none()
    }

    /// What `of` makes of the leaf of the key that has this hash; `None` when the tree doesn't hold it.
    ///
    /// # Errors
    /// As [`Buckets::bucket`].
    pub fn look_up<T>(
        &self,
        key_hash: &Hash,
        buckets: &dyn Buckets,
        of: impl FnOnce(Leaf<&[u8]>) -> T,
    ) -> Result<Option<T>, InvariantViolation> {
        let Some((place, node)) = self.bucket_of(key_hash) else {
            return Ok(None);
        };
        Ok(node.read(&place, buckets)?.get(key_hash).map(of))
    }

    /// Every leaf, in the order of key hashes. Ends after its first error.
    pub fn leaves<'a>(
        &'a self,
        buckets: &'a dyn Buckets,
    ) -> impl Iterator<Item = Result<Leaf, InvariantViolation>> + 'a {
        let mut failed = false;
        self.buckets()
            .map(move |stub| stub.read(buckets))
            .take_while(move |read| !core::mem::replace(&mut failed, read.is_err()))
            .flat_map(|read| match read {
                Ok(bucket) => bucket.leaves().map(|leaf| Ok(leaf.alone())).collect(),
                Err(violation) => vec![Err(violation)],
            })
    }

    fn bucket_of(&self, key_hash: &Hash) -> Option<(Place, &Node)> {
        let mut place = Place::TOP;
        let mut node = self.top.as_deref()?;
        while let Some(children) = &node.children {
            let side = place.towards(key_hash);
            node = children.child(side).as_deref()?;
            place = place.child(side);
        }
        Some((place, node))
    }
}

impl Children {
    fn child(&self, side: Side) -> &Link {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        }
    }
}

impl Side {
    fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

impl Node {
    fn bucket(bucket: &Bucket) -> Self {
        Self {
            hash: *bucket.root(),
            leaves: bucket.len(),
            children: None,
        }
    }

    fn inner(left: Link, right: Link) -> Self {
        Self {
            hash: inner_hash(&hash_of(&left), &hash_of(&right)),
            leaves: leaves_of(&left).saturating_add(leaves_of(&right)),
            children: Some(Children { left, right }),
        }
    }

    /// The leaves of this bucket, which stands at `place`.
    fn read(
        &self,
        place: &Place,
        buckets: &dyn Buckets,
    ) -> Result<Arc<Bucket>, InvariantViolation> {
        self.stub(*place).read(buckets)
    }
}

impl fmt::Debug for Tree {
    /// Root and size only: a whole state would drown any log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = hex::encode(self.root());
        write!(formatter, "Tree {{ root: {root}, len: {} }}", self.len())
    }
}

fn inner_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new()
        .chain_update([INNER_PREFIX])
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

/// Parts items sorted by key hash, equal in all bits before `depth`, by the bit at `depth`.
fn split<T>(items: &[T], key_hash: impl Fn(&T) -> &Hash, depth: u8) -> (&[T], &[T]) {
    let middle = items.partition_point(|item| !bit(key_hash(item), depth));
    items.split_at_checked(middle).unwrap_or((items, &[]))
}

/// The bit of a hash that decides at `depth`: `true` is right.
fn bit(key_hash: &Hash, depth: u8) -> bool {
    let mask = 0x80u8.wrapping_shr(u32::from(depth & 7));
    key_hash
        .get(usize::from(depth >> 3))
        .is_some_and(|byte| byte & mask != 0)
}

fn hash_of(link: &Link) -> Hash {
    link.as_ref().map_or(EMPTY, |node| node.hash)
}

fn leaves_of(link: &Link) -> usize {
    link.as_ref().map_or(0, |node| node.leaves)
}
