//! Owns what a transaction is (PROTOCOL section 3): its seven fields, its bytes, its authentication
//! and how one of any kind runs. What each kind means stands with its component.
//!
//! `kinds` is the table of kinds, `operation` what each must say of itself, `codec` the bytes,
//! `wire` the fast way to read them, `verified` those that were judged,
//! `draft` a transaction in the making, `auth` what must hold before it has any effect, `context`
//! what it is executed with, `execute` how it runs.

pub mod auth;
pub mod codec;
pub mod context;
pub mod draft;
pub mod execute;
pub mod hash;
pub mod kinds;
pub mod operation;
pub mod verified;
pub mod wire;

pub use codec::{MAX_WIRE_BYTES, Transaction};
pub use context::{Anew, BlockContext, Context, Signatures};
pub use draft::{Draft, canonicalise};
pub use execute::{TxOutcome, TxResult, Verdict, run};
pub use hash::TxHash;
pub use kinds::Payload;
pub use verified::VerifiedTx;
pub use wire::Wire;
