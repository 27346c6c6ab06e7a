//! Owns following the chain: each block is looked at once, as soon as the node has committed it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::{LoadError, chain::Chain, tracker::Tracker};

/// How often the height is asked for. It bounds how late a commit is seen, and costs a node a small part of its time.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// How often a node may leave the question without an answer, one time after another.
const FAILURES: u32 = 5;

/// Follows from the block after `height` on, until it is dropped.
pub(crate) async fn follow(
    mut chain: Chain,
    mut height: u64,
    tracker: Arc<Tracker>,
) -> Result<(), LoadError> {
    let mut failures: u32 = 0;
    loop {
        sleep(LOOK_INTERVAL).await;
        let head = match chain.height().await {
            Ok(head) => head,
            Err(_) if failures < FAILURES => {
                failures = failures.saturating_add(1);
                continue;
            }
            Err(error) => return Err(error),
        };
        failures = 0;
        let seen = Instant::now();
        while height < head {
            height = height.saturating_add(1);
            let hashes = chain.hashes(height).await?;
            tracker.block(height, &hashes, seen);
        }
    }
}
