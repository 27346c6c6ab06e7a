//! Owns one escrow from its opening to its end: assignment, then part by part work, attestation and
//! claim. What a restart does again comes out the same, so that it is the same receipt for the
//! coordinator.

use ait_app::{
    address::Address,
    crypto::{Signature, sha256},
    escrow::record::Escrow,
    identifiers::{ChainId, ReceiptId},
    quantity::{Height, Positive, Uait, Units},
    receipts::{
        attestation::{Attestation, Quote},
        claim_payload::{Attestations, Brought},
        record::ReceiptStatus,
        terms::ReceiptTerms,
    },
    tx::Payload,
};
use ait_client::{ClientError, Coordinator, JobInfo, SignedReceipt};
use anyhow::{Context, Result};
use tokio::{task::spawn_blocking, time::sleep};

use super::{
    Miner,
    assignment::{self, Assignment},
    attestation::{self, Attested},
    escrow::{ClaimOutcome, backoff, open_escrow},
    pricing::{self, Market, Part, Pay},
    progress::Opened,
    work,
};
use crate::coordinator::NO_QUOTE;

/// A reason to leave an escrow alone.
fn skip(reason: impl Into<String>) -> Result<ClaimOutcome> {
    Ok(ClaimOutcome::Skipped(reason.into()))
}

/// Does the job of an escrow and claims its receipts. Goes on trying while the escrow is open.
///
/// # Errors
/// What no trying again can mend.
pub async fn run(miner: &Miner, opened: &Opened) -> Result<ClaimOutcome> {
    let Some(coordinator) = miner.coordinators.get(&opened.coordinator) else {
        return skip("its coordinator is unknown here");
    };
    let Some(escrow) = open_escrow(miner, opened).await? else {
        return skip("it is not open any more, or another miner's");
    };
    if !attestation::knows_enough(miner, &escrow) {
        return skip("too few of its coordinators are known here");
    }
    let Some(job) = job_info(coordinator, opened).await else {
        return skip(format!(
            "its coordinator {} knows no job {}",
            opened.coordinator, opened.job_id
        ));
    };
    let parts = match offer(miner, &escrow, &job.quote, opened).await? {
        Ok(parts) => parts,
        Err(reason) => return skip(reason.to_string()),
    };
    let bound = match assignment::obtain(miner, coordinator, opened).await? {
        Assignment::Bound => true,
        Assignment::Free => false,
        Assignment::Lost(reason) => return skip(reason),
    };
    let last = parts.len().saturating_sub(1);
    for (number, part) in parts.into_iter().enumerate() {
        let is_final = bound && escrow.partial && number == last;
        match run_part(miner, opened, number as u64, part, is_final).await? {
            ClaimOutcome::Paid => {}
            other => return Ok(other),
        }
    }
    Ok(ClaimOutcome::Paid)
}

/// Does and claims one part, unless it was paid before.
async fn run_part(
    miner: &Miner,
    opened: &Opened,
    number: u64,
    part: Part,
    is_final: bool,
) -> Result<ClaimOutcome> {
    let receipt_id = receipt_id(
        miner.wallet.chain_id(),
        &miner.wallet.address(),
        opened,
        number,
    )?;
    let known = miner
        .wallet
        .node()
        .receipt(&miner.wallet.address(), &receipt_id)
        .await;
    if known.is_ok_and(|known| known.is_some_and(|known| known.status == ReceiptStatus::Paid)) {
        return Ok(ClaimOutcome::Paid);
    }
    let Some(escrow) = open_escrow(miner, opened).await? else {
        return skip("it closed before all of it was claimed");
    };
    let receipt = work_and_sign(miner, opened, receipt_id, number, part).await?;
    let brought = match attestation::obtain(miner, &escrow, &receipt, opened).await? {
        Attested::Good(brought) => brought,
        Attested::Denied(reason) => return Ok(ClaimOutcome::Denied(reason)),
        Attested::Lost => return skip("it closed before its coordinators could attest"),
    };
    super::claim::run(miner, opened, &receipt.into_claim(brought, is_final)).await
}

/// What the coordinator says of a job; `None` when there is no such job. One that doesn't tell is
/// taken to quote everything: its attestation will say.
async fn job_info(coordinator: &Coordinator, opened: &Opened) -> Option<JobInfo> {
    let info = coordinator.job(&opened.job_id).await.unwrap_or(JobInfo {
        exists: true,
        quote: NO_QUOTE,
    });
    info.exists.then_some(info)
}

