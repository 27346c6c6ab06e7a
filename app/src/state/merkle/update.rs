//! Owns how a batch of changes makes the next tree.

use super::{
    Bucket, Buckets, Children, Hash, Leaf, Link, MAX_BUCKET, Node, Place, Side, Tree, leaves_of,
    run::{Run, Slot},
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
            return self.planted(place, changes);
        };
        let Some(Children { left, right }) = &node.children else {
            let bucket = node.read(place, self.buckets)?;
            let known = self.delta.after.len();
            let run = self.merged(&bucket, changes)?;
            if self.delta.after.len() == known {
                return Ok(link.clone());
            }
            self.delta.gone.push((*place, node.hash));
            return self.grown(run, place);
        };
        let (to_left, to_right) = split(changes, |change| &change.key_hash, place.depth());
        let new_left = self.apply(left, &place.child(Side::Left), to_left)?;
        let new_right = self.apply(right, &place.child(Side::Right), to_right)?;
        if same(left, &new_left) && same(right, &new_right) {
            return Ok(link.clone());
        }
        self.joined(new_left, new_right, place)
    }

    /// The subtree that changes make where nothing was. A first state is millions of them, so that they are
    /// parted before they are put one behind the other.
    fn planted(&mut self, place: &Place, changes: &[Change]) -> Result<Link, InvariantViolation> {
        if changes.len() <= MAX_BUCKET {
            let run = self.merged(&Bucket::default(), changes)?;
            return self.grown(run, place);
        }
        let (to_left, to_right) = split(changes, |change| &change.key_hash, place.depth());
        let left = self.planted(&place.child(Side::Left), to_left)?;
        let right = self.planted(&place.child(Side::Right), to_right)?;
        self.joined(left, right, place)
    }

    /// What `changes` make of a bucket; notes those that differ.
    fn merged(&mut self, bucket: &Bucket, changes: &[Change]) -> Result<Run, InvariantViolation> {
        let (slots, records) = (bucket.slots(), bucket.records());
        let mut run = room_for(bucket, changes);
        let mut done = 0;
        for change in changes {
            let rest = slots.get(done..).unwrap_or_default();
            let untouched = rest.partition_point(|slot| slot.head.key_hash < change.key_hash);
            let (untouched, rest) = rest.split_at_checked(untouched).unwrap_or_default();
            run.extend(untouched, records)?;
            done = done.saturating_add(untouched.len());
            let before = rest
                .first()
                .filter(|slot| slot.head.key_hash == change.key_hash)
                .map(|slot| slot.leaf(records));
            if before.is_some() {
                done = done.saturating_add(1);
            }
            if let Some(leaf) = &change.leaf {
                run.push(leaf)?;
            }
            if before.as_ref().map(Leaf::hash) != change.leaf.as_ref().map(Leaf::hash) {
                let key_hash = change.key_hash;
                self.delta
                    .before
                    .push((key_hash, before.map(|leaf| leaf.alone())));
                self.delta.after.push((key_hash, change.leaf.clone()));
            }
        }
        run.extend(slots.get(done..).unwrap_or_default(), records)?;
        Ok(run)
    }

    /// The subtree of leaves.
    fn grown(&mut self, run: Run, place: &Place) -> Result<Link, InvariantViolation> {
        if run.slots().len() > MAX_BUCKET {
            return self.parted(run.slots(), run.records(), place);
        }
        if run.slots().is_empty() {
            return Ok(None);
        }
        let bucket = run.into_bucket(place);
        let node = Node::bucket(&bucket);
        self.fresh.push((*place, Arc::new(bucket)));
        Ok(Some(Arc::new(node)))
    }

    /// The subtree of leaves that are too many for a bucket.
    fn parted(
        &mut self,
        slots: &[Slot],
        records: &[u8],
        place: &Place,
    ) -> Result<Link, InvariantViolation> {
        if slots.len() <= MAX_BUCKET {
            let mut run = Run::default();
            run.extend(slots, records)?;
            return self.grown(run, place);
        }
        let (left, right) = split(slots, Slot::key_hash, place.depth());
        let left = self.parted(left, records, &place.child(Side::Left))?;
        let right = self.parted(right, records, &place.child(Side::Right))?;
        Ok(Some(Arc::new(Node::inner(left, right))))
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
        let mut run = Run::default();
        for (side, child) in [(Side::Left, left), (Side::Right, right)] {
            if let Some(bucket) = self.take(&child, &place.child(side))? {
                run.extend(bucket.slots(), bucket.records())?;
            }
        }
        self.grown(run, place)
    }

    /// A bucket that will be none any more.
    fn take(
        &mut self,
        link: &Link,
        place: &Place,
    ) -> Result<Option<Arc<Bucket>>, InvariantViolation> {
        let Some(node) = link else {
            return Ok(None);
        };
        // If it is new it is among the last: nothing right of its parent was made yet.
        let made = self.fresh.iter().rposition(|(at, _)| at <= place);
        if let Some(made) =
            made.filter(|made| self.fresh.get(*made).is_some_and(|(at, _)| at == place))
        {
            return Ok(Some(self.fresh.remove(made).1));
        }
        let bucket = node.read(place, self.buckets)?;
        self.delta.gone.push((*place, node.hash));
        Ok(Some(bucket))
    }
}

/// Room for exactly what changes make of a bucket.
fn room_for(bucket: &Bucket, changes: &[Change]) -> Run {
    let (mut leaves, mut bytes) = (bucket.len(), bucket.records().len());
    for change in changes {
        if let Some(leaf) = &change.leaf {
            leaves = leaves.saturating_add(1);
            bytes = bytes.saturating_add(leaf.record().len());
        }
        if let Some(leaf) = bucket.get(&change.key_hash) {
            leaves = leaves.saturating_sub(1);
            bytes = bytes.saturating_sub(leaf.record().len());
        }
    }
    Run::with_capacity(leaves, bytes)
}

pub(super) fn same(old: &Link, new: &Link) -> bool {
    old.as_ref().map(Arc::as_ptr) == new.as_ref().map(Arc::as_ptr)
}
