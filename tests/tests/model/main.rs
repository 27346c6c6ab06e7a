//! Chains against a reference model of the protocol, and what must hold in each of them.

mod coverage;
mod due_unbondings;
mod invariants;
mod parsing;
mod random_chains;
mod situations;
mod supply_after_burns;
