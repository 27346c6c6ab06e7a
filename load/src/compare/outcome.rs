//! Owns what a comparison found: samples, their medians and spread, as a table and as JSON.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::{args::CompareArgs, contender::Contender, machine::Machine};
use crate::report::Report;

/// What one measurement found, by the name of the figure, which ends in its unit.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sample(BTreeMap<String, f64>);

/// Committed transactions a second.
const COMMITTED: &str = "committed_per_second";
/// Blocks a second.
const BLOCKS: &str = "blocks_per_second";
/// Answers a second.
const ANSWERS: &str = "answers_per_second";
/// Transactions a second that a late node took from another.
const REPLAYED: &str = "replayed_per_second";

impl Sample {
    fn with(mut self, name: &str, value: f64) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    #[allow(
        clippy::cast_precision_loss,
        reason = "counts of a load are far below 2^52"
    )]
    pub(super) fn loaded(report: &Report) -> Self {
        let mut sample = Self::default()
            .with(COMMITTED, report.committed_per_second)
            .with("commit_p50_ms", report.commit.p50_ms)
            .with("commit_p99_ms", report.commit.p99_ms)
            .with("answer_p50_ms", report.answer.p50_ms)
            .with("blocks", report.blocks as f64);
        for (name, taken) in [
            ("application_cpu_us", report.cpu.application_us),
            ("cometbft_cpu_us", report.cpu.cometbft_us),
        ] {
            if let Some(taken) = taken {
                sample = sample.with(name, taken);
            }
        }
        sample
    }

    pub(super) fn idle(blocks: u64, passed: Duration, median: Duration) -> Self {
        Self::default()
            .with(BLOCKS, rate(blocks, passed))
            .with("block_p50_ms", (median.as_secs_f64() * 1e5).round() / 100.0)
    }
}

impl Sample {
    pub(super) fn answers(answers: u64, passed: Duration) -> Self {
        Self::default().with(ANSWERS, rate(answers, passed))
    }

    pub(super) fn replayed(transactions: u64, passed: Duration) -> Self {
        Self::default().with(REPLAYED, rate(transactions, passed))
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "what is counted is far below 2^52"
)]
fn rate(count: u64, passed: Duration) -> f64 {
    let rate = count as f64 / passed.as_secs_f64().max(f64::EPSILON);
    (rate * 10.0).round() / 10.0
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (name, value) in &self.0 {
            write!(f, "{separator}{name} {value}")?;
            separator = "  ";
        }
        Ok(())
    }
}

/// Several samples of one figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The one in the middle; of an even number the mean of the two.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let upper = *values.get(middle)?;
        let median = if values.len().is_multiple_of(2) {
            f64::midpoint(upper, *values.get(middle.checked_sub(1)?)?)
        } else {
            upper
        };
        Some(Self {
            median,
            least,
            most,
        })
    }
}

/// What was found of one contender.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its name.
    pub contender: String,
    /// By the name of the figure.
    pub figures: BTreeMap<String, Spread>,
    /// All measurements, in their order.
    pub samples: Vec<Sample>,
    /// Why it could not be measured, where it could not.
    pub failures: Vec<String>,
}

/// What was found of one contender so far.
pub(super) struct Found {
    pub contender: Contender,
    pub samples: Vec<Sample>,
    pub failures: Vec<String>,
}

impl Found {
    /// Nothing yet.
    pub fn none(contender: Contender) -> Self {
        Self {
            contender,
            samples: Vec::new(),
            failures: Vec::new(),
        }
    }
}

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Where it ran.
    pub machine: Machine,
    /// How often each was measured.
    pub repeats: u16,
    /// Transactions of each load.
    pub transactions: u64,
    /// One of each contender, in their order.
    pub rows: Vec<Row>,
}

impl Outcome {
    pub(super) fn of(args: &CompareArgs, found: Vec<Found>) -> Self {
        let rows = found.into_iter().map(|found| {
            let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
            for (name, value) in found.samples.iter().flat_map(|sample| &sample.0) {
                values.entry(name.clone()).or_default().push(*value);
            }
            let figures = values.into_iter();
            Row {
                contender: found.contender.name().to_owned(),
                figures: figures
                    .filter_map(|(name, values)| Some((name, Spread::of(values)?)))
                    .collect(),
                samples: found.samples,
                failures: found.failures,
            }
        });
        Self {
            machine: Machine::here(&args.cometbft),
            repeats: args.repeats(),
            transactions: args.count(),
            rows: rows.collect(),
        }
    }

    /// Whether all contenders were measured as often as was asked for.
    pub fn is_whole(&self) -> bool {
        self.rows.iter().all(|row| row.failures.is_empty())
    }

    /// The rows that have a figure of the name, each with its median and its bounds.
    pub(super) fn bars(&self, figure: &str) -> Vec<(&str, Spread)> {
        let rows = self.rows.iter();
        rows.filter_map(|row| Some((row.contender.as_str(), *row.figures.get(figure)?)))
            .collect()
    }
}

/// The figures that are told, with what they are divided by for the last column.
const TABLES: [(&str, &str, &[&str]); 4] = [
    (
        COMMITTED,
        "kvstore-socket",
        &[
            "commit_p50_ms",
            "commit_p99_ms",
            "application_cpu_us",
            "cometbft_cpu_us",
        ],
    ),
    (BLOCKS, "idle-nothing", &["block_p50_ms"]),
    (ANSWERS, "health", &[]),
    (REPLAYED, "join-kvstore", &[]),
];

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.machine)?;
        for (figure, reference, others) in TABLES {
            let bars = self.bars(figure);
            if bars.is_empty() {
                continue;
            }
            let by = bars
                .iter()
                .find(|(name, _)| *name == reference)
                .map(|(_, by)| by.median);
            write!(
                f,
                "\n\n{:<20}{figure:>22}{:>20}",
                "contender", "least to most"
            )?;
            for other in others {
                write!(f, "{other:>20}")?;
            }
            if by.is_some() {
                write!(f, "{:>20}", format!("to {reference}"))?;
            }
            for (name, spread) in &bars {
                let bounds = format!("{} to {}", spread.least, spread.most);
                write!(f, "\n{name:<20}{:>22}{bounds:>20}", spread.median)?;
                let row = self.rows.iter().find(|row| row.contender == *name);
                for other in others {
                    let value = row.and_then(|row| row.figures.get(*other));
                    let text =
                        value.map_or_else(|| "-".to_owned(), |value| value.median.to_string());
                    write!(f, "{text:>20}")?;
                }
                if let Some(by) = by {
                    write!(f, "{:>20.2}", spread.median / by)?;
                }
            }
        }
        for row in &self.rows {
            for failure in &row.failures {
                write!(f, "\n\n{} failed: {failure}", row.contender)?;
            }
        }
        write!(f, "\n\nMedians of {} interleaved repeats", self.repeats)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_stand_between_the_least_and_the_most() {
        let spread = Spread::of(vec![3.0, 1.0, 2.0]).unwrap();
        assert_eq!((spread.least, spread.median, spread.most), (1.0, 2.0, 3.0));
        let even = Spread::of(vec![4.0, 1.0, 2.0, 10.0]).unwrap();
        assert_eq!(even.median, 3.0);
        assert_eq!(Spread::of(Vec::new()), None);
    }
}
