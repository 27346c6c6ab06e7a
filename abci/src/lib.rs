//! The node's application as CometBFT sees it: transport, pool, proposals, blocks and queries.
//!
//! Owns everything between the pure state machine (`ait-app`) and the disk (`ait-store`) on one side
//! and CometBFT on the other. It may use threads, clocks and caches, but no result that consensus
//! depends on may depend on them.
//!
//! Reading order: [`Node`] (what is shared), `application` (one method an ABCI request),
//! `consensus` (the life of a block), `pool` (what waits), [`transport`] (the socket).

mod application;
mod consensus;
mod convert;
mod metrics;
mod node;
mod pool;
mod query;
mod records;
pub mod transport;
mod verified;

pub use node::{Node, OnFatal, OpenError};
pub use pool::limits;
pub use records::{
    CommittedBlock, CommittedTx, Head, PendingTx, PoolStats, Snapshot, TxRecord, Verdict,
    WantedAttestation,
};
