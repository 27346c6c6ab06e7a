//! Owns `ait tx …`: builds, signs, simulates, sends and follows one transaction.

mod claim;
pub mod nonce;
#[cfg(test)]
mod nonce_tests;
mod stake;
mod submit;
mod unjail;
mod unstake;

use std::path::PathBuf;

use ait_app::{
    address::Address,
    identifiers::JobId,
    json::Json,
    tx::{EscrowOpen, EscrowRelease, ParamUpdate, Payload, Transfer},
};
use anyhow::{Result, anyhow};
use clap::{Args, Subcommand};

pub use claim::ClaimArgs;
pub use stake::StakeArgs;
pub use submit::SendOptions;
pub use unjail::UnjailArgs;
pub use unstake::UnstakeArgs;

use crate::{amounts::parse_uait, config::Environment, genesis::parse_param_value};

/// `ait tx`
#[derive(Debug, Subcommand)]
pub enum TxCommand {
    /// Move uait to another account
    Transfer(TransferArgs),
    /// Lock uait for a job, in the name of a coordinator
    EscrowOpen(EscrowOpenArgs),
    /// Give an escrow back to its client; by its coordinator alone
    EscrowRelease(EscrowReleaseArgs),
    /// Claim a receipt: mints to the miner and settles the escrow
    Claim(ClaimArgs),
    /// Change a param; by the admin account alone
    ParamUpdate(ParamUpdateArgs),
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
    #[arg(value_parser = parse_uait)]
    amount: u64,
    /// A note of at most 256 bytes
    #[arg(long)]
    memo: Option<String>,
    #[command(flatten)]
    options: SendOptions,
}

/// `ait tx escrow-open`
#[derive(Debug, Args)]
pub struct EscrowOpenArgs {
    /// Your name for the job, such as job_42
    job_id: JobId,
    /// How much to lock, in uait or such as 1.5ait
    #[arg(value_parser = parse_uait)]
    amount: u64,
    /// A registered coordinator
    #[arg(long, value_name = "ADDRESS")]
    coordinator: Address,
    /// Blocks until it comes back to you unless it is claimed
    #[arg(long, value_name = "BLOCKS", default_value_t = 1_000)]
    ttl_blocks: u64,
    #[command(flatten)]
    options: SendOptions,
}

/// `ait tx escrow-release`
#[derive(Debug, Args)]
pub struct EscrowReleaseArgs {
    /// Whose escrow
    client: Address,
    /// For which job
    job_id: JobId,
    #[command(flatten)]
    options: SendOptions,
}

/// `ait tx param-update`
#[derive(Debug, Args)]
pub struct ParamUpdateArgs {
    /// The param's name (SPEC section 5)
    name: String,
    /// Its whole new value in JSON: 20, or '"cbp"'
    #[arg(value_parser = parse_param_value)]
    value: Json,
    #[command(flatten)]
    options: SendOptions,
}

/// `ait tx send`
#[derive(Debug, Args)]
pub struct SendArgs {
    /// The file with the transaction in JSON; - for standard input
    file: PathBuf,
    #[command(flatten)]
    delivery: submit::Delivery,
}

/// Runs `ait tx …`.
///
/// # Errors
/// What went wrong, for people.
pub async fn run(command: TxCommand, environment: &Environment) -> Result<()> {
    match command {
        TxCommand::Transfer(args) => {
            let payload = Payload::Transfer(Transfer {
                to: args.to,
                amount: args.amount,
                memo: args.memo,
            });
            submit::run(payload, &args.options, environment).await
        }
        TxCommand::EscrowOpen(args) => {
            let payload = Payload::EscrowOpen(EscrowOpen {
                job_id: args.job_id,
                coordinator: args.coordinator,
                amount: args.amount,
                ttl_blocks: args.ttl_blocks,
            });
            submit::run(payload, &args.options, environment).await
        }
        TxCommand::EscrowRelease(args) => {
            let payload = Payload::EscrowRelease(EscrowRelease {
                client_addr: args.client,
                job_id: args.job_id,
            });
            submit::run(payload, &args.options, environment).await
        }
        TxCommand::ParamUpdate(args) => {
            let payload = Payload::ParamUpdate(ParamUpdate {
                key: args.name,
                value: args.value,
            });
            submit::run(payload, &args.options, environment).await
        }
        TxCommand::Claim(args) => claim::run(args, environment).await,
        TxCommand::Stake(args) => stake::run(args, environment).await,
        TxCommand::Unstake(args) => unstake::run(args, environment).await,
        TxCommand::Unjail(args) => unjail::run(args, environment).await,
        TxCommand::Send(args) => submit::run_raw(&args.file, &args.delivery, environment).await,
    }
}

/// A payload is checked as the node will check it, so that a bad one is refused before it is signed.
fn checked(payload: Payload, sender: Address) -> Result<Payload> {
    let json = payload.to_json();
    json.canonical()
        .and_then(|_| Payload::parse(payload.kind(), &json, sender))
        .map_err(|refusal| anyhow!(crate::exit::Usage(refusal.message)))
}

#[cfg(test)]
mod tests {
    use ait_app::tx::Unstake;

    use super::*;
    use crate::exit;

    #[test]
    fn a_payload_that_the_node_would_refuse_is_refused_before_it_is_signed() {
        let anybody = Address::treasury();
        let transfer = |amount, memo: &str| {
            Payload::Transfer(Transfer {
                to: Address::module("other"),
                amount,
                memo: Some(memo.to_owned()),
            })
        };
        assert!(checked(transfer(1, "hi"), anybody).is_ok());
        for (bad, field) in [
            (transfer(0, ""), "payload.amount"),
            (transfer(1, &"x".repeat(257)), "payload.memo"),
            (Payload::Unstake(Unstake { amount: 0 }), "payload.amount"),
        ] {
            let error = checked(bad, anybody).unwrap_err();
            assert!(error.to_string().contains(field), "{error}");
            assert_eq!(exit::code_of(&error), exit::USAGE);
        }
        let fraction = Payload::ParamUpdate(ParamUpdate {
            key: "base_fee".into(),
            value: parse_param_value("1.5").unwrap(),
        });
        assert!(checked(fraction, anybody).is_err());
    }
}
