//! Owns coordinators (PROTOCOL sections 3 and 4): their bonds, and what contradicting attestations
//! cost them.

pub mod bond;
pub mod equivocation;
pub mod events;
pub mod record;
pub mod unbond;
