//! Owns following the chain: live blocks over the WebSocket (PROTOCOL section 9), and the blocks that it
//! missed over REST, so that every block is looked through once, in order, whatever breaks.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use ait_api::node::LiveKind;
use ait_app::{address::Address, identifiers::JobId, quantity::Uait};
use ait_client::{Backoff, Client, Coordinator};
use anyhow::{Result, anyhow};
use serde::Deserialize;
use serde_json::Value;
use tokio::{
    sync::{Mutex, mpsc},
    time::sleep,
};

use super::progress::{Opened, Progress};

/// Follows the chain and hands on the escrows that open.
pub struct Follower {
    /// The node.
    pub client: Client,
    /// The coordinators whose escrows count.
    pub coordinators: Arc<BTreeMap<Address, Coordinator>>,
    /// How far it has come.
    pub progress: Arc<Mutex<Progress>>,
    /// Who works on them.
    pub found: mpsc::Sender<Opened>,
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
        // Connected first, so that no block falls between catching up and the first live one. Where
        // the node has no WebSocket to give, what is to be caught up with is caught up with.
        let connected = self.client.live_events().await;
        self.catch_up(self.client.head().await?.height).await?;
        let mut events = connected?;
        let node = self.client.base();
        tracing::info!(component = "miner", event = "connected", %node);
        loop {
            if events.next().await?.kind == LiveKind::Block {
                self.catch_up(self.client.head().await?.height).await?;
            }
        }
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
}
