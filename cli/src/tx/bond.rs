//! Owns `ait tx bond` and `unbond`: what answers for a coordinator's attestations.

use ait_app::{
    coordinators::{bond::CoordinatorBond, unbond::CoordinatorUnbond},
    quantity::{Positive, Uait},
};
use anyhow::Result;
use clap::Args;

use super::submit::{self, SendOptions};
use ait_home::amounts::parse_amount;

/// `ait tx bond` and `ait tx unbond`
#[derive(Debug, Args)]
pub struct BondArgs {
    /// How much, in uait or such as 1.5ait
    #[arg(value_parser = parse_amount)]
    amount: Positive<Uait>,
    #[command(flatten)]
    options: SendOptions,
}

/// Runs `ait tx bond`.
///
/// # Errors
/// What went wrong, for people.
pub async fn bond(args: BondArgs) -> Result<()> {
    let amount = args.amount;
    submit::run(CoordinatorBond { amount }, &args.options).await
}

/// Runs `ait tx unbond`.
///
/// # Errors
/// What went wrong, for people.
pub async fn unbond(args: BondArgs) -> Result<()> {
    let amount = args.amount;
    submit::run(CoordinatorUnbond { amount }, &args.options).await
}
