//! Deterministic simulation: the applications of 4 to 7 nodes under a seeded consensus in one process, on disks
//! that lose and tear what was not synced. Every failure is one seed.
//!
//! Owns the world around the applications: consensus, gossip, disks, clock, coordinators, and what befalls all of
//! them. The applications are those of `ait-abci`, unchanged; what they must do is what the reference model of
//! `ait-tests` says. Reads no clock and starts no thread that a result could depend on.
//!
//! Reading order: [`run`](mod@run) (worlds by their seeds), `world` (one of them), `rounds` (how a block is decided),
//! `happenings` and `join` (what befalls nodes), `node` (the calls of CometBFT), `log` (what every answer is held
//! against), `load` and `engine` (what comes from outside), [`disk`].

mod dice;
pub mod disk;
mod engine;
mod happenings;
mod join;
mod load;
mod log;
mod node;
mod rounds;
pub mod run;
mod sabotage;
mod tally;
mod trace;
mod world;

pub use run::{Fault, Options, Report, Summary, run, run_many};
pub use sabotage::Sabotage;
pub use tally::Tally;
