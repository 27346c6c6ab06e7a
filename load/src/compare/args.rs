//! Owns what may be asked of a comparison: the flags of `ait bench compare`.

use std::{path::PathBuf, time::Duration};

use ait_home::genesis::DEFAULT_BLOCK_BYTES;
use clap::{Args, value_parser};

use super::contender::Contender;
use crate::LoadError;

/// `ait bench compare`
#[derive(Debug, Clone, Args)]
pub struct CompareArgs {
    /// Only these contenders, by their names: NAME,…
    #[arg(long, value_enum, value_delimiter = ',')]
    pub only: Vec<Contender>,
    /// How often each is measured, 1 to 100; medians are told [default: 5, with --quick 1]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=100))]
    repeats: Option<u16>,
    /// A fifth of the transactions and of the time
    #[arg(long)]
    pub quick: bool,
    /// Transactions of each measurement, 100 to 1000000 [default: 50000, with --quick 10000]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(100..=1_000_000))]
    count: Option<u64>,
    /// How long each idle chain is watched [default: 10s, with --quick 3s]
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    idle: Option<Duration>,
    /// Bytes of a block of every contender, 1 to 10 MiB
    #[arg(long, value_name = "BYTES", default_value_t = DEFAULT_BLOCK_BYTES, value_parser = value_parser!(u64).range(1_048_576..=10_485_760))]
    pub block_bytes: u64,
    /// The folder that gets bench.json and bench.svg
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// CometBFT
    #[arg(
        long,
        value_name = "FILE",
        env = "COMETBFT",
        default_value = "cometbft",
        hide_env_values = true
    )]
    pub cometbft: PathBuf,
    /// CometBFT's abci-cli, for its kvstore over a socket
    #[arg(long, value_name = "FILE", default_value = "abci-cli")]
    pub abci_cli: PathBuf,
    /// The application that does nothing (`cargo build --example bench_idle`)
    #[arg(long, value_name = "FILE", default_value = "bench_idle")]
    pub idle_app: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

impl CompareArgs {
    /// How often each is measured.
    pub fn repeats(&self) -> u16 {
        self.repeats.unwrap_or(if self.quick { 1 } else { 5 })
    }

    /// Transactions of each measurement.
    pub fn count(&self) -> u64 {
        self.count
            .unwrap_or(if self.quick { 10_000 } else { 50_000 })
    }

    /// How long an idle chain is watched.
    pub fn idle(&self) -> Duration {
        let seconds = if self.quick { 3 } else { 10 };
        self.idle.unwrap_or(Duration::from_secs(seconds))
    }

    /// Who takes part.
    pub(super) fn contenders(&self) -> Result<Vec<Contender>, LoadError> {
        let all = Contender::ALL.iter().copied();
        let taken = all.filter(|one| self.only.is_empty() || self.only.contains(one));
        Ok(taken.collect())
    }
}
