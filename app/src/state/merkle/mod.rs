//! The committed state as a sparse Merkle tree (PROTOCOL section 7, ICS-23 `smt_spec`).
//!
//! Owns the shape of the tree, its hashing and its proofs. A [`Tree`] is a value: updating it gives
//! a new one that shares every untouched node with the old one, so holding a clone keeps the state
//! of its height readable and provable. May not touch records, storage or anything else of the
//! state machine: keys and values are opaque bytes here.
//!
//! Where a leaf stands is decided by the bits of its key's SHA-256, most significant first: 0 is
//! left, 1 is right. A lone leaf stands at the shallowest place where it is alone, so the root
//! depends on the set of pairs only, never on the order in which they came and went.

mod proof;
#[cfg(test)]
mod tests;

use core::fmt;

use sha2::{Digest, Sha256};

use crate::prelude::*;

pub use proof::{decode_proof, encode_proof, verify};

/// A SHA-256 digest: the root of a tree, or the hash of one of its nodes (PROTOCOL section 7).
pub type Hash = [u8; 32];

/// What a batch does to each key: `Some` sets its value, `None` removes it.
///
/// Keys and values should not be empty: ICS-23 knows no proof for them.
pub type Changes = BTreeMap<Vec<u8>, Option<Arc<[u8]>>>;

/// The hash of an empty subtree, and so the root of an empty tree (PROTOCOL section 7).
const EMPTY: Hash = [0; 32];
/// First byte of what a leaf hashes.
const LEAF_PREFIX: u8 = 0;
/// First byte of what an inner node hashes.
const INNER_PREFIX: u8 = 1;

/// The whole state of one height, in memory; its root is the app hash (PROTOCOL section 7).
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
    kind: Kind,
}

/// The hash of a leaf's key is not kept: at 32 bytes a leaf it costs more than the one SHA-256
/// block it takes to find it again, which few visits need.
enum Kind {
    Leaf {
        key: Arc<[u8]>,
        value: Arc<[u8]>,
    },
    /// At least two leaves, all of them below one child or some below each.
    Inner {
        left: Link,
        right: Link,
        leaves: usize,
    },
}

/// One entry of [`Changes`] with the hash that places it.
struct Change<'a> {
    key_hash: Hash,
    key: &'a [u8],
    value: Option<&'a Arc<[u8]>>,
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

    /// The value of `key`, or `None` when the tree doesn't hold it.
    pub fn get(&self, key: &[u8]) -> Option<&Arc<[u8]>> {
        let key_hash = sha256(key);
        let mut node = self.top.as_deref()?;
        let mut depth = 0u8;
        loop {
            match &node.kind {
                Kind::Leaf { key: found, value } => return (**found == *key).then_some(value),
                Kind::Inner { left, right, .. } => {
                    let child = if bit(&key_hash, depth) { right } else { left };
                    node = child.as_deref()?;
                    depth = depth.saturating_add(1);
                }
            }
        }
    }

    /// The tree after all of `changes` at once. Each node on a changed path is hashed once; setting
    /// a value that is already there and removing an absent key change nothing.
    pub fn updated(&self, changes: &Changes) -> Tree {
        let mut sorted: Vec<Change<'_>> = changes
            .iter()
            .map(|(key, value)| Change {
                key_hash: sha256(key),
                key,
                value: value.as_ref(),
            })
            .collect();
        sorted.sort_by_key(|change| change.key_hash);
        // Two keys with one hash would never part, however deep the tree went.
        sorted.dedup_by(|later, first| later.key_hash == first.key_hash);
        Tree {
            top: apply(&self.top, &sorted, 0),
        }
    }

    /// Every (key, value) pair, ordered by the SHA-256 of the key.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Arc<[u8]>)> {
        Iter {
            waiting: self.top.as_deref().into_iter().collect(),
        }
    }
}

impl fmt::Debug for Tree {
    /// Root and size only: a whole state would drown any log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Tree {{ root: ")?;
        for byte in self.root() {
            write!(formatter, "{byte:02x}")?;
        }
        write!(formatter, ", len: {} }}", self.len())
    }
}

/// Walks the leaves from left to right.
struct Iter<'a> {
    /// Subtrees not walked yet, the leftmost on top: at most one for each level.
    waiting: Vec<&'a Node>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], &'a Arc<[u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match &self.waiting.pop()?.kind {
                Kind::Leaf { key, value } => return Some((key, value)),
                Kind::Inner { left, right, .. } => {
                    self.waiting.extend(right.as_deref());
                    self.waiting.extend(left.as_deref());
                }
            }
        }
    }
}

