//! Owns a node's parts, and what runs of it in the background until it stops.

use std::{sync::Arc, time::Duration};

use ait_abci::{Application, Mempool, Reader};
use ait_api::node::PeerChange;
use prometheus::Registry;
use tokio::{sync::broadcast, task::JoinSet, time::timeout};

use crate::{
    attester::{self, Attester},
    carrier::Carrier,
    comet::Comet,
    config::{self, Config, ConfigError},
    liveness::{self, Liveness},
    metrics::Metrics,
    offer, peers, scrub, snapshots,
    stop::Stop,
    submit::Submitter,
    together::Gatherer,
};

/// How long the stop waits for what runs.
const STOP_PATIENCE: Duration = Duration::from_secs(5);
/// Peers that come and go, of which a slow subscriber misses some.
const SUBSCRIPTION_PEERS: usize = 256;

/// Why a node can't be made.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// A setting can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The metrics are in the registry already.
    #[error("the node's metrics cannot be registered: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// A node beside its application: what REST is made of, and what runs without it.
pub struct Node {
    /// What was committed.
    pub reader: Reader,
    /// What waits for a block.
    pub mempool: Mempool,
    /// CometBFT, to which everything goes that shall change the state.
    pub comet: Comet,
    /// Sends transactions and follows them.
    pub submitter: Submitter,
    /// Whether blocks come.
    pub liveness: Arc<Liveness>,
    /// Whether the node stops.
    pub stop: Stop,
    /// The process's metrics; those of others may join.
    pub registry: Registry,
    peer_changes: broadcast::Sender<PeerChange>,
    background: JoinSet<()>,
}

impl Node {
    /// Makes the parts and begins what runs in the background: on the caller's runtime.
    ///
    /// # Errors
    /// [`NodeError`] names the setting that can't be used.
    pub fn start(application: &Application, config: &Config) -> Result<Self, NodeError> {
        let (reader, mempool) = (application.reader().clone(), application.mempool().clone());
        let registry = application.registry().clone();
        let metrics = Arc::new(Metrics::register(&registry)?);
        let comet_url = config::base_url("COMETBFT_RPC", &config.comet_rpc)?;
        let comet = Comet::new(comet_url, &config.trust, metrics.comet.clone())?;
        let stop = Stop::new();
        let liveness = Arc::new(Liveness::new(config.max_block_age));
        let (peer_changes, _) = broadcast::channel(SUBSCRIPTION_PEERS);
        let attester = Attester::new(config, mempool.clone(), metrics.clone())?;
        let peers = peers::Watcher {
            comet: comet.clone(),
            count: metrics.peers.clone(),
            changes: peer_changes.clone(),
        };
        let mut background = JoinSet::new();
        background.spawn(attester::run(attester, stop.clone()));
        let carrier = Carrier {
            reader: reader.clone(),
            mempool: mempool.clone(),
            comet: comet.clone(),
        };
        let (gatherer, gathering) = Gatherer::new(carrier.clone(), stop.clone());
        background.spawn(gathering);
        background.spawn(offer::run(mempool.clone(), comet.clone(), stop.clone()));
        background.spawn(peers::run(peers, stop.clone()));
        background.spawn(scrub::run(application.scrubber(), stop.clone()));
        if let Some(interval) = config.snapshot_interval {
            background.spawn(snapshots::run(
                application.snapshots().clone(),
                reader.clone(),
                interval.get(),
                stop.clone(),
            ));
        }
        background.spawn(liveness::run(
            liveness.clone(),
            reader.clone(),
            comet.clone(),
            stop.clone(),
        ));
        Ok(Self {
            submitter: Submitter::new(carrier, gatherer, stop.clone()),
            reader,
            mempool,
            comet,
            liveness,
            stop,
            registry,
            peer_changes,
            background,
        })
    }

    /// Every peer that comes or goes from now on.
    pub fn peer_changes(&self) -> broadcast::Receiver<PeerChange> {
        self.peer_changes.subscribe()
    }

    /// Ends what runs in the background, within a few seconds.
    pub async fn end(mut self) {
        self.stop.begin();
        let all_ended = async { while self.background.join_next().await.is_some() {} };
        if timeout(STOP_PATIENCE, all_ended).await.is_err() {
            tracing::warn!(component = "node", event = "stopped_with_open_requests");
        }
    }
}
