//! Owns how one transaction is judged: by running it on the committed state with its sender's earlier
//! ones applied, exactly as a block would; what others have pending doesn't count.

use std::sync::Arc;

use ait_app::{
    Code, InvariantViolation, Refusal,
    address::Address,
    block::attestation_fits,
    escrow::record::{Escrow, EscrowStatus},
    identifiers::JobId,
    receipts::{attestation::Attestation, claim_payload::ReceiptClaim},
    state::{Changes, Key, State, Value, View, base::Base},
    tx::{BlockContext, Payload, Signatures, Verdict, VerifiedTx, run},
};

use super::pooled_tx::{PooledTx, Rank, Wait};

/// What transactions are judged with: the committed state as the next block reads it.
pub struct Bench<'a> {
    /// The committed records.
    pub base: Base<'a>,
    /// The next block's facts.
    pub context: BlockContext<'a>,
}

impl<'a> Bench<'a> {
    /// For the block after `state`.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub fn new(
        state: &'a State,
        signatures: &'a dyn Signatures,
    ) -> Result<Self, InvariantViolation> {
        Ok(Self {
            base: Base::new(state),
            context: BlockContext::after(state, signatures)?,
        })
    }

    /// The committed state.
    pub fn state(&self) -> &'a State {
        self.base.state()
    }

    /// Whether an answer may stand in front of the next block for a claim, on the `committed` records.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub fn fits(
        &self,
        committed: &impl View,
        claim: &VerifiedTx,
        attestation: &Attestation,
    ) -> Result<bool, InvariantViolation> {
        attestation_fits(committed, &self.context, claim, attestation)
    }
}

/// How a transaction stands where its turn comes; with what its successors are judged on.
pub enum Judgement {
    /// It may be proposed.
    Ready(Changes),
    /// A claim whose only fault is that its coordinator has not answered yet.
    Waiting(Wait, Changes),
    /// Only time can cure its fault.
    Parked(Refusal),
    /// It is not kept.
    Refused(Refusal),
}

/// Runs a transaction in the next block on what its sender's earlier ones leave.
///
/// # Errors
/// [`InvariantViolation`].
pub fn judge(
    bench: &Bench<'_>,
    view: &impl View,
    entry: &PooledTx,
) -> Result<Judgement, InvariantViolation> {
    let attestation = entry.attestation.as_ref();
    let outcome = run(view, &bench.context, &entry.verified, attestation)?;
    let refusal = match outcome.verdict {
        Verdict::Done => return Ok(Judgement::Ready(outcome.changes)),
        // The coordinator answered this node, with a denial that is the miner's fault: the block shall
        // say so. The fee can be paid, or it would be no offence.
        Verdict::Offence(refusal)
            if refusal.code == Code::AttestationNegative && attestation.is_some() =>
        {
            return Ok(Judgement::Ready(outcome.changes));
        }
        Verdict::Offence(refusal)
        | Verdict::Failed(refusal)
        | Verdict::Unauthenticated(refusal) => refusal,
    };
    if refusal.code == Code::AttestationMissing
        && let Payload::ReceiptClaim(claim) = &entry.verified.tx.payload
        && let Some(wait) = wait(bench, view, claim)?
    {
        return Ok(Judgement::Waiting(wait, only_the_nonce(view, entry)?));
    }
    if may_pass(bench, view, entry, &refusal)? {
        return Ok(Judgement::Parked(refusal));
    }
    Ok(Judgement::Refused(refusal))
}

/// What a claim without attestations waits for; `None` where no block can bring it one.
fn wait(
    bench: &Bench<'_>,
    view: &impl View,
    claim: &ReceiptClaim,
) -> Result<Option<Wait>, InvariantViolation> {
    let id = (claim.client_addr, claim.job_id.clone());
    let Some(escrow) = view.get::<Escrow>(&id)? else {
        return Ok(None);
    };
    if !escrow.has_single_coordinator() {
        return Ok(None);
    }
    let remaining = escrow.remaining_in(bench.context.height);
    Ok(Some(Wait {
        escrow: id,
        rank: Rank {
            bound: escrow.binding.miner() == Some(claim.miner_addr),
            remaining: remaining.unwrap_or_default(),
        },
    }))
}

/// The successors of a waiting claim wait with it, judged as if it did nothing but take its nonce.
fn only_the_nonce(view: &impl View, entry: &PooledTx) -> Result<Changes, InvariantViolation> {
    let tx = &entry.verified.tx;
    let mut account = view.account(&tx.sender)?;
    account.nonce = tx.nonce;
    let change = Some(Arc::new(Value::Account(account)));
    Ok(Changes::from([(Key::Account(tx.sender), change)]))
}

/// Whether time alone may cure a fault, since another node may be a block ahead: a nonce, a balance or
/// an escrow that is not there yet.
fn may_pass(
    bench: &Bench<'_>,
    view: &impl View,
    entry: &PooledTx,
    refusal: &Refusal,
) -> Result<bool, InvariantViolation> {
    let VerifiedTx {
        tx, payload_bytes, ..
    } = entry.verified.as_ref();
    Ok(match refusal.code {
        Code::NonceGap => tx.fee >= bench.context.params.required_fee(*payload_bytes, false),
        Code::FeeNotAffordable | Code::InsufficientBalance | Code::EscrowNotFound => true,
        // A refunded escrow may open again, a settled one never.
        Code::EscrowClosed => match named_escrow(&tx.payload, tx.sender) {
            Some(id) => view
                .get::<Escrow>(&id)?
                .is_none_or(|escrow| !matches!(escrow.status, EscrowStatus::Settled { .. })),
            None => false,
        },
        _ => false,
    })
}

/// The escrow that a transaction is about.
fn named_escrow(payload: &Payload, sender: Address) -> Option<(Address, JobId)> {
    match payload {
        Payload::ReceiptClaim(claim) => Some((claim.client_addr, claim.job_id.clone())),
        Payload::EscrowAssign(assign) => Some((assign.client_addr, assign.job_id.clone())),
        Payload::EscrowTopUp(top_up) => Some((top_up.client_addr, top_up.job_id.clone())),
        Payload::EscrowRelease(release) => Some((release.client_addr, release.job_id.clone())),
        Payload::EscrowCancel(cancel) => Some((sender, cancel.job_id.clone())),
        _ => None,
    }
}