/// The subtree at `depth` after `changes`, which are sorted by distinct key hashes and all belong
/// to this subtree. An unchanged subtree comes back as the same node.
fn apply(link: &Link, changes: &[Change<'_>], depth: u8) -> Link {
    if changes.is_empty() {
        return link.clone();
    }
    match link.as_deref().map(|node| &node.kind) {
        Some(Kind::Inner { left, right, .. }) => {
            let (to_left, to_right) = split(changes, |change| &change.key_hash, depth);
            let below = depth.saturating_add(1);
            let new_left = apply(left, to_left, below);
            let new_right = apply(right, to_right, below);
            if same(left, &new_left) && same(right, &new_right) {
                link.clone()
            } else {
                join(new_left, new_right)
            }
        }
        _ => build(&regrown(link.as_ref(), changes), depth),
    }
}

/// The leaves, by key hash, that `changes` leave where at most the one leaf `resident` stood.
fn regrown(resident: Option<&Arc<Node>>, changes: &[Change<'_>]) -> Vec<(Hash, Arc<Node>)> {
    let resident = resident.and_then(|node| match &node.kind {
        Kind::Leaf { key, value } => Some((sha256(key), node, key, value)),
        Kind::Inner { .. } => None,
    });
    let mut leaves: Vec<(Hash, Arc<Node>)> = changes
        .iter()
        .filter_map(|change| {
            let value = change.value?;
            let node = match resident {
                Some((key_hash, node, key, old_value)) if key_hash == change.key_hash => {
                    if value == old_value {
                        Arc::clone(node)
                    } else {
                        leaf(&key_hash, Arc::clone(key), value)
                    }
                }
                _ => leaf(&change.key_hash, Arc::from(change.key), value),
            };
            Some((change.key_hash, node))
        })
        .collect();
    if let Some((key_hash, node, ..)) = resident {
        let changed = changes.binary_search_by_key(&key_hash, |change| change.key_hash);
        if changed.is_err() {
            let place = leaves.partition_point(|(other, _)| *other < key_hash);
            leaves.insert(place, (key_hash, Arc::clone(node)));
        }
    }
    leaves
}

/// A subtree at `depth` of leaves sorted by distinct key hashes.
fn build(leaves: &[(Hash, Arc<Node>)], depth: u8) -> Link {
    match leaves {
        [] => None,
        [(_, only)] => Some(Arc::clone(only)),
        _ => {
            let (to_left, to_right) = split(leaves, |(key_hash, _)| key_hash, depth);
            let below = depth.saturating_add(1);
            join(build(to_left, below), build(to_right, below))
        }
    }
}

/// The subtree of two children. A leaf without a sibling rises in place of its parent.
fn join(left: Link, right: Link) -> Link {
    match (&left, &right) {
        (None, None) => None,
        (Some(lone), None) | (None, Some(lone)) if matches!(lone.kind, Kind::Leaf { .. }) => {
            Some(Arc::clone(lone))
        }
        _ => {
            let hash = Sha256::new()
                .chain_update([INNER_PREFIX])
                .chain_update(hash_of(&left))
                .chain_update(hash_of(&right))
                .finalize()
                .into();
            let leaves = leaves_of(&left).saturating_add(leaves_of(&right));
            let kind = Kind::Inner {
                left,
                right,
                leaves,
            };
            Some(Arc::new(Node { hash, kind }))
        }
    }
}

fn leaf(key_hash: &Hash, key: Arc<[u8]>, value: &Arc<[u8]>) -> Arc<Node> {
    let hash = Sha256::new()
        .chain_update([LEAF_PREFIX])
        .chain_update(key_hash)
        .chain_update(sha256(value))
        .finalize()
        .into();
    let value = Arc::clone(value);
    let kind = Kind::Leaf { key, value };
    Arc::new(Node { hash, kind })
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
    match link.as_deref().map(|node| &node.kind) {
        None => 0,
        Some(Kind::Leaf { .. }) => 1,
        Some(Kind::Inner { leaves, .. }) => *leaves,
    }
}

fn same(old: &Link, new: &Link) -> bool {
    old.as_ref().map(Arc::as_ptr) == new.as_ref().map(Arc::as_ptr)
}

fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}
