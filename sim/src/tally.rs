//! Owns what is counted of a simulation, and how it is shown.

use std::{collections::BTreeMap, fmt, time::Duration};

use ait_tests::model::name_of;

/// What happened, in one world or in many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Heights that consensus decided.
    pub decided: u64,
    /// Blocks that applications executed and committed: each height once for each node, and again where a node
    /// replays it.
    pub executed: u64,
    /// Of the decided heights, those with entries.
    pub with_entries: u64,
    /// Processes that ended without warning, between any two calls or in one.
    pub crashes: u64,
    /// Of them those whose disk was full or did not sync.
    pub disk_failures: u64,
    /// Processes that were stopped and saved their pool.
    pub stops: u64,
    /// Nodes that lost all, and restored another's snapshot.
    pub restores: u64,
    /// Nodes that lost all, and executed every block again.
    pub rebuilds: u64,
    /// Snapshots taken.
    pub snapshots: u64,
    /// Chunks and offers that lied, and were refused.
    pub lies: u64,
    /// Nodes that came back or were behind, and executed what they had missed.
    pub catch_ups: u64,
    /// Rounds that came to nothing.
    pub lost_rounds: u64,
    /// Proposals that honest nodes rejected, and had to.
    pub rejected: u64,
    /// Of them those that were decided nevertheless.
    pub forced: u64,
    /// Proposals made from a node's own mempool.
    pub honest: u64,
    /// Answers of coordinators.
    pub attestations: u64,
    /// Whole states that were compared with the reference model.
    pub compared: u64,
    /// Transactions that succeeded, by kind.
    pub kinds: BTreeMap<String, u64>,
    /// Entries by code; 0 for success.
    pub codes: BTreeMap<u32, u64>,
}

impl Tally {
    /// Adds what was counted elsewhere.
    pub fn add(&mut self, other: &Self) {
        for (sum, (_, count)) in self.figures_mut().into_iter().zip(other.figures()) {
            *sum = sum.saturating_add(count);
        }
        for (kind, count) in &other.kinds {
            increase(&mut self.kinds, kind.clone(), *count);
        }
        for (code, count) in &other.codes {
            increase(&mut self.codes, *code, *count);
        }
    }

    /// Counts an entry of a decided block.
    pub fn count_entry(&mut self, kind: &str, code: u32) {
        increase(&mut self.codes, code, 1);
        if code == 0 {
            increase(&mut self.kinds, kind.to_owned(), 1);
        }
    }

    /// The plain figures by name.
    pub fn figures(&self) -> [(&'static str, u64); 17] {
        [
            ("heights decided", self.decided),
            ("blocks executed", self.executed),
            ("heights with entries", self.with_entries),
            ("crashes", self.crashes),
            ("disk failures", self.disk_failures),
            ("graceful stops", self.stops),
            ("restores", self.restores),
            ("rebuilds", self.rebuilds),
            ("snapshots", self.snapshots),
            ("refused lies", self.lies),
            ("catch-ups", self.catch_ups),
            ("lost rounds", self.lost_rounds),
            ("rejected proposals", self.rejected),
            ("decided nevertheless", self.forced),
            ("honest proposals", self.honest),
            ("attestations", self.attestations),
            ("states compared", self.compared),
        ]
    }

    fn figures_mut(&mut self) -> [&mut u64; 17] {
        [
            &mut self.decided,
            &mut self.executed,
            &mut self.with_entries,
            &mut self.crashes,
            &mut self.disk_failures,
            &mut self.stops,
            &mut self.restores,
            &mut self.rebuilds,
            &mut self.snapshots,
            &mut self.lies,
            &mut self.catch_ups,
            &mut self.lost_rounds,
            &mut self.rejected,
            &mut self.forced,
            &mut self.honest,
            &mut self.attestations,
            &mut self.compared,
        ]
    }

    /// One line: what was done in `busy`, the sum of the time of all threads.
    pub fn summary(&self, seeds: u64, busy: Duration) -> String {
        let rate = |count: u64| {
            let nanos = busy.as_nanos().max(1);
            u128::from(count).saturating_mul(1_000_000_000) / nanos
        };
        let figures = self.figures();
        let figures = figures
            .iter()
            .map(|(name, count)| format!("{count} {name}"));
        format!(
            "{seeds} seeds: {}; a second and core: {} blocks executed, {} heights decided",
            figures.collect::<Vec<_>>().join(", "),
            rate(self.executed),
            rate(self.decided)
        )
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = self.kinds.iter();
        let kinds: Vec<_> = kinds
            .map(|(kind, count)| format!("{kind} {count}"))
            .collect();
        writeln!(f, "succeeded: {}", kinds.join(", "))?;
        let codes = self.codes.iter().filter(|(code, _)| **code != 0);
        let codes: Vec<_> = codes
            .map(|(code, count)| format!("{} {count}", name_of(*code)))
            .collect();
        write!(f, "refused in blocks: {}", codes.join(", "))
    }
}

fn increase<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K, by: u64) {
    let count = counts.entry(key).or_default();
    *count = count.saturating_add(by);
}
