//! Owns REST as a whole: the doors by which clients come, what tells WebSockets, and the stop that ends all.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use ait_abci::CommittedBlock;
use ait_api::node::PeerChange;
use ait_node::{Node, Stop};
use tokio::{net::TcpListener, sync::broadcast::Receiver, task::JoinSet, time::timeout};

use crate::{
    config::Config,
    cors,
    door::Door,
    gate::{Gate, OPS_CONNECTIONS},
    live::{self, Publisher},
    parts::Parts,
    routes,
    serve_error::ServeError,
};

/// How long the stop waits for connections and background tasks.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// REST, listening and not yet answering.
pub struct Server {
    door: Door,
    address: SocketAddr,
    ops: Option<(Door, SocketAddr)>,
    parts: Parts,
    /// From before the first request on, so that no block is missed.
    blocks: Receiver<Arc<CommittedBlock>>,
    peer_changes: Receiver<PeerChange>,
    stop: Stop,
}

impl Server {
    /// Checks the configuration and listens.
    ///
    /// # Errors
    /// [`ServeError`] names what is wrong.
    pub async fn bind(node: &Node, config: Config) -> Result<Self, ServeError> {
        let (blocks, peer_changes) = (node.reader.subscribe(), node.peer_changes());
        let parts = Parts::new(node, &config)?;
        let cors = cors::layer(&config.cors_origins)?;
        let (listener, address) = listen("RPC_BIND", config.bind).await?;
        let whole = routes::router(parts.clone(), cors.clone());
        let reserve = routes::reserve_router(parts.clone(), cors);
        let door = |listener, gate, whole, reserve| Door {
            listener,
            gate,
            whole,
            reserve,
            answer_patience: config.answer_patience,
            proxies: parts.callers.proxies().to_vec(),
            spares_loopback: config.devnet,
            stop: node.stop.clone(),
        };
        let ops = match config.ops_bind {
            Some(bind) => {
                let (listener, address) = listen("OPS_BIND", bind).await?;
                let router = routes::ops_router(parts.clone());
                let gate = Gate::plain(OPS_CONNECTIONS);
                Some((door(listener, gate, router.clone(), router), address))
            }
            None => None,
        };
        let gate = Gate::new(config.max_connections, config.max_connections_per_address);
        Ok(Self {
            door: door(listener, gate, whole, reserve),
            address,
            ops,
            blocks,
            peer_changes,
            stop: node.stop.clone(),
            parts,
        })
    }

    /// Where it listens: the port that was taken for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the operator's own listener is, if there is one.
    pub fn ops_address(&self) -> Option<SocketAddr> {
        self.ops.as_ref().map(|(_, address)| *address)
    }

    /// Serves until `shutdown` resolves. Then the node stops: what is under way is answered, WebSockets are
    /// closed, and this returns within a few seconds.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let address = self.address;
        tracing::info!(component = "rest", event = "listening", %address);
        let mut background = JoinSet::new();
        let feed = self.parts.events.feed.clone();
        let publisher = Publisher {
            reader: self.parts.reader.clone(),
            feed: feed.clone(),
            metrics: self.parts.metrics.clone(),
            prices: self.parts.prices.clone(),
            stop: self.stop.clone(),
        };
        background.spawn(live::tell_blocks(publisher, self.blocks));
        background.spawn(live::tell_peers(feed, self.peer_changes, self.stop.clone()));

        let ops = self.ops.map(|(ops, address)| {
            tracing::info!(component = "rest", event = "listening_for_operators", %address);
            ops
        });
        let accept_ops = async {
            match &ops {
                Some(ops) => ops.accept_all().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.door.accept_all() => {}
            () = accept_ops => {}
            () = shutdown => {}
        }
        let gates = [Some(self.door), ops].into_iter().flatten();
        // Closes the listeners.
        let gates: Vec<Gate> = gates.map(|door| door.gate).collect();
        // Handlers, sockets and background tasks all watch this.
        self.stop.begin();
        let all_gone = async {
            for gate in &gates {
                gate.empty().await;
            }
            self.parts.events.all_closed().await;
            while background.join_next().await.is_some() {}
        };
        if timeout(STOP_PATIENCE, all_gone).await.is_err() {
            tracing::warn!(component = "rest", event = "stopped_with_open_connections");
        }
        tracing::info!(component = "rest", event = "stopped");
    }
}

async fn listen(
    setting: &'static str,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), ServeError> {
    let refuse = |source| ServeError::Bind {
        setting,
        address,
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(refuse)?;
    let address = listener.local_addr().map_err(refuse)?;
    Ok((listener, address))
}
