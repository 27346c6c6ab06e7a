//! Owns who validates (PROTOCOL section 6): stakes, consensus keys, elections, slashing, and what
//! CometBFT is told of them.
//!
//! `record` is what is stored, `events` what is told. `stake`, `unstake` and `unjail` are what users
//! ask for, `stakers` who has something at stake, `keys` whose a consensus key is. `power` and `seats`
//! are the pure rules of an election, `set` a validator set in the making, `election` makes one of
//! the state, `epoch` counts epochs and says when compute-backed proof may begin, `slashing` is what
//! validators lose. `end_block` puts them in their order.

pub mod election;
pub mod end_block;
pub mod epoch;
pub mod events;
pub mod keys;
pub mod power;
pub mod record;
pub mod seats;
pub mod set;
pub mod slashing;
pub mod stake;
pub mod stakers;
pub mod unjail;
pub mod unstake;
