//! Owns what a node says of itself: `health`, `p2p/peers`, and the live events.

use ait_app::identifiers::ChainId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::schema;

/// Whether a node can serve users at present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`, or why not.
    pub status: HealthStatus,
    /// Why no block comes, of a `stalled` one.
    #[serde(default)]
    #[schema(required = true)]
    pub reason: Option<StallReason>,
    /// The chain.
    #[schema(value_type = schema::ChainId)]
    pub chain_id: ChainId,
    /// The last block committed; 0 before the first.
    #[serde(default)]
    #[schema(value_type = schema::Height, required = true)]
    pub height: u64,
    /// How long ago the last block was made, in seconds, by its own time; null before the first.
    #[serde(default)]
    #[schema(value_type = Option<schema::Count>, required = true)]
    pub last_block_age_seconds: Option<u64>,
    /// The version of the protocol that the next header has; null before the first block.
    #[serde(default)]
    #[schema(value_type = Option<schema::Count>, required = true)]
    pub protocol_version: Option<u64>,
    /// The upgrade that is planned; null where none is.
    #[serde(default)]
    #[schema(required = true)]
    pub planned_upgrade: Option<PlannedUpgrade>,
    /// Whether this is a development network.
    #[serde(default)]
    #[schema(required = true)]
    pub devnet: bool,
    /// Whether `/admin/mintFaucet` is there for whoever asks this.
    #[serde(default)]
    #[schema(required = true)]
    pub faucet: bool,
}

/// An upgrade that is to come (PROTOCOL section 5.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedUpgrade {
    /// The first block under the new rules.
    #[schema(value_type = schema::Height)]
    pub height: u64,
    /// Which upgrade.
    pub name: String,
    /// Whether this node's program has it: one that has not halts before that block.
    pub known: bool,
}

/// How a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// Ready.
    Ok,
    /// No block yet, or it fetches the blocks that it missed.
    Starting,
    /// No block comes: the last one is older than it should be, or CometBFT does not answer.
    Stalled,
}

impl HealthStatus {
    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Starting => "starting",
            Self::Stalled => "stalled",
        }
    }
}

/// Why no block comes, as far as this node sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StallReason {
    /// CometBFT does not answer this node.
    CometUnreachable,
    /// Consensus stands where a timeout should have moved it on: CometBFT's log says why.
    ConsensusFailure,
    /// Most peers have later blocks and none gives the next one: they have pruned it.
    PeersPruned,
    /// No peer is connected, and alone this node decides nothing.
    NoPeers,
    /// Validators with two thirds of the power or less are heard of.
    NoQuorum,
    /// Enough validators vote, and no round decides.
    NoDecision,
    /// It does not show.
    Unknown,
}

impl StallReason {
    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CometUnreachable => "comet_unreachable",
            Self::ConsensusFailure => "consensus_failure",
            Self::PeersPruned => "peers_pruned",
            Self::NoPeers => "no_peers",
            Self::NoQuorum => "no_quorum",
            Self::NoDecision => "no_decision",
            Self::Unknown => "unknown",
        }
    }
}

/// CometBFT's peers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Peers {
    /// Those it is connected with.
    pub peers: Vec<Peer>,
}

/// A node that CometBFT is connected with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Peer {
    /// Its node id.
    pub id: String,
    /// The name it gives itself.
    pub moniker: String,
    /// Where it says that it listens.
    pub listen_addr: String,
    /// Where it is connected from.
    pub remote_ip: String,
    /// Whether this side dialed.
    pub outbound: bool,
}

/// A peer that came or went, as the WebSocket tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerChange {
    /// What happened.
    pub event: PeerEvent,
    /// Who.
    #[serde(flatten)]
    pub peer: Peer,
}

/// What happened to a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerEvent {
    /// It came.
    Connected,
    /// It went.
    Disconnected,
}

/// A message of the WebSocket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LiveEvent {
    /// What `data` is.
    #[serde(rename = "type")]
    pub kind: LiveKind,
    /// `block`: getBlock's object; `tx`: getTx's object; `peer`: a peer, with `event` `connected` or
    /// `disconnected`; `lagged`: `skipped`, how many messages a slow reader missed.
    #[schema(value_type = Object, additional_properties = true)]
    pub data: Value,
}

/// What a message of the WebSocket tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LiveKind {
    /// A block was committed.
    Block,
    /// A transaction was committed.
    Tx,
    /// A peer came or went.
    Peer,
    /// The reader was too slow.
    Lagged,
}
