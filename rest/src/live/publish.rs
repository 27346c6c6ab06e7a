//! Owns turning committed blocks, and peers that come and go, into live events: each is rendered once, for all who listen.

use std::{sync::Arc, time::Instant};

use ait_abci::{CommittedBlock, Reader};
use ait_api::node::{LiveKind, PeerChange};
use ait_node::{Stop, off_thread};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::{feed::Feed, message};
use crate::{metrics::Metrics, prices::Prices, views};

/// What tells of the node's doings.
pub struct Publisher {
    /// Where the block before a block is looked up.
    pub reader: Reader,
    /// Whom it is told to.
    pub feed: Arc<Feed>,
    /// Where the time between two blocks is counted.
    pub metrics: Arc<Metrics>,
    /// What takes note of what a block's transactions paid.
    pub prices: Arc<Prices>,
    /// Whether the node stops.
    pub stop: Stop,
}

/// Publishes every peer that comes or goes, until the node stops.
pub async fn tell_peers(feed: Arc<Feed>, mut changes: Receiver<PeerChange>, stop: Stop) {
    loop {
        let change = tokio::select! {
            change = changes.recv() => change,
            () = stop.begun() => return,
        };
        match change {
            Ok(change) => feed.push(vec![message(LiveKind::Peer, &change)]),
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

/// Publishes every block until the node stops.
pub async fn tell_blocks(publisher: Publisher, mut blocks: Receiver<Arc<CommittedBlock>>) {
    let mut last: Option<(u64, String)> = None;
    let mut previous_commit: Option<Instant> = None;
    loop {
        let block = tokio::select! {
            block = blocks.recv() => block,
            () = publisher.stop.begun() => return,
        };
        let block = match block {
            Ok(block) => block,
            Err(RecvError::Lagged(blocks)) => {
                tracing::warn!(component = "rest", event = "live_blocks_skipped", blocks);
                previous_commit = None;
                continue;
            }
            Err(RecvError::Closed) => return,
        };
        let now = Instant::now();
        if let Some(previous) = previous_commit.replace(now) {
            let seconds = now.duration_since(previous).as_secs_f64();
            publisher.metrics.block_interval.observe(seconds);
        }
        publisher.prices.note(&block);
        if publisher.feed.has_readers() {
            let parent = parent(&publisher.reader, &block, last.take());
            let block = block.clone();
            // A full block takes a while to render.
            if let Ok(messages) = off_thread(move || render(&block, &parent)).await {
                publisher.feed.push(messages);
            }
        }
        last = Some((block.info.height, block.info.block_hash.clone()));
    }
}

/// The hash of the block before; empty for the first.
fn parent(reader: &Reader, block: &CommittedBlock, last: Option<(u64, String)>) -> String {
    let before = block.info.height.saturating_sub(1);
    if let Some((height, hash)) = last
        && height == before
    {
        return hash;
    }
    let committed = reader.at(before);
    committed.map_or_else(String::new, |committed| committed.block.block_hash.clone())
}

fn render(block: &CommittedBlock, parent: &str) -> Vec<String> {
    let height = block.info.height;
    let mut messages = vec![message(LiveKind::Block, &views::fresh_block(block, parent))];
    messages.extend((0_u32..).zip(&block.txs).map(|(index, tx)| {
        let view = views::committed(&tx.hash, height, index, &tx.result, &tx.wire);
        message(LiveKind::Tx, &view)
    }));
    messages
}
