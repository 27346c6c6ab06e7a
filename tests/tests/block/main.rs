//! Blocks, in process: what they begin with and hold, what they do, and what proves it.

mod attestation_entry;
mod blocks;
mod determinism;
mod genesis;
mod proofs;
mod simulation;
