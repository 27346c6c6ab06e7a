//! Owns coins on their way out of stakes and bonds: the entries in their records, and how they pay
//! themselves at the beginning of a block.

pub mod pay;
pub mod record;
