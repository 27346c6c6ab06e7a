//! Owns offering CometBFT what it does not hold: its mempool does not survive a restart, the node's own
//! does (saved at a graceful stop, or kept while CometBFT was away); and an envelope that ends leaves some.

use std::{sync::Arc, time::Duration};

use ait_abci::Mempool;
use ait_app::tx::TxHash;
use tokio::time::{MissedTickBehavior, interval};

use crate::{
    comet::{Comet, CometError},
    stop::Stop,
    unanswered::off_thread,
};

/// How often it is looked whether something is to be offered.
const INTERVAL: Duration = Duration::from_millis(500);

/// Offers what is to be offered, whenever CometBFT is there, until the node stops.
pub async fn run(mempool: Mempool, comet: Comet, stop: Stop) {
    let mut looks = interval(INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = stop.begun() => return,
        }
        let asked = mempool.clone();
        let Ok(unoffered) = off_thread(move || asked.unoffered()).await else {
            continue;
        };
        if unoffered.is_empty() || comet.status().await.is_err() {
            continue;
        }
        tokio::select! {
            () = offer_all(&mempool, &comet, &unoffered) => {}
            () = stop.begun() => return,
        }
    }
}

/// Offers them in order; stops at the first that CometBFT cannot take now.
async fn offer_all(mempool: &Mempool, comet: &Comet, unoffered: &[(TxHash, Arc<[u8]>)]) {
    let mut taken = 0_usize;
    for (hash, wire) in unoffered {
        let (asked, sought) = (mempool.clone(), *hash);
        // It may have come to a block meanwhile.
        match off_thread(move || asked.is_unoffered(&sought)).await {
            Ok(true) => {}
            Ok(false) => continue,
            Err(_) => break,
        }
        match comet.broadcast_tx_sync(wire).await {
            Ok(answer) if answer.code != 0 => {
                tracing::info!(component = "node", event = "offer_refused", %hash, log = answer.log);
            }
            Ok(_) => taken = taken.saturating_add(1),
            Err(CometError::Unreachable(_)) => break,
            Err(error) if error.is_mempool_full() => break,
            // It has these very bytes already.
            Err(CometError::Refused { .. } | CometError::Malformed(_)) => {}
        }
        let (mempool, hash) = (mempool.clone(), *hash);
        if off_thread(move || mempool.offered(&hash)).await.is_err() {
            break;
        }
    }
    if taken > 0 {
        tracing::info!(
            component = "node",
            event = "transactions_offered",
            transactions = taken
        );
    }
}
