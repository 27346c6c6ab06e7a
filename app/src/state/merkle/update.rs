//! Owns how a batch of changes makes the next tree.

use super::{
    Bucket, Buckets, Children, Hash, Leaf, Link, MAX_BUCKET, Node, Place, Side, Tree, leaves_of,
    split,
};
use crate::{error::InvariantViolation, prelude::*};

/// What a batch does to each key: `Some` sets its value, `None` removes it.
///
/// Keys and values should not be empty: ICS-23 knows no proof for them.
pub type Changes = BTreeMap<Vec<u8>, Option<Arc<[u8]>>>;

/// Buckets that a tree has and one before it had not, from left to right. Cloning is cheap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fresh {
    buckets: Arc<Vec<(Place, Arc<Bucket>)>>,
}

impl Fresh {
    /// Of buckets from left to right.
    pub(in crate::state) fn sorted(buckets: Vec<(Place, Arc<Bucket>)>) -> Self {
        Self {
            buckets: Arc::new(buckets),
        }
    }

    /// The bucket at a place.
    pub fn get(&self, place: &Place) -> Option<&Arc<Bucket>> {
        let found = self.buckets.binary_search_by_key(&place, |(at, _)| at);
        self.buckets.get(found.ok()?).map(|(_, bucket)| bucket)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &(Place, Arc<Bucket>)> {
        self.buckets.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// These after a batch.
    pub(in crate::state) fn after(&self, delta: &Delta) -> Self {
        if self.is_empty() {
            return delta.fresh.clone();
        }
        let mut all: BTreeMap<Place, Arc<Bucket>> = self.iter().cloned().collect();
        for (place, _) in &delta.gone {
            all.remove(place);
        }
        all.extend(delta.fresh.iter().cloned());
        Self::sorted(all.into_iter().collect())
    }
}

/// What a batch did: what setting a value that was there already, or removing an absent key, would do
/// is not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delta {
    /// Each changed key's leaf afterwards, by key hash.
    pub after: Vec<(Hash, Option<Leaf>)>,
    /// The same keys' leaves before.
    pub before: Vec<(Hash, Option<Leaf>)>,
    /// The new buckets.
    pub fresh: Fresh,
    /// Places and roots of the buckets that they came instead of.
    pub gone: Vec<(Place, Hash)>,
}

/// One entry of [`Changes`] with the hash that places it.
struct Change {
    key_hash: Hash,
    leaf: Option<Leaf>,
}

/// A batch on its way, from left to right.
struct Work<'a> {
    buckets: &'a dyn Buckets,
    delta: Delta,
    fresh: Vec<(Place, Arc<Bucket>)>,
}

impl Tree {
    /// The tree after all of `changes` at once, and what that did. Each node on a changed path is hashed
    /// once.
    ///
    /// # Errors
    /// As [`Buckets::bucket`].
    pub fn updated(
        &self,
        changes: &Changes,
        buckets: &dyn Buckets,
    ) -> Result<(Self, Delta), InvariantViolation> {
        let mut sorted = Vec::with_capacity(changes.len());
        for (key, value) in changes {
            sorted.push(Change::of(key, value.as_deref())?);
        }
        sorted.sort_by_key(|change| change.key_hash);
        // Two keys with one hash would never part, however deep the tree went.
        sorted.dedup_by(|later, first| later.key_hash == first.key_hash);
        let mut work = Work {
            buckets,
            delta: Delta::default(),
            fresh: Vec::new(),
        };
        let top = work.apply(&self.top, &Place::TOP, &sorted)?;
        let fresh = Fresh::sorted(work.fresh);
        let delta = Delta {
            fresh,
            ..work.delta
        };
        Ok((Self { top }, delta))
    }
}

impl Change {
    fn of(key: &[u8], value: Option<&[u8]>) -> Result<Self, InvariantViolation> {
        let Some(value) = value else {
            let key_hash = crate::crypto::sha256(key);
            return Ok(Self {
                key_hash,
                leaf: None,
            });
        };
        let leaf = Leaf::new(key, value)
            .ok_or_else(|| InvariantViolation::new("a key is longer than 65,533 bytes"))?;
        Ok(Self {
            key_hash: *leaf.key_hash(),
            leaf: Some(leaf),
        })
    }
}

