//! A harness for chains of real processes: `ait start` beside the pinned CometBFT, on loopback, in a
//! folder of their own. Nothing outlives the test that started it.
//!
//! Reading order: [`network`] (a chain and its nodes), [`node`] (one node: start, kill, ask),
//! [`wallet`] (signed transactions), [`coordinator`] (a coordinator that misbehaves as asked).

pub mod binaries;
pub mod coordinator;
pub mod devnet;
pub mod faults;
pub mod http;
pub mod load;
pub mod network;
pub mod newcomer;
pub mod node;
pub mod process;
pub mod recording;
pub mod validators;
pub mod wait;
pub mod wallet;

pub use coordinator::{Coordinator, Manner};
pub use devnet::Devnet;
pub use http::{Reply, Rest, Rpc};
pub use network::{Network, Setup};
pub use node::Node;
pub use wait::{eventually, eventually_within};
pub use wallet::Wallet;
