//! Owns the rule of the attestation entry (PROTOCOL section 4), judged on the state after the block
//! before alone.

use super::entry::Entry;
use crate::{
    code::Code,
    error::{InvariantViolation, Refusal},
    escrow::record::{Escrow, EscrowStatus},
    prelude::*,
    receipts::{attestation::Attestation, claim_payload::ReceiptClaim, keys::Judge},
    state::{View, base::Base},
    tx::{BlockContext, Payload, VerifiedTx},
};

/// The attestation in front of the block for each of its entries.
pub type Assigned = Vec<Option<Attestation>>;

/// What the rule says of a block's entries.
pub enum RuleVerdict {
    /// It is kept.
    Kept(Assigned),
    /// It is broken, and why.
    InvariantViolation(Refusal),
}

/// Whether an attestation, good or negative, may stand in front of the next block for a claim. `view` is
/// the state after the block before: in it the claim's escrow is open, has the claim's opening and names
/// a single coordinator, and that one rightly signed it.
///
/// # Errors
/// [`InvariantViolation`] when the escrow is unreadable.
pub fn attestation_fits(
    view: &impl View,
    block: &BlockContext<'_>,
    claim: &VerifiedTx,
    attestation: &Attestation,
) -> Result<bool, InvariantViolation> {
    let Payload::ReceiptClaim(payload) = &claim.tx.payload else {
        return Ok(false);
    };
    let Some(escrow) = escrow_in_question(view, payload)? else {
        return Ok(false);
    };
    let judge = Judge {
        chain_id: block.chain_id,
        params: block.params,
        signatures: block.signatures,
        view,
    };
    let terms = payload.terms(escrow.opened_height);
    judge.is_rightly_signed(&escrow, attestation, &terms)
}

/// The escrow for which an attestation may stand in front of the block.
fn escrow_in_question(
    view: &impl View,
    claim: &ReceiptClaim,
) -> Result<Option<Escrow>, InvariantViolation> {
    let id = (claim.client_addr, claim.job_id.clone());
    let escrow = view.get::<Escrow>(&id)?;
    Ok(escrow.filter(|escrow| {
        let opening = claim.opened_height.unwrap_or(escrow.opened_height);
        matches!(escrow.status, EscrowStatus::Open { .. })
            && opening == escrow.opened_height
            && escrow.has_single_coordinator()
    }))
}

/// Applies the rule: exactly one attestation for each claim of the block that has none inline, in
/// block order, rightly signed for it; no entry where none is needed.
///
/// # Errors
/// [`InvariantViolation`] when an escrow is unreadable.
pub fn assign_attestations(
    base: &Base<'_>,
    block: &BlockContext<'_>,
    entries: &[Entry],
) -> Result<RuleVerdict, InvariantViolation> {
    let broken = |why: &str| {
        Ok(RuleVerdict::InvariantViolation(Refusal::new(
            Code::UnexpectedAttestations,
            why,
        )))
    };
    let (given, rest) = match entries.split_first() {
        Some((Entry::Attestations(list), rest)) => (Some(list), rest),
        _ => (None, entries),
    };
    if rest
        .iter()
        .any(|entry| matches!(entry, Entry::Attestations(_)))
    {
        return broken("an ATTESTATIONS entry may stand at index 0 alone");
    }
    let mut list = given.into_iter().flatten();
    let mut assigned = Vec::with_capacity(entries.len());
    if given.is_some() {
        assigned.push(None);
    }
    let mut needed = false;
    for entry in rest {
        let Some(claim) = entry.claim_without_attestation() else {
            assigned.push(None);
            continue;
        };
        needed = true;
        let Some(attestation) = list.next() else {
            return broken("a claim of the block has no attestation");
        };
        if !attestation_fits(base, block, claim, attestation)? {
            return broken(
                "an attestation of the block is not rightly signed for its claim, or its claim may \
                 not stand in a block without one of its own",
            );
        }
        assigned.push(Some(attestation.clone()));
    }
    if list.next().is_some() || (given.is_some() && !needed) {
        return broken("the block has attestations that no claim needs");
    }
    Ok(RuleVerdict::Kept(assigned))
}
