//! Owns the claims that are under way: their nonces in sequence however many go at once, and each
//! one's way into a block.

use std::time::Duration;

use ait_api::tx::DropReason;
use ait_api::tx::TxReceipt;
use ait_app::{
    Code,
    receipts::claim_payload::ReceiptClaim,
    tx::{Payload, Transaction},
};
use ait_client::ClientError;
use anyhow::{Context, Result};
use tokio::time::sleep;

use super::{
    Miner,
    escrow::{self, Outcome},
    progress::Opened,
};
use crate::tx::fee;

/// How often a claim's outcome is looked for.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// How long another command may send with the miner's key.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many looks in a row may find nothing before a claim counts as dropped.
const MISSING_LOOKS: u32 = 6;

/// The claim stands no chance any more: somebody settled or closed what it is for, or has it.
const LOST: [&str; 7] = [
    "escrow_closed",
    "escrow_not_found",
    "escrow_already_settled",
    "receipt_replayed",
    "receipt_already_claimed",
    "bound_to_another_miner",
    "wrong_opening",
];
/// Another transaction of this account came in between or was lost, or the chain may take the claim
/// later.
const AGAIN: [&str; 14] = [
    "nonce_used",
    "nonce_gap",
    "nonce_too_far_ahead",
    "nonce_pending",
    "replacement_underpriced",
    "fee_too_low",
    "fee_not_affordable",
    "miner_banned",
    "pool_full",
    "dropped",
    "contested",
    "too_many_waiting",
    "too_many_parked",
    "attestation_missing",
];
/// The coordinator denies the receipt.
const DENIED: &str = "attestation_negative";

/// What a refusal asks for.
#[derive(Debug, PartialEq, Eq)]
enum Reaction {
    GiveUp,
    Lost,
    Denied,
    TryAgain,
}

fn reaction(name: &str) -> Reaction {
    if LOST.contains(&name) {
        Reaction::Lost
    } else if name == DENIED {
        Reaction::Denied
    } else if AGAIN.contains(&name) {
        Reaction::TryAgain
    } else {
        Reaction::GiveUp
    }
}

/// Why a claim is not paid.
struct Failure {
    reaction: Reaction,
    message: String,
}

impl Failure {
    fn refused(error: &ClientError) -> Self {
        let reaction = match error {
            error if error.is_passing() => Reaction::TryAgain,
            ClientError::Refused { code, .. } => reaction(code),
            _ => Reaction::GiveUp,
        };
        Self {
            reaction,
            message: error.to_string(),
        }
    }

    fn in_block(receipt: &TxReceipt) -> Self {
        let name = Code::from_number(receipt.code).map_or("", Code::name);
        Self {
            reaction: reaction(name),
            message: format!("{name}: {}", receipt.log),
        }
    }

    fn dropped(reason: &DropReason) -> Self {
        Self {
            reaction: reaction(&reason.code),
            message: reason.to_string(),
        }
    }
}

/// Claims until the claim is in a block, or its escrow is closed.
///
/// # Errors
/// When the claim is refused for good.
pub async fn run(miner: &Miner, opened: &Opened, claim: &ReceiptClaim) -> Result<Outcome> {
    let payload = Payload::from(claim.clone());
    let mut backoff = escrow::backoff();
    loop {
        let failure = match send(miner, &payload).await {
            Ok(hash) => match outcome(miner, &hash).await? {
                Ok(receipt) if receipt.code == 0 => {
                    log_paid(claim, &receipt, &hash);
                    return Ok(Outcome::Paid);
                }
                Ok(receipt) => Failure::in_block(&receipt),
                Err(reason) => Failure::dropped(&reason),
            },
            Err(error) => match error.downcast_ref() {
                Some(refused) => Failure::refused(refused),
                None => return Err(error),
            },
        };
        let message = failure.message;
        tracing::warn!(component = "miner", event = "claim_not_paid", job_id = %opened.job_id, reason = message);
        // Whatever went wrong, the run of nonces may have changed.
        *miner.next_nonce.lock().await = None;
        match failure.reaction {
            Reaction::Lost => return Ok(Outcome::Skipped(message)),
            Reaction::Denied => return Ok(Outcome::Denied(message)),
            Reaction::GiveUp => anyhow::bail!("the claim is refused: {message}"),
            Reaction::TryAgain => sleep(backoff.pause()).await,
        }
        if escrow::open_escrow(miner, opened).await?.is_none() {
            return Ok(Outcome::Skipped("it closed before the claim held".into()));
        }
    }
}

