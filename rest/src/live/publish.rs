//! Owns turning committed blocks into live events: each is rendered once, for all who listen.

use std::{sync::Arc, time::Instant};

use ait_abci::CommittedBlock;
use ait_api::node::LiveKind;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::message;
use crate::{context::Context, submit::off_thread, views};

/// Publishes every block until the node stops. `blocks` is the node's own subscription.
pub async fn run(context: Arc<Context>, mut blocks: Receiver<Arc<CommittedBlock>>) {
    let mut last: Option<(u64, String)> = None;
    let mut previous_commit: Option<Instant> = None;
    loop {
        let block = tokio::select! {
            block = blocks.recv() => block,
            () = context.stopped() => return,
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
            context.metrics.block_interval.observe(seconds);
        }
        context.prices.note(&block);
        if context.feed.has_readers() {
            let parent = parent(&context, &block, last.take());
            let block = block.clone();
            // A full block takes a while to render.
            if let Ok(messages) = off_thread(move || render(&block, &parent)).await {
                context.feed.push(messages);
            }
        }
        last = Some((block.head.height, block.head.block_hash.clone()));
    }
}

/// The hash of the block before; empty for the first.
fn parent(context: &Context, block: &CommittedBlock, last: Option<(u64, String)>) -> String {
    let before = block.head.height.saturating_sub(1);
    if let Some((height, hash)) = last
        && height == before
    {
        return hash;
    }
    let snapshot = context.node.snapshot_at(before);
    snapshot.map_or_else(String::new, |snapshot| snapshot.head.block_hash.clone())
}

fn render(block: &CommittedBlock, parent: &str) -> Vec<String> {
    let height = block.head.height;
    let mut messages = vec![message(LiveKind::Block, &views::fresh_block(block, parent))];
    messages.extend((0_u32..).zip(&block.txs).map(|(index, tx)| {
        let view = views::committed(&tx.hash, height, index, &tx.result, &tx.wire);
        message(LiveKind::Tx, &view)
    }));
    messages
}
