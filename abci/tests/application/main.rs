//! The application as CometBFT drives it: blocks, the pool, restarts.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that can't go on has failed"
)]

mod driver;

mod block_lines;
mod blocks;
mod bursts;
mod disk_use;
mod history;
mod migrations;
mod pool_claims;
mod pool_contests;
mod pool_envelopes;
mod pool_envelopes_of_attackers;
mod pool_full;
mod pool_histories;
mod pool_journal;
mod pool_replacements;
mod pool_runs;
mod pool_waiting;
mod restarts;
mod rollback;
mod snapshots_kept;
mod snapshots_refused;
mod snapshots_restored;
mod state_on_disk;
mod unpayable_claims;
mod upgrades;