/// Signs and sends a claim with the next nonce. Claims go one after the other, so that the node sees
/// their nonces in sequence.
async fn send(miner: &Miner, payload: &Payload) -> Result<String> {
    let mut next_nonce = miner.next_nonce.lock().await;
    let fee = fee::fitting(&miner.client, payload, &miner.address, None).await?;
    let _turn = miner.lock.turn(PATIENCE).await?;
    let nonce = match *next_nonce {
        Some(nonce) => nonce,
        None => miner.client.account(&miner.address).await?.next_nonce,
    };
    let tx = Transaction::sign(&miner.chain_id, &miner.key, nonce, fee, payload.clone());
    let sent = miner.client.send_new(tx.to_wire()).await;
    *next_nonce = match &sent {
        Ok(_) => Some(nonce.next()),
        Err(_) => None,
    };
    Ok(sent?.tx_hash)
}

/// What a claim came to in its block; else why the node dropped it.
async fn outcome(miner: &Miner, hash: &str) -> Result<Result<TxReceipt, DropReason>> {
    let mut missing = 0;
    loop {
        sleep(LOOK_INTERVAL).await;
        match miner.client.tx(hash).await {
            Ok(Some(status)) => {
                if let Some(reason) = status.reason {
                    return Ok(Err(reason));
                }
                if let Some(receipt) = status.receipt {
                    return Ok(Ok(receipt));
                }
                missing = 0;
            }
            Ok(None) => missing += 1,
            // A node that restarts keeps what it accepted.
            Err(error) if error.is_passing() => {}
            Err(error) => return Err(error).context("asking for the claim's outcome"),
        }
        if missing > MISSING_LOOKS {
            return Ok(Err(DropReason {
                code: Code::Dropped.name().to_owned(),
                codespace: Code::Dropped.codespace().to_owned(),
                message: "the node knows nothing of it any more".to_owned(),
            }));
        }
    }
}

fn log_paid(claim: &ReceiptClaim, receipt: &TxReceipt, hash: &str) {
    let claimed = receipt.events.iter().find(|e| e.kind == "receipt_claimed");
    let minted = claimed.and_then(|event| event.get("minted")?.parse::<u64>().ok());
    tracing::info!(
        component = "miner",
        event = "receipt_paid",
        receipt_id = %claim.receipt_id,
        job_id = %claim.job_id,
        client = %claim.client_addr,
        price = claim.price.get().get(),
        compute_units = claim.compute_units.get().get(),
        is_final = claim.is_final,
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
            (422, "escrow_closed", Reaction::Lost),
            (409, "receipt_replayed", Reaction::Lost),
            (422, "bound_to_another_miner", Reaction::Lost),
            (409, "nonce_used", Reaction::TryAgain),
            (422, "contested", Reaction::TryAgain),
            (429, "rate_limited", Reaction::TryAgain),
            (503, "comet_unreachable", Reaction::TryAgain),
            (422, "attestation_negative", Reaction::Denied),
            (422, "invalid_attestation", Reaction::GiveUp),
            (422, "escrow_too_small", Reaction::GiveUp),
        ] {
            let failure = Failure::refused(&refused(status, code));
            assert_eq!(failure.reaction, expected, "{code}");
        }
    }

    #[test]
    fn a_claim_that_its_node_dropped_is_tried_again_unless_it_was_denied() {
        let reaction = |code: &str| {
            let reason = DropReason {
                code: code.to_owned(),
                codespace: String::new(),
                message: String::new(),
            };
            Failure::dropped(&reason).reaction
        };
        assert_eq!(reaction("attestation_negative"), Reaction::Denied);
        assert_eq!(reaction("attestation_missing"), Reaction::TryAgain);
        assert_eq!(reaction("dropped"), Reaction::TryAgain);
        assert_eq!(reaction("escrow_closed"), Reaction::Lost);
    }

    #[test]
    fn every_code_that_is_reacted_to_is_one_of_the_protocol() {
        let names: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
        for name in LOST.iter().chain(&AGAIN).chain([&DENIED]) {
            assert!(names.contains(name), "{name}");
        }
    }
}
