//! Owns what validators lose under compute-backed proof (PROTOCOL section 6): for equivocation, which
//! CometBFT proves, and for downtime, which the commits of the blocks before show.
//! Events: `slashed`, `jailed`.

use crate::{
    engine::{BlockInput, CommitVote, ConsensusAddress},
    error::InvariantViolation,
    events::Event,
    params::table::Params,
    prelude::*,
    quantity::{BasisPoints, Count, Power, WHOLE_BPS},
    staking::{
        events::{Fault, StakingEvent},
        keys::{owner_of, validator},
        record::{Jail, Validator},
        set::Set,
    },
    state::{Overlay, View},
    tx::context::BlockContext,
    unbonding::record::slash,
};

/// Judges evidence, then the commit of the block before. `sent` is the set last sent.
///
/// # Errors
/// [`InvariantViolation`].
pub(super) fn punish<V: View>(
    overlay: &mut Overlay<V>,
    block: &BlockContext<'_>,
    sent: &Set,
    input: &BlockInput,
) -> Result<Vec<Event>, InvariantViolation> {
    let mut events = Vec::new();
    for key in &input.misbehaviour {
        if let Some(record) = owner_of(overlay, key)?
            && record.jail != Some(Jail::Tombstoned)
        {
            let cost = block.params.slash_double_sign_bps;
            events.extend(jail(overlay, record, cost, Jail::Tombstoned)?);
        }
    }
    let mut power = FreePower::of(overlay, sent)?;
    for vote in &input.last_commit {
        if let Some(record) = owner_of(overlay, &vote.validator)?
            && record.jail.is_none()
            && ConsensusAddress::of(&record.pubkey) == vote.validator
        {
            events.extend(count(overlay, block, vote, record, &mut power)?);
        }
    }
    Ok(events)
}

/// Counts one block for a validator, and judges it once for each full window.
fn count<V: View>(
    overlay: &mut Overlay<V>,
    block: &BlockContext<'_>,
    vote: &CommitVote,
    mut record: Validator,
    power: &mut FreePower<'_>,
) -> Result<Vec<Event>, InvariantViolation> {
    let params = block.params;
    let window = block.consensus.mode_changes;
    if record.window != window {
        record.forget_window();
        record.window = window;
    }
    let one = Count::constant(1);
    record.counted_blocks = record.counted_blocks.plus(one)?;
    if !vote.signed {
        record.missed_blocks = record.missed_blocks.plus(one)?;
    }
    if record.counted_blocks >= params.downtime_window {
        if !signed_too_few(params, &record)? {
            record.forget_window();
        } else if power.may_lose(&record)? {
            let until = Jail::Until(block.height.plus(params.jail_blocks)?);
            return jail(overlay, record, params.slash_downtime_bps, until);
        }
    }
    let address = record.address;
    overlay.put(&address, record);
    Ok(Vec::new())
}

fn signed_too_few(params: &Params, record: &Validator) -> Result<bool, InvariantViolation> {
    let counted = record.counted_blocks;
    let signed = counted.minus(record.missed_blocks)?;
    // Both stay far below 2^128: counts have 53 bits.
    let signed = u128::from(signed.get()).saturating_mul(u128::from(WHOLE_BPS));
    let needed = u128::from(params.min_signed_bps.get()).saturating_mul(u128::from(counted.get()));
    Ok(signed < needed)
}

/// The power of the set last sent, and what of it is not jailed. Downtime takes no more than half of
/// it in one block: one proposer, who chooses whose signatures its block shows, could otherwise empty
/// the set.
struct FreePower<'a> {
    sent: &'a Set,
    whole: Power,
    free: Power,
}

impl<'a> FreePower<'a> {
    fn of(view: &impl View, sent: &'a Set) -> Result<Self, InvariantViolation> {
        let (mut whole, mut free) = (Power::ZERO, Power::ZERO);
        for (address, seat) in sent {
            whole = whole.plus(seat.power)?;
            if validator(view, address)?.jail.is_none() {
                free = free.plus(seat.power)?;
            }
        }
        Ok(Self { sent, whole, free })
    }

    /// Whether one who is not jailed may be jailed now; where it may, its power is no longer free.
    fn may_lose(&mut self, record: &Validator) -> Result<bool, InvariantViolation> {
        let own = self.sent.get(&record.address);
        let own = own.map_or(Power::ZERO, |seat| seat.power);
        let left = self.free.minus(own)?;
        let may = left.plus(left)? >= self.whole;
        if may {
            self.free = left;
        }
        Ok(may)
    }
}

/// Burns a share of stake and unbonding stake, jails, and writes the record.
fn jail<V: View>(
    overlay: &mut Overlay<V>,
    mut record: Validator,
    cost: BasisPoints,
    jail: Jail,
) -> Result<Vec<Event>, InvariantViolation> {
    let validator = record.address;
    let amount = slash(&mut record.stake, &mut record.unbonding, cost)?;
    let fault = match jail {
        Jail::Until(_) => Fault::Downtime,
        Jail::Tombstoned => Fault::Equivocation,
    };
    record.jail = Some(jail);
    record.forget_window();
    overlay.put(&validator, record);
    let mut events = Vec::new();
    if !amount.is_zero() {
        let mut supply = overlay.supply()?;
        supply.burn(amount)?;
        overlay.put(&(), supply);
        let slashed = StakingEvent::Slashed {
            validator,
            amount,
            fault,
        };
        events.push(slashed.into());
    }
    events.push(StakingEvent::Jailed { validator, jail }.into());
    Ok(events)
}
