//! Owns the count of epochs (PROTOCOL section 6), by which scores decay lazily, and whether
//! compute-backed proof may begin.

use crate::{
    error::InvariantViolation,
    params::table::Params,
    quantity::{BasisPoints, Count, Height, Uait},
    receipts::record::Decay,
    staking::{
        record::{Consensus, Validator},
        set::Set,
        stakers::eligible,
    },
    state::{Overlay, View, base::Base},
};

/// Ends an epoch with the decay that holds: from now on one more has ended, at this height.
///
/// # Errors
/// [`InvariantViolation`] when the record names no decay, or its numbers pass 2^53-1.
pub(super) fn roll(
    consensus: &mut Consensus,
    decay: BasisPoints,
    height: Height,
) -> Result<(), InvariantViolation> {
    let last = consensus.decays.last();
    let last =
        last.ok_or_else(|| InvariantViolation::new("the consensus record names no decay"))?;
    if last.bps != decay {
        consensus.decays.push(Decay {
            bps: decay,
            epoch: consensus.epochs,
        });
    }
    consensus.epochs = consensus.epochs.plus(Count::constant(1))?;
    consensus.last_epoch_end = height;
    Ok(())
}

/// Whether the authorities hold more than two thirds of all eligible stake: outsiders can't take
/// over a chain whose authorities don't stake. Stake behind a key that does not validate yet doesn't
/// count for them, or the first small staker whose key does would have all the power.
///
/// # Errors
/// [`InvariantViolation`] when stakes pass 128 bits, or a record is unreadable.
pub(super) fn authorities_hold_most(
    overlay: &Overlay<Base<'_>>,
    params: &Params,
    sent: &Set,
) -> Result<bool, InvariantViolation> {
    let sum = |stakes: u128, stake: Uait| {
        stakes
            .checked_add(u128::from(stake.get()))
            .ok_or_else(too_much)
    };
    let mut theirs = 0;
    for authority in params.authorities.iter() {
        let Some(record) = overlay.get::<Validator>(&authority.address)? else {
            continue;
        };
        let seat = sent.get(&authority.address).filter(|seat| seat.proven);
        let validates = seat.is_some_and(|seat| record.stake_pubkey == Some(seat.pubkey));
        if validates && record.is_eligible(params.min_stake) {
            theirs = sum(theirs, record.stake)?;
        }
    }
    let whole =
        eligible(overlay, params.min_stake).try_fold(0, |stakes, (_, stake)| sum(stakes, stake))?;
    let theirs = theirs.checked_mul(3).ok_or_else(too_much)?;
    Ok(theirs > whole.checked_mul(2).ok_or_else(too_much)?)
}

fn too_much() -> InvariantViolation {
    InvariantViolation::new("the stakes pass 128 bits")
}
