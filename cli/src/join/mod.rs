//! Owns what leads a new node into a running network (`ait init --join`): the genesis, and the block that it trusts
//! without having seen those before it, as several nodes say it. CometBFT verifies all else from that block.
//!
//! [`ask`] speaks to one node, [`agree`] says what follows from what all said, [`confirm`] asks the person, and
//! [`peers`] finds where they are dialled. Writes no file.

mod agree;
mod ask;
mod confirm;
mod error;
mod peers;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use ait_app::identifiers::ChainId;
use ait_client::http::Trust;
use ait_home::{
    comet::{
        config::{Peer, parse_peers},
        state_sync::{StateSync, TrustedBlock, trust_period},
    },
    exit::Usage,
    genesis,
    settings::{TrustArgs, parse_http_url},
};
use anyhow::Result;
use clap::Args;
use futures_util::future::join_all;
use serde_json::Value;

use agree::{SeenBlock, Witness};
use ask::{AskError, Node, NodeInfo, Status, shown};
use error::{Answers, JoinError};

/// Nodes that can be named.
const MOST_URLS: usize = 10;
/// Nodes that must say the same where nobody names the block.
const WITNESSES: usize = 2;
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

/// What the nodes agree on.
#[derive(Debug)]
struct Network {
    chain_id: ChainId,
    genesis: String,
    /// CometBFT's `evidence.max_age_num_blocks`.
    evidence_blocks: u64,
    height: u64,
    block: SeenBlock,
    /// Who said so.
    witnesses: Vec<(Witness, NodeInfo, Node)>,
    /// Who was asked in vain, and why.
    silent: Answers,
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
            rpc_servers: witnesses.map(|(witness, _, _)| witness.url).collect(),
            trusted,
            trust_period,
        },
    }))
}

impl Network {
    fn trusted(&self) -> TrustedBlock {
        TrustedBlock {
            height: self.height,
            hash: self.block.hash,
        }
    }
}

/// What the nodes at these URLs agree on.
async fn ask_network(
    urls: &[String],
    trusted: Option<&TrustedBlock>,
    expected: Option<&ChainId>,
    tls: &Trust,
) -> Result<Network, JoinError> {
    let needed = if trusted.is_some() { 1 } else { WITNESSES };
    let mut silent = Answers::default();
    let mut found = ask_status(urls, tls, &mut silent).await;
    let check = |found: &[(Witness, NodeInfo, Node)], silent: &Answers| {
        let witnesses: Vec<Witness> = found.iter().map(|(witness, ..)| witness.clone()).collect();
        agree::check_count(&witnesses, silent, needed)?;
        Ok::<_, JoinError>(witnesses)
    };
    let chain_id = agree::one_chain(&check(&found, &silent)?, expected)?;
    let genesis = ask_genesis(&mut found, &mut silent).await?;
    let witnesses = check(&found, &silent)?;
    let evidence_blocks = check_genesis(&genesis, &chain_id)?;
    let height = match trusted {
        Some(block) => block.height,
        None => agree::common_height(&witnesses)?,
    };
    let blocks = ask_block(height, &mut found, &mut silent).await;
    check(&found, &silent)?;
    Ok(Network {
        block: agree::one_block(height, &blocks, trusted)?,
        chain_id,
        genesis: genesis.text,
        evidence_blocks,
        height,
        witnesses: found,
        silent,
    })
}

async fn ask_status(
    urls: &[String],
    tls: &Trust,
    silent: &mut Answers,
) -> Vec<(Witness, NodeInfo, Node)> {
    let asked = urls.iter().map(async |url| {
        let node = Node::new(url, tls).map_err(|error| error.to_string())?;
        let status = node.status().await.map_err(|error| error.to_string())?;
        Ok::<_, String>((witness(url, &status)?, status.node_info, node))
    });
    let mut found = Vec::new();
    for (url, answer) in urls.iter().zip(join_all(asked).await) {
        match answer {
            Ok(answer) => found.push(answer),
            Err(why) => silent.0.push((url.clone(), why)),
        }
    }
    found
}

