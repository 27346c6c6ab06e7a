//! Owns what is shown while a load runs: one line that is written again and again on a terminal, and now and then a
//! line of its own elsewhere. All of it goes to standard error.

use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::tracker::Tracker;

/// How often the line of a terminal is written again.
const ON_TERMINAL: Duration = Duration::from_millis(250);
/// How often a line is written elsewhere.
const ELSEWHERE: Duration = Duration::from_secs(5);

/// Where it is shown.
pub(crate) enum View {
    /// Nowhere.
    Quiet,
    /// On a terminal.
    Terminal(ProgressBar),
    /// In a file or a pipe.
    Lines,
}

impl View {
    pub fn new(quiet: bool) -> Self {
        if quiet {
            return Self::Quiet;
        }
        if !std::io::stderr().is_terminal() {
            return Self::Lines;
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        Self::Terminal(bar)
    }

    /// How often it is to be shown.
    pub fn interval(&self) -> Duration {
        match self {
            Self::Terminal(_) => ON_TERMINAL,
            Self::Lines | Self::Quiet => ELSEWHERE,
        }
    }

    /// Says what is done now.
    pub fn say(&self, text: &str) {
        match self {
            Self::Quiet => {}
            Self::Terminal(bar) => {
                bar.set_message(text.to_owned());
                bar.tick();
            }
            Self::Lines => {
                // Nobody may read it, which is no fault of the load.
                let _ = writeln!(std::io::stderr(), "{text}");
            }
        }
    }

    /// Shows how far a load is that began then; gives what is committed, for the next time.
    pub fn show(&self, tracker: &Tracker, begun: Instant, before: (Instant, u64)) -> u64 {
        let (sent, committed) = tracker.counts();
        let (p50, p99) = tracker.quick_look();
        let (last, then) = before;
        let passed = last.elapsed().as_millis().max(1);
        let new = u128::from(committed.saturating_sub(then));
        self.say(&format!(
            "{:>4} s  sent {sent}  committed {committed}  {} a second now  to commit p50 {} ms, p99 {} ms",
            begun.elapsed().as_secs(),
            new.saturating_mul(1_000) / passed,
            p50 / 1_000,
            p99 / 1_000,
        ));
        committed
    }

    /// Leaves the terminal as it was.
    pub fn end(&self) {
        if let Self::Terminal(bar) = self {
            bar.finish_and_clear();
        }
    }
}
