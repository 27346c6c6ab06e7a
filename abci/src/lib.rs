//! The node's application as CometBFT sees it: transport, mempool, proposals, blocks and queries.
//!
//! Owns everything between the pure state machine (`ait-app`) and the disk (`ait-store`) on one side
//! and CometBFT on the other. It may use threads, clocks and caches, but no result that consensus
//! depends on may depend on them. It calls nobody: what asks other machines is `ait-node`'s.
//!
//! Reading order: [`Application`] (the parts, and which answers what), [`Consensus`] (the life of a chain
//! and of a block), [`Mempool`] (what waits), [`Reader`] (what was committed; it cannot commit),
//! [`Snapshots`] (for nodes that join), [`transport`] (the socket), [`recording`] (what was asked, in a file).

mod application;
mod committed;
mod consensus;
mod convert;
mod fatal;
mod genesis;
mod halt;
mod mempool;
mod metrics;
mod query;
mod reader;
pub mod recording;
mod records;
mod report;
mod signatures;
mod snapshots;
mod stored;
pub mod transport;
mod verified;

pub use application::Application;
pub use consensus::Consensus;
pub use convert::hashed_result;
pub use fatal::{Fatal, OnFatal, Stopping};
pub use halt::Halt;
pub use mempool::{
    Mempool,
    envelope::Envelope,
    pool::{Kept, limits},
};
pub use reader::Reader;
pub use records::{
    Arrival, BlockInfo, CommittedBlock, CommittedState, CommittedTx, PendingTx, PoolStats,
    TxRecord, Verdict, WantedAttestation,
};
pub use snapshots::{
    FORMAT as SNAPSHOT_FORMAT, Manifest, SnapshotError, SnapshotFiles, Snapshots, export, import,
    offer_of, snapshots_in, take, verify,
};
pub use stored::{
    Checked, HistoryKept, OpenError, RollBackError, Scrubber, bring_over, check, copy, roll_back,
};
