//! Owns what tests of faults share: dice that a seed throws, how long a run is, and its figures; below it the load that
//! goes on meanwhile, links between nodes that misbehave, and what must hold after each fault.

pub mod disks;
pub mod invariants;
pub mod links;
pub mod load;

use std::{
    env,
    fmt::Debug,
    ops::Range,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use proptest::{
    prelude::RngExt as _,
    test_runner::{RngAlgorithm, TestRng},
};

/// A number that the environment gives in place of `default`.
///
/// # Panics
/// When it is none.
pub fn named<T: FromStr<Err: Debug>>(variable: &str, default: T) -> T {
    match env::var(variable) {
        Ok(text) => text.parse().expect(variable),
        Err(_) => default,
    }
}

/// What chance decides in a run. The same seed decides the same again; when a fault meets the processes is theirs.
pub struct Dice {
    rng: TestRng,
}

impl Dice {
    /// Thrown by the seed of `AIT_FAULT_SEED`, else by the clock; a failing test shows it.
    pub fn of(test: &str) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let by_clock = now.map_or(0, |now| now.as_secs());
        let seed: u64 = named("AIT_FAULT_SEED", by_clock);
        println!("{test}: AIT_FAULT_SEED={seed}");
        Self::seeded(seed)
    }

    fn seeded(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self {
            rng: TestRng::from_seed(RngAlgorithm::ChaCha, &bytes),
        }
    }

    /// Others, which these decide.
    pub fn fork(&mut self) -> Self {
        Self::seeded(self.within(0..u64::MAX))
    }

    /// A number of a range.
    pub fn within(&mut self, range: Range<u64>) -> u64 {
        self.rng.random_range(range)
    }

    /// An index of a list of that length, which is not empty.
    pub fn index(&mut self, length: usize) -> usize {
        self.rng.random_range(0..length)
    }

    /// Up to so many milliseconds.
    pub fn pause(&mut self, milliseconds: u64) -> Duration {
        Duration::from_millis(self.within(0..milliseconds + 1))
    }
}

/// How long something took, again and again.
#[derive(Debug, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// One more.
    pub fn add(&mut self, took: Duration) {
        self.0.push(took);
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The one in the middle; zero of none.
    pub fn median(&self) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort();
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }

    /// The longest; zero of none.
    pub fn longest(&self) -> Duration {
        self.0.iter().max().copied().unwrap_or_default()
    }

    /// For people.
    pub fn told(&self) -> String {
        let (median, longest) = (self.median().as_secs_f64(), self.longest().as_secs_f64());
        format!("median {median:.2} s, longest {longest:.2} s")
    }
}
