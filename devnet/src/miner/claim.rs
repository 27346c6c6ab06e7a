//! Owns the claims that are under way: their nonces in sequence however many go at once, and each
//! one's way into a block.

use std::time::Duration;

use ait_api::tx::TxReceipt;
use ait_app::{Code, receipts::claim_payload::ReceiptClaim, tx::Payload};
use ait_client::{ClientError, NonceChoice, NotCommitted, SendError, Terms};
use anyhow::{Context, Result};
use tokio::time::sleep;

use super::{
    Miner,
    escrow::{self, ClaimOutcome},
    progress::Opened,
};

/// How long another command may send with the miner's key.
const PATIENCE: Duration = Duration::from_secs(60);

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

    fn not_sent(error: &SendError) -> Self {
        match error.answer() {
            Some(answer) => Self::refused(answer),
            None => Self {
                reaction: Reaction::GiveUp,
                message: error.to_string(),
            },
        }
    }

    /// `None` where the node does not tell whether there is one.
    fn not_committed(error: &NotCommitted) -> Option<Self> {
        let reaction = match error {
            NotCommitted::Dropped { reason, .. } => reaction(&reason.code),
            NotCommitted::Forgotten { .. } => Reaction::TryAgain,
            NotCommitted::TimeOver { .. } | NotCommitted::Untold { .. } => return None,
        };
        Some(Self {
            reaction,
            message: error.to_string(),
        })
    }
}

/// Claims until the claim is in a block, or its escrow is closed.
///
/// # Errors
/// When the claim is refused for good.
pub async fn run(miner: &Miner, opened: &Opened, claim: &ReceiptClaim) -> Result<ClaimOutcome> {
    let payload = Payload::from(claim.clone());
    let mut backoff = escrow::backoff();
    loop {
        let failure = match send(miner, &payload).await {
            Ok(hash) => match miner.wallet.node().committed(&hash, None).await {
                Ok(committed) => match committed.done() {
                    Ok(receipt) => {
                        log_paid(claim, &receipt, &hash);
                        return Ok(ClaimOutcome::Paid);
                    }
                    Err(failed) => Failure::in_block(&failed.0),
                },
                Err(error) => match Failure::not_committed(&error) {
                    Some(failure) => failure,
                    None => return Err(error).context("asking for the claim's outcome"),
                },
            },
            Err(error) => match error.downcast_ref() {
                Some(refused) => Failure::not_sent(refused),
                None => return Err(error),
            },
        };
        let message = failure.message;
        tracing::warn!(component = "miner", event = "claim_not_paid", job_id = %opened.job_id, reason = message);
        // Whatever went wrong, the run of nonces may have changed.
        *miner.next_nonce.lock().await = None;
        match failure.reaction {
            Reaction::Lost => return Ok(ClaimOutcome::Skipped(message)),
            Reaction::Denied => return Ok(ClaimOutcome::Denied(message)),
            Reaction::GiveUp => anyhow::bail!("the claim is refused: {message}"),
            Reaction::TryAgain => sleep(backoff.pause()).await,
        }
        if escrow::open_escrow(miner, opened).await?.is_none() {
            return Ok(ClaimOutcome::Skipped(
                "it closed before the claim held".into(),
            ));
        }
    }
}

/// Signs and sends a claim with the next nonce; its hash. Claims go one after the other, so that the node sees
/// their nonces in sequence.
async fn send(miner: &Miner, payload: &Payload) -> Result<String> {
    let mut next_nonce = miner.next_nonce.lock().await;
    let _turn = miner.lock.turn(PATIENCE).await?;
    let terms = Terms {
        nonce: next_nonce.map_or(NonceChoice::Found, NonceChoice::Counted),
        ..Terms::default()
    };
    // What it was is not known unless it was taken.
    *next_nonce = None;
    let signed = miner.wallet.sign(payload.clone(), &terms).await;
    let signed = signed.map_err(SendError::from)?;
    match signed.send(miner.wallet.node()).await {
        Ok(sent) => {
            *next_nonce = Some(signed.nonce().next());
            Ok(sent.tx_hash)
        }
        // It may be there: only its outcome says whether another is to be signed.
        Err(SendError::Unknown { hash, .. }) => Ok(hash),
        Err(error) => Err(error.into()),
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
    use ait_api::tx::DropReason;

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
        let hash = String::new;
        let reaction = |code: &str| {
            let reason = DropReason {
                code: code.to_owned(),
                codespace: String::new(),
                message: String::new(),
            };
            let dropped = NotCommitted::Dropped {
                hash: hash(),
                reason,
            };
            Failure::not_committed(&dropped).unwrap().reaction
        };
        assert_eq!(reaction("attestation_negative"), Reaction::Denied);
        assert_eq!(reaction("attestation_missing"), Reaction::TryAgain);
        assert_eq!(reaction("dropped"), Reaction::TryAgain);
        let forgotten = Failure::not_committed(&NotCommitted::Forgotten { hash: hash() });
        assert_eq!(forgotten.unwrap().reaction, Reaction::TryAgain);
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
