//! Owns the table of what each step took.

use std::time::Duration;

use crate::world::Settings;

/// Each step's CPU time of every block that was measured, in the order of their first.
pub struct Table {
    title: String,
    transfers: usize,
    rows: Vec<(&'static str, Vec<Duration>)>,
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
    pub fn add(&mut self, step: &'static str, took: Duration) {
        match self.rows.iter_mut().find(|(name, _)| *name == step) {
            Some((_, times)) => times.push(took),
            None => self.rows.push((step, vec![took])),
        }
    }

    /// Prints medians and the spread between the least and the most.
    pub fn show(mut self) {
        println!("{}: CPU time, microseconds a transfer", self.title);
        println!(
            "{:<20} {:>8} {:>8} {:>8}",
            "step", "median", "least", "most"
        );
        for (name, times) in &mut self.rows {
            times.sort_unstable();
            let each = |time: Duration| time.as_secs_f64() * 1e6 / self.transfers as f64;
            println!(
                "{name:<20} {:>8.2} {:>8.2} {:>8.2}",
                each(times[times.len() / 2]),
                each(times[0]),
                each(times[times.len() - 1]),
            );
        }
    }
}
