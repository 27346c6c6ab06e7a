//! Owns escrows (PROTOCOL sections 3 and 11): a client locks coins for a job in the name of
//! coordinators; they leave by a valid claim, or go back by release, cancel or expiry, and by
//! nothing else. Every open escrow has a height at which it ends.

pub mod assign;
pub mod cancel;
pub mod events;
pub mod expiry;
mod form;
pub mod naming;
pub mod open;
pub mod record;
pub mod refund;
pub mod release;
pub mod top_up;
