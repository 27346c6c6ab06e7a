//! Owns how many transactions CometBFT presented last in which generation: that none has been silent for
//! too long is known without looking at each.

use std::collections::BTreeMap;

/// Transactions by the generation in which CometBFT presented them last; not those that it is still to be
/// offered.
#[derive(Default, PartialEq, Eq)]
pub struct Sightings(BTreeMap<u64, usize>);

impl Sightings {
    /// Counts one in; `None` is one that CometBFT is still to be offered.
    pub fn add(&mut self, generation: Option<u64>) {
        if let Some(generation) = generation {
            let count = self.0.entry(generation).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// Counts one out.
    pub fn remove(&mut self, generation: Option<u64>) {
        let Some(generation) = generation else {
            return;
        };
        if let Some(count) = self.0.get_mut(&generation) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.0.remove(&generation);
            }
        }
    }

    /// How many were presented last before a generation.
    pub fn before(&self, generation: u64) -> usize {
        self.0.range(..generation).map(|(_, count)| *count).sum()
    }
}
