//! Owns what leads a new node into a running network (`ait init --join`): the genesis, and the block that it trusts
//! without having seen those before it, as several nodes say it. CometBFT verifies all else from that block.
//!
//! [`network`] asks all nodes, [`agree`] says what follows from what they said, [`confirm`] asks the person, and [`peers`] finds where they are dialled. Writes no file.

mod agree;
mod confirm;
mod error;
mod network;
mod peers;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use ait_app::identifiers::ChainId;
use ait_home::{
    comet::{
        config::Peer,
        state_sync::{StateSync, TrustedBlock, trust_period},
    },
    exit::Usage,
    settings::{TrustArgs, parse_http_url},
};
use anyhow::Result;
use clap::Args;

use error::{Answers, JoinError};
use network::{Answering, Network, WITNESSES, ask_network};

/// Nodes that can be named.
const MOST_URLS: usize = 10;
/// How far a block may be ahead of this machine's clock: CometBFT allows as much.
const CLOCK_DRIFT: Duration = Duration::from_secs(10);
const SHORTEST_TRUST_PERIOD: Duration = Duration::from_secs(60);
const LONGEST_TRUST_PERIOD: Duration = Duration::from_secs(365 * 24 * 3600);

type Urls = Vec<String>;

/// The flags of `ait init` with which a node joins a running network.
#[derive(Debug, Clone, Args)]
pub struct JoinArgs {
    /// Joins a running network by state sync: CometBFT's RPC of its nodes, http(s)://HOST:PORT,…; two or more, up to
    /// 10, that must agree on the genesis and on a block, which is shown before anything is made
    #[arg(long, value_name = "URL,…", value_parser = parse_urls, conflicts_with = "genesis")]
    join: Option<Urls>,
    /// The block to trust, as you know it from elsewhere: nothing is asked then, and one node is enough for --join
    #[arg(long, value_name = "HEIGHT:HASH", requires = "join")]
    trust: Option<TrustedBlock>,
    /// How old a block may be from which CometBFT verifies others; longer than validators can be punished is less
    /// safe, shorter than from one snapshot to the next never finds one [default: two thirds of the blocks for which
    /// evidence counts, at least 3600 blocks, at most 14 days]
    #[arg(long, value_name = "DURATION", requires = "join", value_parser = parse_trust_period)]
    trust_period: Option<Duration>,
    #[command(flatten)]
    tls: TrustArgs,
}

/// What else `ait init` was told.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The chain that it must be.
    pub chain_id: Option<&'a ChainId>,
    /// Peers by their addresses.
    pub peers: &'a [Peer],
    /// The pause after each block.
    pub block_interval: Duration,
    /// Whether all is on one machine.
    pub devnet: bool,
}

/// What a node needs to join.
#[derive(Debug)]
pub struct Joined {
    /// The text of the chain's genesis, checked.
    pub genesis: String,
    /// The peers that were told, and the nodes that were asked.
    pub peers: Vec<Peer>,
    /// What CometBFT begins with.
    pub state_sync: StateSync,
}

/// Asks the nodes, and the person where no block is named; `None` where no network is to be joined.
///
/// # Errors
/// [`JoinError`], and [`Usage`] where too few nodes are named.
pub async fn run(args: &JoinArgs, told: Told<'_>) -> Result<Option<Joined>> {
    let Some(urls) = &args.join else {
        return Ok(None);
    };
    if args.trust.is_none() && urls.len() < WITNESSES {
        return Err(Usage(format!(
            "--join names {} node: name {WITNESSES} or more that must agree, or the block to trust by --trust \
             HEIGHT:HASH",
            urls.len()
        ))
        .into());
    }
    let network = ask_network(urls, args.trust.as_ref(), told.chain_id, &args.tls.trust()).await?;
    let derived = || trust_period(network.evidence_blocks, told.block_interval);
    let trust_period = args.trust_period.unwrap_or_else(derived);
    check_age(
        network.height,
        network.block.time,
        trust_period,
        SystemTime::now(),
    )?;
    let (peers, undialled) = peers_of(&network, &told);
    if peers.is_empty() {
        return Err(JoinError::NoPeers(undialled).into());
    }
    let trusted = network.trusted();
    confirm::show(&network, trust_period, &undialled);
    if args.trust.is_none() {
        confirm::ask(&trusted)?;
    }
    let witnesses = network.witnesses.into_iter();
    Ok(Some(Joined {
        genesis: network.genesis,
        peers,
        state_sync: StateSync {
            rpc_servers: witnesses.map(|node| node.witness.url).collect(),
            trusted,
            trust_period,
        },
    }))
}

/// That CometBFT will still verify from the block.
fn check_age(
    height: u64,
    made: SystemTime,
    period: Duration,
    now: SystemTime,
) -> Result<(), JoinError> {
    let time = humantime::format_rfc3339_seconds(made).to_string();
    if made > now + CLOCK_DRIFT {
        return Err(JoinError::InFuture { height, time });
    }
    let age = now.duration_since(made).unwrap_or_default();
    let whole = |time: Duration| {
        let seconds = Duration::from_secs(time.as_secs());
        humantime::format_duration(seconds).to_string()
    };
    if age >= period {
        return Err(JoinError::TooOld {
            height,
            time,
            age: whole(age),
            period: whole(period),
        });
    }
    Ok(())
}

/// The peers that were told and the nodes that were asked, each once; and which of these can't be dialled.
fn peers_of(network: &Network, told: &Told<'_>) -> (Vec<Peer>, Answers) {
    let mut peers = told.peers.to_vec();
    let mut undialled = Answers::default();
    for Answering { info, node, .. } in &network.witnesses {
        if peers.iter().any(|peer| peer.id() == info.id) {
            continue;
        }
        match peers::peer_of(info, node.host(), told.devnet) {
            Ok(peer) => peers.push(peer),
            Err(why) => undialled.0.push((node.url.clone(), why)),
        }
    }
    (peers, undialled)
}

/// Reads `--join`.
fn parse_urls(text: &str) -> Result<Urls, String> {
    let mut urls = Vec::new();
    let given = text.split(',').map(str::trim);
    for url in given.filter(|url| !url.is_empty()) {
        let url = parse_http_url(url)?;
        if urls.contains(&url) {
            return Err(format!("{url} stands there twice"));
        }
        urls.push(url);
    }
    match urls.len() {
        1..=MOST_URLS => Ok(urls),
        count => Err(format!("must be 1 to {MOST_URLS} URLs, and has {count}")),
    }
}

/// Reads `--trust-period`.
fn parse_trust_period(text: &str) -> Result<Duration, String> {
    let allowed = SHORTEST_TRUST_PERIOD..=LONGEST_TRUST_PERIOD;
    let period = humantime::parse_duration(text).ok();
    period
        .filter(|period| allowed.contains(period))
        .ok_or_else(|| "must be a duration 1m..=365d, such as 1h".to_owned())
}
