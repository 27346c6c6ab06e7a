//! Verifies what a node of the chain proves, without trusting the node: a record of the state, or that there
//! is none, from nothing but a height and a hash that somebody trusts.
//!
//! Owns the judging of headers, commits, validator sets and proofs. No I/O, no clock, no threads, so it runs
//! in a browser too. It shares no code with the node: what it builds on is `tendermint` and
//! `tendermint-light-client-verifier`, the light client of IBC relayers, and `ics23`.
//!
//! # What is verified
//!
//! The app hash after block H stands in the header of block H+1 (PROTOCOL section 7). More than 2/3 of the
//! power of a validator set signs that header. Whoever trusts a header trusts the set that it names for the
//! next block, and so a later block that this set signs, or that more than 1/3 of its power and more than
//! 2/3 of the later set sign.
//!
//! ```no_run
//! use ait_verify::{Bundle, LightBlock, Policy, Rejection, Trusted, UnixTime};
//!
//! # fn verify(first: &[u8], hash: [u8; 32], answer: &[u8], now: UnixTime) -> Result<(), Rejection> {
//! let trusted = Trusted::begin("ait-1", 1_000, hash, &LightBlock::parse(first)?)?;
//! let verified = trusted.verify(&Bundle::parse(answer)?, now, &Policy::default())?;
//! println!("after block {}: {:?}", verified.height, verified.value);
//! # Ok(())
//! # }
//! ```
//!
//! Where the validators changed too much between the two, [`Rejection::needs_between`] says so, and a
//! [`Walk`] names the blocks to fetch. To an earlier block a [`WayBack`] leads.
//!
//! # The documents
//!
//! A **proof bundle** ([`Bundle::parse`]):
//!
//! | field | content |
//! |---|---|
//! | `format` | 1 |
//! | `height` | the state after this block |
//! | `key` | the state key, at most 1 KiB |
//! | `value` | the record, canonical JSON as text, at most 64 KiB; null where there is none |
//! | `app_hash` | that in the header, 64 lower-case hex characters |
//! | `ops` | two: `{"type": "ics23:smt", "key": the key, "data"}`, then `{"type": "ics23:simple", "key": "ait", "data"}`; `data` is base64 of a protobuf `CommitmentProof` |
//! | `signed_header` | `header` and `commit` of block `height` + 1, as CometBFT's RPC `commit` writes them |
//! | `validators` | the whole set that signs that block, in CometBFT's order: `{"pub_key": base64 of 32 bytes, "power": "10"}` |
//!
//! A **transaction bundle** ([`TxBundle::parse`]) has `format`, `signed_header` and `validators` alike, and
//!
//! | field | content |
//! |---|---|
//! | `height` | the block that the transaction stands in; the signed header is the next one's |
//! | `tx` | base64 of its bytes |
//! | `tx_path` | from the hash of its bytes to `data_hash` in `header` (RFC 6962): the neighbours, the lowest first, each `{"left": hash}` or `{"right": hash}` in lower-case hex |
//! | `result` | base64 of a protobuf `ExecTxResult` with `code` alone |
//! | `result_path` | from that to `last_results_hash` in `signed_header`, with the same sides |
//! | `header` | the header of its block, as CometBFT writes it |
//!
//! A **light block** ([`LightBlock::parse`]) has `signed_header`, `validators` and, where it is another set,
//! `next_validators`.
//!
//! No byte of either is without meaning: unknown fields are refused, and so is everything that could be
//! written in more than one way and is not written in the one that is read. Only white space between the
//! fields and their order are free. Every signature in a commit is verified, also those that are not needed
//! for 2/3. A document has at most [`MAX_DOCUMENT_BYTES`].

mod bundle;
mod document;
mod light_block;
mod malformed;
mod membership;
mod rejection;
mod signed_header;
mod transaction;
mod trusted;
mod unix_time;
mod validators;
mod walk;
mod way_back;

pub use bundle::Bundle;
pub use document::MAX_DOCUMENT_BYTES;
pub use light_block::LightBlock;
pub use malformed::Malformed;
pub use rejection::Rejection;
pub use transaction::{TxBundle, VerifiedTx};
pub use trusted::{Policy, Trusted, Verified};
pub use unix_time::UnixTime;
pub use walk::Walk;
pub use way_back::WayBack;
