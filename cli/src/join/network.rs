//! Owns asking all nodes that were named, and what they agree on; who can't be used is named with why.

use ait_app::identifiers::ChainId;
use ait_client::http::Trust;
use ait_home::{
    comet::{config::parse_peers, state_sync::TrustedBlock},
    genesis,
};
use futures_util::future::join_all;
use serde::Deserialize;

use super::{
    agree::{self, SeenBlock, Witness},
    error::{Answers, JoinError},
};
use crate::rpc::{Node, NodeInfo, Status, shown};

/// Nodes that must say the same where nobody names the block.
pub const WITNESSES: usize = 2;

/// A node that answers.
#[derive(Debug)]
pub struct Answering {
    /// What it says of its chain.
    pub witness: Witness,
    /// What it says of itself.
    pub info: NodeInfo,
    /// To ask it more.
    pub node: Node,
}

/// What the nodes agree on.
#[derive(Debug)]
pub struct Network {
    /// Their chain.
    pub chain_id: ChainId,
    /// The text of its genesis, checked.
    pub genesis: String,
    /// CometBFT's `evidence.max_age_num_blocks`.
    pub evidence_blocks: u64,
    /// The block to trust.
    pub height: u64,
    /// The same, as they have it.
    pub block: SeenBlock,
    /// Who said so.
    pub witnesses: Vec<Answering>,
    /// Who was asked in vain, and why.
    pub silent: Answers,
}

impl Network {
    /// The block, as it is trusted from here on.
    pub fn trusted(&self) -> TrustedBlock {
        TrustedBlock {
            height: self.height,
            hash: self.block.hash,
        }
    }
}

/// What the nodes at these URLs agree on: on the block that is trusted already, if there is one.
///
/// # Errors
/// [`JoinError`].
pub async fn ask_network(
    urls: &[String],
    trusted: Option<&TrustedBlock>,
    expected: Option<&ChainId>,
    tls: &Trust,
) -> Result<Network, JoinError> {
    let needed = if trusted.is_some() { 1 } else { WITNESSES };
    let mut silent = Answers::default();
    let mut found = ask_status(urls, tls, &mut silent).await;
    let check = |found: &[Answering], silent: &Answers| {
        let witnesses: Vec<Witness> = found.iter().map(|node| node.witness.clone()).collect();
        agree::check_count(&witnesses, silent, needed)?;
        Ok::<_, JoinError>(witnesses)
    };
    let chain_id = agree::one_chain(&check(&found, &silent)?, expected)?;
    let genesis = ask_genesis(needed, &mut found, &mut silent).await?;
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

async fn ask_status(urls: &[String], tls: &Trust, silent: &mut Answers) -> Vec<Answering> {
    let asked = urls.iter().map(async |url| {
        let node = Node::new(url, tls).map_err(|error| error.to_string())?;
        let status = node.status().await.map_err(|error| error.to_string())?;
        Ok::<_, String>(Answering {
            witness: witness(url, &status)?,
            info: status.node_info,
            node,
        })
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
}

/// The genesis of all of them, which is one document. One after the other: it can be large.
async fn ask_genesis(
    needed: usize,
    found: &mut Vec<Answering>,
    silent: &mut Answers,
) -> Result<Document, JoinError> {
    let mut first: Option<Document> = None;
    let mut kept = Vec::new();
    for entry in found.drain(..) {
        let url = entry.node.url.clone();
        let text = match entry.node.genesis().await {
            Ok(text) => text,
            Err(why) => {
                silent.0.push((url, why.to_string()));
                continue;
            }
        };
        match &first {
            None => first = Some(Document { url, text }),
            Some(first) => {
                if let Some(place) = difference(&first.text, &text) {
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
        needed,
        found: 0,
        silent: silent.clone(),
    })
}

/// Where two texts of JSON say something else first. Nodes of one version write the same text: a tree of values, which
/// takes many times its room, is made of others alone.
fn difference(one: &str, other: &str) -> Option<String> {
    if one == other {
        return None;
    }
    let trees = serde_json::from_str(one).and_then(|one| Ok((one, serde_json::from_str(other)?)));
    match trees {
        Ok((one, other)) => agree::difference(&one, &other),
        Err(error) => Some(format!("what is too deep to be compared ({error})")),
    }
}

/// The part of CometBFT's genesis that decides how long a block can be trusted.
#[derive(Deserialize)]
struct Parameters {
    consensus_params: ConsensusParams,
}

#[derive(Deserialize)]
struct ConsensusParams {
    evidence: Evidence,
}

#[derive(Deserialize)]
struct Evidence {
    max_age_num_blocks: String,
}

/// The blocks for which evidence counts, of a genesis that the chain can have begun with.
fn check_genesis(document: &Document, chain_id: &ChainId) -> Result<u64, JoinError> {
    let refused = |reason: String| JoinError::GenesisRefused {
        url: document.url.clone(),
        reason: shown(&reason),
    };
    let found = genesis::check(&document.text).map_err(|error| refused(format!("{error:#}")))?;
    if found != *chain_id {
        return Err(refused(format!(
            "it is of chain {found}, and the node says it is of {chain_id}"
        )));
    }
    let parameters: Parameters =
        serde_json::from_str(&document.text).map_err(|error| refused(error.to_string()))?;
    let age = parameters.consensus_params.evidence.max_age_num_blocks;
    age.parse()
        .map_err(|_| refused("evidence.max_age_num_blocks is no number".to_owned()))
}

async fn ask_block(
    height: u64,
    found: &mut Vec<Answering>,
    silent: &mut Answers,
) -> Vec<(String, SeenBlock)> {
    let answers = join_all(found.iter().map(|entry| seen_block(&entry.node, height))).await;
    let (mut kept, mut blocks) = (Vec::new(), Vec::new());
    for (entry, answer) in found.drain(..).zip(answers) {
        let url = entry.node.url.clone();
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
