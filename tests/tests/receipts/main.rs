//! Receipts, in process: what a claim pays and mints, and what becomes of one that should not pay.

mod claims;
mod forged_claims;
mod mints;
mod offences;
mod refused_receipts;
mod reports;
mod settlements;
