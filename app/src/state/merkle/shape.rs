//! Owns the tree's shape without its leaves: what a node writes down to find its tree again without
//! reading every record, and coarser copies of old trees.

use super::{
    Bucket, Buckets, Children, Hash, Link, Node, Place, Side, Tree, leaves_of, update::same,
};
use crate::{error::InvariantViolation, prelude::*};

/// A bucket without its leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stub {
    /// Where it stands.
    pub place: Place,
    /// Its root.
    pub root: Hash,
    /// How many leaves it has.
    pub leaves: usize,
}

impl Stub {
    /// The bucket itself.
    ///
    /// # Errors
    /// As [`Buckets::bucket`].
    pub fn read(&self, buckets: &dyn Buckets) -> Result<Arc<Bucket>, InvariantViolation> {
        let bucket = buckets.bucket(self)?;
        if *bucket.root() == self.root && bucket.len() == self.leaves {
            return Ok(bucket);
        }
        Err(InvariantViolation::new(format!(
            "the records below {:?} have the root {}, not {}",
            self.place,
            hex::encode(bucket.root()),
            hex::encode(self.root)
        )))
    }
}

impl Tree {
    /// Every bucket, from left to right.
    pub fn buckets(&self) -> impl Iterator<Item = Stub> + '_ {
        self.buckets_from(&[0; 32])
    }

    /// Every bucket but those whose hashes are all below `first`, from left to right.
    pub fn buckets_from(&self, first: &Hash) -> impl Iterator<Item = Stub> + '_ {
        let first = *first;
        let top = self.top.as_deref().map(|node| (Place::TOP, node));
        let mut waiting: Vec<_> = top.into_iter().collect();
        core::iter::from_fn(move || {
            loop {
                let (place, node) = waiting.pop()?;
                if place.last() < first {
                    continue;
                }
                let Some(children) = &node.children else {
                    return Some(node.stub(place));
                };
                for side in [Side::Right, Side::Left] {
                    let child = children.child(side).as_deref();
                    waiting.extend(child.map(|node| (place.child(side), node)));
                }
            }
        })
    }

    /// The tree of buckets from left to right; `None` where they are none's.
    pub fn of_buckets(stubs: &[Stub]) -> Option<Self> {
        let top = linked(stubs, &Place::TOP)?;
        Some(Self { top })
    }

    /// The same tree with buckets of up to `leaves` leaves: it takes less memory, and reading it more time.
    /// What already is as coarse is shared.
    pub fn coarsened(&self, leaves: usize) -> Self {
        Self {
            top: coarsened(&self.top, leaves),
        }
    }
}

impl Node {
    pub(super) fn stub(&self, place: Place) -> Stub {
        Stub {
            place,
            root: self.hash,
            leaves: self.leaves,
        }
    }
}

fn linked(stubs: &[Stub], place: &Place) -> Option<Link> {
    match stubs {
        [] => Some(None),
        [only] if only.place == *place => Some(Some(Arc::new(Node {
            hash: only.root,
            leaves: only.leaves,
            children: None,
        }))),
        _ if place.depth() == u8::MAX => None,
        _ => {
            let right = place.child(Side::Right);
            let middle = stubs.partition_point(|stub| stub.place.first() < right.first());
            let (to_left, to_right) = stubs.split_at_checked(middle)?;
            let left = linked(to_left, &place.child(Side::Left))?;
            Some(Some(Arc::new(Node::inner(left, linked(to_right, &right)?))))
        }
    }
}

fn coarsened(link: &Link, leaves: usize) -> Link {
    let node = link.as_ref()?;
    let Some(Children { left, right }) = &node.children else {
        return link.clone();
    };
    if leaves_of(link) <= leaves {
        return Some(Arc::new(Node {
            hash: node.hash,
            leaves: node.leaves,
            children: None,
        }));
    }
    let (new_left, new_right) = (coarsened(left, leaves), coarsened(right, leaves));
    if same(left, &new_left) && same(right, &new_right) {
        return link.clone();
    }
    Some(Arc::new(Node {
        hash: node.hash,
        leaves: node.leaves,
        children: Some(Children {
            left: new_left,
            right: new_right,
        }),
    }))
}
