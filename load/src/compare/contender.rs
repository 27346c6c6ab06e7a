//! Owns who takes part in a comparison, and how each is measured.

use std::{fs, path::Path};

use ait_api::routes::{GET_BALANCE, HEALTH};
use clap::{Parser, ValueEnum};

use super::{
    args::CompareArgs,
    chains::{Devnet, Engine, Kind},
    idle, join,
    outcome::Sample,
    reads,
};
use crate::{LoadError, args::LoadArgs};

/// Who takes part: under load with a pause of 1 s after each block, or idle without a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Contender {
    /// This chain, transfers through REST one by one
    Rest,
    /// This chain, transfers through REST in lines of 500
    Lines,
    /// This chain, transfers through CometBFT's broadcast_tx_sync
    Broadcast,
    /// CometBFT's kvstore over a unix socket, entries as long as a transfer
    KvstoreSocket,
    /// CometBFT's kvstore in its own process
    KvstoreInProcess,
    /// This chain with four validators, transfers through REST one by one
    Rest4,
    /// This chain with four validators, 500 transfers a second through REST
    Paced4,
    /// This chain, idle
    Idle,
    /// An application that does nothing, on this chain's transport, idle
    IdleNothing,
    /// CometBFT's kvstore in its own process, idle
    IdleKvstore,
    /// This chain with four validators, idle
    Idle4,
    /// This chain, idle, while 1,000 balances a second are read
    IdleReads,
    /// This chain, balances read as fast as they are told
    Balance,
    /// This chain, its health read as fast as it is told: an answer that reads nothing of the state
    Health,
    /// A second node of this chain that replays it
    Join,
    /// A second node of CometBFT's kvstore over a unix socket that replays as much
    JoinKvstore,
}

/// The validators of those contenders that have several.
const SEVERAL: u16 = 4;
/// The rate of the paced contender, transactions a second.
const PACE: &str = "500";
/// The rate of the reads beside an idle chain, a second.
const READS: u32 = 1_000;

impl Contender {
    /// All, in the order in which they are measured and told.
    pub const ALL: &[Self] = &[
        Self::Rest,
        Self::Lines,
        Self::Broadcast,
        Self::KvstoreSocket,
        Self::KvstoreInProcess,
        Self::Rest4,
        Self::Paced4,
        Self::Idle,
        Self::IdleNothing,
        Self::IdleKvstore,
        Self::Idle4,
        Self::IdleReads,
        Self::Balance,
        Self::Health,
        Self::Join,
        Self::JoinKvstore,
    ];

    /// Its name, as the flag has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Lines => "lines",
            Self::Broadcast => "broadcast",
            Self::KvstoreSocket => "kvstore-socket",
            Self::KvstoreInProcess => "kvstore-in-process",
            Self::Rest4 => "rest4",
            Self::Paced4 => "paced4",
            Self::Idle => "idle",
            Self::IdleNothing => "idle-nothing",
            Self::IdleKvstore => "idle-kvstore",
            Self::Idle4 => "idle4",
            Self::IdleReads => "idle-reads",
            Self::Balance => "balance",
            Self::Health => "health",
            Self::Join => "join",
            Self::JoinKvstore => "join-kvstore",
        }
    }

    /// Starts it in a folder, measures it, and stops it.
    pub(super) async fn measure(
        self,
        args: &CompareArgs,
        folder: &Path,
    ) -> Result<Sample, LoadError> {
        match self {
            Self::Rest => loaded(args, folder, 1, &["--through", "rest"]).await,
            Self::Lines => loaded(args, folder, 1, &["--through", "lines"]).await,
            Self::Broadcast => loaded(args, folder, 1, &["--through", "comet"]).await,
            Self::Rest4 => loaded(args, folder, SEVERAL, &["--through", "rest"]).await,
            Self::Paced4 => {
                loaded(
                    args,
                    folder,
                    SEVERAL,
                    &["--through", "rest", "--rate", PACE],
                )
                .await
            }
            Self::KvstoreSocket => kvstore(args, folder, Kind::KvstoreSocket).await,
            Self::KvstoreInProcess => kvstore(args, folder, Kind::KvstoreInProcess).await,
            Self::Idle => idle_devnet(args, folder, 1).await,
            Self::Idle4 => idle_devnet(args, folder, SEVERAL).await,
            Self::IdleNothing => idle_engine(args, folder, Kind::Nothing).await,
            Self::IdleKvstore => idle_engine(args, folder, Kind::KvstoreInProcess).await,
            Self::IdleReads => idle_beside_reads(args, folder).await,
            Self::Balance => read(args, folder, |payer| GET_BALANCE.to(&[&payer])).await,
            Self::Health => read(args, folder, |_| HEALTH.path.to_owned()).await,
            Self::Join => join_devnet(args, folder).await,
            Self::JoinKvstore => join_kvstore(args, folder).await,
        }
    }
}

