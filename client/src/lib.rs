//! How other programs ask an AIT node.
//!
//! Owns HTTP towards nodes and coordinators: [`Client`] has a node's routes, as `ait_api` describes them,
//! [`LiveEvents`] a node's events as they come, [`ClientError`] says what it means when no answer comes, [`http`]
//! has TLS and whom it trusts, [`Backoff`] the pauses between tries. Knows no keys and decides nothing.

#![doc = include_str!("../README.md")]

mod backoff;
mod error;
pub mod http;
mod live;
mod node;

pub use ait_api as api;
pub use backoff::Backoff;
pub use error::ClientError;
pub use live::LiveEvents;
pub use node::Client;
