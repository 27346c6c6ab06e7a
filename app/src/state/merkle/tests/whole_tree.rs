//! The same tree with every leaf in memory and nothing stored anywhere: the reference for large trees,
//! where the naive root would take too long.

use std::{sync::Arc, vec::Vec};

use super::{
    super::{EMPTY, INNER_PREFIX, LEAF_PREFIX, split},
    Changes, Digest, Hash, Sha256, sha256,
};

/// The whole tree of one height.
#[derive(Clone, Default)]
pub struct WholeTree {
    top: Link,
}

/// A subtree; `None` is the empty one.
type Link = Option<Arc<Node>>;

struct Node {
    hash: Hash,
    kind: Kind,
}

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

impl WholeTree {
    /// The root hash, which commits to every pair in the tree. O(1).
    pub fn root(&self) -> Hash {
        hash_of(&self.top)
    }

    /// How many keys the tree holds. O(1).
    pub fn len(&self) -> usize {
        leaves_of(&self.top)
    }

    /// The tree after all of `changes` at once. Each node on a changed path is hashed once; setting
    /// a value that is already there and removing an absent key change nothing.
    pub fn updated(&self, changes: &Changes) -> WholeTree {
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
        WholeTree {
            top: apply(&self.top, &sorted, 0),
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
