//! Owns the table of what each step took.

use std::time::Duration;

use crate::{took::Took, world::Settings};

/// What each step took for every block that was measured, in the order of their first.
pub struct Table {
    title: String,
    transfers: usize,
    rows: Vec<(&'static str, Vec<Took>)>,
}

impl Table {
    /// Without rows.
    pub fn new(settings: &Settings) -> Self {
        Self {
            title: settings.to_string(),
            transfers: settings.transfers,
            rows: Vec::new(),
        }
    }

    /// Notes what a step took for a whole block.
    pub fn add(&mut self, step: &'static str, took: Took) {
        match self.rows.iter_mut().find(|(name, _)| *name == step) {
            Some((_, times)) => times.push(took),
            None => self.rows.push((step, vec![took])),
        }
    }

    /// Prints medians of CPU time, the spread between the least and the most, and the median of the time
    /// from begin to end.
    pub fn show(self) {
        println!("{}: microseconds a transfer", self.title);
        println!(
            "{:<20} {:>8} {:>8} {:>8} {:>8}",
            "step", "CPU", "least", "most", "wall"
        );
        for (name, took) in &self.rows {
            let sorted = |of: fn(&Took) -> Duration| {
                let mut times: Vec<Duration> = took.iter().map(of).collect();
                times.sort_unstable();
                times
            };
            let (cpu, wall) = (sorted(|took| took.cpu), sorted(|took| took.wall));
            let each = |time: Duration| time.as_secs_f64() * 1e6 / self.transfers as f64;
            println!(
                "{name:<20} {:>8.2} {:>8.2} {:>8.2} {:>8.2}",
                each(cpu[cpu.len() / 2]),
                each(cpu[0]),
                each(cpu[cpu.len() - 1]),
                each(wall[wall.len() / 2]),
            );
        }
    }
}
