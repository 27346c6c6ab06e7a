//! What the behaviour tests share beyond the test kit. Owns no behaviour of the chain: all of it is
//! written from the protocol's text, so that a test compares two independent readings of it.
//!
//! - [`model`]: a plain reference model of the state machine.
//! - [`comet`]: chains of real processes, `ait start` beside the pinned CometBFT.
//! - [`contract`]: what a node's answers are held against.
//! - [`scenes`]: situations in which several tests begin or end.
//! - [`plan`]: random blocks, readable when they shrink to a counterexample.

pub mod comet;
pub mod contract;
pub mod model;
pub mod plan;
pub mod scenes;
