//! Coordinators, in process: what answers for their attestations, and what ends it.

mod bonds;
mod equivocation;
mod keys;
mod suspensions;
