//! Many worlds, each with its own seed: in none of them does a node do what no node may do.
//!
//! `AIT_WORLD_BLOCKS` says how many blocks applications execute in all, `AIT_WORLD_SEED` where the seeds begin.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::{env, thread};

use ait_app::tx::Payload;
use ait_sim::{Options, Tally, run_many};

/// As in the node.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Blocks of a run that says nothing else; a build without optimisation takes ten times as long.
const BLOCKS: u64 = if cfg!(debug_assertions) {
    50_000
} else {
    1_000_000
};

/// Worlds after which it is looked whether there were enough.
const BATCH: u64 = 40;

fn setting(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn no_world_has_a_node_that_does_what_none_may() {
    let wanted = setting("AIT_WORLD_BLOCKS", BLOCKS);
    let mut seed = setting("AIT_WORLD_SEED", 1);
    let jobs = thread::available_parallelism().unwrap().get();
    let options = Options::default();
    let mut sum = Tally::default();
    let mut busy = std::time::Duration::ZERO;
    let mut seeds = 0;
    while sum.executed < wanted {
        let summary = run_many(seed, BATCH, jobs, &options);
        let again = summary.faults.iter().map(|fault| {
            let command = fault.command(&options);
            format!("{fault}\nagain: {command}")
        });
        assert!(
            summary.faults.is_empty(),
            "{}",
            again.collect::<Vec<_>>().join("\n")
        );
        sum.add(&summary.tally);
        busy += summary.busy;
        seeds += summary.seeds;
        seed += BATCH;
    }
    println!("{sum}\n{}", sum.summary(seeds, busy));
    for kind in Payload::KINDS {
        assert!(sum.kinds.contains_key(*kind), "no {kind} succeeded");
    }
    for (name, count) in sum.figures() {
        assert!(count > 0, "no {name}");
    }
}
