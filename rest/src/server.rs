//! Owns connections: how many there are, how long they may idle, and the stop that ends them all.

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use ait_abci::Node;
use axum::Router;
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, broadcast::Receiver, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    attester::{self, Attester},
    client::Peer,
    config::{Config, ConfigError},
    context::{Context, wait_for_stop},
    live, offer, peers, routes,
};

/// How long a client may take to send a request's head, and a kept connection may idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection may still take for the answer that is under way when the node stops.
const ANSWER_PATIENCE: Duration = Duration::from_secs(3);
/// How long the stop waits for connections and background tasks.
const STOP_PATIENCE: Duration = Duration::from_secs(5);
/// How long accepting pauses when the machine has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why REST cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The address cannot be listened on.
    #[error("REST cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The metrics are in the node's registry already.
    #[error("REST's metrics cannot be registered: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// REST, listening and not yet answering.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    max_connections: u32,
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
        let attester = Attester::new(context.clone(), &config.coordinator_urls)?;
        let address = config.bind;
        let bind_error = |source| ServeError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(bind_error)?;
        let address = listener.local_addr().map_err(bind_error)?;
        Ok(Self {
            listener,
            address,
            max_connections: config.max_connections,
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

    /// Serves until `shutdown` resolves.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let address = self.address;
        tracing::info!(component = "rest", event = "listening", %address);
        let mut background = JoinSet::new();
        background.spawn(live::run(self.context.clone(), self.blocks));
        background.spawn(peers::run(self.context.clone()));
        background.spawn(offer::run(self.context.clone()));
        background.spawn(attester::run(self.attester));

        let connections = Arc::new(Semaphore::new(
            usize::try_from(self.max_connections).unwrap_or(Semaphore::MAX_PERMITS),
        ));
        let router = routes::router(self.context.clone());
        let stopping = self.context.stopping.clone();
        tokio::select! {
            () = accept_all(&self.listener, &connections, &router, &stopping) => {}
            () = shutdown => {}
        }
        drop(self.listener);
        // Handlers, sockets and background tasks all watch this.
        self.stop.send_replace(true);
        let all_gone = async {
            let _ = connections.acquire_many(self.max_connections).await;
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

async fn accept_all(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
    router: &Router,
    stopping: &watch::Receiver<bool>,
) {
    loop {
        // The permit first: clients beyond the limit wait in the kernel's queue.
        let Ok(permit) = connections.clone().acquire_owned().await else {
            return;
        };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(component = "rest", event = "accept_failed", %error);
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let connection = serve_connection(stream, Peer(peer), router.clone(), stopping.clone());
        tokio::spawn(async move {
            connection.await;
            drop(permit);
        });
    }
}

async fn serve_connection(
    stream: TcpStream,
    peer: Peer,
    router: Router,
    stopping: watch::Receiver<bool>,
) {
    // Small answers shall not wait for acknowledgements; a socket that can't is served all the same.
    let _ = stream.set_nodelay(true);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.call(request)
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = wait_for_stop(stopping) => {
            connection.as_mut().graceful_shutdown();
            timeout(ANSWER_PATIENCE, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(component = "rest", event = "connection_ended", %error);
    }
}