impl Work<'_> {
    /// The subtree at `place` after `changes`, which are sorted by distinct key hashes and all belong
    /// to it. An unchanged subtree comes back as the same node.
    fn apply(
        &mut self,
        link: &Link,
        place: &Place,
        changes: &[Change],
    ) -> Result<Link, InvariantViolation> {
        if changes.is_empty() {
            return Ok(link.clone());
        }
        let Some(node) = link else {
            let leaves = self.merged(&[], changes);
            return Ok(self.grown(leaves, place));
        };
        let Some(Children { left, right }) = &node.children else {
            let bucket = node.read(place, self.buckets)?;
            let known = self.delta.after.len();
            let leaves = self.merged(bucket.leaves(), changes);
            if self.delta.after.len() == known {
                return Ok(link.clone());
            }
            self.delta.gone.push((*place, node.hash));
            return Ok(self.grown(leaves, place));
        };
        let (to_left, to_right) = split(changes, |change| &change.key_hash, place.depth());
        let new_left = self.apply(left, &place.child(Side::Left), to_left)?;
        let new_right = self.apply(right, &place.child(Side::Right), to_right)?;
        if same(left, &new_left) && same(right, &new_right) {
            return Ok(link.clone());
        }
        self.joined(new_left, new_right, place)
    }

    /// What `changes` make of leaves; notes those that differ.
    fn merged(&mut self, leaves: &[Leaf], changes: &[Change]) -> Vec<Leaf> {
        let mut merged = Vec::with_capacity(leaves.len().saturating_add(changes.len()));
        let mut old = leaves.iter().peekable();
        for change in changes {
            while let Some(leaf) = old.next_if(|leaf| *leaf.key_hash() < change.key_hash) {
                merged.push(leaf.clone());
            }
            let before = old.next_if(|leaf| *leaf.key_hash() == change.key_hash);
            merged.extend(change.leaf.clone());
            if before != change.leaf.as_ref() {
                let key_hash = change.key_hash;
                self.delta.before.push((key_hash, before.cloned()));
                self.delta.after.push((key_hash, change.leaf.clone()));
            }
        }
        merged.extend(old.cloned());
        merged
    }

    /// The subtree of leaves sorted by distinct key hashes.
    fn grown(&mut self, leaves: Vec<Leaf>, place: &Place) -> Link {
        if leaves.is_empty() {
            return None;
        }
        if leaves.len() <= MAX_BUCKET {
            let bucket = Bucket::sorted(place, leaves);
            let node = Node::bucket(&bucket);
            self.fresh.push((*place, Arc::new(bucket)));
            return Some(Arc::new(node));
        }
        let (left, right) = split(&leaves, Leaf::key_hash, place.depth());
        let left = self.grown(left.to_vec(), &place.child(Side::Left));
        let right = self.grown(right.to_vec(), &place.child(Side::Right));
        Some(Arc::new(Node::inner(left, right)))
    }

    /// The subtree of two children, which becomes a bucket where few leaves are left.
    fn joined(
        &mut self,
        left: Link,
        right: Link,
        place: &Place,
    ) -> Result<Link, InvariantViolation> {
        if leaves_of(&left).saturating_add(leaves_of(&right)) > MAX_BUCKET {
            return Ok(Some(Arc::new(Node::inner(left, right))));
        }
        let mut leaves = self.take(&left, &place.child(Side::Left))?;
        leaves.extend(self.take(&right, &place.child(Side::Right))?);
        Ok(self.grown(leaves, place))
    }

    /// The leaves of a bucket that will be none of its own any more.
    fn take(&mut self, link: &Link, place: &Place) -> Result<Vec<Leaf>, InvariantViolation> {
        let Some(node) = link else {
            return Ok(Vec::new());
        };
        // If it is new it is among the last: nothing right of its parent was made yet.
        let made = self.fresh.iter().rposition(|(at, _)| at <= place);
        if let Some(made) =
            made.filter(|made| self.fresh.get(*made).is_some_and(|(at, _)| at == place))
        {
            return Ok(self.fresh.remove(made).1.leaves().to_vec());
        }
        let bucket = node.read(place, self.buckets)?;
        self.delta.gone.push((*place, node.hash));
        Ok(bucket.leaves().to_vec())
    }
}

pub(super) fn same(old: &Link, new: &Link) -> bool {
    old.as_ref().map(Arc::as_ptr) == new.as_ref().map(Arc::as_ptr)
}
