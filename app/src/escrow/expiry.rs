//! Owns what happens to escrows at the beginning of a block: those whose time is over go back to
//! their clients, and records of those refunded long ago are deleted.

use super::{
    record::{Escrow, EscrowStatus, Reason},
    refund::refund,
};
use crate::{
    error::InvariantViolation,
    events::Event,
    prelude::*,
    quantity::Height,
    state::{Key, Overlay, View, base::Base},
};

/// At most this many escrows end in a block, and as many records are deleted; the rest wait for the
/// next.
pub const MAX_A_BLOCK: usize = 10_000;

/// Refunds the escrows that are due, the longest due first.
///
/// # Errors
/// [`InvariantViolation`].
pub(crate) fn refund_due(
    overlay: &mut Overlay<Base<'_>>,
    height: Height,
    max_ttl: Height,
) -> Result<Vec<Event>, InvariantViolation> {
    let state = overlay.below().state();
    let mut events = Vec::new();
    for key in state.due_escrows(height).take(MAX_A_BLOCK) {
        let escrow = escrow_at(overlay, key)?;
        let reason = end_of(&escrow);
        events.push(refund(overlay, escrow, reason, height, max_ttl)?);
    }
    Ok(events)
}

/// Deletes the records of refunded escrows whose time has come.
///
/// # Errors
/// [`InvariantViolation`].
pub(crate) fn delete_due(
    overlay: &mut Overlay<Base<'_>>,
    height: Height,
) -> Result<(), InvariantViolation> {
    let state = overlay.below().state();
    for key in state.due_deletions(height).take(MAX_A_BLOCK) {
        let escrow = escrow_at(overlay, key)?;
        overlay.delete::<Escrow>(&(escrow.client, escrow.job_id));
    }
    Ok(())
}

/// Why an open escrow ends when its time is over.
pub(crate) fn end_of(escrow: &Escrow) -> Reason {
    match escrow.status {
        EscrowStatus::Open {
            cancelled: true, ..
        } => Reason::Cancelled,
        _ => Reason::Expired,
    }
}

fn escrow_at(view: &impl View, key: &Key) -> Result<Escrow, InvariantViolation> {
    let missing = || InvariantViolation::new(format!("the due escrow {key} has no record"));
    let Key::Escrow(client, job) = key else {
        return Err(missing());
    };
    view.get::<Escrow>(&(*client, job.clone()))?
        .ok_or_else(missing)
}
