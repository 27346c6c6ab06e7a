//! A seed is a world: the same one each time, however many run beside it.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use ait_sim::{Options, run, run_many};

fn options() -> Options {
    Options {
        blocks: 150,
        quiet: 10,
        ..Options::default()
    }
}

#[test]
fn the_same_seed_is_the_same_world() {
    for seed in [1, 2, 3] {
        let [one, other] = [(); 2].map(|()| run(seed, &options()).unwrap());
        assert_eq!(one, other, "seed {seed}");
    }
}

#[test]
fn another_seed_is_another_world() {
    let [one, other] = [1, 2].map(|seed| run(seed, &options()).unwrap());
    assert_ne!(one.trace_hash, other.trace_hash);
}

#[test]
fn worlds_beside_each_other_are_those_one_after_the_other() {
    let [one, both] = [1, 3].map(|jobs| run_many(10, 6, jobs, &options()));
    assert_eq!(one.faults, []);
    assert_eq!(one.tally, both.tally);
}
