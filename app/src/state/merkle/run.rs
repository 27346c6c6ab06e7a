//! Owns leaves that lie one behind the other, on their way into buckets.

use super::{Bucket, Hash, Leaf, Place, leaf::Head};
use crate::{error::InvariantViolation, prelude::*};

/// A leaf whose record lies with others'.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) head: Head,
    /// Where its record begins and ends.
    begin: u32,
    end: u32,
}

/// Leaves by key hash, with their records.
#[derive(Default)]
pub(super) struct Run {
    slots: Vec<Slot>,
    records: Vec<u8>,
}

impl Slot {
    pub(super) fn key_hash(&self) -> &Hash {
        &self.head.key_hash
    }

    /// The leaf, whose record is among these.
    pub(super) fn leaf<'a>(&self, records: &'a [u8]) -> Leaf<&'a [u8]> {
        let record = records.get(position(self.begin)..position(self.end));
        Leaf::known(self.head, record.unwrap_or_default())
    }
}

impl Run {
    /// Empty, with room for as much.
    pub(super) fn with_capacity(leaves: usize, bytes: usize) -> Self {
        Self {
            slots: Vec::with_capacity(leaves),
            records: Vec::with_capacity(bytes),
        }
    }

    /// Adds a leaf behind the others.
    ///
    /// # Errors
    /// [`InvariantViolation`] for more than 4 GiB of records, which no bucket has.
    pub(super) fn push<R: AsRef<[u8]>>(
        &mut self,
        leaf: &Leaf<R>,
    ) -> Result<(), InvariantViolation> {
        let begin = self.end()?;
        self.records.extend_from_slice(leaf.record());
        let end = self.end()?;
        let head = leaf.head;
        self.slots.push(Slot { head, begin, end });
        Ok(())
    }

    /// Adds neighbours, whose records are among these, behind the others.
    ///
    /// # Errors
    /// As [`Run::push`].
    pub(super) fn extend(
        &mut self,
        slots: &[Slot],
        records: &[u8],
    ) -> Result<(), InvariantViolation> {
        let (Some(first), Some(last)) = (slots.first(), slots.last()) else {
            return Ok(());
        };
        let (from, to) = (first.begin, self.end()?);
        let theirs = records.get(position(from)..position(last.end));
        self.records.extend_from_slice(theirs.unwrap_or_default());
        self.end()?;
        let moved = |at: u32| at.saturating_sub(from).saturating_add(to);
        self.slots.extend(slots.iter().map(|slot| Slot {
            head: slot.head,
            begin: moved(slot.begin),
            end: moved(slot.end),
        }));
        Ok(())
    }

    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    pub(super) fn records(&self) -> &[u8] {
        &self.records
    }

    /// The bucket of these leaves at a place that they belong to.
    pub(super) fn into_bucket(self, place: &Place) -> Bucket {
        Bucket::of(place, self.slots.into(), self.records.into())
    }

    fn end(&self) -> Result<u32, InvariantViolation> {
        u32::try_from(self.records.len())
            .map_err(|_| InvariantViolation::new("the records of a bucket are more than 4 GiB"))
    }
}

fn position(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}
