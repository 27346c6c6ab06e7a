//! Owns the offences of miners (PROTOCOL section 4), the bans that follow them, and receipts that
//! stand refused. Events: `receipt_refused`, `banned`.

use super::{
    events::WorkEvent,
    record::{Miner, Receipt, ReceiptStatus},
    terms::ReceiptTerms,
};
use crate::{
    address::Address,
    crypto::Signature,
    error::InvariantViolation,
    events::Event,
    prelude::*,
    quantity::{Count, Uait, Units},
    state::{Overlay, View},
    tx::context::{BlockContext, Context},
};

/// The record of a miner, its score brought up to date.
///
/// # Errors
/// [`InvariantViolation`].
pub(super) fn miner_now(
    block: &BlockContext<'_>,
    view: &impl View,
    address: &Address,
) -> Result<Miner, InvariantViolation> {
    let consensus = &block.consensus;
    let mut miner = view
        .get::<Miner>(address)?
        .unwrap_or_else(|| Miner::new(*address, consensus.epochs));
    miner.roll(consensus.epochs, &consensus.decays);
    Ok(miner)
}

/// Records an offence: it halves score and units of the epoch, and with enough others within the
/// window bans the miner.
///
/// # Errors
/// [`InvariantViolation`].
pub(super) fn record<V: View>(
    block: &BlockContext<'_>,
    overlay: &mut Overlay<V>,
    address: &Address,
) -> Result<Vec<Event>, InvariantViolation> {
    let mut miner = miner_now(block, overlay, address)?;
    let half = |units: Units| Units::constant(units.get().wrapping_div(2));
    miner.score = half(miner.score);
    miner.epoch_units = half(miner.epoch_units);
    miner.offences = miner.offences.next();
    miner.recent_offences.push(block.height);
    let before_window = block
        .height
        .floored_minus(block.params.offence_window_blocks);
    miner
        .recent_offences
        .retain(|height| *height > before_window);
    let recent = u64::try_from(miner.recent_offences.len()).unwrap_or(u64::MAX);
    let mut events = Vec::new();
    if Count::constant(recent) >= block.params.offence_limit {
        let until = block.height.plus(block.params.ban_blocks)?;
        miner.banned_until = Some(until);
        events.push(
            WorkEvent::Banned {
                miner: *address,
                until,
            }
            .into(),
        );
    }
    overlay.put(address, miner);
    Ok(events)
}

/// Writes a receipt that a coordinator denied. It bars nothing.
pub(super) fn refuse_receipt<V: View>(
    context: &Context<'_>,
    overlay: &mut Overlay<V>,
    terms: &ReceiptTerms,
    coordinator: Address,
    miner_sig: Signature,
) -> Event {
    let receipt = Receipt {
        client: terms.client,
        compute_units: terms.compute_units.get(),
        coordinator,
        height: context.block.height,
        job_id: terms.job_id.clone(),
        limited_by: None,
        miner: terms.miner,
        miner_sig,
        minted: Uait::ZERO,
        opened_height: terms.opened_height,
        output_hash: terms.output_hash.clone(),
        price: terms.price.get(),
        receipt_id: terms.receipt_id.clone(),
        status: ReceiptStatus::Refused,
        tx_hash: context.tx_hash,
    };
    let event = WorkEvent::Refused(&receipt).into();
    overlay.put(&(terms.miner, terms.receipt_id.clone()), receipt);
    event
}
