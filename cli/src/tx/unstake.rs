//! Owns `ait tx unstake`: starts the unbonding of stake.

use ait_app::tx::{Payload, Unstake};
use anyhow::Result;
use clap::Args;

use super::submit::{self, SendOptions};
use crate::{amounts::parse_uait, config::Environment};

/// `ait tx unstake`
#[derive(Debug, Args)]
pub struct UnstakeArgs {
    /// How much to unbond, in uait or such as 1.5ait
    #[arg(value_parser = parse_uait)]
    amount: u64,
    #[command(flatten)]
    options: SendOptions,
}

/// Runs `ait tx unstake`.
///
/// # Errors
/// What went wrong, for people.
pub async fn run(args: UnstakeArgs, environment: &Environment) -> Result<()> {
    let amount = args.amount;
    submit::run(
        Payload::Unstake(Unstake { amount }),
        &args.options,
        environment,
    )
    .await
}
