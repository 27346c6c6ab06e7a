//! Owns what came of a load, for people and for programs.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    args::LoadArgs,
    cpu::Cpu,
    tracker::{Times, Totals},
};

/// What came of a load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What was sent: `transfers`, `jobs`, `mix` or `kvstore`.
    pub workload: String,
    /// The way into the chain: `rest`, `lines` or `comet`.
    pub through: String,
    /// Nodes that it was sent to.
    pub nodes: usize,
    /// Connections that it was sent over.
    pub connections: usize,
    /// Accounts that sent it; 0 for a kvstore.
    pub accounts: usize,
    /// Transactions of a request, at most.
    pub lines: usize,
    /// Transactions a second that were asked for; null where each connection sent as soon as it could.
    pub rate: Option<u32>,
    /// Bytes of a transaction: the mean of those that were signed ahead.
    pub bytes: u64,
    /// Transactions that were sent.
    pub sent: u64,
    /// Those seen in a block.
    pub committed: u64,
    /// How often one was sent again that the node could not take yet.
    pub retried: u64,
    /// Blocks with any of them.
    pub blocks: u64,
    /// Seconds from the first that was sent to the last that was seen in a block.
    pub seconds: f64,
    /// `committed` by `seconds`.
    pub committed_per_second: f64,
    /// How long a request took to its answer.
    pub answer: Percentiles,
    /// How long a transaction took into its block, from when it was sent, or with a rate from when it was due.
    pub commit: Percentiles,
    /// Jobs that were claimed, from their escrow to the claim's block; null without jobs.
    pub jobs: Option<Jobs>,
    /// Processor time that the chain's processes on this machine took while it ran; null where it is not known.
    pub cpu: CpuEach,
    /// What was counted afterwards.
    pub checked: Checked,
}

/// Processor time of a committed transaction, in microseconds, of all nodes together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CpuEach {
    /// The application's.
    pub application_us: Option<f64>,
    /// CometBFT's.
    pub cometbft_us: Option<f64>,
}

impl CpuEach {
    #[allow(
        clippy::cast_precision_loss,
        reason = "counts of a load are far below 2^52"
    )]
    fn of(cpu: &Cpu, committed: u64) -> Self {
        let each =
            |taken: Duration| (taken.as_secs_f64() * 1e7 / committed.max(1) as f64).round() / 10.0;
        Self {
            application_us: cpu.application.map(each),
            cometbft_us: cpu.cometbft.map(each),
        }
    }
}

/// How long something took, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// Half took at most this.
    pub p50_ms: f64,
    /// 90 of 100.
    pub p90_ms: f64,
    /// 99 of 100.
    pub p99_ms: f64,
    /// All.
    pub max_ms: f64,
}

impl Percentiles {
    pub(crate) fn of(times: &Times) -> Self {
        let at = |quantile| millis(times.value_at_quantile(quantile));
        Self {
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            max_ms: if times.is_empty() {
                0.0
            } else {
                millis(times.max())
            },
        }
    }
}

/// Jobs from escrow to claim.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Jobs {
    /// How many were claimed.
    pub done: u64,
    /// Them by the seconds of the load.
    pub per_second: f64,
    /// How long each took.
    pub time: Percentiles,
}

/// What was counted afterwards, and found right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Accounts whose balance and nonce are what their transactions make of them.
    pub accounts: usize,
    /// Jobs whose escrow is settled.
    pub jobs: usize,
}

#[allow(
    clippy::cast_precision_loss,
    reason = "counts and times of a load are far below 2^52"
)]
fn millis(micros: u64) -> f64 {
    (micros as f64 / 10.0).round() / 100.0
}

#[allow(
    clippy::cast_precision_loss,
    reason = "counts of a load are far below 2^52"
)]
fn per_second(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 {
        (count as f64 / seconds * 10.0).round() / 10.0
    } else {
        0.0
    }
}

/// What is known besides the totals.
pub(crate) struct Surroundings {
    pub nodes: usize,
    pub accounts: usize,
    pub bytes: u64,
    pub answers: Times,
    pub checked: Checked,
    pub cpu: Cpu,
}

impl Report {
    pub(crate) fn of(args: &LoadArgs, totals: &Totals, around: &Surroundings) -> Self {
        let seconds = totals.elapsed.as_secs_f64();
        let jobs = (!totals.jobs.is_empty()).then(|| Jobs {
            done: totals.jobs.len(),
            per_second: per_second(totals.jobs.len(), seconds),
            time: Percentiles::of(&totals.jobs),
        });
        Self {
            workload: args.workload.name().to_owned(),
            through: args.through.name().to_owned(),
            nodes: around.nodes,
            connections: args.connections(),
            accounts: around.accounts,
            lines: args.batch(),
            rate: args.rate,
            bytes: around.bytes,
            sent: totals.sent,
            committed: totals.committed,
            retried: totals.retried,
            blocks: totals.blocks,
            seconds: (seconds * 1000.0).round() / 1000.0,
            committed_per_second: per_second(totals.committed, seconds),
            answer: Percentiles::of(&around.answers),
            commit: Percentiles::of(&totals.to_commit),
            jobs,
            cpu: CpuEach::of(&around.cpu, totals.committed),
            checked: around.checked,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = |f: &mut fmt::Formatter<'_>, name: &str, times: &Percentiles| {
            writeln!(
                f,
                "{name:<15}p50 {} ms, p90 {} ms, p99 {} ms, at most {} ms",
                times.p50_ms, times.p90_ms, times.p99_ms, times.max_ms
            )
        };
        let pace = match self.rate {
            Some(rate) => format!("{rate} a second, from when each was due"),
            None => "as fast as they are taken".to_owned(),
        };
        writeln!(
            f,
            "{} of {} bytes through {} to {} node(s): {} connections, {} accounts, {pace}",
            self.workload, self.bytes, self.through, self.nodes, self.connections, self.accounts
        )?;
        writeln!(
            f,
            "committed      {} of {} in {} s and {} blocks: {} a second; sent again {} times",
            self.committed,
            self.sent,
            self.seconds,
            self.blocks,
            self.committed_per_second,
            self.retried
        )?;
        times(f, "answer", &self.answer)?;
        times(f, "to commit", &self.commit)?;
        if let Some(jobs) = &self.jobs {
            writeln!(
                f,
                "jobs           {} done, {} a second",
                jobs.done, jobs.per_second
            )?;
            times(f, "job", &jobs.time)?;
        }
        let told = |taken: Option<f64>| taken.map_or_else(|| "?".to_owned(), |us| us.to_string());
        writeln!(
            f,
            "processors     {} us a transaction of the application's, {} of CometBFT's",
            told(self.cpu.application_us),
            told(self.cpu.cometbft_us)
        )?;
        write!(
            f,
            "checked        the sums of {} accounts, {} settled escrows",
            self.checked.accounts, self.checked.jobs
        )
    }
}
