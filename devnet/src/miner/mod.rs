//! Owns `ait miner`: a mock miner for devnets and tests. It follows the chain, asks to be assigned to
//! every escrow in the name of a coordinator it knows, does real hash work, and claims the receipts.
//!
//! `follow` finds escrows, `progress` remembers how far it came, `job` takes one escrow to its end:
//! `assignment`, then part by part `pricing`, `work`, `attestation` and `claim`.

mod assignment;
mod attestation;
mod claim;
mod escrow;
mod follow;
mod job;
mod pricing;
mod progress;
mod work;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use ait_app::{
    address::Address,
    quantity::{BasisPoints, Nonce, Units},
};
use ait_client::{Coordinator, Wallet};
use anyhow::{Result, bail};
use clap::Args;
use progress::{Opened, Progress};
use tokio::{
    sync::{Mutex, Semaphore, mpsc},
    task::JoinSet,
};

use ait_home::{
    amounts::parse_ratio,
    exit::Usage,
    keys, logs,
    settings::{CoordinatorUrls, NodeArgs, parse_coordinator_urls},
    signals,
};

/// Escrows that are worked on at once; more wait.
const MAX_JOBS: usize = 256;
/// However old the progress is, no more blocks are looked through: no escrow lives longer by default.
const MAX_LOOKBACK: u64 = 100_000;

/// `ait miner`
#[derive(Debug, Args)]
pub struct MinerArgs {
    /// The miner's key: a key file, a PEM, a seed in hex, or - for standard input
    #[arg(long, value_name = "FILE|HEX|-")]
    key: String,
    #[command(flatten)]
    node: NodeArgs,
    /// The coordinators to work for, ADDRESS=URL separated by commas
    #[arg(long, env = "COORDINATOR_URLS", value_parser = parse_coordinator_urls)]
    coordinator_urls: Option<CoordinatorUrls>,
    /// The price of a job, as a share of its escrow
    #[arg(long, value_name = "RATIO", default_value = "0.8", value_parser = parse_ratio)]
    price_share: BasisPoints,
    /// The most units of work for one job; a unit is 1,000 chained sha256 hashes
    #[arg(long, value_name = "N", default_value = "2500", value_parser = parse_units)]
    max_units: Units,
    /// Parts that a job is done in where its escrow may be claimed in parts
    #[arg(long, value_name = "N", default_value_t = 2)]
    parts: u16,
    /// Jobs that are hashed at once
    #[arg(long, value_name = "N", default_value_t = 1)]
    workers: u16,
    /// Claim without attestation, where the escrow names one coordinator: the nodes ask it
    #[arg(long)]
    no_inline: bool,
    /// Blocks to look through for open escrows at the first start
    #[arg(long, value_name = "BLOCKS", default_value_t = 1_000)]
    lookback: u64,
    /// Where to remember which blocks were looked through; beside the key file if not given
    #[arg(long, value_name = "FILE")]
    progress: Option<PathBuf>,
    #[command(flatten)]
    logs: logs::LogArgs,
}

/// What all jobs share.
pub struct Miner {
    wallet: Wallet,
    /// Held while a claim is sent.
    lock: keys::KeyLock,
    coordinators: Arc<BTreeMap<Address, Coordinator>>,
    policy: pricing::Policy,
    inline: bool,
    workers: Semaphore,
    /// The nonce of the next claim; unknown after a refusal. Held while a claim is sent.
    next_nonce: Mutex<Option<Nonce>>,
}

fn parse_units(text: &str) -> Result<Units, String> {
    let units = text.parse().ok().and_then(Units::new);
    units.ok_or_else(|| "must be a number of units 0..=2^53-1".to_owned())
}

/// Runs `ait miner` until it is asked to stop.
///
/// # Errors
/// What went wrong, for people.
pub async fn run(args: MinerArgs) -> Result<()> {
    logs::start(&args.logs)?;
    let mut stop = std::pin::pin!(signals::stop_requested());
    let opened = tokio::select! {
        opened = open(&args) => opened?,
        stopped = &mut stop => return stopped,
    };
    let (miner, progress) = opened;
    let result = tokio::select! {
        result = mine(miner, progress.clone()) => result,
        stopped = &mut stop => stopped,
    };
    progress.lock().await.save()?;
    result
}

