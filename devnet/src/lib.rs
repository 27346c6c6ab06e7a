//! A network on one machine, for development and tests, and who works on it.
//!
//! Owns the mocks and the devnet, and nothing that a real network runs: [`coordinator`] assigns jobs and attests,
//! [`miner`] works and claims, [`network`] starts all of it with its nodes and shows it.

pub mod coordinator;
pub mod miner;
pub mod network;