/// The flags of a load, as the command line has them.
#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    load: LoadArgs,
}

fn load_args(args: &CompareArgs, flags: &[&str]) -> Result<LoadArgs, LoadError> {
    let count = args.count().to_string();
    let always = ["load", "--json", "--duration", "120s", "--count", &count];
    let words = always.iter().chain(flags);
    let parsed = Flags::try_parse_from(words);
    parsed
        .map(|flags| flags.load)
        .map_err(|error| LoadError::Usage(error.to_string()))
}

async fn loaded(
    args: &CompareArgs,
    folder: &Path,
    nodes: u16,
    flags: &[&str],
) -> Result<Sample, LoadError> {
    let devnet = Devnet::start(args, folder, nodes, "1s").await?;
    let home = devnet.home().to_string_lossy().into_owned();
    let mut load = load_args(args, &[flags, &["--home", &home]].concat())?;
    if let Some(rate) = load.rate {
        // Half a minute of it, or less where fewer transactions were asked for.
        load.count = load.count.min(u64::from(rate).saturating_mul(30));
    }
    let report = crate::run(&load).await;
    devnet.stop().await?;
    Ok(Sample::loaded(&report?))
}

async fn kvstore(args: &CompareArgs, folder: &Path, kind: Kind) -> Result<Sample, LoadError> {
    let engine = Engine::start(args, folder, kind, "1s").await?;
    let rpc = engine.rpc();
    let load = load_args(args, &kvstore_flags(&rpc))?;
    let report = crate::run_beside(&load, &engine.processes()).await;
    engine.stop().await;
    Ok(Sample::loaded(&report?))
}

fn kvstore_flags(rpc: &str) -> [&str; 6] {
    [
        "--workload",
        "kvstore",
        "--through",
        "comet",
        "--comet-rpc",
        rpc,
    ]
}

async fn idle_devnet(args: &CompareArgs, folder: &Path, nodes: u16) -> Result<Sample, LoadError> {
    let devnet = Devnet::start(args, folder, nodes, "0s").await?;
    let watched = idle::watch(&devnet.rpc()?, args.idle()).await;
    devnet.stop().await?;
    watched
}

async fn idle_engine(args: &CompareArgs, folder: &Path, kind: Kind) -> Result<Sample, LoadError> {
    let engine = Engine::start(args, folder, kind, "0s").await?;
    let watched = idle::watch(&engine.rpc(), args.idle()).await;
    engine.stop().await;
    watched
}

async fn idle_beside_reads(args: &CompareArgs, folder: &Path) -> Result<Sample, LoadError> {
    let devnet = Devnet::start(args, folder, 1, "0s").await?;
    let path = GET_BALANCE.to(&[&devnet.payer()?]);
    let readers = reads::begin(&devnet.rest()?, &path, READS)?;
    let watched = idle::watch(&devnet.rpc()?, args.idle()).await;
    drop(readers);
    devnet.stop().await?;
    watched
}

async fn read(
    args: &CompareArgs,
    folder: &Path,
    path: impl FnOnce(String) -> String,
) -> Result<Sample, LoadError> {
    let devnet = Devnet::start(args, folder, 1, "1s").await?;
    let path = path(devnet.payer()?);
    let measured = reads::measure(&devnet.rest()?, &path, args.idle()).await;
    devnet.stop().await?;
    measured
}

async fn join_devnet(args: &CompareArgs, folder: &Path) -> Result<Sample, LoadError> {
    let devnet = Devnet::start(args, folder, 1, "1s").await?;
    let home = devnet.home().to_string_lossy().into_owned();
    let load = load_args(args, &["--through", "rest", "--home", &home])?;
    crate::run(&load).await?;
    let joined = join::measure(args, &second(folder)?, &devnet.first()?, load.count).await;
    devnet.stop().await?;
    joined
}

async fn join_kvstore(args: &CompareArgs, folder: &Path) -> Result<Sample, LoadError> {
    let engine = Engine::start(args, folder, Kind::KvstoreSocket, "1s").await?;
    let rpc = engine.rpc();
    let load = load_args(args, &kvstore_flags(&rpc))?;
    crate::run_beside(&load, &engine.processes()).await?;
    let first = engine.first(args).await?;
    let joined = join::measure(args, &second(folder)?, &first, load.count).await;
    engine.stop().await;
    joined
}

/// The folder of a second node.
fn second(folder: &Path) -> Result<std::path::PathBuf, LoadError> {
    let folder = folder.join("second");
    fs::create_dir(&folder).map_err(|error| LoadError::Internal(error.to_string()))?;
    Ok(folder)
}
