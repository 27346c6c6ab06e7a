//! Owns following the chain: live blocks over the WebSocket (PROTOCOL section 9), and the blocks that it
//! missed over REST, so that every block is looked through once, in order, whatever breaks.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use ait_app::{address::Address, identifiers::JobId, quantity::Uait};
use anyhow::{Context, Result, anyhow, bail};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::Value;
use tokio::{
    sync::{Mutex, mpsc},
    time::{sleep, timeout},
};
use tokio_tungstenite::{connect_async, tungstenite::Message};

use super::progress::{Opened, Progress};
use crate::{backoff::Backoff, client::Client};

/// A WebSocket that tells of no block for so long is made anew.
const SILENCE: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Follows the chain and hands on the escrows that open.
pub struct Follower {
    /// The node.
    pub client: Client,
    /// The coordinators whose escrows count.
    pub coordinators: Arc<BTreeMap<Address, Client>>,
    /// How far it has come.
    pub progress: Arc<Mutex<Progress>>,
    /// Who works on them.
    pub found: mpsc::Sender<Opened>,
}

#[derive(Deserialize)]
struct LiveEvent {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct EscrowOpenTx {
    sender: Address,
    payload: EscrowOpenPayload,
}

#[derive(Deserialize)]
struct EscrowOpenPayload {
    job_id: JobId,
    coordinator: Address,
    amount: Uait,
}

impl Follower {
    /// Follows until nobody works any more.
    pub async fn run(self) {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(10));
        while !self.found.is_closed() {
            let before = self.progress.lock().await.height();
            if let Err(error) = self.follow().await {
                tracing::warn!(component = "miner", event = "disconnected", error = %format!("{error:#}"));
            }
            if self.progress.lock().await.height() > before {
                backoff.reset();
            }
            sleep(backoff.pause()).await;
        }
    }

    /// Connects, catches up, and goes on with the live blocks until the connection ends.
    async fn follow(&self) -> Result<()> {
        let url = websocket_url(self.client.base())?;
        // Connected first, so that no block falls between catching up and the first live one. Where
        // the node has no WebSocket to give, what is to be caught up with is caught up with.
        let connected = timeout(CONNECT_TIMEOUT, connect_async(&url)).await;
        self.catch_up(self.client.head().await?.height).await?;
        let (mut socket, _) = connected
            .map_err(|_| anyhow!("no answer from {url}"))?
            .with_context(|| format!("cannot connect to {url}"))?;
        tracing::info!(component = "miner", event = "connected", %url);
        loop {
            let message = timeout(SILENCE, socket.next())
                .await
                .map_err(|_| anyhow!("{url} tells of no block any more"))?;
            match message {
                Some(Ok(Message::Text(text))) => self.receive(&text).await?,
                Some(Ok(Message::Close(_))) | None => bail!("{url} was closed"),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error).with_context(|| format!("{url} broke")),
            }
        }
    }

    async fn receive(&self, text: &str) -> Result<()> {
        let event: LiveEvent = serde_json::from_str(text).context("a live event is no JSON")?;
        if event.kind != "block" {
            return Ok(());
        }
        self.catch_up(self.client.head().await?.height).await
    }

    /// Looks through the blocks up to `head` that were not seen.
    async fn catch_up(&self, head: u64) -> Result<()> {
        loop {
            let next = self.progress.lock().await.height().saturating_add(1);
            if next > head {
                return Ok(());
            }
            match self.client.block(next).await? {
                Some(block) => self.look_through(next, &block.txs).await?,
                // The node keeps no block that old.
                None => self.look_through(next, &[]).await?,
            }
        }
    }

    async fn look_through(&self, height: u64, txs: &[Value]) -> Result<()> {
        let known = |opened: &Opened| self.coordinators.contains_key(&opened.coordinator);
        let mut progress = self.progress.lock().await;
        if height <= progress.height() {
            return Ok(());
        }
        let found = escrows_opened(height, txs).filter(known).collect();
        let new = progress.looked_through(height, found)?;
        drop(progress);
        for opened in new {
            self.found
                .send(opened)
                .await
                .map_err(|_| anyhow!("the miner stops"))?;
        }
        Ok(())
    }
}

/// The escrows that a block's transactions may have opened: whether they did, the state tells.
fn escrows_opened(height: u64, txs: &[Value]) -> impl Iterator<Item = Opened> {
    txs.iter()
        .filter(|tx| tx.get("type").and_then(Value::as_str) == Some("ESCROW_OPEN"))
        .filter_map(move |tx| {
            let tx: EscrowOpenTx = serde_json::from_value(tx.clone()).ok()?;
            Some(Opened {
                height,
                client: tx.sender,
                job_id: tx.payload.job_id,
                coordinator: tx.payload.coordinator,
                amount: tx.payload.amount,
            })
        })
}

fn websocket_url(base: &str) -> Result<String> {
    let host = base
        .strip_prefix("http://")
        .with_context(|| format!("{base} is no http:// URL"))?;
    Ok(format!("ws://{host}/p2p/ws"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn escrows_are_found_among_other_transactions() {
        let (client, coordinator) = (Address::module("client"), Address::module("coordinator"));
        let payload =
            json!({"job_id": "job_7", "coordinator": coordinator, "amount": 5, "ttl_blocks": 9});
        let txs = [
            json!({"type": "TRANSFER", "sender": client, "payload": {"to": coordinator, "amount": 1}}),
            json!({"raw": "ff"}),
            json!("ABCD"),
            json!({"type": "ESCROW_OPEN", "sender": client, "payload": payload, "hash": "AB"}),
            json!({"type": "ESCROW_OPEN", "sender": "garbage", "payload": payload}),
        ];
        let found: Vec<Opened> = escrows_opened(12, &txs).collect();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].height, found[0].client), (12, client));
        assert_eq!(found[0].job_id.as_str(), "job_7");
    }

    #[test]
    fn the_websocket_is_the_node_s() {
        assert_eq!(
            websocket_url("http://127.0.0.1:8080").unwrap(),
            "ws://127.0.0.1:8080/p2p/ws"
        );
        assert!(websocket_url("ftp://x").is_err());
    }
}
