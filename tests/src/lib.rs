//! What the behaviour tests share. Owns no behaviour of the chain: all of it is written from the
//! protocol's text, so that a test compares two independent readings of it.
//!
//! - [`actors`], [`draft`], [`work`]: keys by name, transactions and receipts from plain JSON.
//! - [`chain`]: the consensus engine's part, in-process: genesis, proposals, verdicts, blocks.
//! - [`model`]: a plain reference model of the state machine, and [`naive_tree`], of its root.
//! - [`comet`]: chains of real processes, `ait start` beside the pinned CometBFT.
//! - [`contract`]: what a node's answers are held against.
//! - [`scenes`]: situations in which several tests begin or end.
//! - [`plan`]: random blocks, readable when they shrink to a counterexample.

pub mod actors;
pub mod chain;
pub mod comet;
pub mod contract;
pub mod draft;
pub mod model;
pub mod naive_tree;
pub mod plan;
pub mod scenes;
pub mod work;
