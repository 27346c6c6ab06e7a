//! Owns the lower part of the tree: up to [`MAX_BUCKET`] leaves that are stored, read and kept in memory
//! together.

use core::cmp::Ordering;

use super::{
    EMPTY, Hash, Leaf, Place, Side, Stub, inner_hash,
    leaf::Head,
    run::{Run, Slot},
    split,
};
use crate::{error::InvariantViolation, prelude::*};

/// The most leaves of a bucket: a subtree with more has two children.
pub const MAX_BUCKET: usize = 24;

/// The leaves below a place, by key hash.
#[derive(Debug, Clone, Default)]
pub struct Bucket {
    root: Hash,
    slots: Box<[Slot]>,
    /// The records, one behind the other: a bucket is made anew as often as one of its leaves changes, and
    /// whatever lies apart would have to be touched apart.
    records: Box<[u8]>,
}

/// Where the buckets of a tree are. One source is of one state, and gives the same for ever.
pub trait Buckets: Send + Sync {
    /// The leaves below a place, as many as this says and with this root.
    ///
    /// # Errors
    /// [`InvariantViolation`] when they can't be read, or have another root.
    fn bucket(&self, stub: &Stub) -> Result<Arc<Bucket>, InvariantViolation>;
}

/// The source of a state whose buckets all are its own.
pub struct NoBuckets;

impl Buckets for NoBuckets {
    fn bucket(&self, stub: &Stub) -> Result<Arc<Bucket>, InvariantViolation> {
        Err(InvariantViolation::new(format!(
            "no bucket is stored, {:?} neither",
            stub.place
        )))
    }
}

impl Bucket {
    /// The leaves below a place, which come in the order of their key hashes; `None` where they don't belong
    /// there, are not in order, or are too many bytes.
    pub fn new<R: AsRef<[u8]>>(
        place: &Place,
        leaves: impl IntoIterator<Item = Leaf<R>>,
    ) -> Option<Self> {
        let mut run = Run::default();
        for leaf in leaves {
            let last = run.slots().last();
            if last.is_some_and(|last| last.key_hash() >= leaf.key_hash()) {
                return None;
            }
            run.push(&leaf).ok()?;
        }
        // What lies between two that belong there does too.
        let ends = [run.slots().first(), run.slots().last()];
        let at_home = ends
            .into_iter()
            .flatten()
            .all(|slot| place.holds(slot.key_hash()));
        at_home.then(|| run.into_bucket(place))
    }

    /// The same where order and place are known to hold.
    pub(super) fn of(place: &Place, slots: Box<[Slot]>, records: Box<[u8]>) -> Self {
        Self {
            root: subtree_root(&slots, place.depth()),
            slots,
            records,
        }
    }

    /// The root of the subtree.
    pub fn root(&self) -> &Hash {
        &self.root
    }

    /// How many leaves it has.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The leaves, by key hash.
    pub fn leaves(&self) -> impl DoubleEndedIterator<Item = Leaf<&[u8]>> + ExactSizeIterator {
        self.slots.iter().map(|slot| slot.leaf(&self.records))
    }

    /// The leaf of a key.
    pub fn get(&self, key_hash: &Hash) -> Option<Leaf<&[u8]>> {
        let found = self
            .slots
            .binary_search_by_key(&key_hash, |slot| &slot.head.key_hash);
        self.at(found.ok()?)
    }

    /// The leaf nearest to a key hash that is not its own, before or behind it.
    pub(super) fn nearest(&self, key_hash: &Hash, direction: Ordering) -> Option<Leaf<&[u8]>> {
        let before = |head: &Head| match direction {
            Ordering::Less => head.key_hash < *key_hash,
            _ => head.key_hash <= *key_hash,
        };
        let edge = self.slots.partition_point(|slot| before(&slot.head));
        match direction {
            Ordering::Less => self.at(edge.checked_sub(1)?),
            _ => self.at(edge),
        }
    }

    /// The buckets of up to `most` leaves that there would be instead of it below its place, from left to
    /// right: its own stub where it has no more.
    pub fn stubs(&self, place: &Place, most: usize) -> Vec<Stub> {
        let mut stubs = Vec::new();
        part(&self.slots, place, most.max(1), &mut stubs);
        stubs
    }

    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The bytes of its records, one behind the other.
    pub fn records(&self) -> &[u8] {
        &self.records
    }

    fn at(&self, index: usize) -> Option<Leaf<&[u8]>> {
        Some(self.slots.get(index)?.leaf(&self.records))
    }
}

impl PartialEq for Bucket {
    fn eq(&self, other: &Self) -> bool {
        self.root == other.root
    }
}

impl Eq for Bucket {}

fn part(slots: &[Slot], place: &Place, most: usize, stubs: &mut Vec<Stub>) {
    if slots.len() > most {
        let (left, right) = split(slots, Slot::key_hash, place.depth());
        part(left, &place.child(Side::Left), most, stubs);
        part(right, &place.child(Side::Right), most, stubs);
    } else if !slots.is_empty() {
        stubs.push(Stub {
            place: *place,
            root: subtree_root(slots, place.depth()),
            leaves: slots.len(),
        });
    }
}

/// The root of a subtree at `depth` of leaves sorted by distinct key hashes. A lone leaf rises to wherever
/// it is alone.
pub(super) fn subtree_root(slots: &[Slot], depth: u8) -> Hash {
    match slots {
        [] => EMPTY,
        [only] => only.head.hash,
        _ => {
            let (left, right) = split(slots, Slot::key_hash, depth);
            let below = depth.saturating_add(1);
            inner_hash(&subtree_root(left, below), &subtree_root(right, below))
        }
    }
}
