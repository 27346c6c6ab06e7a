//! Owns what routes are made of. A handler takes the parts that it uses, and no others.

use std::{ops::Deref, sync::Arc, time::Duration};

use ait_abci::{Mempool, Reader};
use ait_node::{Node, Submitter, comet::Comet, liveness::Liveness};
use axum::extract::FromRef;
use prometheus::Registry;
use tokio::sync::Semaphore;

use crate::{
    administration::Administration, callers::Callers, config::Config, live::Events,
    metrics::Metrics, mock::MockCoordinator, prices::Prices, serve_error::ServeError, shelf::Shelf,
    signed_blocks::SignedBlocks, wallet::Wallets,
};

/// Batches of transactions at once: each may have 16 MiB in memory.
const MAX_BATCHES: usize = 16;

/// All of them. Cloning is cheap: each request does it for each layer that it passes.
#[derive(Clone)]
pub struct Parts(Arc<AllParts>);

/// What there is.
pub struct AllParts {
    /// What was committed.
    pub reader: Reader,
    /// What waits for a block.
    pub mempool: Mempool,
    /// CometBFT.
    pub comet: Comet,
    /// Sends transactions and follows them.
    pub submitter: Submitter,
    /// Whether blocks come.
    pub liveness: Arc<Liveness>,
    /// Every metric of the process.
    pub registry: Registry,
    /// What REST counts.
    pub metrics: Arc<Metrics>,
    /// What WebSockets are told, and how many there may be.
    pub events: Events,
    /// Who asks, and what each may have.
    pub callers: Arc<Callers>,
    /// Blocks, made once for all.
    pub shelf: Arc<Shelf>,
    /// Headers with who signed them.
    pub signed_blocks: Arc<SignedBlocks>,
    /// One permit a batch of transactions that is being read or sent.
    pub batches: Batches,
    /// What a place in the mempool costs.
    pub prices: Arc<Prices>,
    /// Who may use the administrator's routes.
    pub administration: Arc<Administration>,
    /// The keys that this node signs with.
    pub wallets: Arc<Wallets>,
    /// The mock coordinator behind `/rpc/attest`.
    pub mock: Arc<MockCoordinator>,
    /// How long `?wait=commit` waits.
    pub commit_wait: CommitWait,
    /// Whether this is a development network.
    pub is_devnet: IsDevnet,
}

/// One permit a batch of transactions that is being read or sent.
#[derive(Clone)]
pub struct Batches(pub Arc<Semaphore>);

/// Whether this is a development network.
#[derive(Debug, Clone, Copy)]
pub struct IsDevnet(pub bool);

/// How long `?wait=commit` waits.
#[derive(Debug, Clone, Copy)]
pub struct CommitWait(pub Duration);

impl Parts {
    /// Makes them for a node, as it is configured.
    ///
    /// # Errors
    /// [`ServeError`] names the setting that can't be used.
    pub fn new(node: &Node, config: &Config) -> Result<Self, ServeError> {
        let metrics = Arc::new(Metrics::register(&node.registry)?);
        Ok(Self(Arc::new(AllParts {
            reader: node.reader.clone(),
            mempool: node.mempool.clone(),
            comet: node.comet.clone(),
            submitter: node.submitter.clone(),
            liveness: node.liveness.clone(),
            registry: node.registry.clone(),
            events: Events::new(config, &node.stop, metrics.websockets.clone()),
            callers: Arc::new(Callers::new(config, metrics.rate_limited.clone())),
            metrics,
            shelf: Arc::new(Shelf::new()),
            signed_blocks: Arc::new(SignedBlocks::new()),
            batches: Batches(Arc::new(Semaphore::new(MAX_BATCHES))),
            prices: Arc::default(),
            administration: Arc::new(Administration::new(config)),
            wallets: Arc::new(Wallets::new(node, config)),
            mock: Arc::new(MockCoordinator::new(config)?),
            commit_wait: CommitWait(config.commit_wait),
            is_devnet: IsDevnet(config.devnet),
        })))
    }
}

impl Deref for Parts {
    type Target = AllParts;

    fn deref(&self) -> &AllParts {
        &self.0
    }
}

/// A handler asks for a part by its type.
macro_rules! parts {
    ($($part:ident: $type:ty,)+) => {
        $(
            impl FromRef<Parts> for $type {
                fn from_ref(parts: &Parts) -> Self {
                    parts.$part.clone()
                }
            }
        )+
    };
}

parts! {
    reader: Reader,
    mempool: Mempool,
    comet: Comet,
    submitter: Submitter,
    liveness: Arc<Liveness>,
    registry: Registry,
    metrics: Arc<Metrics>,
    events: Events,
    callers: Arc<Callers>,
    shelf: Arc<Shelf>,
    signed_blocks: Arc<SignedBlocks>,
    batches: Batches,
    prices: Arc<Prices>,
    administration: Arc<Administration>,
    wallets: Arc<Wallets>,
    mock: Arc<MockCoordinator>,
    commit_wait: CommitWait,
    is_devnet: IsDevnet,
}
