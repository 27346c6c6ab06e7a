//! Long runs of random or of all histories: what users need holds in each of them.

mod economic_invariants;
mod economic_offenders;
mod interleavings;
mod liveness_simulation;
mod param_ranges;
