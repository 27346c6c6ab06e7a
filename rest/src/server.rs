//! Owns REST as a whole: what runs in the background, the doors by which clients come, and the stop that ends all.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use ait_abci::Node;
use tokio::{
    net::TcpListener,
    sync::{broadcast::Receiver, watch},
    task::JoinSet,
    time::timeout,
};

use crate::{
    attester::{self, Attester},
    config::Config,
    context::Context,
    cors,
    door::Door,
    gate::{Gate, OPS_CONNECTIONS},
    live, liveness, offer, peers, routes,
    serve_error::ServeError,
};

/// How long the stop waits for connections and background tasks.
const STOP_PATIENCE: Duration = Duration::from_secs(5);
/// REST, listening and not yet answering.
pub struct Server {
    door: Door,
    address: SocketAddr,
    ops: Option<(Door, SocketAddr)>,
    max_websockets: u32,
    context: Arc<Context>,
    attester: Attester,
    /// From before the first request on, so that no block is missed.
    blocks: Receiver<Arc<ait_abci::CommittedBlock>>,
    stop: watch::Sender<bool>,
}

/// Serves REST, live events and the attester until `shutdown` resolves; then answers what is under way,
/// closes WebSockets, and returns within a few seconds.
///
/// # Errors
/// [`ServeError`] when it cannot begin.
pub async fn serve(
    node: Node,
    config: Config,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let server = Server::bind(node, config).await?;
    server.run(shutdown).await;
    Ok(())
}

impl Server {
    /// Checks the configuration and listens.
    ///
    /// # Errors
    /// [`ServeError`] names what is wrong.
    pub async fn bind(node: Node, config: Config) -> Result<Self, ServeError> {
        let (stop, stopping) = watch::channel(false);
        let blocks = node.subscribe();
        let context = Arc::new(Context::new(node, &config, stopping)?);
        let attester = Attester::new(context.clone(), &config.coordinator_urls, &config.trust)?;
        let cors = cors::layer(&config.cors_origins)?;
        let (listener, address) = listen("RPC_BIND", config.bind).await?;
        let whole = routes::router(context.clone(), cors.clone());
        let reserve = routes::reserve_router(context.clone(), cors);
        let door = |listener, gate, whole, reserve| Door {
            listener,
            gate,
            whole,
            reserve,
            answer_patience: config.answer_patience,
            proxies: context.trusted_proxies.clone(),
            spares_loopback: context.devnet,
            stopping: context.stopping.clone(),
        };
        let ops = match config.ops_bind {
            Some(bind) => {
                let (listener, address) = listen("OPS_BIND", bind).await?;
                let router = routes::ops_router(context.clone());
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
            max_websockets: config.max_websockets,
            context,
            attester,
            blocks,
            stop,
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

    /// Serves until `shutdown` resolves.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let address = self.address;
        tracing::info!(component = "rest", event = "listening", %address);
        let mut background = JoinSet::new();
        background.spawn(live::run(self.context.clone(), self.blocks));
        background.spawn(peers::run(self.context.clone()));
        background.spawn(liveness::run(self.context.clone()));
        background.spawn(offer::run(self.context.clone()));
        background.spawn(attester::run(self.attester));

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
        self.stop.send_replace(true);
        let all_gone = async {
            for gate in &gates {
                gate.empty().await;
            }
            let _ = self
                .context
                .websockets
                .acquire_many(self.max_websockets)
                .await;
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
