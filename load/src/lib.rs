//! Load for a chain, and what became of it: `ait bench load`; chains side by side: `ait bench compare`.
//!
//! Owns signing ahead, sending over many connections at the pace that was asked for, and following each transaction
//! into its block. Knows nodes by their public interfaces alone: REST, and CometBFT's RPC. Reading order: [`args`]
//! (what may be asked for), `run` (what happens when), `lane` (one connection), `tracker` (what is on its way),
//! [`report`] (what came of it), [`compare`].

#![warn(missing_docs)]

pub mod args;
mod chain;
pub mod compare;
mod connection;
mod cpu;
mod error;
mod follow;
mod funds;
mod jobs;
mod lane;
mod pace;
mod prepare;
pub mod report;
mod run;
mod sender;
mod target;
mod tracker;
mod view;
mod work;

pub use cpu::Processes;
pub use error::LoadError;
pub use run::{run, run_beside};
