//! The AIT state machine: a pure function of (state, block).
//!
//! Owns the protocol's rules (`docs/PROTOCOL.md`), its canonical bytes and its Merkle state. Nothing
//! here reads a clock, a random number, a file, a socket or the environment, iterates in hash order
//! or uses floats, because two replicas that disagree are a fork. The compiler sees to that: there is
//! no `std` here, and `clippy.toml` beside this crate bans what its dependencies could bring.
//!
//! Reading order: [`tx`] (what a transaction is), the components [`bank`], [`escrow`], [`receipts`],
//! [`coordinators`], [`staking`], [`params`] and [`unbonding`] (what transactions mean), [`upgrades`]
//! (how their rules change), [`state`]
//! (what is stored), [`block`] (how a block turns one state into the next).
#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::float_arithmetic,
    clippy::float_cmp,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core
)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::std_instead_of_alloc,
        clippy::std_instead_of_core
    )
)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod prelude;

pub mod address;
pub mod bank;
pub mod block;
pub mod code;
pub mod coordinators;
pub mod crypto;
pub mod engine;
pub mod error;
pub mod escrow;
pub mod events;
pub mod genesis;
pub mod identifiers;
pub mod json;
pub mod params;
pub mod quantity;
pub mod receipts;
pub mod simulate;
pub mod staking;
pub mod state;
pub mod tx;
pub mod unbonding;
pub mod upgrades;

pub use code::Code;
pub use error::{Failure, InvariantViolation, Refusal};
