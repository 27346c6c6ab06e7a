//! How other programs ask an AIT node, and send to it.
//!
//! Owns HTTP towards nodes and coordinators. [`Client`] has a node's routes, as `ait_api` describes them, and
//! brings signed transactions to their blocks; [`Wallet`] is an account that signs them; [`Coordinator`] is who
//! attests receipts and assigns jobs. [`LiveEvents`] are a node's events as they come, [`http`] has TLS and whom it
//! trusts, [`Backoff`] the pauses between tries. Keeps no keys in files, and no state.

#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod assignment;
mod backoff;
mod coordinator;
mod delivery;
mod error;
mod fee;
pub mod http;
mod live;
mod node;
mod receipt;
mod wallet;

pub use ait_api as api;
pub use assignment::{AssignRequest, Assigned};
pub use backoff::Backoff;
pub use coordinator::{Coordinator, JobInfo, is_too_early};
pub use delivery::{Committed, IfPending};
pub use error::{ClientError, ExecuteError, Failed, NotCommitted, SendError, SignError};
pub use live::LiveEvents;
pub use node::Client;
pub use receipt::{SignedReceipt, TooFewAttestations, bring, brought, describe, in_order_of};
pub use wallet::{FeeChoice, NonceChoice, SignedTx, Terms, Wallet};
