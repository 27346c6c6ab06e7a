//! Owns work (PROTOCOL section 4): receipts and their attestations, claims that pay and mint,
//! reports of denied receipts, and the offences of miners.
//!
//! `terms` and `attestation` are what is signed, `keys` whose signature counts, `claim_payload` what a
//! claim says, `claim` what it must satisfy, `settlement` what it pays and mints, `pay` how the records say so, `report` and
//! `offences` what denied work costs.

pub mod attestation;
pub mod claim;
pub mod claim_payload;
pub mod events;
pub mod keys;
pub mod offences;
mod pay;
pub mod record;
pub mod report;
pub mod settlement;
pub mod terms;
