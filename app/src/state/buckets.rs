//! Owns where a state's records come from: buckets of its own, which nobody has stored yet, and a source
//! of all others.

use super::merkle::{Bucket, Buckets, Delta, Hash, NoBuckets, Place};
use crate::{error::InvariantViolation, prelude::*};

/// The buckets of one state. Cloning is cheap.
#[derive(Clone)]
pub(super) struct StateBuckets {
    own: rpds::RedBlackTreeMapSync<Place, Arc<Bucket>>,
    source: Arc<dyn Buckets>,
}

impl StateBuckets {
    /// None at all.
    pub(super) fn none() -> Self {
        Self::of(Arc::new(NoBuckets))
    }

    /// Those of a source alone.
    pub(super) fn of(source: Arc<dyn Buckets>) -> Self {
        Self {
            own: rpds::RedBlackTreeMapSync::new_sync(),
            source,
        }
    }

    /// Those of the state after a block that did this.
    pub(super) fn with(&self, delta: &Delta) -> Self {
        let mut next = self.clone();
        if !next.own.is_empty() {
            for (place, _) in &delta.gone {
                next.own.remove_mut(place);
            }
        }
        for (place, bucket) in &delta.fresh {
            next.own.insert_mut(*place, bucket.clone());
        }
        next
    }
}

impl Buckets for StateBuckets {
    fn bucket(&self, place: &Place, root: &Hash) -> Result<Arc<Bucket>, InvariantViolation> {
        match self.own.get(place) {
            Some(bucket) => Ok(bucket.clone()),
            None => self.source.bucket(place, root),
        }
    }
}
