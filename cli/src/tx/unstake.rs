//! Owns `ait tx unstake`: starts the unbonding of stake.

use ait_app::{
    quantity::{Positive, Uait},
    staking::unstake::Unstake,
};
use anyhow::Result;
use clap::Args;

use super::submit::{self, SendOptions};
use ait_home::amounts::parse_amount;

/// `ait tx unstake`
#[derive(Debug, Args)]
pub struct UnstakeArgs {
    /// How much to unbond, in uait or such as 1.5ait
    #[arg(value_parser = parse_amount)]
    amount: Positive<Uait>,
    #[command(flatten)]
    options: SendOptions,
}

/// Runs `ait tx unstake`.
///
/// # Errors
/// What went wrong, for people.
pub async fn run(args: UnstakeArgs) -> Result<()> {
    let amount = args.amount;
    submit::run(Unstake { amount }, &args.options).await
}
