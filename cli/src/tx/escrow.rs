//! Owns `ait tx escrow-…`: what clients and coordinators do with escrows.

use ait_app::{
    address::Address,
    escrow::{
        assign::EscrowAssign,
        cancel::EscrowCancel,
        open::{EscrowOpen, Others, Ttl},
        release::EscrowRelease,
        top_up::EscrowTopUp,
    },
    identifiers::JobId,
    quantity::{Positive, Ranged, Uait},
};
use anyhow::Result;
use clap::Args;

use super::submit::{self, SendOptions};
use ait_home::{amounts::parse_amount, exit::Usage};

/// `ait tx escrow-open`
#[derive(Debug, Args)]
pub struct EscrowOpenArgs {
    /// Your name for the job, such as job_42
    job_id: JobId,
    /// How much to lock, in uait or such as 1.5ait
    #[arg(value_parser = parse_amount)]
    amount: Positive<Uait>,
    /// A registered coordinator
    #[arg(long, value_name = "ADDRESS")]
    coordinator: Address,
    /// Blocks until it comes back to you unless it is claimed
    #[arg(long, value_name = "BLOCKS", default_value = "1000", value_parser = parse_ttl)]
    ttl_blocks: Ttl,
    /// The only miner that may claim it; without it the coordinator may bind one
    #[arg(long, value_name = "ADDRESS")]
    miner: Option<Address>,
    /// Let it be claimed in parts
    #[arg(long)]
    partial: bool,
    /// A coordinator more, up to four: repeat it
    #[arg(long = "attester", value_name = "ADDRESS")]
    attesters: Vec<Address>,
    /// How many of the coordinators must attest a claim [default: all of them]
    #[arg(long, value_name = "N", requires = "attesters", value_parser = parse_threshold)]
    threshold: Option<Ranged<1, 5>>,
    #[command(flatten)]
    options: SendOptions,
}

/// `ait tx escrow-assign`
#[derive(Debug, Args)]
pub struct EscrowAssignArgs {
    /// Whose escrow
    client: Address,
    /// For which job
    job_id: JobId,
    /// The only miner that may claim it from now on
    miner: Address,
    #[command(flatten)]
    options: SendOptions,
}

/// `ait tx escrow-topup`
#[derive(Debug, Args)]
pub struct EscrowTopUpArgs {
    /// Whose escrow
    client: Address,
    /// For which job
    job_id: JobId,
    /// How much to add, in uait or such as 1.5ait
    #[arg(value_parser = parse_amount)]
    amount: Positive<Uait>,
    /// Let it end so many blocks from now, if that is later; by its client alone
    #[arg(long, value_name = "BLOCKS", value_parser = parse_ttl)]
    ttl_blocks: Option<Ttl>,
    #[command(flatten)]
    options: SendOptions,
}

/// `ait tx escrow-cancel`
#[derive(Debug, Args)]
pub struct EscrowCancelArgs {
    /// For which of your jobs
    job_id: JobId,
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

fn parse_ttl(text: &str) -> Result<Ttl, String> {
    let number = text.parse().ok().and_then(Ttl::new);
    number.ok_or_else(|| "must be a number of blocks 1..=10000000".to_owned())
}

fn parse_threshold(text: &str) -> Result<Ranged<1, 5>, String> {
    let number = text.parse().ok().and_then(Ranged::new);
    number.ok_or_else(|| "must be a number 1..=5".to_owned())
}

/// Runs `ait tx escrow-open`.
///
/// # Errors
/// What went wrong, for people.
pub async fn open(args: EscrowOpenArgs) -> Result<()> {
    let others = others(&args.coordinator, args.attesters, args.threshold)?;
    let payload = EscrowOpen {
        amount: args.amount,
        coordinator: args.coordinator,
        others,
        job_id: args.job_id,
        miner: args.miner,
        partial: args.partial,
        ttl_blocks: args.ttl_blocks,
    };
    submit::run(payload, &args.options).await
}

fn others(
    coordinator: &Address,
    attesters: Vec<Address>,
    threshold: Option<Ranged<1, 5>>,
) -> Result<Option<Others>> {
    if attesters.is_empty() {
        return Ok(None);
    }
    let others = Others::new(coordinator, attesters, threshold);
    Ok(Some(others.map_err(|unfit| {
        Usage(format!("--attester, --threshold: {unfit}"))
    })?))
}

/// Runs `ait tx escrow-assign`.
///
/// # Errors
/// What went wrong, for people.
pub async fn assign(args: EscrowAssignArgs) -> Result<()> {
    let payload = EscrowAssign {
        client_addr: args.client,
        job_id: args.job_id,
        miner: args.miner,
    };
    submit::run(payload, &args.options).await
}

/// Runs `ait tx escrow-topup`.
///
/// # Errors
/// What went wrong, for people.
pub async fn top_up(args: EscrowTopUpArgs) -> Result<()> {
    let payload = EscrowTopUp {
        amount: args.amount,
        client_addr: args.client,
        job_id: args.job_id,
        ttl_blocks: args.ttl_blocks,
    };
    submit::run(payload, &args.options).await
}

/// Runs `ait tx escrow-cancel`.
///
/// # Errors
/// What went wrong, for people.
pub async fn cancel(args: EscrowCancelArgs) -> Result<()> {
    let payload = EscrowCancel {
        job_id: args.job_id,
    };
    submit::run(payload, &args.options).await
}

/// Runs `ait tx escrow-release`.
///
/// # Errors
/// What went wrong, for people.
pub async fn release(args: EscrowReleaseArgs) -> Result<()> {
    let payload = EscrowRelease {
        client_addr: args.client,
        job_id: args.job_id,
    };
    submit::run(payload, &args.options).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use ait_home::exit;

    #[test]
    fn coordinators_that_do_not_fit_together_are_refused_by_their_flags() {
        let [first, second] = ["first", "second"].map(Address::module);
        let three = Ranged::new(3);
        assert!(others(&first, Vec::new(), None).unwrap().is_none());
        assert!(others(&first, vec![second], None).unwrap().is_some());
        for (attesters, threshold) in [
            (vec![first], None),
            (vec![second, second], None),
            (vec![second], three),
        ] {
            let error = others(&first, attesters, threshold).unwrap_err();
            assert!(error.to_string().contains("--attester"), "{error}");
            assert_eq!(exit::code_of(&error), exit::USAGE);
        }
    }

    #[test]
    fn lives_and_thresholds_keep_to_their_ranges() {
        for bad in ["", "0", "-1", "10000001", "1.5"] {
            assert!(parse_ttl(bad).is_err(), "{bad}");
        }
        for bad in ["", "0", "6"] {
            assert!(parse_threshold(bad).is_err(), "{bad}");
        }
        assert!(parse_ttl("10000000").is_ok());
    }
}