fn witness(url: &str, status: &Status) -> Result<Witness, String> {
    let info = &status.node_info;
    // As CometBFT writes a peer's id.
    let is_id = parse_peers(&format!("{}@h:1", info.id)).is_ok_and(|peers| peers.len() == 1);
    if !is_id {
        return Err(format!(
            "it says its id is {:?}, which is none",
            shown(&info.id)
        ));
    }
    let chain_id = info.network.parse();
    let chain_id =
        chain_id.map_err(|_| format!("it says its chain is {:?}", shown(&info.network)))?;
    if status.sync_info.catching_up {
        return Err("it still fetches blocks itself: wait until it has them".to_owned());
    }
    Ok(Witness {
        url: url.to_owned(),
        id: info.id.clone(),
        chain_id,
        earliest: status.sync_info.earliest_block_height,
        latest: status.sync_info.latest_block_height,
    })
}

/// A genesis, and who gave it.
struct Document {
    url: String,
    text: String,
    json: Value,
}

/// The genesis of all of them, which is one document. One after the other: it can be large.
async fn ask_genesis(
    found: &mut Vec<(Witness, NodeInfo, Node)>,
    silent: &mut Answers,
) -> Result<Document, JoinError> {
    let mut first: Option<Document> = None;
    let mut kept = Vec::new();
    for entry in found.drain(..) {
        let url = entry.2.url.clone();
        let read = |text: String| match serde_json::from_str(&text) {
            Ok(json) => Ok((text, json)),
            Err(error) => Err(AskError::Malformed {
                method: "genesis",
                reason: error.to_string(),
            }),
        };
        let (text, json) = match entry.2.genesis().await.and_then(read) {
            Ok(document) => document,
            Err(why) => {
                silent.0.push((url, why.to_string()));
                continue;
            }
        };
        match &first {
            None => first = Some(Document { url, text, json }),
            Some(first) => {
                if let Some(place) = agree::difference(&first.json, &json) {
                    return Err(JoinError::GenesisDiffers {
                        first: first.url.clone(),
                        second: url,
                        place: shown(&place),
                    });
                }
            }
        }
        kept.push(entry);
    }
    *found = kept;
    first.ok_or_else(|| JoinError::TooFew {
        needed: WITNESSES,
        found: 0,
        silent: silent.clone(),
    })
}

/// The blocks for which evidence counts, of a genesis that the chain can have begun with.
fn check_genesis(document: &Document, chain_id: &ChainId) -> Result<u64, JoinError> {
    let refused = |reason: String| JoinError::GenesisRefused {
        url: document.url.clone(),
        reason,
    };
    let found =
        genesis::check(&document.text).map_err(|error| refused(shown(&format!("{error:#}"))))?;
    if found != *chain_id {
        return Err(refused(format!(
            "it is of chain {found}, and the node says it is of {chain_id}"
        )));
    }
    let age = document
        .json
        .pointer("/consensus_params/evidence/max_age_num_blocks");
    let age = age.and_then(Value::as_str).and_then(|age| age.parse().ok());
    age.ok_or_else(|| refused("evidence.max_age_num_blocks is no number".to_owned()))
}

async fn ask_block(
    height: u64,
    found: &mut Vec<(Witness, NodeInfo, Node)>,
    silent: &mut Answers,
) -> Vec<(String, SeenBlock)> {
    let answers = join_all(found.iter().map(|(_, _, node)| seen_block(node, height))).await;
    let (mut kept, mut blocks) = (Vec::new(), Vec::new());
    for (entry, answer) in found.drain(..).zip(answers) {
        let url = entry.2.url.clone();
        match answer {
            Ok(block) => {
                blocks.push((url, block));
                kept.push(entry);
            }
            Err(why) => silent.0.push((url, why)),
        }
    }
    *found = kept;
    blocks
}

async fn seen_block(node: &Node, height: u64) -> Result<SeenBlock, String> {
    let answer = node.commit(height).await;
    let answer = answer.map_err(|error| error.to_string())?;
    let absent = || format!("it does not have block {height}, or no longer");
    let signed = answer.ok_or_else(absent)?.signed_header;
    let commit = signed.commit.ok_or_else(absent)?;
    if signed.header.height != height {
        return Err(format!(
            "asked for block {height}, it gave block {}",
            signed.header.height
        ));
    }
    let time = &signed.header.time;
    Ok(SeenBlock {
        hash: commit.block_id.hash.parse()?,
        time: humantime::parse_rfc3339(time)
            .map_err(|_| format!("the time of its block {height} is {:?}", shown(time)))?,
    })
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
    for (_, info, node) in &network.witnesses {
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
