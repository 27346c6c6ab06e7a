//! Owns the claims that are under way: their nonces in sequence however many go at once, and each
//! one's way into a block.

use std::time::Duration;

use ait_app::tx::{Payload, Transaction};
use anyhow::{Context, Result};
use tokio::time::sleep;

use super::{
    Miner,
    job::{self, Outcome},
    progress::Opened,
};
use crate::{
    client::{ClientError, TxReceipt},
    tx::nonce::Sender,
};

/// How often a claim's outcome is looked for.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// How many looks in a row may find nothing before a claim counts as dropped.
const MISSING_LOOKS: u32 = 6;

/// The claim stands no chance any more: somebody settled or closed what it is for.
const SETTLED: [&str; 5] = [
    "escrow_closed",
    "escrow_not_found",
    "escrow_already_settled",
    "receipt_replayed",
    "receipt_already_claimed",
];
/// Another transaction of this account came in between or was lost, or the chain may take the claim
/// later.
const AGAIN: [&str; 9] = [
    "nonce_used",
    "nonce_gap",
    "nonce_too_far_ahead",
    "replacement_underpriced",
    "fee_too_low",
    "coordinator_cap_reached",
    "miner_banned",
    "pool_full",
    "dropped",
];

/// What a refusal asks for.
#[derive(Debug, PartialEq, Eq)]
enum Reaction {
    GiveUp,
    Settled,
    TryAgain,
}

fn reaction(error: &ClientError) -> Reaction {
    let is_one_of = |names: &[&str]| names.iter().any(|name| error.is(name));
    if is_one_of(&SETTLED) {
        Reaction::Settled
    } else if is_one_of(&AGAIN) || error.is_passing() {
        Reaction::TryAgain
    } else {
        Reaction::GiveUp
    }
}

/// Claims until the claim is in a block, or its escrow is closed.
///
/// # Errors
/// When the claim is refused for good.
pub async fn run(miner: &Miner, opened: &Opened, payload: &Payload) -> Result<Outcome> {
    let mut backoff = job::backoff();
    loop {
        match send(miner, payload).await {
            Ok(hash) => match outcome(miner, &hash).await? {
                Some(receipt) if receipt.code == 0 => {
                    log_paid(payload, &receipt, &hash);
                    return Ok(Outcome::Paid);
                }
                Some(receipt) => {
                    tracing::warn!(component = "miner", event = "claim_failed", job_id = %opened.job_id, code = receipt.code, codespace = receipt.codespace, log = receipt.log);
                }
                None => {
                    tracing::warn!(component = "miner", event = "claim_dropped", job_id = %opened.job_id, %hash);
                }
            },
            Err(error) => match reaction(&error) {
                Reaction::Settled => return Ok(Outcome::Skipped(error.to_string())),
                Reaction::GiveUp => return Err(error).context("the claim is refused"),
                Reaction::TryAgain => {
                    tracing::debug!(component = "miner", event = "claim_delayed", job_id = %opened.job_id, %error);
                }
            },
        }
        // Whatever went wrong, the run of nonces may have changed.
        *miner.next_nonce.lock().await = None;
        sleep(backoff.pause()).await;
        if job::open_escrow(miner, opened).await?.is_none() {
            return Ok(Outcome::Skipped("it closed before the claim held".into()));
        }
    }
}

/// Signs and sends a claim with the next nonce. Claims go one after the other, so that the node sees
/// their nonces in sequence.
async fn send(miner: &Miner, payload: &Payload) -> Result<String, ClientError> {
    let mut next_nonce = miner.next_nonce.lock().await;
    let fee = miner.client.required_fee(payload).await?;
    let nonce = match *next_nonce {
        Some(nonce) => nonce,
        None => {
            let sender = Sender {
                client: &miner.client,
                chain_id: &miner.chain_id,
                key: &miner.key,
            };
            sender.next_nonce(payload, fee).await?
        }
    };
    let tx = Transaction::sign(&miner.chain_id, &miner.key, nonce, fee, payload.clone());
    let sent = miner.client.send(tx.to_wire()).await;
    *next_nonce = match &sent {
        Ok(_) => Some(nonce.saturating_add(1)),
        Err(_) => None,
    };
    Ok(sent?.tx_hash)
}

/// What a claim came to in its block; `None` when the node dropped it.
async fn outcome(miner: &Miner, hash: &str) -> Result<Option<TxReceipt>> {
    let mut missing = 0;
    loop {
        sleep(LOOK_INTERVAL).await;
        match miner.client.tx(hash).await {
            Ok(Some(status)) => match status.receipt {
                Some(receipt) => return Ok(Some(receipt)),
                None => missing = 0,
            },
            Ok(None) => missing += 1,
            // A node that restarts keeps what it accepted.
            Err(error) if error.is_passing() => {}
            Err(error) => return Err(error).context("asking for the claim's outcome"),
        }
        if missing > MISSING_LOOKS {
            return Ok(None);
        }
    }
}

fn log_paid(payload: &Payload, receipt: &TxReceipt, hash: &str) {
    let Payload::ReceiptClaim(claim) = payload else {
        return;
    };
    let claimed = receipt.events.iter().find(|e| e.kind == "receipt_claimed");
    let minted = claimed.and_then(|event| event.get("minted")?.parse::<u64>().ok());
    tracing::info!(
        component = "miner",
        event = "receipt_paid",
        receipt_id = %claim.terms.receipt_id,
        job_id = %claim.terms.job_id,
        client = %claim.terms.client,
        price = claim.terms.price,
        compute_units = claim.terms.compute_units,
        minted = minted.unwrap_or_default(),
        height = receipt.height,
        tx_hash = hash,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: &str) -> ClientError {
        ClientError::Refused {
            status,
            code: code.to_owned(),
            codespace: String::new(),
            message: String::new(),
        }
    }

    #[test]
    fn each_refusal_gets_its_reaction() {
        for (status, code, expected) in [
            (422, "escrow_closed", Reaction::Settled),
            (409, "receipt_replayed", Reaction::Settled),
            (409, "nonce_used", Reaction::TryAgain),
            (422, "coordinator_cap_reached", Reaction::TryAgain),
            (429, "rate_limited", Reaction::TryAgain),
            (503, "comet_unreachable", Reaction::TryAgain),
            (422, "invalid_attestation", Reaction::GiveUp),
            (422, "mint_above_price", Reaction::GiveUp),
        ] {
            assert_eq!(reaction(&refused(status, code)), expected, "{code}");
        }
    }
}
