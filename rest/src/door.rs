//! Owns a listener and what becomes of its connections: who gets a place, how long one may idle and how slowly
//! it may be read, and its end when the node stops.

use std::{net::IpAddr, pin::pin, time::Duration};

use ait_node::Stop;
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
    time::{sleep, timeout},
};

use crate::{
    caller::Peer,
    gate::{Admission, Full, Gate, Place},
    pace::Paced,
};

/// How long a client may take to send a request's head, and a kept connection may idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection of the reserve may last.
const RESERVE_PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection may still take for the answer that is under way when the node stops.
const ANSWER_PATIENCE: Duration = Duration::from_secs(3);
/// How long accepting pauses when the machine has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Bytes of answers that a connection gathers before it waits for them to be read, the last answer not counted:
/// a client may send its requests without reading.
const GATHERED_BYTES: usize = 64 * 1024;

/// A listener with its routes.
pub struct Door {
    /// Where connections come from.
    pub listener: TcpListener,
    /// Who gets a place.
    pub gate: Gate,
    /// What is answered to those with a place.
    pub whole: Router,
    /// What is answered from the reserve.
    pub reserve: Router,
    /// How long an answer may wait to be read.
    pub answer_patience: Duration,
    /// Peers that speak for others.
    pub proxies: Vec<IpAddr>,
    /// Whether connections of this machine are not limited.
    pub spares_loopback: bool,
    /// Whether the node stops.
    pub stop: Stop,
}

impl Door {
    /// Whether a peer's own connections are limited, and not only all of them together.
    fn is_limited(&self, peer: IpAddr) -> bool {
        !(self.proxies.contains(&peer) || self.spares_loopback && peer.is_loopback())
    }

    /// Accepts connections for as long as it is polled.
    pub async fn accept_all(&self) {
        loop {
            let (stream, peer) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(component = "rest", event = "accept_failed", %error);
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let address = peer.ip().to_canonical();
            match self.gate.admit(address, self.is_limited(address)) {
                Some(Admission::Whole(place)) => {
                    self.serve(stream, Peer(peer), self.whole.clone(), None, place);
                }
                Some(Admission::Reserve(place, full)) => {
                    self.serve(stream, Peer(peer), self.reserve.clone(), Some(full), place);
                }
                None => drop(stream),
            }
        }
    }

    fn serve(
        &self,
        stream: TcpStream,
        peer: Peer,
        router: Router,
        full: Option<Full>,
        place: Place,
    ) {
        let stream = Paced::new(stream, self.answer_patience);
        let connection = serve_connection(stream, peer, router, full, self.stop.clone());
        tokio::spawn(async move {
            if full.is_some() {
                let _ = timeout(RESERVE_PATIENCE, connection).await;
            } else {
                connection.await;
            }
            drop(place);
        });
    }
}

async fn serve_connection(
    stream: Paced,
    peer: Peer,
    router: Router,
    full: Option<Full>,
    stop: Stop,
) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        if let Some(full) = full {
            request.extensions_mut().insert(full);
        }
        router.call(request)
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(GATHERED_BYTES)
            .keep_alive(full.is_none())
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.begun() => {
            connection.as_mut().graceful_shutdown();
            timeout(ANSWER_PATIENCE, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(component = "rest", event = "connection_ended", %error);
    }
}
