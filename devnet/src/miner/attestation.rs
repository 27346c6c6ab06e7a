//! Owns getting a receipt attested by as many of its escrow's coordinators as the escrow asks for.

use ait_app::{
    escrow::record::Escrow,
    receipts::{
        attestation::{Answer, Attestation},
        claim_payload::Brought,
    },
};
use ait_client::{SignedReceipt, brought, describe, is_too_early};
use anyhow::{Context, Result};
use tokio::time::sleep;

use super::{Miner, escrow, progress::Opened};

/// What the coordinators say of a receipt.
#[derive(Debug)]
pub enum Attested {
    /// Enough of them attest it.
    Good(Brought),
    /// So many deny it that it can't be paid: claiming it would be refused, or an offence.
    Denied(String),
    /// The escrow closed, or another miner got it, before there was an answer.
    Lost,
}

/// Whether enough of an escrow's coordinators are known here.
pub fn knows_enough(miner: &Miner, escrow: &Escrow) -> bool {
    let known = |address| miner.coordinators.contains_key(address);
    let count = escrow
        .attesters
        .iter()
        .filter(|attester| known(&attester.address))
        .count();
    count >= escrow.threshold
}

/// Asks until there are enough answers of one kind.
///
/// # Errors
/// When a coordinator refuses the request itself.
pub async fn obtain(
    miner: &Miner,
    escrow: &Escrow,
    receipt: &SignedReceipt,
    opened: &Opened,
) -> Result<Attested> {
    if !miner.inline && escrow.has_single_coordinator() {
        return Ok(Attested::Good(Brought::Nothing));
    }
    let mut found: Vec<Attestation> = Vec::new();
    let mut backoff = escrow::backoff();
    loop {
        for attester in &escrow.attesters {
            let Some(coordinator) = miner.coordinators.get(&attester.address) else {
                continue;
            };
            if found.iter().any(|one| one.coordinator == attester.address) {
                continue;
            }
            match coordinator.attest(receipt, miner.wallet.chain_id()).await {
                Ok(attestation) => found.push(attestation),
                Err(error) if error.is_passing() || is_too_early(&error) => {
                    tracing::info!(component = "miner", event = "attestation_delayed", job_id = %opened.job_id, %error);
                }
                Err(error) => return Err(error).context("asking a coordinator to attest"),
            }
            if let Some(attested) = outcome(miner, escrow, receipt, &found) {
                return Ok(attested);
            }
        }
        sleep(backoff.pause()).await;
        if escrow::open_escrow(miner, opened).await?.is_none() {
            return Ok(Attested::Lost);
        }
    }
}

fn outcome(
    miner: &Miner,
    escrow: &Escrow,
    receipt: &SignedReceipt,
    found: &[Attestation],
) -> Option<Attested> {
    let is_good = |one: &&Attestation| one.answer(&receipt.terms) == Answer::Good;
    let good = found.iter().filter(is_good).count();
    if good >= escrow.threshold {
        return brought(escrow, &receipt.terms, found)
            .ok()
            .map(Attested::Good);
    }
    let known = |address| miner.coordinators.contains_key(address);
    let could = escrow.attesters.iter().filter(|one| known(&one.address));
    let denied = found.len() - good;
    if could.count().saturating_sub(denied) >= escrow.threshold {
        return None;
    }
    let said: Vec<String> = found.iter().map(describe).collect();
    Some(Attested::Denied(said.join("; ")))
}
