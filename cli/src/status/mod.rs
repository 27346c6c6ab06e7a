//! Owns `ait status`: one look at a node, of what it says, what its CometBFT says and what lies on its disk; and
//! what is wrong with it, with what to do. Asks only, and changes nothing.

pub mod disk;
mod problems;

use ait_api::{
    node::{Health, HealthStatus, PlannedUpgrade, StallReason},
    validators::{Validator, Validators},
};
use ait_app::crypto::PublicKey;
use ait_client::Client;
use ait_home::{
    comet::{Home, keys::consensus_key_of},
    files, output,
    settings::NodeArgs,
};
use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use crate::{
    place::{NodePlace, NodePlaceArgs},
    rpc::{AskError, Node, shown},
};
use disk::Disk;

/// The longest key file.
const MOST_KEY_BYTES: u64 = 64 * 1024;

/// `ait status`
#[derive(Debug, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    place: NodePlaceArgs,
    #[command(flatten)]
    node: NodeArgs,
}

/// All that is seen of a node. What could not be asked is null, and says why among the problems.
#[derive(Debug, Default, Serialize)]
struct Status {
    chain_id: String,
    version: &'static str,
    node: Option<NodeView>,
    comet: Option<CometView>,
    validator: Option<ValidatorView>,
    epoch: Option<EpochView>,
    disk: Option<Disk>,
    /// What is wrong, and what to do about it.
    problems: Vec<String>,
}

/// What the application says of itself.
#[derive(Debug, Serialize)]
struct NodeView {
    status: HealthStatus,
    reason: Option<StallReason>,
    height: u64,
    last_block_age_seconds: Option<u64>,
    protocol_version: Option<u64>,
    planned_upgrade: Option<PlannedUpgrade>,
}

/// What CometBFT says of itself and of its peers.
#[derive(Debug, Serialize)]
struct CometView {
    id: String,
    moniker: String,
    version: String,
    earliest_block: u64,
    latest_block: u64,
    catching_up: bool,
    peers: usize,
    /// The last block of the peer that is the furthest; null without peers.
    highest_peer: Option<u64>,
    /// How many blocks this node is behind it.
    lag: u64,
}

/// The validator whose key the home has.
#[derive(Debug, Serialize)]
struct ValidatorView {
    consensus_pubkey: PublicKey,
    /// Null where no account names the key.
    #[serde(flatten)]
    record: Option<Record>,
}

#[derive(Debug, Serialize)]
struct Record {
    address: String,
    power: u64,
    missed_blocks: u64,
    jailed_until: u64,
    proven: bool,
}

/// When validators are elected next.
#[derive(Debug, Serialize)]
struct EpochView {
    blocks: u64,
    next_end: u64,
}

/// Runs `ait status`.
///
/// # Errors
/// When anything is wrong with the node, with how many things there are.
pub async fn run(args: StatusArgs) -> Result<()> {
    let place = args.place.place()?;
    let client = args.node.client()?;
    let (node, comet) = tokio::join!(client.health::<Health>(), comet(&place, &args));
    let mut problems = Vec::new();
    if let Err(error) = &node {
        problems.push(problems::no_rest(error));
    }
    if let Err(error) = &comet {
        problems.push(problems::no_comet(&place, error));
    }
    let (node, comet) = (node.ok(), comet.ok());
    let key = place
        .home
        .as_ref()
        .and_then(|home| key_in(&Home::new(home)));
    let (validator, epoch) = match &node {
        Some(health) => {
            let (validators, epoch) = tokio::join!(
                client.get("/rpc/getValidators"),
                epoch(&client, health.height)
            );
            let record = |key| record_of(key, validators.as_ref().ok());
            (key.map(record), epoch)
        }
        None => (None, None),
    };
    let mut status = Status {
        chain_id: place.store.chain_id.to_string(),
        version: env!("CARGO_PKG_VERSION"),
        node: node.as_ref().map(NodeView::of),
        comet,
        validator,
        epoch,
        disk: Disk::of(&place),
        problems,
    };
    if let Some(health) = node.filter(|health| health.chain_id != place.store.chain_id) {
        status.problems.push(problems::other_chain(&health, &place));
    }
    problems::find(&mut status);
    output::json(&status)?;
    match status.problems.as_slice() {
        [] => Ok(()),
        problems => bail!("{}", problems.join("\nait: ")),
    }
}

impl NodeView {
    fn of(health: &Health) -> Self {
        Self {
            status: health.status,
            reason: health.reason,
            height: health.height,
            last_block_age_seconds: health.last_block_age_seconds,
            protocol_version: health.protocol_version,
            planned_upgrade: health.planned_upgrade.clone(),
        }
    }
}

/// What CometBFT of this node says.
async fn comet(place: &NodePlace, args: &StatusArgs) -> Result<CometView, AskError> {
    let node = Node::new(&place.comet_rpc, &args.node.trust.trust())?;
    let (status, consensus) = tokio::join!(node.status(), node.consensus());
    let (status, consensus) = (status?, consensus?);
    // A peer names the height that it decides.
    let heights = consensus
        .peers
        .iter()
        .map(|peer| peer.height().saturating_sub(1));
    let highest_peer = heights.max();
    let latest = status.sync_info.latest_block_height;
    Ok(CometView {
        id: shown(&status.node_info.id),
        moniker: shown(&status.node_info.moniker),
        version: shown(&status.node_info.version),
        earliest_block: status.sync_info.earliest_block_height,
        latest_block: latest,
        catching_up: status.sync_info.catching_up,
        peers: consensus.peers.len(),
        highest_peer,
        lag: highest_peer.unwrap_or_default().saturating_sub(latest),
    })
}

/// The consensus key in a home.
fn key_in(home: &Home) -> Option<PublicKey> {
    let path = home.config().join("priv_validator_key.json");
    consensus_key_of(&files::read_text(&path, MOST_KEY_BYTES).ok()?)
}

fn record_of(key: PublicKey, validators: Option<&Validators>) -> ValidatorView {
    let all = validators.iter().flat_map(|all| &all.validators);
    let record = all.into_iter().find(|found| found.pubkey == key);
    ValidatorView {
        consensus_pubkey: key,
        record: record.map(|validator: &Validator| Record {
            address: validator.address.to_string(),
            power: validator.power.get(),
            missed_blocks: validator.missed_blocks.get(),
            jailed_until: validator.jailed_until.get(),
            proven: validator.proven,
        }),
    }
}

async fn epoch(client: &Client, height: u64) -> Option<EpochView> {
    let params: Value = client.get("/rpc/getParams").await.ok()?;
    let blocks = params
        .get("epoch_blocks")?
        .as_u64()
        .filter(|blocks| *blocks > 0)?;
    // An epoch ends at a height divisible by its length.
    let next_end = (height / blocks).saturating_add(1).saturating_mul(blocks);
    Some(EpochView { blocks, next_end })
}
