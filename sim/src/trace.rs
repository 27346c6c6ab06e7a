//! Owns what is written down of a world: a hash of everything that happened in it, and the lines for who
//! repeats a seed.

use std::hash::{DefaultHasher, Hasher as _};

/// What happened in a world.
pub struct Trace {
    hasher: DefaultHasher,
    shows: bool,
}

impl Trace {
    /// An empty one, whose lines are printed or not.
    pub fn new(shows: bool) -> Self {
        Self {
            hasher: DefaultHasher::new(),
            shows,
        }
    }

    /// Notes that something happened: what, as a name, and its numbers.
    pub fn note(&mut self, what: &str, numbers: &[u64]) {
        self.hasher.write(what.as_bytes());
        for number in numbers {
            self.hasher.write_u64(*number);
        }
        if self.shows {
            println!("{what} {numbers:?}");
        }
    }

    /// Notes bytes of which only the hash counts.
    pub fn note_bytes(&mut self, bytes: &[u8]) {
        self.hasher.write(bytes);
    }

    /// Prints a line that is not part of the hash.
    pub fn tell(&self, line: impl FnOnce() -> String) {
        if self.shows {
            println!("{}", line());
        }
    }

    /// The hash of all that was noted.
    pub fn hash(&self) -> u64 {
        self.hasher.finish()
    }
}
