//! Owns one escrow from its opening to a signed, attested receipt: price, work, attestation. What a
//! restart does again comes out the same, so that it is the same receipt for the coordinator.

use std::time::Duration;

use ait_app::{
    address::Address,
    amount,
    crypto::{Signature, sha256},
    identifiers::{ChainId, ReceiptId},
    receipts::{Attestation, Quote, ReceiptTerms},
    state::records::Escrow,
    tx::{Payload, ReceiptClaim},
};
use anyhow::{Context, Result};
use tokio::{task::spawn_blocking, time::sleep};

use super::{
    Miner,
    pricing::{self, Market, Offer},
    progress::Opened,
    work,
};
use crate::{
    attest::{self, JobInfo, SignedReceipt},
    backoff::Backoff,
    client::{Client, ClientError},
    coordinator::NO_QUOTE,
};

/// What became of an escrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Its receipt was paid.
    Paid,
    /// Nothing can be claimed, for the reason given.
    Skipped(String),
}

/// A reason to leave an escrow alone.
fn skip(reason: impl Into<String>) -> Result<Outcome> {
    Ok(Outcome::Skipped(reason.into()))
}

/// Does the job of an escrow and claims its receipt. Goes on trying while the escrow is open.
///
/// # Errors
/// What no trying again can mend.
pub async fn run(miner: &Miner, opened: &Opened) -> Result<Outcome> {
    let Some(coordinator) = miner.coordinators.get(&opened.coordinator) else {
        return skip("its coordinator is unknown here");
    };
    let Some(escrow) = open_escrow(miner, opened).await? else {
        return skip("it is not open any more");
    };
    let Some(job) = job_info(coordinator, opened).await else {
        return skip("its coordinator knows no such job");
    };
    let offer = match offer(miner, &escrow, &job.quote).await? {
        Ok(offer) => offer,
        Err(reason) => return skip(reason.to_string()),
    };
    let receipt = work_and_sign(miner, &escrow, offer).await?;
    let attestation = if miner.inline {
        match attestation(miner, coordinator, &escrow, &receipt, opened).await? {
            Some(attestation) if attestation.is_good_for(&receipt.terms) => Some(attestation),
            Some(attestation) => {
                return skip(format!(
                    "the coordinator attests {}",
                    attest::describe(&attestation)
                ));
            }
            None => return skip("it closed before its coordinator could attest"),
        }
    } else {
        None
    };
    let payload = Payload::ReceiptClaim(Box::new(ReceiptClaim {
        terms: receipt.terms,
        miner_sig: receipt.miner_sig,
        attestation,
    }));
    super::claim::run(miner, opened, &payload).await
}

