//! Owns the lower part of the tree: up to [`MAX_BUCKET`] leaves that are stored and read together.

use core::cmp::Ordering;

use super::{EMPTY, Hash, Leaf, Place, inner_hash, split};
use crate::{error::InvariantViolation, prelude::*};

/// The most leaves of a bucket: a subtree with more has two children.
pub const MAX_BUCKET: usize = 24;

/// The leaves below a place, by key hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    root: Hash,
    leaves: Vec<Leaf>,
}

/// Where the buckets of a tree are. One source is of one state, and gives the same for ever.
pub trait Buckets: Send + Sync {
    /// The leaves below a place, which have this root.
    ///
    /// # Errors
    /// [`InvariantViolation`] when they can't be read, or have another root.
    fn bucket(&self, place: &Place, root: &Hash) -> Result<Arc<Bucket>, InvariantViolation>;
}

/// The source of a state whose buckets all are its own.
pub struct NoBuckets;

impl Buckets for NoBuckets {
    fn bucket(&self, place: &Place, _: &Hash) -> Result<Arc<Bucket>, InvariantViolation> {
        Err(InvariantViolation::new(format!(
            "no bucket is stored, {place:?} neither"
        )))
    }
}

impl Bucket {
    /// The leaves below a place; `None` where they don't belong there, or are not in order.
    pub fn new(place: &Place, leaves: Vec<Leaf>) -> Option<Self> {
        let in_order = leaves.is_sorted_by(|a, b| a.key_hash() < b.key_hash());
        let at_home = [leaves.first(), leaves.last()]
            .into_iter()
            .flatten()
            .all(|leaf| place.holds(leaf.key_hash()));
        (in_order && at_home).then(|| Self::sorted(place, leaves))
    }

    /// The same where order and place are known to hold.
    pub(super) fn sorted(place: &Place, leaves: Vec<Leaf>) -> Self {
        let root = subtree_root(&leaves, place.depth());
        Self { root, leaves }
    }

    /// The root of the subtree.
    pub fn root(&self) -> &Hash {
        &self.root
    }

    /// The leaves, by key hash.
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// The leaf of a key.
    pub fn get(&self, key_hash: &Hash) -> Option<&Leaf> {
        let found = self
            .leaves
            .binary_search_by_key(&key_hash, |leaf| leaf.key_hash());
        self.leaves.get(found.ok()?)
    }

    /// The leaf nearest to a key hash that is not its own, before or behind it.
    pub(super) fn nearest(&self, key_hash: &Hash, direction: Ordering) -> Option<&Leaf> {
        match direction {
            Ordering::Less => {
                let before = self
                    .leaves
                    .partition_point(|leaf| leaf.key_hash() < key_hash);
                self.leaves.get(before.checked_sub(1)?)
            }
            _ => {
                let behind = self
                    .leaves
                    .partition_point(|leaf| leaf.key_hash() <= key_hash);
                self.leaves.get(behind)
            }
        }
    }
}

/// The root of a subtree at `depth` of leaves sorted by distinct key hashes. A lone leaf rises to wherever
/// it is alone.
pub(super) fn subtree_root(leaves: &[Leaf], depth: u8) -> Hash {
    match leaves {
        [] => EMPTY,
        [only] => *only.hash(),
        _ => {
            let (left, right) = split(leaves, Leaf::key_hash, depth);
            let below = depth.saturating_add(1);
            inner_hash(&subtree_root(left, below), &subtree_root(right, below))
        }
    }
}
