//! Owns `ait bench`: what measures a chain from outside.

use ait_home::{exit, output, signals};
use ait_load::{
    LoadError,
    args::LoadArgs,
    compare::{self, args::CompareArgs},
};
use anyhow::{Result, bail};
use clap::Subcommand;

/// `ait bench`
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Send load to a devnet and say how fast it was committed
    Load(Box<LoadArgs>),
    /// Measure this chain and others side by side, each on loopback in a folder of its own
    Compare(Box<CompareArgs>),
}

/// Runs `ait bench …`.
///
/// # Errors
/// What went wrong, for people.
pub async fn run(command: BenchCommand) -> Result<()> {
    match command {
        BenchCommand::Load(args) => load(&args).await,
        BenchCommand::Compare(args) => compare(&args).await,
    }
}

async fn load(args: &LoadArgs) -> Result<()> {
    let report = ait_load::run(args).await.map_err(failed)?;
    if args.json {
        output::json(&report)
    } else {
        output::line(&report.to_string())
    }
}

async fn compare(args: &CompareArgs) -> Result<()> {
    let outcome = tokio::select! {
        outcome = compare::run(args) => outcome.map_err(failed)?,
        // What was started ends when the comparison is dropped.
        asked = signals::stop_requested() => {
            asked?;
            bail!("stopped before all was measured");
        }
    };
    if args.json {
        output::json(&outcome)?;
    } else {
        output::line(&outcome.to_string())?;
    }
    if outcome.is_whole() {
        return Ok(());
    }
    bail!("not all contenders could be measured")
}

fn failed(error: LoadError) -> anyhow::Error {
    match error {
        LoadError::Usage(message) => exit::Usage(message).into(),
        error @ LoadError::Refused { .. } => exit::Refused(error.to_string()).into(),
        error => anyhow::Error::new(error),
    }
}
