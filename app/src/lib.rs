//! The AIT state machine: a pure function of (state, block).
//!
//! Owns the protocol's rules, its canonical bytes and its Merkle state. Nothing here reads a
//! clock, a random number, a file, a socket or the environment, iterates in hash order or uses
//! floats; `clippy.toml` beside this crate bans them, because two replicas that disagree are a fork.
//!
//! Reading order: [`tx`] (what a transaction says), [`state`] (what is stored), [`block`] (how a
//! block turns one state into the next), [`receipts`] (what makes a claim pay).
#![deny(clippy::arithmetic_side_effects, clippy::float_arithmetic)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

pub mod address;
pub mod amount;
pub mod block;
pub mod code;
pub mod crypto;
pub mod error;
pub mod events;
pub mod genesis;
pub mod identifiers;
pub mod json;
pub mod params;
pub mod receipts;
pub mod simulate;
pub mod state;
pub mod supply;
pub mod tx;
pub mod validators;

pub use error::{Broken, Failure, Refusal};
