//! Owns the live events (PROTOCOL section 9, `WS /p2p/ws`): what is told, kept for readers in a bounded log, and
//! the connections that read it.

mod feed;
mod publish;
mod socket;

use std::sync::Arc;

use ait_api::node::{LiveEvent, LiveKind};
use ait_node::Stop;
use prometheus::IntGauge;
use serde::Serialize;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::{config::Config, shares::Shares};
pub use feed::Feed;
pub use publish::{Publisher, tell_blocks, tell_peers};
pub use socket::connect;

/// What WebSockets are told, and how many there may be. Cloning is cheap.
#[derive(Clone)]
pub struct Events {
    /// What they are told.
    pub feed: Arc<Feed>,
    /// One permit an open WebSocket.
    places: Arc<Semaphore>,
    most: u32,
    /// Each caller's part of them.
    shares: Arc<Shares>,
    /// `ait_websockets`.
    open: IntGauge,
    stop: Stop,
}

impl Events {
    /// An empty feed, and as many places as are configured.
    pub fn new(config: &Config, stop: &Stop, open: IntGauge) -> Self {
        let places = usize::try_from(config.max_websockets).unwrap_or(usize::MAX);
        Self {
            feed: Arc::new(Feed::new()),
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            most: config.max_websockets,
            shares: Shares::new(config.max_websockets_per_address),
            open,
            stop: stop.clone(),
        }
    }

    /// Waits until no WebSocket is open.
    pub async fn all_closed(&self) {
        let _ = self.places.acquire_many(self.most).await;
    }
}

/// One message of the feed.
pub fn message(kind: LiveKind, data: &impl Serialize) -> String {
    let data = json!(data);
    json!(LiveEvent { kind, data }).to_string()
}
