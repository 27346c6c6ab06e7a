//! Owns looking at an escrow while a job of it is done, and what became of it.

use std::time::Duration;

use ait_app::{escrow::record::Escrow, quantity::Height};
use ait_client::{Backoff, ClientError};
use anyhow::{Context, Result};
use tokio::time::sleep;

use super::{Miner, progress::Opened};

/// What became of an escrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// Its receipts were paid.
    Paid,
    /// Nothing can be claimed, for the reason given.
    Skipped(String),
    /// The coordinators deny the receipt.
    Denied(String),
}

/// The escrow, if it is still the one that was opened in that block, open, and bound to no other miner.
/// Tries until the node answers.
///
/// # Errors
/// When the node's answer is not understood.
pub async fn open_escrow(miner: &Miner, opened: &Opened) -> Result<Option<Escrow>> {
    let mut backoff = backoff();
    loop {
        let answer = async {
            let head = miner.wallet.node().head().await?;
            let escrow = miner
                .wallet
                .node()
                .escrow(&opened.client, &opened.job_id)
                .await?;
            Ok::<_, ClientError>((head.height, escrow))
        };
        match answer.await {
            Ok((head, escrow)) => {
                let next = Height::constant(head.saturating_add(1));
                return Ok(escrow.filter(|escrow| {
                    let bound = escrow.binding.miner();
                    escrow.opened_height.get() == opened.height
                        && escrow.remaining_in(next).is_some()
                        && bound.is_none_or(|bound| bound == miner.wallet.address())
                }));
            }
            Err(error) if error.is_passing() => {
                tracing::debug!(component = "miner", event = "node_away", %error);
                sleep(backoff.pause()).await;
            }
            Err(error) => return Err(error).context("asking for the escrow"),
        }
    }
}

/// The pauses between tries.
pub fn backoff() -> Backoff {
    Backoff::new(Duration::from_millis(250), Duration::from_secs(5))
}
