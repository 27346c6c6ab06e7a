//! Owns what a valid claim does to the records: the escrow pays, coins are minted, work counts.

use super::{
    claim_payload::ReceiptClaim,
    events::WorkEvent,
    offences::miner_now,
    record::{Receipt, ReceiptStatus},
    settlement::{Ask, Mintable, Settlement},
    terms::ReceiptTerms,
};
use crate::{
    address::Address,
    coordinators::record::Coordinator,
    error::InvariantViolation,
    escrow::{
        events::EscrowEvent,
        record::{Escrow, EscrowStatus, LastReceipt, Reason},
        refund::count_end,
    },
    events::Event,
    prelude::*,
    quantity::{Count, Uait, Units},
    staking::record::Validator,
    state::{Overlay, View},
    tx::context::Context,
};

/// Pays a valid claim. `attesters` are the coordinators whose attestations count, in the escrow's
/// order; `refused` is the receipt where it stood refused.
///
/// # Errors
/// [`InvariantViolation`].
pub(super) fn pay<V: View>(
    context: &Context<'_>,
    overlay: &mut Overlay<V>,
    claim: &ReceiptClaim,
    escrow: Escrow,
    terms: &ReceiptTerms,
    attesters: &[Address],
    refused: Option<Receipt>,
) -> Result<Vec<Event>, InvariantViolation> {
    let ask = Ask {
        remaining: escrow.locked(),
        partial: escrow.partial,
        price: terms.price.get(),
        required_fee: context.required_fee,
        compute_units: terms.compute_units.get(),
        attesters: attesters.len(),
    };
    let mintable = mintable(context, overlay, attesters)?;
    let settlement = Settlement::of(context.block.params, &ask, mintable)?;
    overlay.credit(&terms.miner, settlement.pay.plus(settlement.miner)?)?;
    mint(context, overlay, attesters, &settlement)?;
    let receipt = receipt(context, claim, &escrow, terms, &settlement);
    let acquitted = refused.filter(|refused| refused.is_same_work(&receipt));
    count_work(context, overlay, terms, settlement.counted, acquitted)?;
    let mut events = vec![WorkEvent::Claimed(&receipt).into()];
    overlay.put(&(terms.miner, terms.receipt_id.clone()), receipt);
    events.extend(close_or_keep(
        context,
        overlay,
        claim,
        escrow,
        settlement.left,
    )?);
    Ok(events)
}

/// What may be minted now on the attestations of these coordinators.
fn mintable(
    context: &Context<'_>,
    view: &impl View,
    attesters: &[Address],
) -> Result<Mintable, InvariantViolation> {
    let params = context.block.params;
    let mut by_coordinators = Uait::MAX;
    for address in attesters {
        let record = coordinator(view, address)?;
        let mut limit = params.coordinator_epoch_mint_cap;
        if params.mint_cap_per_bond > Count::ZERO {
            let by_bond = record
                .bond
                .get()
                .saturating_mul(params.mint_cap_per_bond.get());
            limit = limit.min(Uait::constant(by_bond));
        }
        let minted = record.minted_since(context.block.consensus.last_epoch_end);
        by_coordinators = by_coordinators.min(limit.floored_minus(minted));
    }
    Ok(Mintable {
        by_coordinators,
        by_supply: view.supply()?.mintable(),
    })
}

fn mint<V: View>(
    context: &Context<'_>,
    overlay: &mut Overlay<V>,
    attesters: &[Address],
    settlement: &Settlement,
) -> Result<(), InvariantViolation> {
    if settlement.minted.is_zero() {
        return Ok(());
    }
    let last_epoch_end = context.block.consensus.last_epoch_end;
    for (address, share) in attesters.iter().zip(&settlement.coordinators) {
        overlay.credit(address, *share)?;
        let mut record = coordinator(overlay, address)?;
        record.epoch_minted = record
            .minted_since(last_epoch_end)
            .plus(settlement.minted)?;
        record.epoch_end = last_epoch_end;
        overlay.put(address, record);
    }
    overlay.credit(&Address::treasury(), settlement.treasury)?;
    let mut supply = overlay.supply()?;
    supply.mint(settlement.minted)?;
    overlay.put(&(), supply);
    Ok(())
}

fn coordinator(view: &impl View, address: &Address) -> Result<Coordinator, InvariantViolation> {
    let record = view.get::<Coordinator>(address)?;
    Ok(record.unwrap_or_else(|| Coordinator::new(*address)))
}

/// The miner's record. Work that stood refused takes its offence out of the window.
fn count_work<V: View>(
    context: &Context<'_>,
    overlay: &mut Overlay<V>,
    terms: &ReceiptTerms,
    counted: Units,
    acquitted: Option<Receipt>,
) -> Result<(), InvariantViolation> {
    let mut miner = miner_now(context.block, overlay, &terms.miner)?;
    miner.units_total = miner.units_total.saturating_plus(counted);
    miner.receipts = miner.receipts.next();
    let validator = overlay.get::<Validator>(&terms.miner)?;
    if validator.is_some_and(|validator| validator.stake_pubkey.is_some()) {
        miner.epoch_units = miner.epoch_units.saturating_plus(counted);
    }
    if let Some(refused) = acquitted {
        let offences = &mut miner.recent_offences;
        let place = offences.iter().position(|height| *height == refused.height);
        if let Some(place) = place {
            offences.remove(place);
        }
    }
    overlay.put(&terms.miner, miner);
    Ok(())
}

fn receipt(
    context: &Context<'_>,
    claim: &ReceiptClaim,
    escrow: &Escrow,
    terms: &ReceiptTerms,
    settlement: &Settlement,
) -> Receipt {
    Receipt {
        client: terms.client,
        compute_units: terms.compute_units.get(),
        coordinator: escrow.coordinator(),
        height: context.block.height,
        job_id: terms.job_id.clone(),
        limited_by: settlement.limited_by,
        miner: terms.miner,
        miner_sig: claim.miner_sig,
        minted: settlement.minted,
        opened_height: terms.opened_height,
        output_hash: terms.output_hash.clone(),
        price: terms.price.get(),
        receipt_id: terms.receipt_id.clone(),
        status: ReceiptStatus::Paid,
        tx_hash: context.tx_hash,
    }
}

/// An escrow that is not partial, a final claim or an empty escrow: the rest goes back and it is
/// settled. Else it stays open with what is left.
fn close_or_keep<V: View>(
    context: &Context<'_>,
    overlay: &mut Overlay<V>,
    claim: &ReceiptClaim,
    mut escrow: Escrow,
    left: Uait,
) -> Result<Option<Event>, InvariantViolation> {
    escrow.claims = escrow.claims.next();
    escrow.paid = escrow.paid.saturating_plus(claim.price.get());
    escrow.last_receipt = Some(LastReceipt {
        miner: claim.miner_addr,
        receipt_id: claim.receipt_id.clone(),
    });
    let settles = !escrow.partial || claim.is_final || left.is_zero();
    let event = if settles {
        overlay.credit(&escrow.client, left)?;
        escrow.status = EscrowStatus::Settled {
            closed_height: context.block.height,
        };
        count_end(overlay, &escrow, Reason::Settled)?;
        let settled = EscrowEvent::Settled {
            miner: claim.miner_addr,
            fee: context.required_fee,
            returned: left,
        };
        Some(settled.of(&escrow))
    } else {
        if let EscrowStatus::Open { remaining, .. } = &mut escrow.status {
            *remaining = left;
        }
        None
    };
    overlay.put(&(escrow.client, escrow.job_id.clone()), escrow);
    Ok(event)
}
