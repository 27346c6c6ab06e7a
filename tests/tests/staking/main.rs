//! Staking, in process: who validates, with which power, and what it costs to fail.

mod attacks;
mod attacks_on_economics;
mod authorities;
mod election;
mod modes;
mod seats;
mod slashing;
mod staking;
mod validators;
mod work_scores;
