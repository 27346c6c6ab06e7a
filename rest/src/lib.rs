//! What users of a node touch: REST, live events, metrics, the web page; and the attester, which asks
//! coordinators in the background.
//!
//! Owns HTTP in both directions: towards users, CometBFT's JSON-RPC and coordinators. May not change
//! the state: it reads committed snapshots of [`ait_abci::Node`], and whatever shall change goes to
//! CometBFT as a transaction.
//!
//! Map, in reading order:
//! - [`config`]: what is set from outside. `context`: what every handler shares.
//! - `server`: all that runs, and the stop; `door`: connections; `gate`: who gets one; `pace`: how slowly it may read. `routes`: one group
//!   of PROTOCOL section 9 a file; `cors`: whose pages may use them.
//! - `error`: how every refusal looks, and the one table from codes to HTTP statuses. `views`: the
//!   JSON of transactions and blocks. `proofs`: what `?prove=true` adds.
//! - `submit`: a transaction's way to CometBFT. `wallet`: the node's own transactions. `offer`: those
//!   that a stop saved. `comet`: CometBFT's JSON-RPC.
//! - `client`, `limit`, `shares`: who asks, how often it may, and how much it may hold. `shelf`, `merkle`: blocks,
//!   made once for all who ask. `prices`: what a place in the pool costs.
//!   `observe`, `metrics`: what is counted.
//! - `live`: the WebSocket. `peers`: who is connected to CometBFT. `liveness`: whether blocks come,
//!   and why not.
//! - `attester`: coordinators.

mod attester;
mod client;
mod comet;
pub mod config;
mod context;
mod cors;
mod door;
mod error;
mod gate;
mod limit;
mod live;
mod liveness;
mod merkle;
mod metrics;
mod mock;
mod observe;
mod offer;
mod pace;
mod peers;
mod prices;
mod proofs;
mod routes;
mod serve_error;
mod server;
mod shares;
mod shelf;
mod signer;
mod submit;
mod views;
mod wallet;

pub use config::{Config, ConfigError};
pub use cors::check_origins;
pub use serve_error::ServeError;
pub use server::{Server, serve};
