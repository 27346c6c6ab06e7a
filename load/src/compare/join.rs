//! Owns how fast a late node replays a chain: a second node begins at the genesis and takes all blocks from the first.

use std::{path::Path, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    chains::{Engine, First},
    outcome::Sample,
};
use crate::{LoadError, args::Through, chain::Chain};

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(300);
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// Starts a node that joins the first one, and says how many of the chain's transactions it replayed a second: from its
/// first block to the last that has any.
pub(super) async fn measure(
    args: &super::CompareArgs,
    folder: &Path,
    first: &First,
    transactions: u64,
) -> Result<Sample, LoadError> {
    let target = Chain::new(&first.rpc, Through::Comet)?
        .stored_height()
        .await?;
    let engine = Engine::join(args, folder, first).await?;
    let replayed = replay(&engine.rpc(), target).await;
    engine.stop().await;
    Ok(Sample::replayed(transactions, replayed?))
}

async fn replay(rpc: &str, target: u64) -> Result<Duration, LoadError> {
    let mut chain = Chain::new(rpc, Through::Comet)?;
    let deadline = Instant::now() + PATIENCE;
    let mut begun = None;
    loop {
        // It does not answer at once.
        let height = chain.stored_height().await.unwrap_or(0);
        if height > 0 {
            let begun = begun.get_or_insert_with(Instant::now);
            if height >= target {
                return Ok(begun.elapsed());
            }
        }
        if Instant::now() > deadline {
            let reason = format!("it is at block {height}, not yet at {target}");
            return Err(LoadError::connection(rpc, reason));
        }
        sleep(LOOK_INTERVAL).await;
    }
}
