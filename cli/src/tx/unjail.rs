//! Owns `ait tx unjail`: ends the sender's time in jail for downtime.

use ait_app::staking::unjail::Unjail;
use anyhow::Result;
use clap::Args;

use super::submit::{self, SendOptions};

/// `ait tx unjail`
#[derive(Debug, Args)]
pub struct UnjailArgs {
    #[command(flatten)]
    options: SendOptions,
}

/// Runs `ait tx unjail`.
///
/// # Errors
/// What went wrong, for people.
pub async fn run(args: UnjailArgs) -> Result<()> {
    submit::run(Unjail {}, &args.options).await
}