/// Reads keys and settings, and waits for the node to tell its chain and head.
async fn open(args: &MinerArgs) -> Result<(Arc<Miner>, Arc<Mutex<Progress>>)> {
    let key = keys::account(&args.key)?;
    let urls = args.coordinator_urls.clone();
    let Some(urls) = urls.filter(|urls| !urls.is_empty()) else {
        bail!(Usage(
            "COORDINATOR_URLS (or --coordinator-urls) is empty: name the coordinators to work for, \
             ADDRESS=URL separated by commas"
                .to_owned()
        ));
    };
    let trust = args.node.trust.trust();
    let coordinators = urls
        .into_iter()
        .map(|(address, url)| Ok((address, Coordinator::new(&url, &trust)?)))
        .collect::<Result<BTreeMap<Address, Coordinator>>>()?;
    let client = args.node.client()?;
    let (health, head) = client.wait_until_ready("miner").await;
    let path = args.progress.clone();
    let path = path.unwrap_or_else(|| key.beside("progress.json"));
    let progress = Progress::resume(
        &path,
        &health.chain_id,
        head.height,
        args.lookback,
        MAX_LOOKBACK,
    )?;
    let miner = Miner {
        wallet: Wallet::new(client, health.chain_id, key.key),
        lock: key.lock,
        coordinators: Arc::new(coordinators),
        policy: pricing::Policy {
            price_bps: args.price_share,
            max_units: args.max_units,
            parts: u64::from(args.parts.max(1)),
        },
        inline: !args.no_inline,
        workers: Semaphore::new(usize::from(args.workers.max(1))),
        next_nonce: Mutex::new(None),
    };
    tracing::info!(
        component = "miner",
        event = "started",
        address = %miner.wallet.address(),
        chain_id = %miner.wallet.chain_id(),
        node = miner.wallet.node().base(),
        height = progress.height(),
    );
    Ok((Arc::new(miner), Arc::new(Mutex::new(progress))))
}

/// Works on every escrow that the follower finds.
async fn mine(miner: Arc<Miner>, progress: Arc<Mutex<Progress>>) -> Result<()> {
    let (found, mut to_do) = mpsc::channel(MAX_JOBS);
    let follower = follow::Follower {
        client: miner.wallet.node().clone(),
        coordinators: miner.coordinators.clone(),
        progress: progress.clone(),
        found,
    };
    let mut following = std::pin::pin!(follower.run());
    let mut jobs = JoinSet::new();
    loop {
        tokio::select! {
            () = &mut following => bail!("the miner follows the chain no more"),
            Some(opened) = to_do.recv(), if jobs.len() < MAX_JOBS => {
                let miner = miner.clone();
                jobs.spawn(async move { work_on(&miner, opened).await });
            }
            Some(done) = jobs.join_next() => {
                progress.lock().await.done(&done?)?;
            }
        }
    }
}

async fn work_on(miner: &Miner, opened: Opened) -> Opened {
    let (job_id, client) = (&opened.job_id, &opened.client);
    tracing::info!(component = "miner", event = "escrow_found", %job_id, %client, height = opened.height);
    match job::run(miner, &opened).await {
        Ok(escrow::ClaimOutcome::Paid) => {}
        Ok(escrow::ClaimOutcome::Skipped(reason)) => {
            tracing::info!(component = "miner", event = "escrow_skipped", %job_id, %client, reason);
        }
        Ok(escrow::ClaimOutcome::Denied(reason)) => {
            tracing::warn!(component = "miner", event = "receipt_denied", %job_id, %client, reason);
        }
        Err(error) => {
            let error = format!("{error:#}");
            tracing::error!(component = "miner", event = "job_failed", %job_id, %client, error);
        }
    }
    opened
}
