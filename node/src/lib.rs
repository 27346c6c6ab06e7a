//! What a node does beside consensus: it hands transactions to CometBFT, asks coordinators about claims,
//! offers what a stop saved, and watches whether blocks come and who is connected.
//!
//! Owns the calls to CometBFT's JSON-RPC and to coordinators. May not change the state: it reads what
//! was committed ([`ait_abci::Reader`]), asks the mempool, and whatever shall change goes to CometBFT as a
//! transaction. Serves nobody: HTTP towards users is `ait-rest`'s, and a node without it does all of this
//! too.
//!
//! Reading order: [`Node`] (the parts, and what runs), [`Submitter`] (a transaction's way to CometBFT),
//! `submit_many` (the same of many at once), `together` (which go together), `carrier` (in an envelope),
//! `attester` (coordinators), `offer` (saved transactions), `scrub` (the disk), `snapshots`
//! (for nodes that join), [`liveness`] and [`peers`]
//! (what is watched), [`comet`] (CometBFT's JSON-RPC), [`config`] (what is set from outside).

mod attester;
mod carrier;
pub mod comet;
pub mod config;
pub mod liveness;
mod metrics;
mod node;
mod offer;
pub mod peers;
mod scrub;
mod snapshots;
mod stop;
mod submit;
mod submit_many;
mod together;
mod unanswered;

pub use carrier::OneOfMany;
pub use config::{Config, ConfigError};
pub use node::{Node, NodeError};
pub use stop::Stop;
pub use submit::{Found, Replacing, SubmitError, Submitted, Submitter};
pub use unanswered::{Unanswered, off_thread};
