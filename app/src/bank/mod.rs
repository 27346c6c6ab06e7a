//! Owns coins that lie free (PROTOCOL sections 3 and 7): accounts, transfers, the treasury, and the
//! books that say where every coin is.

pub mod books;
pub mod events;
pub mod payments;
pub mod record;
pub mod transfer;
pub mod treasury_spend;
