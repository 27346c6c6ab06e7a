//! Owns offering saved transactions to CometBFT: its mempool does not survive a restart, the node's own pool
//! does (saved at a graceful stop, or kept while CometBFT was away).

use std::{sync::Arc, time::Duration};

use ait_app::tx::TxHash;
use tokio::time::{MissedTickBehavior, interval};

use crate::{comet::CometError, context::Context};

/// How often saved transactions are looked for.
const INTERVAL: Duration = Duration::from_secs(2);

/// Offers what is saved, whenever CometBFT is there, until the node stops.
pub async fn run(context: Arc<Context>) {
    let mut looks = interval(INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut waiting: Vec<Vec<u8>> = Vec::new();
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = context.stopped() => break,
        }
        // What is taken is gone from the store, so it is taken only when it can be delivered.
        if context.comet.status().await.is_err() {
            continue;
        }
        if waiting.is_empty() {
            waiting = context.node.saved_transactions();
            waiting.reverse();
        }
        tokio::select! {
            () = offer_all(&context, &mut waiting) => {}
            () = context.stopped() => break,
        }
    }
    // The node saves them again with its pool.
    waiting.reverse();
    context.node.offer_again(waiting);
}

/// Offers the last of `waiting` first; stops at the first that CometBFT cannot take now.
async fn offer_all(context: &Context, waiting: &mut Vec<Vec<u8>>) {
    let mut offered = 0_usize;
    while let Some(wire) = waiting.last() {
        match context.comet.broadcast_tx_sync(wire).await {
            Ok(answer) if answer.code != 0 => {
                let hash = TxHash::of(wire);
                tracing::info!(component = "rest", event = "saved_transaction_refused", %hash, log = answer.log);
            }
            Ok(_) => offered = offered.saturating_add(1),
            Err(CometError::Unreachable(_)) => break,
            Err(error) if error.is_mempool_full() => break,
            // It has these very bytes already.
            Err(CometError::Refused { .. } | CometError::Malformed(_)) => {}
        }
        waiting.pop();
    }
    if offered > 0 {
        tracing::info!(
            component = "rest",
            event = "saved_transactions_offered",
            count = offered
        );
    }
}
