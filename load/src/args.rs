//! Owns what may be asked for: the flags of `ait bench load`, their defaults and bounds.

use std::{path::PathBuf, time::Duration};

use ait_app::crypto::SecretKey;
use ait_home::{
    keys,
    settings::{Secret, parse_http_url},
};
use clap::{Args, ValueEnum, value_parser};

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Workload {
    /// `TRANSFER`s in a ring, so that everybody gets as much as it sends
    Transfers,
    /// Whole jobs: `ESCROW_OPEN`, and its `RECEIPT_CLAIM` once the escrow is in a block
    Jobs,
    /// Nine connections with transfers to one with jobs
    Mix,
    /// `key=value` for CometBFT's own kvstore, as long as a signed transfer, with nothing to check
    Kvstore,
}

impl Workload {
    /// Its name, as the flag has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transfers => "transfers",
            Self::Jobs => "jobs",
            Self::Mix => "mix",
            Self::Kvstore => "kvstore",
        }
    }
}

/// The way into the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Through {
    /// REST's `sendTx`, one transaction a request
    Rest,
    /// REST's `sendTxs`, as many lines a request as --lines says
    Lines,
    /// CometBFT's `broadcast_tx_sync`
    Comet,
}

impl Through {
    /// Its name, as the flag has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Lines => "lines",
            Self::Comet => "comet",
        }
    }
}

/// `ait bench load`
#[derive(Debug, Clone, Args)]
pub struct LoadArgs {
    /// The folder of the devnet that is loaded: its nodes, its faucet's and its coordinator's keys
    #[arg(
        long,
        value_name = "DIR",
        env = "AIT_DEVNET_HOME",
        hide_env_values = true,
        default_value = ".devnet"
    )]
    pub home: PathBuf,
    /// A node's REST address instead of the devnet's; may be repeated
    #[arg(long, value_name = "URL", value_parser = parse_http_url)]
    pub node: Vec<String>,
    /// A CometBFT's RPC instead of the devnet's; may be repeated
    #[arg(long, value_name = "URL", value_parser = parse_http_url)]
    pub comet_rpc: Vec<String>,
    /// Who pays the senders instead of the devnet's faucet: a key file, a PEM, a seed in hex, or - for standard input
    #[arg(long, value_name = "KEY", value_parser = Secret(keys::secret))]
    pub payer: Option<SecretKey>,
    /// Who attests jobs instead of the devnet's coordinator: likewise
    #[arg(long, value_name = "KEY", value_parser = Secret(keys::secret))]
    pub coordinator: Option<SecretKey>,
    /// What is sent
    #[arg(long, value_enum, default_value = "transfers")]
    pub workload: Workload,
    /// The way into the chain
    #[arg(long, value_enum, default_value = "rest")]
    pub through: Through,
    /// Transactions of a request with --through lines, 1 to 1000
    #[arg(long, value_name = "N", default_value = "500", value_parser = value_parser!(u32).range(1..=1000))]
    pub lines: u32,
    /// Connections, 1 to 10000, dealt to the nodes in turn [default: 200, with --through lines 40]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=10_000))]
    pub connections: Option<u32>,
    /// Accounts that send, 1 to 100000, made a multiple of the connections [default: 1000, at least the connections]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=100_000))]
    pub accounts: Option<u32>,
    /// Transactions in all, jobs with --workload jobs; 1 to 5000000. They are signed before the first is sent
    #[arg(long, value_name = "N", default_value = "20000", value_parser = value_parser!(u64).range(1..=5_000_000))]
    pub count: u64,
    /// How long is sent at most; what is left then is not sent
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = humantime::parse_duration)]
    pub duration: Duration,
    /// Send at this rate a second, whether answers come or not, and count times from when each was due;
    /// without it each connection sends as soon as it has its answer
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub rate: Option<u32>,
    /// Without --rate: transactions sent and in no block yet, at most; 1 to 1000000. A node's pool holds 20000
    #[arg(long, value_name = "N", default_value = "20000", value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub in_flight: u32,
    /// Bytes of a transaction with --workload kvstore, 80 to 16000
    #[arg(long, value_name = "N", default_value = "386", value_parser = value_parser!(u32).range(80..=16_000))]
    pub bytes: u32,
    /// How long the last ones may take into a block
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = humantime::parse_duration)]
    pub drain: Duration,
    /// Print the result as JSON alone, and nothing on the way
    #[arg(long)]
    pub json: bool,
}

impl LoadArgs {
    /// How many connections.
    pub fn connections(&self) -> usize {
        let default = match self.through {
            Through::Lines => 40,
            Through::Rest | Through::Comet => 200,
        };
        to_usize(self.connections.unwrap_or(default))
    }

    /// How many accounts send: as many for each connection.
    pub fn accounts(&self) -> usize {
        let connections = self.connections();
        let wanted = to_usize(self.accounts.unwrap_or(1_000));
        wanted.max(connections).next_multiple_of(connections)
    }

    /// Transactions of a request, at most.
    pub fn batch(&self) -> usize {
        match self.through {
            Through::Lines => to_usize(self.lines),
            Through::Rest | Through::Comet => 1,
        }
    }

    /// What a connection may have sent that is in no block yet.
    pub fn window(&self) -> usize {
        to_usize(self.in_flight).div_ceil(self.connections())
    }
}

fn to_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