/// The escrow, if it is still the one that was opened in that block, and open. Tries until the node
/// answers.
///
/// # Errors
/// When the node's answer is not understood.
pub async fn open_escrow(miner: &Miner, opened: &Opened) -> Result<Option<Escrow>> {
    let mut backoff = backoff();
    loop {
        let answer = async {
            let head = miner.client.head().await?;
            let escrow = miner.client.escrow(&opened.client, &opened.job_id).await?;
            Ok::<_, ClientError>((head.height, escrow))
        };
        match answer.await {
            Ok((head, escrow)) => {
                let next = head.saturating_add(1);
                return Ok(escrow.filter(|escrow| {
                    escrow.opened_height == opened.height && escrow.is_open_in(next)
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

/// What the coordinator says of a job; `None` when there is no such job. One that doesn't tell is
/// taken to quote everything: its attestation will say.
async fn job_info(coordinator: &Client, opened: &Opened) -> Option<JobInfo> {
    let path = format!("/jobs/{}", opened.job_id);
    let info = coordinator.get::<JobInfo>(&path).await;
    let info = info.unwrap_or(JobInfo {
        exists: true,
        quote: NO_QUOTE,
    });
    info.exists.then_some(info)
}

async fn offer(
    miner: &Miner,
    escrow: &Escrow,
    quote: &Quote,
) -> Result<Result<Offer, pricing::NotWorthIt>> {
    let mut backoff = backoff();
    let largest = largest_claim(miner, escrow)?;
    loop {
        let answer = async {
            let market: Market = miner.client.get("/rpc/getParams").await?;
            let fee = miner.client.required_fee(&largest).await?;
            Ok::<_, ClientError>((market, fee))
        };
        match answer.await {
            Ok((market, fee)) => {
                return Ok(pricing::offer(
                    escrow.amount,
                    fee,
                    quote,
                    &market,
                    &miner.policy,
                ));
            }
            Err(error) if error.is_passing() => sleep(backoff.pause()).await,
            Err(error) => return Err(error).context("asking for params and fee"),
        }
    }
}

/// A claim no smaller than the one to come, whose numbers are not known yet: its fee is enough.
fn largest_claim(miner: &Miner, escrow: &Escrow) -> Result<Payload> {
    let no_signature = Signature::from_bytes([0; 64]);
    let terms = ReceiptTerms {
        receipt_id: receipt_id(&miner.chain_id, &miner.address, escrow)?,
        job_id: escrow.job_id.clone(),
        client: escrow.client,
        miner: miner.address,
        compute_units: amount::MAX,
        price: amount::MAX,
        output_hash: work::output_hash(&[0; 32])?,
    };
    let attestation = Attestation {
        exists: false,
        paid: false,
        not_double_spent: false,
        quote: NO_QUOTE,
        coordinator: escrow.coordinator,
        sig: no_signature,
    };
    Ok(Payload::ReceiptClaim(Box::new(ReceiptClaim {
        terms,
        miner_sig: no_signature,
        attestation: Some(attestation),
    })))
}

async fn work_and_sign(miner: &Miner, escrow: &Escrow, offer: Offer) -> Result<SignedReceipt> {
    let job = work::Job {
        chain_id: miner.chain_id.clone(),
        client: escrow.client,
        job_id: escrow.job_id.clone(),
    };
    let permit = miner.workers.acquire().await?;
    let started = std::time::Instant::now();
    let output = spawn_blocking(move || work::execute(&job, offer.compute_units)).await?;
    drop(permit);
    tracing::info!(
        component = "miner",
        event = "work_done",
        job_id = %escrow.job_id,
        compute_units = offer.compute_units,
        hashes = offer.compute_units.saturating_mul(work::HASHES_PER_UNIT),
        latency_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    );
    let terms = ReceiptTerms {
        receipt_id: receipt_id(&miner.chain_id, &miner.address, escrow)?,
        job_id: escrow.job_id.clone(),
        client: escrow.client,
        miner: miner.address,
        compute_units: offer.compute_units,
        price: offer.price,
        output_hash: work::output_hash(&output)?,
    };
    Ok(SignedReceipt::sign(&miner.chain_id, terms, &miner.key))
}

/// The coordinator's answer; `None` when the escrow closed before there was one.
async fn attestation(
    miner: &Miner,
    coordinator: &Client,
    escrow: &Escrow,
    receipt: &SignedReceipt,
    opened: &Opened,
) -> Result<Option<Attestation>> {
    let mut backoff = backoff();
    let height = escrow.opened_height;
    loop {
        match attest::ask(coordinator, receipt, &miner.chain_id, height).await {
            Ok(attestation) => return Ok(Some(attestation)),
            Err(error) if error.is_passing() || attest::is_too_early(&error) => {
                tracing::info!(component = "miner", event = "attestation_delayed", job_id = %opened.job_id, %error);
                sleep(backoff.pause()).await;
            }
            Err(error) => return Err(error).context("asking the coordinator to attest"),
        }
        if open_escrow(miner, opened).await?.is_none() {
            return Ok(None);
        }
    }
}

/// The pauses between tries.
pub fn backoff() -> Backoff {
    Backoff::new(Duration::from_millis(250), Duration::from_secs(5))
}

/// A receipt's name: another for every opening of an escrow, the same whenever its job is done again.
///
/// # Errors
/// Never: hex is a valid id.
fn receipt_id(chain_id: &ChainId, miner: &Address, escrow: &Escrow) -> Result<ReceiptId> {
    let text = format!(
        "AIT-RECEIPT-ID|{chain_id}|{miner}|{}|{}|{}",
        escrow.client, escrow.job_id, escrow.opened_height
    );
    let digest = hex::encode(sha256(text.as_bytes()));
    let short: String = digest.chars().take(40).collect();
    Ok(format!("r-{short}").parse()?)
}

#[cfg(test)]
mod tests {
    use ait_app::state::records::EscrowStatus;

    use super::*;

    fn escrow(opened_height: u64) -> Escrow {
        Escrow {
            client: Address::module("client"),
            job_id: "job_1".parse().unwrap(),
            coordinator: Address::module("coordinator"),
            amount: 500,
            status: EscrowStatus::Open,
            opened_height,
            expires_height: 100,
        }
    }

    #[test]
    fn receipts_are_named_by_the_opening_of_their_escrow() {
        let name = |chain: &str, miner: &str, height| {
            let chain = chain.parse().unwrap();
            receipt_id(&chain, &Address::module(miner), &escrow(height)).unwrap()
        };
        let first = name("ait-devnet", "miner", 7);
        assert_eq!(name("ait-devnet", "miner", 7), first);
        assert_ne!(name("ait-devnet", "miner", 8), first);
        assert_ne!(name("ait-devnet", "other", 7), first);
        assert_ne!(name("other", "miner", 7), first);
    }
}
