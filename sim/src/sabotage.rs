//! Owns the faults that a simulation can be given on purpose, to see that it finds them.

use crate::disk::Lie;

/// A fault of one node from its first block on, or of what all are held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sabotage {
    /// The first node's disk lies.
    Disk(Lie),
    /// The last node answers FinalizeBlock with another code for the first entry.
    OtherCode,
    /// All nodes do.
    OtherCodeEverywhere,
    /// The last node leaves the first event of a block out.
    MissingEvent,
    /// The last node rejects every fourth proposal that it must accept.
    WrongVerdict,
    /// The last node says of every block another app hash.
    OtherAppHash,
    /// The reference model begins with one uait more on an account.
    OtherRecord,
    /// The last node begins each replay a block too late.
    SkippedReplay,
}
