//! Owns `ait devnet`: a network on this machine, with its keys, genesis, nodes, mocks and jobs shown
//! from the faucet to the minted coins. It stops what it started and nothing else.
//!
//! Reading order: `up` (what happens when), `home` (the folder), `fleet` (the processes),
//! `flow` (what is shown), `manifest` (what others read).

mod client;
mod console;
mod detach;
mod down;
mod first_blocks;
mod fleet;
mod flow;
mod home;
pub mod manifest;
mod nodes;
mod plan;
mod ports;
mod process;
mod status;
mod stop;
mod up;

use std::{path::PathBuf, time::Duration};

use ait_app::identifiers::ChainId;
use ait_home::{
    genesis::ParamArgs,
    settings::{
        CoordinatorUrls, Secret, parse_chain_id, parse_coordinator_urls, parse_interval,
        parse_token,
    },
};
use clap::{Args, Subcommand};

/// The home where none is named, in the working folder.
const DEFAULT_HOME: &str = ".devnet";
/// The first port where none is named: in no common use, and below the ports that systems give to
/// outgoing connections.
const DEFAULT_BASE_PORT: u16 = 28_600;
/// The most nodes; a machine for tests hardly carries more.
const MAX_NODES: i64 = 16;

/// `ait devnet`
#[derive(Debug, Args)]
pub struct DevnetArgs {
    #[command(subcommand)]
    command: DevnetCommand,
}

#[derive(Debug, Subcommand)]
enum DevnetCommand {
    /// Start a devnet, show jobs being paid on it, and keep it up until Ctrl-C
    Up(UpArgs),
    /// Stop the devnet of a home, and nothing else
    Down(HomeArgs),
    /// Say what runs of the devnet of a home, and where it listens
    Status(HomeArgs),
}

#[derive(Debug, Clone, Args)]
struct HomeArgs {
    /// The devnet's folder: keys, data, logs and devnet.json
    #[arg(long, value_name = "DIR", env = "AIT_DEVNET_HOME", hide_env_values = true, default_value = DEFAULT_HOME)]
    home: PathBuf,
}

#[derive(Debug, Clone, Args)]
struct UpArgs {
    #[command(flatten)]
    home: HomeArgs,
    /// Validators, 1 to 16 [default: 1, or as many as the home has]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MAX_NODES))]
    nodes: Option<u16>,
    /// Node i has REST at P+10*i, CometBFT's RPC at +1 and P2P at +2; the coordinator is at P+5;
    /// 0 finds free ones [default: 28600, or those the home had]
    #[arg(long, value_name = "P")]
    base_port: Option<u16>,
    /// Return once all is shown, and let the devnet run on in the background
    #[arg(long)]
    detach: bool,
    /// Begin anew: new keys, and a random suffix on the chain id unless CHAIN_ID is set
    #[arg(long)]
    fresh: bool,
    /// Start no mock miner
    #[arg(long)]
    no_miner: bool,
    /// Start no mock coordinator
    #[arg(long)]
    no_coordinator: bool,
    /// Have the mock coordinator know the jobs 1 to 1000000 and job_1 to job_1000000 alone; without it every
    /// name is a job
    #[arg(long)]
    known_jobs: bool,
    /// How long the nodes may take to make their first blocks
    #[arg(long, value_name = "DURATION", default_value = "120s", value_parser = humantime::parse_duration)]
    timeout: Duration,
    #[command(flatten)]
    chain: ChainArgs,
    /// The background half of --detach
    #[arg(long, hide = true, conflicts_with = "detach")]
    detached: bool,
}

/// What the devnet's chain and nodes are set to.
#[derive(Debug, Clone, Args)]
struct ChainArgs {
    /// The chain's name [default: ait-devnet, of a fresh one with a random suffix]
    #[arg(long, env = "CHAIN_ID", value_parser = parse_chain_id)]
    chain_id: Option<ChainId>,
    /// The pause after each block, of a new devnet [default: 1s]
    #[arg(long, env = "BLOCK_INTERVAL", value_parser = parse_interval)]
    block_interval: Option<Duration>,
    #[command(flatten)]
    params: ParamArgs,
    /// Where other coordinators are asked, ADDRESS=URL,…
    #[arg(long, env = "COORDINATOR_URLS", value_parser = parse_coordinator_urls)]
    coordinator_urls: Option<CoordinatorUrls>,
    /// The token that admin routes ask for; better set it in the environment: other users of the machine can see
    /// flags
    #[arg(long, env = "ADMIN_TOKEN", hide_env_values = true, value_parser = Secret(parse_token))]
    admin_token: Option<String>,
}

/// Runs `ait devnet …`.
///
/// # Errors
/// What went wrong, for people.
pub async fn run(args: DevnetArgs) -> anyhow::Result<()> {
    match args.command {
        DevnetCommand::Up(args) if args.detach => detach::run(&args).await,
        DevnetCommand::Up(args) => up::run(&args).await,
        DevnetCommand::Down(args) => down::run(&args.home).await,
        DevnetCommand::Status(args) => status::run(&args.home).await,
    }
}
