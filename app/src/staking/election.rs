//! Owns elections under compute-backed proof (PROTOCOL section 6): who stands, as the records say, and
//! the set that comes of it. It reads the records of those in the set last sent and of the few
//! newcomers that are seated, however many stake.

use crate::{
    address::Address,
    error::InvariantViolation,
    params::table::Params,
    prelude::*,
    quantity::{Power, Units},
    receipts::record::Miner,
    staking::{
        keys::validator,
        power::{Weight, powers},
        record::{Consensus, Validator},
        seats::{Newcomer, Proven, Seats, beyond_limit, kept, strongest, with_newcomers},
        set::{Seat, Set},
        stakers::eligible,
    },
    state::{Overlay, View, base::Base},
    tx::context::BlockContext,
};

/// The set last sent as a block's transactions and punishments left it: powers as they were cut, less
/// those cut to nothing and everybody jailed.
///
/// # Errors
/// [`InvariantViolation`].
pub(super) fn after_cuts<V: View>(
    overlay: &Overlay<V>,
    sent: &Set,
) -> Result<Set, InvariantViolation> {
    let mut set = Set::new();
    for (address, seat) in sent {
        let record = validator(overlay, address)?;
        if record.jail.is_none() && !record.power.is_zero() {
            let power = record.power;
            set.insert(*address, Seat { power, ..*seat });
        }
    }
    Ok(set)
}

/// Takes out of a set the unproven ones that are too many for it.
///
/// # Errors
/// [`InvariantViolation`].
pub(super) fn limit_newcomers<V: View>(
    overlay: &Overlay<V>,
    params: &Params,
    set: &mut Set,
) -> Result<(), InvariantViolation> {
    let mut power = Power::ZERO;
    let mut newcomers = Vec::new();
    for (address, seat) in set.iter() {
        if seat.proven {
            power = power.plus(seat.power)?;
        } else {
            let (address, stake) = (*address, validator(overlay, address)?.stake);
            newcomers.push(Newcomer { address, stake });
        }
    }
    for leaving in beyond_limit(newcomers, power, params.max_validators) {
        set.remove(&leaving.address);
    }
    Ok(())
}

/// Elects the validators at an epoch's end. `consensus` is as of that end, `sent` the set last sent,
/// `cut` what [`after_cuts`] left of it.
///
/// # Errors
/// [`InvariantViolation`].
pub(super) fn elect(
    overlay: &Overlay<Base<'_>>,
    block: &BlockContext<'_>,
    consensus: &Consensus,
    sent: &Set,
    cut: &Set,
) -> Result<Set, InvariantViolation> {
    let params = block.params;
    let standing = standing(overlay, params, sent)?;
    let seated = if standing.is_empty() {
        kept(keeping(overlay, sent, cut)?)?
    } else {
        let candidates = weighed(overlay, block, consensus, &standing)?;
        strongest(candidates, params.max_validators)
    };
    let mut not_new: BTreeSet<Address> = standing.iter().map(|record| record.address).collect();
    not_new.extend(seated.iter().map(|proven| proven.address));
    let newcomers = eligible(overlay, params.min_stake)
        .filter(|(address, _)| !not_new.contains(address))
        .map(|(address, stake)| Newcomer { address, stake });
    let seats = with_newcomers(seated, newcomers, params.max_validators)?;
    set_of(overlay, sent, &seats)
}

/// Those of the set last sent who are eligible and whose stake key is the proven one.
fn standing(
    overlay: &Overlay<Base<'_>>,
    params: &Params,
    sent: &Set,
) -> Result<Vec<Validator>, InvariantViolation> {
    let mut standing = Vec::new();
    for (address, seat) in sent.iter().filter(|(_, seat)| seat.proven) {
        let record = validator(overlay, address)?;
        if record.is_eligible(params.min_stake) && record.stake_pubkey == Some(seat.pubkey) {
            standing.push(record);
        }
    }
    Ok(standing)
}

/// Each of those who stand with the power that stake and work give it.
fn weighed(
    overlay: &Overlay<Base<'_>>,
    block: &BlockContext<'_>,
    consensus: &Consensus,
    standing: &[Validator],
) -> Result<Vec<Proven>, InvariantViolation> {
    let mut weights = Vec::with_capacity(standing.len());
    for record in standing {
        weights.push(Weight {
            stake: record.stake,
            score: score(overlay, block, consensus, &record.address)?,
        });
    }
    let params = block.params;
    let powers = powers(&weights, params.work_weight_bps, params.work_score_floor)?;
    let pairs = standing.iter().zip(powers);
    Ok(pairs
        .map(|(record, power)| Proven {
            address: record.address,
            power,
            stake: record.stake,
        })
        .collect())
}

/// An account's work score as of this epoch's end; 0 while it is banned.
fn score(
    view: &impl View,
    block: &BlockContext<'_>,
    consensus: &Consensus,
    address: &Address,
) -> Result<Units, InvariantViolation> {
    match view.get::<Miner>(address)? {
        Some(mut miner) if !miner.is_banned_in(block.height) => {
            miner.roll(consensus.epochs, &consensus.decays);
            Ok(miner.score)
        }
        _ => Ok(Units::ZERO),
    }
}

/// The proven ones of the set last sent, where no eligible one is: with the power that cuts left, those
/// jailed with what was sent. A chain that nobody may validate would stand still.
fn keeping(
    overlay: &Overlay<Base<'_>>,
    sent: &Set,
    cut: &Set,
) -> Result<Vec<Proven>, InvariantViolation> {
    let mut keeping = Vec::new();
    for (address, seat) in sent.iter().filter(|(_, seat)| seat.proven) {
        let record = validator(overlay, address)?;
        let power = if record.jail.is_some() {
            Some(seat.power)
        } else {
            cut.get(address).map(|seat| seat.power)
        };
        keeping.extend(power.map(|power| Proven {
            address: *address,
            power,
            stake: record.stake,
        }));
    }
    Ok(keeping)
}

/// The set of those seated: proven ones with the key in use, newcomers with their stake key.
fn set_of(
    overlay: &Overlay<Base<'_>>,
    sent: &Set,
    seats: &Seats,
) -> Result<Set, InvariantViolation> {
    let mut set = Set::new();
    for Proven { address, power, .. } in &seats.proven {
        let seat = sent.get(address);
        let pubkey = seat
            .map(|seat| seat.pubkey)
            .ok_or_else(|| without_key(address))?;
        let seat = Seat {
            pubkey,
            power: *power,
            proven: true,
        };
        set.insert(*address, seat);
    }
    for Newcomer { address, .. } in &seats.newcomers {
        let pubkey = validator(overlay, address)?.stake_pubkey;
        let seat = Seat {
            pubkey: pubkey.ok_or_else(|| without_key(address))?,
            power: Power::constant(1),
            proven: false,
        };
        set.insert(*address, seat);
    }
    Ok(set)
}

fn without_key(address: &Address) -> InvariantViolation {
    InvariantViolation::new(format!("{address} is elected, but has no key"))
}
