//! Owns where a state's records come from: buckets of its own, which nobody has stored yet, and a source
//! of all others, which may remember what it was already asked for.

use super::{
    Key, Value,
    merkle::{Bucket, Buckets, Delta, Fresh, NoBuckets, Stub},
};
use crate::{error::InvariantViolation, prelude::*};

/// Where the records of one state are stored.
pub trait Source: Buckets {
    /// What the record under a key is, if the source still knows: `Some(None)` where there is none. It says
    /// what was [remembered](Source::remember), or what reading its bucket would.
    fn recall(&self, _: &Key) -> Option<Option<Arc<Value>>> {
        None
    }

    /// Takes note of what a record was read to be.
    fn remember(&self, _: &Key, _: &Option<Arc<Value>>) {}
}

impl Source for NoBuckets {}

/// The buckets of one state. Cloning is cheap.
#[derive(Clone)]
pub(super) struct StateBuckets {
    own: Fresh,
    source: Arc<dyn Source>,
}

impl StateBuckets {
    /// None at all.
    pub(super) fn none() -> Self {
        Self::of(Arc::new(NoBuckets))
    }

    /// Those of a source alone.
    pub(super) fn of(source: Arc<dyn Source>) -> Self {
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

    /// As [`Source::recall`].
    pub(super) fn recall(&self, key: &Key) -> Option<Option<Arc<Value>>> {
        // What the block changed, the source does not know yet.
        self.own.is_empty().then(|| self.source.recall(key))?
    }

    /// As [`Source::remember`].
    pub(super) fn remember(&self, key: &Key, value: &Option<Arc<Value>>) {
        if self.own.is_empty() {
            self.source.remember(key, value);
        }
    }
}

impl Buckets for StateBuckets {
    fn bucket(&self, stub: &Stub) -> Result<Arc<Bucket>, InvariantViolation> {
        match self.own.get(&stub.place) {
            Some(bucket) => Ok(bucket.clone()),
            None => self.source.bucket(stub),
        }
    }
}
