//! The node's application as CometBFT sees it: transport, pool, proposals, blocks and queries.
//!
//! Owns everything between the pure state machine (`ait-app`) and the disk (`ait-store`) on one side
//! and CometBFT on the other. It may use threads, clocks and caches, but no result that consensus
//! depends on may depend on them.
//!
//! Reading order: [`Node`] (what is shared), `application` (one method an ABCI request),
//! `genesis` and `consensus` (the life of a chain and of a block), `pool` (what waits), [`transport`]
//! (the socket).

mod application;
mod consensus;
mod convert;
mod genesis;
mod metrics;
mod node;
mod pool;
mod query;
mod records;
mod report;
mod restore;
mod signatures;
mod stored;
pub mod transport;
mod verified;

pub use application::APP_VERSION;
pub use node::{Node, OnFatal};
pub use pool::{Kept, limits};
pub use records::{
    CommittedBlock, CommittedTx, Head, PendingTx, PoolStats, Snapshot, TxRecord, Verdict,
    WantedAttestation,
};
pub use stored::OpenError;
