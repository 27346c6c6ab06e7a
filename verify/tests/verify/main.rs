//! The verifier against a small chain that signs real commits, and against one that CometBFT made.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that can't go on has failed"
)]

mod absurd_proofs;
mod beginning;
mod bundles;
mod chain;
mod codes;
mod cometbft;
mod commits;
mod documents;
mod overlap;
mod recorded;
mod refutations;
mod single_bytes;
mod speed;
mod state;
mod state_machine;
mod transactions;
mod trust;
mod validator_sets;
mod walks;
mod way_back;
