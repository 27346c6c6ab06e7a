//! Networks under faults, with the real CometBFT: after each fault nothing that was acknowledged or committed is lost,
//! all app hashes agree, and the chain goes on. Short as they stand; these make them long:
//!
//! - `AIT_FAULT_KILLS`: how often something is killed, over all programs of `kills`; 50.
//! - `AIT_FAULT_POWER_CUTS`: how often the power is cut; 25.
//! - `AIT_FAULT_COMMANDS`: how often a command about a store is cut short; 12.
//! - `AIT_FAULT_PAIRS`: pairs of CometBFT's crash points; 4 of 121.
//! - `AIT_FAULT_SECONDS`: how long a partition or a pause lasts; 2.
//! - `AIT_FAULT_SEED`: what chance decides; by the clock.

mod crash_points;
mod failing_disk;
mod full_disk;
mod interrupted_commands;
mod kills;
mod partitions;
mod power_cuts;
mod rejoining;
