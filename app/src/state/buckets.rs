//! Owns where a state's records come from: buckets of its own, which nobody has stored yet, and a source
//! of all others.

use super::merkle::{Bucket, Buckets, Delta, Fresh, Hash, NoBuckets, Place};
use crate::{error::InvariantViolation, prelude::*};

/// The buckets of one state. Cloning is cheap.
#[derive(Clone)]
pub(super) struct StateBuckets {
    own: Fresh,
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
            own: Fresh::default(),
            source,
        }
    }

    /// Those of the state after a block that did this.
    pub(super) fn after(&self, delta: &Delta) -> Self {
        Self {
            own: self.own.after(delta),
            source: self.source.clone(),
        }
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
