//! Owns `ait bench`: what measures a chain from outside.

use ait_home::{exit, output};
use ait_load::{LoadError, args::LoadArgs};
use anyhow::Result;
use clap::Subcommand;

/// `ait bench`
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Send load to a devnet and say how fast it was committed
    Load(Box<LoadArgs>),
}

/// Runs `ait bench …`.
///
/// # Errors
/// What went wrong, for people.
pub async fn run(command: BenchCommand) -> Result<()> {
    match command {
        BenchCommand::Load(args) => load(&args).await,
    }
}

async fn load(args: &LoadArgs) -> Result<()> {
    let report = ait_load::run(args).await.map_err(|error| match error {
        LoadError::Usage(message) => exit::Usage(message).into(),
        error @ LoadError::Refused { .. } => exit::Refused(error.to_string()).into(),
        error => anyhow::Error::new(error),
    })?;
    if args.json {
        output::json(&report)
    } else {
        output::line(&report.to_string())
    }
}
