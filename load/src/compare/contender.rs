//! Owns who takes part in a comparison, and how each is measured.

use std::path::Path;

use clap::{Parser, ValueEnum};

use super::{
    args::CompareArgs,
    chains::{Devnet, Engine, Kind},
    idle,
    outcome::Sample,
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
}

/// The validators of those contenders that have several.
const SEVERAL: u16 = 4;
/// The rate of the paced contender, transactions a second.
const PACE: &str = "500";

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
    let flags = [
        "--workload",
        "kvstore",
        "--through",
        "comet",
        "--comet-rpc",
        &rpc,
    ];
    let load = load_args(args, &flags)?;
    let report = crate::run_beside(&load, &engine.processes()).await;
    engine.stop().await;
    Ok(Sample::loaded(&report?))
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
