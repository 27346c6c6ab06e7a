//! What every test of the chain begins with. Owns no behaviour of the chain: all of it is written from
//! the protocol's text, so that a test compares two independent readings of it.
//!
//! - [`actors`], [`draft`], [`work`]: keys by name, transactions and receipts from plain JSON.
//! - [`chain`]: the consensus engine's part, in-process: genesis, proposals, verdicts, blocks; and what
//!   people look up on a chain and send to it.
//! - [`naive_tree`]: the root of a state by its definition.

pub mod actors;
pub mod chain;
pub mod draft;
pub mod naive_tree;
pub mod work;
