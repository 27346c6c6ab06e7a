//! Owns `ait tx …`: builds, signs, simulates, sends and follows one transaction.
//!
//! `submit` is the way of every transaction, `deliver` says what came of it; `receipt` is how receipts and
//! attestations are found. The others are commands.

mod admin;
mod bond;
mod claim;
mod deliver;
mod equivocation;
mod escrow;
mod receipt;
mod report;
mod stake;
mod submit;
mod unjail;
mod unstake;

use std::path::PathBuf;

use ait_app::{
    address::Address,
    bank::transfer::{Memo, Transfer},
    quantity::{Positive, Uait},
};
use anyhow::Result;
use clap::{Args, Subcommand};

use admin::{AdminAcceptArgs, ParamUpdateArgs, TreasurySpendArgs};
use bond::BondArgs;
use claim::ClaimArgs;
use equivocation::EquivocationArgs;
use escrow::{
    EscrowAssignArgs, EscrowCancelArgs, EscrowOpenArgs, EscrowReleaseArgs, EscrowTopUpArgs,
};
use report::ReportArgs;
use stake::StakeArgs;
use submit::SendOptions;
use unjail::UnjailArgs;
use unstake::UnstakeArgs;

use ait_home::amounts::parse_amount;

/// `ait tx`
#[derive(Debug, Subcommand)]
pub enum TxCommand {
    /// Move coins to another account
    Transfer(TransferArgs),
    /// Lock coins for a job, in the name of one or more coordinators
    EscrowOpen(EscrowOpenArgs),
    /// Bind a miner to an escrow; by its coordinator alone
    EscrowAssign(EscrowAssignArgs),
    /// Add to an escrow; its client may also let it live longer
    #[command(name = "escrow-topup")]
    EscrowTopUp(EscrowTopUpArgs),
    /// Let an escrow end after the notice, while no miner is bound; by its client alone
    EscrowCancel(EscrowCancelArgs),
    /// Give an escrow back to its client; by its coordinator alone
    EscrowRelease(EscrowReleaseArgs),
    /// Claim a receipt: pays and mints to the miner, and settles the escrow or goes on with the next part
    Claim(ClaimArgs),
    /// Show that a miner's receipt was denied by its coordinators: an offence of the miner
    Report(ReportArgs),
    /// Bond coins as a coordinator: they answer for its attestations
    Bond(BondArgs),
    /// Take a coordinator's bond back: spendable once nothing of it can be slashed any more
    Unbond(BondArgs),
    /// Show two attestations of one coordinator that contradict each other: its bond pays
    Equivocation(EquivocationArgs),
    /// Give a param a new value, or name the next admin; by the admin alone
    #[command(visible_alias = "param-set")]
    ParamUpdate(ParamUpdateArgs),
    /// Become the admin; by the account that the admin named
    AdminAccept(AdminAcceptArgs),
    /// Pay out of the treasury; by the admin alone
    TreasurySpend(TreasurySpendArgs),
    /// Bond coins, to be elected validator; the first time with the consensus key
    Stake(StakeArgs),
    /// Take bonded coins back: spendable once they have unbonded
    Unstake(UnstakeArgs),
    /// Stand for election again after a time in jail for downtime
    Unjail(UnjailArgs),
    /// Send a signed transaction as it is
    Send(SendArgs),
}

/// `ait tx transfer`
#[derive(Debug, Args)]
pub struct TransferArgs {
    /// Who receives
    to: Address,
    /// How much, in uait or such as 1.5ait
    #[arg(value_parser = parse_amount)]
    amount: Positive<Uait>,
    /// A note of at most 256 bytes
    #[arg(long, value_parser = parse_memo)]
    memo: Option<Memo>,
    #[command(flatten)]
    options: SendOptions,
}

/// `ait tx send`
#[derive(Debug, Args)]
pub struct SendArgs {
    /// The file with the transaction in JSON; - for standard input
    file: PathBuf,
    #[command(flatten)]
    delivery: deliver::Delivery,
}

fn parse_memo(text: &str) -> Result<Memo, String> {
    let bytes = text.len();
    Memo::new(text).ok_or_else(|| format!("has {bytes} bytes, more than {}", Memo::MAX_BYTES))
}

/// Runs `ait tx …`.
///
/// # Errors
/// What went wrong, for people.
pub async fn run(command: TxCommand) -> Result<()> {
    match command {
        TxCommand::Transfer(args) => transfer(args).await,
        TxCommand::EscrowOpen(args) => escrow::open(args).await,
        TxCommand::EscrowAssign(args) => escrow::assign(args).await,
        TxCommand::EscrowTopUp(args) => escrow::top_up(args).await,
        TxCommand::EscrowCancel(args) => escrow::cancel(args).await,
        TxCommand::EscrowRelease(args) => escrow::release(args).await,
        TxCommand::Claim(args) => claim::run(args).await,
        TxCommand::Report(args) => report::run(args).await,
        TxCommand::Bond(args) => bond::bond(args).await,
        TxCommand::Unbond(args) => bond::unbond(args).await,
        TxCommand::Equivocation(args) => equivocation::run(args).await,
        TxCommand::ParamUpdate(args) => admin::param_update(args).await,
        TxCommand::AdminAccept(args) => admin::admin_accept(args).await,
        TxCommand::TreasurySpend(args) => admin::treasury_spend(args).await,
        TxCommand::Stake(args) => stake::run(args).await,
        TxCommand::Unstake(args) => unstake::run(args).await,
        TxCommand::Unjail(args) => unjail::run(args).await,
        TxCommand::Send(args) => submit::run_raw(&args.file, &args.delivery).await,
    }
}

async fn transfer(args: TransferArgs) -> Result<()> {
    let payload = Transfer {
        amount: args.amount,
        memo: args.memo,
        to: args.to,
    };
    submit::run(payload, &args.options).await
}
