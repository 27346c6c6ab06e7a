//! A bundle is verified fast enough for a page that verifies what it shows.

use std::time::{Duration, Instant};

use crate::chain::{Chain, equals, time_of};
use ait_verify::{Bundle, Policy};

/// The shortest of some runs, from the bytes to the answer: the others measure what else the machine does.
fn shortest(validators: u64, runs: usize) -> Duration {
    let chain = Chain::of(equals(validators));
    let trusted = chain.trusted(10);
    let bundle = chain.bundle(500, "/account/7").to_string();
    let run = || {
        let begun = Instant::now();
        let bundle = Bundle::parse(bundle.as_bytes()).unwrap();
        trusted
            .verify(&bundle, time_of(3_600), &Policy::default())
            .unwrap();
        begun.elapsed()
    };
    let shortest = (0..runs).map(|_| run()).min().unwrap();
    println!(
        "a bundle of {} bytes with {validators} validators: {shortest:?}",
        bundle.len()
    );
    shortest
}

#[test]
fn four_validators_take_at_most_5_ms_and_a_hundred_30_ms() {
    // Without optimisation the figures say nothing.
    let factor = if cfg!(debug_assertions) { 50 } else { 1 };
    assert!(shortest(4, 30) <= Duration::from_millis(5) * factor);
    assert!(shortest(100, 30) <= Duration::from_millis(30) * factor);
}
