//! Owns `ait coordinator`: a mock of a coordinator (`docs/coordinators.md`) for devnets and tests. It
//! believes every receipt's output; everything else it attests is true of the chain and of its ledger.
//!
//! `request` reads what is asked, `chain` is what it sees, `rules` judges, `ledger` remembers what was
//! promised and signed, `assign` binds miners, `server` brings them together over HTTP.

mod assign;
mod chain;
mod ledger;
mod request;
mod rules;
mod server;
mod state;
#[cfg(test)]
mod tests;

use std::{net::SocketAddr, path::PathBuf};

use ait_app::{
    identifiers::ChainId,
    quantity::{Uait, Units},
    receipts::attestation::Quote,
};
use anyhow::{Context, Result};
use clap::Args;
use tokio::net::TcpListener;

use ait_home::{
    amounts::parse_uait,
    keys, logs,
    settings::{NodeArgs, parse_chain_id},
    signals,
};

/// `ait coordinator`
#[derive(Debug, Args)]
pub struct CoordinatorArgs {
    /// The coordinator's key, registered in the param coordinators: a key file, a PEM, a seed in hex, or - for
    /// standard input
    #[arg(long, value_name = "FILE|HEX|-")]
    key: String,
    /// Where to listen
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:9100")]
    bind: SocketAddr,
    /// The node that tells about escrows.
    #[command(flatten)]
    node: NodeArgs,
    /// The chain to attest for [default: that of the node]
    #[arg(long, env = "CHAIN_ID", value_parser = parse_chain_id)]
    chain_id: Option<ChainId>,
    /// Where to remember what was promised and signed; beside the key file if not given
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
    /// Quote this price for every job, instead of one that follows from its id
    #[arg(long, value_name = "AMOUNT", value_parser = parse_uait)]
    quote_price: Option<Uait>,
    /// Quote these compute units for every job
    #[arg(long, value_name = "N", value_parser = parse_units)]
    quote_units: Option<Units>,
    /// Know the jobs 1 to 1000000 and job_1 to job_1000000 alone, and deny all others; without it every
    /// name is a job
    #[arg(long)]
    known_jobs: bool,
    /// Whom to assign jobs to, by ESCROW_ASSIGN: the first miner that asks, or nobody
    #[arg(long, value_enum, default_value = "first")]
    assign: state::Policy,
    #[command(flatten)]
    logs: logs::LogArgs,
}

fn parse_units(text: &str) -> Result<Units, String> {
    let units = text.parse().ok().and_then(Units::new);
    units.ok_or_else(|| "must be a number of units 0..=2^53-1".to_owned())
}

/// Runs `ait coordinator` until it is asked to stop.
///
/// # Errors
/// What went wrong, for people.
pub async fn run(args: CoordinatorArgs) -> Result<()> {
    logs::start(&args.logs)?;
    let key = keys::account(&args.key)?;
    let node = args.node.client()?;
    let chain_id = match args.chain_id {
        Some(chain_id) => chain_id,
        None => tokio::select! {
            (health, _) = node.wait_until_ready("coordinator") => health.chain_id,
            stopped = signals::stop_requested() => return stopped,
        },
    };
    let path = args.ledger.unwrap_or_else(|| key.beside("ledger.jsonl"));
    let ledger = ledger::Ledger::open(&path, &chain_id)?;
    let limits = rules::Limits {
        price: args.quote_price,
        compute_units: args.quote_units,
        known_jobs: args.known_jobs,
    };
    let listener = TcpListener::bind(args.bind).await.with_context(|| {
        format!(
            "cannot listen on {}: is another coordinator running? --bind names another address",
            args.bind
        )
    })?;
    let chain = chain::Chain::new(node, chain_id);
    let coordinator =
        state::Coordinator::new(chain, key.key, key.lock, limits, args.assign, ledger);
    tracing::info!(
        component = "coordinator",
        event = "listening",
        bind = %listener.local_addr().unwrap_or(args.bind),
        address = %coordinator.address(),
        chain_id = %coordinator.chain.id,
        ledger = %path.display(),
        attested = coordinator.attested(),
    );
    axum::serve(listener, server::router(coordinator))
        .with_graceful_shutdown(async {
            if let Err(error) = signals::stop_requested().await {
                tracing::error!(component = "coordinator", event = "no_signals", %error);
            }
        })
        .await
        .context("the HTTP server failed")
}

/// The most that any job may cost, where nothing is known of a coordinator's quotes.
pub const NO_QUOTE: Quote = Quote {
    compute_units: Units::MAX,
    price: Uait::MAX,
};
