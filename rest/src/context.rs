//! Owns what all handlers and background tasks share.

use std::{net::IpAddr, sync::Arc, time::Duration};

use ait_abci::{Node, Snapshot};
use ait_app::crypto::sha256;
use tokio::sync::{Semaphore, watch};

use crate::{
    comet::Comet,
    config::{self, Config},
    error::{ApiError, RestCode},
    limit::Limiter,
    live::feed::Feed,
    liveness::verdict::Liveness,
    metrics::Metrics,
    mock::MockCoordinator,
    prices::Prices,
    serve_error::ServeError,
    shares::Shares,
    shelf::Shelf,
    signer::Signer,
};

/// Batches of transactions at once: each may have 16 MiB in memory.
const MAX_BATCHES: usize = 16;

/// What all handlers share.
pub struct Context {
    /// The node, whose committed state is read.
    pub node: Node,
    /// CometBFT, to which everything goes that shall change the state.
    pub comet: Comet,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Whether the chain goes on.
    pub liveness: Liveness,
    /// What WebSockets are told.
    pub feed: Feed,
    /// One permit an open WebSocket.
    pub websockets: Arc<Semaphore>,
    /// Each client's part of them.
    pub websocket_shares: Arc<Shares>,
    /// Requests under way that proxies sent, by client.
    pub forwarded: Arc<Shares>,
    /// Answers that are made once for all.
    pub blocks: Shelf,
    /// One permit a batch of transactions that is being read or sent.
    pub batches: Semaphore,
    /// What a place in the pool costs.
    pub prices: Prices,
    /// How often a client may send.
    pub limiter: Limiter,
    /// How often a client may ask for what takes work.
    pub reads: Limiter,
    /// Peers whose forwarded header counts.
    pub trusted_proxies: Vec<IpAddr>,
    /// Whether this is a development network.
    pub devnet: bool,
    /// sha256 of the admin token.
    pub admin_token: Option<[u8; 32]>,
    /// Sends `PARAM_UPDATE`.
    pub admin: Option<Signer>,
    /// Pays the faucet's transfers.
    pub faucet: Option<Signer>,
    /// The mock coordinator behind `/rpc/attest`.
    pub mock_coordinator: Option<MockCoordinator>,
    /// How long `?wait=commit` waits.
    pub commit_wait: Duration,
    /// From which age of the last block on the node counts as not ready.
    pub max_block_age: Duration,
    /// Turns true when the node stops.
    pub stopping: watch::Receiver<bool>,
}

impl Context {
    /// Checks a configuration and makes everything of it but the socket.
    ///
    /// # Errors
    /// [`ServeError`] names the setting that cannot be used.
    pub fn new(
        node: Node,
        config: &Config,
        stopping: watch::Receiver<bool>,
    ) -> Result<Self, ServeError> {
        let metrics = Arc::new(Metrics::register(node.registry())?);
        let comet_url = config::base_url("COMETBFT_RPC", &config.comet_rpc)?;
        let comet = Comet::new(comet_url, &config.trust, metrics.comet.clone())?;
        let mock_coordinator = config
            .mock_coordinator_url
            .as_deref()
            .map(|url| MockCoordinator::new(url, &config.trust))
            .transpose()?;
        let token = config.admin_token.as_deref();
        let permits = usize::try_from(config.max_websockets).unwrap_or(usize::MAX);
        Ok(Self {
            comet,
            liveness: Liveness::default(),
            feed: Feed::new(),
            websockets: Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS))),
            prices: Prices::default(),
            batches: Semaphore::new(MAX_BATCHES),
            limiter: Limiter::new(config.rate_per_second, config.rate_burst),
            reads: Limiter::new(config.reads_per_second, config.reads_burst),
            websocket_shares: Shares::new(config.max_websockets_per_address),
            forwarded: Shares::new(config.max_connections_per_address),
            blocks: Shelf::new(),
            trusted_proxies: config
                .trusted_proxies
                .iter()
                .map(IpAddr::to_canonical)
                .collect(),
            devnet: config.devnet,
            admin_token: token
                .filter(|token| !token.is_empty())
                .map(|token| sha256(token.as_bytes())),
            admin: config.admin_key.clone().map(Signer::new),
            faucet: config.faucet_key.clone().map(Signer::new),
            mock_coordinator,
            commit_wait: config.commit_wait,
            max_block_age: config.max_block_age,
            stopping,
            metrics,
            node,
        })
    }

    /// The committed head, which a request reads from first to last.
    ///
    /// # Errors
    /// 503 before the first block.
    pub fn snapshot(&self) -> Result<Arc<Snapshot>, ApiError> {
        self.node.snapshot().ok_or_else(|| {
            ApiError::new(RestCode::Starting, "no block is committed yet").retry_after(1)
        })
    }

    /// Whether no limit holds for a client: on a devnet, who surely runs on this machine.
    pub fn is_exempt(&self, client: &crate::client::Client) -> bool {
        self.devnet && client.is_local
    }

    /// Resolves when the node stops.
    pub async fn stopped(&self) {
        wait_for_stop(self.stopping.clone()).await;
    }
}

/// Resolves when `stopping` turns true, or nobody is left to turn it.
pub async fn wait_for_stop(mut stopping: watch::Receiver<bool>) {
    while !*stopping.borrow_and_update() {
        if stopping.changed().await.is_err() {
            return;
        }
    }
}
