//! Escrows, in process: from their opening over parts and additions to their end.

mod bound_miners;
mod escrows;
mod expiries;
mod parts;
mod thresholds;
mod topups;
