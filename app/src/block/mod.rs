//! Owns how a block turns one state into the next (PROTOCOL section 3, order of block H). Proposing,
//! judging and finalising all run this one code on the same base state, the one after block H-1.
//!
//! `entry` is what stands in a block, `rule` the rule of its attestation entry, `execute` the order.

pub mod entry;
pub mod execute;
pub mod rule;

pub use entry::{Entry, attestations_wire, protobuf_size};
pub use execute::{BlockOutcome, Executor, Judgement, execute, fee_collector, judge};
pub use rule::{Assigned, RuleVerdict, assign_attestations, attestation_fits};

pub use crate::engine::{BlockInput, CommitVote, ConsensusAddress, ValidatorUpdate};
