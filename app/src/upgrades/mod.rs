//! Owns how the rules of a running chain change (PROTOCOL section 5.3): the protocol versions, an upgrade
//! that the admin plans for a height, and what each does to the records when its height comes.
//!
//! `record` is what the state says of them, `plan` how one is planned, `known` the table of upgrades, a line
//! and a migration each, and what happens at the beginning of the block.

pub mod known;
pub(crate) mod plan;
pub mod record;
