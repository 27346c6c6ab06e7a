//! Random histories under every kind of stake, evidence, ban and param, with CometBFT played
//! faithfully: whoever could stop the chain with keys that nobody runs, or would be elected with more
//! than its due, is found with the seed of its history.
//!
//! `AIT_SIM_HISTORIES`, `AIT_SIM_BLOCKS` and `AIT_SIM_SEED` (the first one) say how much is run.

mod acts;
mod checks;
mod world;

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use world::{Tally, World};

/// Histories of a run that says nothing else; a build without optimisation takes ten times as long.
const HISTORIES: u64 = if cfg!(debug_assertions) { 30 } else { 1_000 };

/// Blocks of each.
const BLOCKS: u64 = 600;

fn setting(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} is {text:?}")),
        Err(_) => default,
    }
}

/// Runs a history; gives what happened in it, or what must not have.
fn history(seed: u64, blocks: u64) -> Result<Tally, String> {
    let mut world = World::begin(seed);
    for _ in 0..blocks {
        let run = panic::catch_unwind(AssertUnwindSafe(|| world.block()));
        let run = run.unwrap_or_else(|_| Err("it panicked".into()));
        run.map_err(|why| format!("seed {seed}, block {}: {why}", world.height() + 1))?;
    }
    Ok(world.tally)
}

#[test]
fn no_history_stops_the_chain_or_gives_anybody_more_than_its_due() {
    let first = setting("AIT_SIM_SEED", 1);
    let (histories, blocks) = (
        setting("AIT_SIM_HISTORIES", HISTORIES),
        setting("AIT_SIM_BLOCKS", BLOCKS),
    );
    let next = AtomicU64::new(first);
    let sum = Mutex::new(Tally::default());
    let faults = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + histories {
                        break;
                    }
                    match history(seed, blocks) {
                        Ok(tally) => sum.lock().unwrap().add(&tally),
                        Err(fault) => faults.lock().unwrap().push(fault),
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(
        faults.is_empty(),
        "{} faults: {:#?}",
        faults.len(),
        &faults[..faults.len().min(10)]
    );
    let sum = sum.into_inner().unwrap();
    println!("{histories} histories of {blocks} blocks: {sum:?}");
    if histories >= 300 && blocks >= 600 {
        for (name, count) in sum.figures() {
            assert!(count > 0, "no history has any {name}");
        }
    }
}

#[test]
fn a_chain_whose_keys_are_not_run_any_more_is_found() {
    for seed in 1..20 {
        let mut world = World::begin(seed);
        for _ in 0..40 {
            assert_eq!(world.block(), Ok(()), "{seed}");
        }
        world.everybody_stops();
        let fault = (0..3).find_map(|_| world.block().err());
        assert!(fault.unwrap().contains("stands still"), "{seed}");
    }
}

#[test]
fn a_set_that_nobody_was_told_of_is_found() {
    let mut world = World::begin(7);
    for _ in 0..40 {
        assert_eq!(world.block(), Ok(()));
    }
    world.engine_misses_an_update();
    let fault = (0..200).find_map(|_| world.block().err());
    assert!(fault.is_some());
}
