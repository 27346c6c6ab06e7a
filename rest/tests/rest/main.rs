//! Behaviour of REST, live events and the attester, against a real node on a memory store and a stand-in for
//! CometBFT that drives it. The harness holds every answer against `openapi.json`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that can't go on has failed"
)]

mod harness;

mod abuse;
mod accounts;
mod admin;
mod attester;
mod batch;
mod blocks;
mod coordinators;
mod cors;
mod envelopes;
mod light;
mod live;
mod node;
mod node_without_rest;
mod rate_limit;
mod refusals;
mod refusals_by_the_state;
mod replacing;
mod state;
mod stopping;
mod transactions;
mod validators;