async fn offer(
    miner: &Miner,
    escrow: &Escrow,
    quote: &Quote,
    opened: &Opened,
) -> Result<Result<Vec<Part>, pricing::NotWorthIt>> {
    let mut backoff = backoff();
    let largest = largest_claim(miner, escrow, opened)?;
    loop {
        let answer = async {
            let market: Market = miner.wallet.node().get("/rpc/getParams").await?;
            let estimate = miner
                .wallet
                .node()
                .estimate_fee(&largest, &miner.wallet.address())
                .await?;
            Ok::<_, ClientError>((market, estimate.fee))
        };
        match answer.await {
            Ok((market, fee)) => {
                let pay = Pay {
                    amount: opened.amount,
                    partial: escrow.partial,
                    fee,
                };
                return Ok(pricing::offer(&pay, quote, &market, &miner.policy));
            }
            Err(error) if error.is_passing() => sleep(backoff.pause()).await,
            Err(error) => return Err(error).context("asking for params and fee"),
        }
    }
}

/// A claim no smaller than those to come, whose numbers are not known yet: its fee is enough.
fn largest_claim(miner: &Miner, escrow: &Escrow, opened: &Opened) -> Result<Payload> {
    let sig = Signature::from_bytes([0; 64]);
    let attestation = |coordinator: Address| Attestation {
        coordinator,
        exists: false,
        not_double_spent: false,
        paid: false,
        quote: NO_QUOTE,
        sig,
    };
    let first = escrow.attesters.iter().take(escrow.threshold);
    let list: Vec<Attestation> = first.map(|one| attestation(one.address)).collect();
    let brought = Attestations::new(list).map_or(Brought::Nothing, Brought::Several);
    let terms = ReceiptTerms {
        receipt_id: receipt_id(miner.wallet.chain_id(), &miner.wallet.address(), opened, 0)?,
        job_id: opened.job_id.clone(),
        client: opened.client,
        miner: miner.wallet.address(),
        compute_units: Positive::new(Units::MAX).context("above 0")?,
        price: Positive::new(Uait::MAX).context("above 0")?,
        output_hash: work::output_hash(&[0; 32])?,
        opened_height: escrow.opened_height,
    };
    let receipt = SignedReceipt {
        terms,
        miner_sig: sig,
        miner_pubkey: None,
    };
    Ok(receipt.into_claim(brought, true).into())
}

async fn work_and_sign(
    miner: &Miner,
    opened: &Opened,
    receipt_id: ReceiptId,
    number: u64,
    part: Part,
) -> Result<SignedReceipt> {
    let job = work::Job {
        chain_id: miner.wallet.chain_id().clone(),
        client: opened.client,
        job_id: opened.job_id.clone(),
        part: number,
    };
    let units = part.compute_units.get().get();
    let permit = miner.workers.acquire().await?;
    let started = std::time::Instant::now();
    let output = spawn_blocking(move || work::execute(&job, units)).await?;
    drop(permit);
    tracing::info!(
        component = "miner",
        event = "work_done",
        job_id = %opened.job_id,
        part = number,
        compute_units = units,
        hashes = units.saturating_mul(work::HASHES_PER_UNIT),
        latency_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    );
    let terms = ReceiptTerms {
        receipt_id,
        job_id: opened.job_id.clone(),
        client: opened.client,
        miner: miner.wallet.address(),
        compute_units: part.compute_units,
        price: part.price,
        output_hash: work::output_hash(&output)?,
        opened_height: Height::constant(opened.height),
    };
    Ok(SignedReceipt::sign(
        miner.wallet.chain_id(),
        terms,
        miner.wallet.key(),
    ))
}

/// A receipt's name: another for every part and opening of an escrow, the same whenever its job is done
/// again.
///
/// # Errors
/// Never: hex is a valid id.
fn receipt_id(
    chain_id: &ChainId,
    miner: &Address,
    opened: &Opened,
    part: u64,
) -> Result<ReceiptId> {
    let text = format!(
        "AIT-RECEIPT-ID|{chain_id}|{miner}|{}|{}|{}|{part}",
        opened.client, opened.job_id, opened.height
    );
    let digest = hex::encode(sha256(text.as_bytes()));
    let short: String = digest.chars().take(40).collect();
    Ok(format!("r-{short}").parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(height: u64) -> Opened {
        Opened {
            height,
            client: Address::module("client"),
            job_id: "job_1".parse().unwrap(),
            coordinator: Address::module("coordinator"),
            amount: Uait::constant(500),
        }
    }

    #[test]
    fn receipts_are_named_by_the_part_and_the_opening_of_their_escrow() {
        let name = |chain: &str, miner: &str, height, part| {
            let chain = chain.parse().unwrap();
            receipt_id(&chain, &Address::module(miner), &opened(height), part).unwrap()
        };
        let first = name("ait-devnet", "miner", 7, 0);
        assert_eq!(name("ait-devnet", "miner", 7, 0), first);
        assert_ne!(name("ait-devnet", "miner", 7, 1), first);
        assert_ne!(name("ait-devnet", "miner", 8, 0), first);
        assert_ne!(name("ait-devnet", "other", 7, 0), first);
        assert_ne!(name("other", "miner", 7, 0), first);
    }
}
