//! What users of a node touch: REST, live events, metrics, the web page.
//!
//! Owns HTTP towards users. May not change the state: it reads what was committed, and whatever shall change
//! goes to CometBFT as a transaction, by [`ait_node::Submitter`].
//!
//! Map, in reading order:
//! - [`config`]: what is set from outside. `parts`: what handlers are made of; each takes what it uses.
//! - `server`: all that runs, and the stop; `door`: connections; `gate`: who gets one; `pace`: how slowly it may
//!   read. `routes`: one group of PROTOCOL section 9 a file; `cors`: whose pages may use them.
//! - `error`: how every refusal looks, and the one table from codes to HTTP statuses. `views`: the
//!   JSON of transactions and blocks. `last_block`, `proofs`: the state that a request reads, and
//!   what `?prove=true` adds. `tx_proofs`: that a transaction stands in a block.
//!   `signed_blocks`: the headers that proofs are trusted by.
//! - `caller`, `callers`, `limit`, `shares`: who asks, how often it may, and how much it may hold.
//!   `administration`: who is the administrator. `wallet`: the node's own transactions. `mock`: a devnet's
//!   coordinator.
//! - `shelf`, `merkle`: blocks, made once for all who ask. `prices`: what a place in the mempool costs.
//!   `observe`, `metrics`: what is counted. `live`: the WebSocket.

mod administration;
mod caller;
mod callers;
pub mod config;
mod cors;
mod door;
mod error;
mod gate;
mod last_block;
mod limit;
mod live;
mod merkle;
mod metrics;
mod mock;
mod observe;
mod pace;
mod parts;
mod prices;
mod proofs;
mod routes;
mod serve_error;
mod server;
mod shares;
mod shelf;
mod signed_blocks;
mod tx_proofs;
mod views;
mod wallet;

pub use config::Config;
pub use cors::check_origins;
pub use serve_error::ServeError;
pub use server::Server;
