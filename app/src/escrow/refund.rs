//! Owns how an escrow's money goes back to its client, whole, and how its open record is found.

use super::{
    events::EscrowEvent,
    record::{Escrow, EscrowStatus, Reason},
};
use crate::{
    address::Address,
    code::Code,
    coordinators::record::Coordinator,
    error::{Failure, InvariantViolation, refuse},
    events::Event,
    identifiers::JobId,
    prelude::*,
    quantity::{Height, Uait},
    state::{Overlay, View},
};

/// The escrow of a client for a job.
///
/// # Errors
/// [`Code::EscrowNotFound`].
pub(crate) fn find(view: &impl View, client: &Address, job: &JobId) -> Result<Escrow, Failure> {
    match view.get::<Escrow>(&(*client, job.clone()))? {
        Some(escrow) => Ok(escrow),
        None => refuse(
            Code::EscrowNotFound,
            format!("there is no escrow of {client} for job {job}"),
        ),
    }
}

/// The escrow of a client for a job and what remains in it, while it is open in block `height`.
///
/// # Errors
/// [`Code::EscrowNotFound`], [`Code::EscrowClosed`].
pub(crate) fn find_open(
    view: &impl View,
    client: &Address,
    job: &JobId,
    height: Height,
) -> Result<(Escrow, Uait), Failure> {
    let escrow = find(view, client, job)?;
    let Some(remaining) = escrow.remaining_in(height) else {
        let how = match escrow.status {
            EscrowStatus::Open { .. } => "ended, and its refund is due",
            EscrowStatus::Settled { .. } => "was settled",
            EscrowStatus::Refunded { .. } => "was refunded",
        };
        return refuse(
            Code::EscrowClosed,
            format!("the escrow of {client} for job {job} {how}"),
        );
    };
    Ok((escrow, remaining))
}

/// Gives all that remains in an open escrow back to its client.
///
/// # Errors
/// [`InvariantViolation`] when the escrow is not open.
pub(crate) fn refund<V: View>(
    overlay: &mut Overlay<V>,
    mut escrow: Escrow,
    reason: Reason,
    height: Height,
    max_ttl: Height,
) -> Result<Event, InvariantViolation> {
    let EscrowStatus::Open { remaining, .. } = escrow.status else {
        return Err(InvariantViolation::new(
            "an escrow is refunded that is not open",
        ));
    };
    overlay.credit(&escrow.client, remaining)?;
    escrow.status = EscrowStatus::Refunded {
        closed_height: height,
        deleted_height: height.plus(max_ttl)?,
        reason,
    };
    let event = EscrowEvent::Refunded {
        amount: remaining,
        reason,
    }
    .of(&escrow);
    count_end(overlay, &escrow, reason)?;
    overlay.put(&(escrow.client, escrow.job_id.clone()), escrow);
    Ok(event)
}

/// Counts how an escrow ended in the record of each coordinator that it names.
///
/// # Errors
/// [`InvariantViolation`].
pub(crate) fn count_end<V: View>(
    overlay: &mut Overlay<V>,
    escrow: &Escrow,
    reason: Reason,
) -> Result<(), InvariantViolation> {
    for attester in &escrow.attesters {
        let mut record = overlay
            .get::<Coordinator>(&attester.address)?
            .unwrap_or_else(|| Coordinator::new(attester.address));
        let counter = match reason {
            Reason::Settled => &mut record.settled,
            Reason::Released => &mut record.released,
            Reason::Cancelled => &mut record.cancelled,
            Reason::Expired => &mut record.expired,
        };
        *counter = counter.next();
        overlay.put(&attester.address, record);
    }
    Ok(())
}
