//! Owns who is elected under compute-backed proof (SPEC section 6): work scores at an epoch's end,
//! who is eligible, and the set with the most power.

use std::collections::BTreeSet;

use super::{Set, power::powers};
use crate::{
    address::Address,
    amount,
    error::Broken,
    params::Params,
    state::{
        Key, SentValidator, State,
        overlay::{Overlay, View},
        records::{Miner, Validator},
    },
};

/// Ends an epoch: brings every work score up to date and elects the validators.
///
/// # Errors
/// [`Broken`].
pub(super) fn end_epoch(
    overlay: &mut Overlay<'_, State>,
    params: &Params,
    height: u64,
) -> Result<Set, Broken> {
    update_scores(overlay, params)?;
    let candidates = candidates(overlay, params, height)?;
    let figures: Vec<(u64, u64)> = candidates
        .iter()
        .map(|(validator, miner)| (validator.stake, miner.score))
        .collect();
    let powers = powers(&figures, params.work_weight_bps)?;
    let mut ranking: Vec<(u64, &Validator)> = powers
        .into_iter()
        .zip(candidates.iter().map(|(validator, _)| validator))
        .collect();
    ranking.sort_by_key(|(power, validator)| (std::cmp::Reverse(*power), validator.address));
    let seats = usize::try_from(params.max_validators).unwrap_or(usize::MAX);
    Ok(ranking
        .into_iter()
        .take(seats)
        .filter_map(|(power, validator)| {
            let address = validator.address;
            let elected = SentValidator { address, power };
            validator.stake_pubkey.map(|pubkey| (pubkey, elected))
        })
        .collect())
}

/// `score = floor(score * work_decay_bps / 10000) + epoch_units`, for every account that ever staked;
/// where both are 0 nothing changes, and others never have any.
fn update_scores(overlay: &mut Overlay<'_, State>, params: &Params) -> Result<(), Broken> {
    let mut addresses: BTreeSet<Address> = overlay.below().working().copied().collect();
    addresses.extend(changed(overlay, "/miner/")?);
    for address in addresses {
        let mut miner = overlay.miner(&address)?;
        if miner.score == 0 && miner.epoch_units == 0 {
            continue;
        }
        let decayed = amount::share(miner.score, params.work_decay_bps);
        miner.score = amount::saturating_add(decayed, miner.epoch_units);
        miner.epoch_units = 0;
        overlay.put(&Key::Miner(address), &miner)?;
    }
    Ok(())
}

/// Everybody who may be elected, by address.
fn candidates(
    overlay: &Overlay<'_, State>,
    params: &Params,
    height: u64,
) -> Result<Vec<(Validator, Miner)>, Broken> {
    let staked = overlay.below().stakes();
    let mut addresses: BTreeSet<Address> = staked
        .filter(|(_, stake)| *stake >= params.min_stake)
        .map(|(address, _)| *address)
        .collect();
    addresses.extend(changed(overlay, "/validator/")?);
    let mut candidates = Vec::new();
    for address in addresses {
        if let Some(candidate) = candidate(overlay, params, height, &address)? {
            candidates.push(candidate);
        }
    }
    Ok(candidates)
}

/// An account's records while it is eligible: enough stake, neither jailed nor banned.
fn candidate(
    overlay: &Overlay<'_, State>,
    params: &Params,
    height: u64,
    address: &Address,
) -> Result<Option<(Validator, Miner)>, Broken> {
    let Some(validator) = overlay.validator(address)? else {
        return Ok(None);
    };
    let staked = validator.stake_pubkey.is_some() && validator.stake >= params.min_stake;
    if !staked || validator.jailed_until != 0 {
        return Ok(None);
    }
    let miner = overlay.miner(address)?;
    Ok((!miner.is_banned_in(height)).then_some((validator, miner)))
}

/// Those of a set who are still eligible, with the power they have.
///
/// # Errors
/// [`Broken`].
pub(super) fn still_eligible(
    overlay: &Overlay<'_, State>,
    params: &Params,
    height: u64,
    set: &Set,
) -> Result<Set, Broken> {
    let mut left = Set::new();
    for (pubkey, validator) in set {
        if candidate(overlay, params, height, &validator.address)?.is_some() {
            left.insert(*pubkey, *validator);
        }
    }
    Ok(left)
}

/// Whether the authorities hold more than two thirds of a set's power.
pub(super) fn authorities_hold_it(params: &Params, set: &Set) -> bool {
    let authorities: BTreeSet<Address> = params
        .authorities
        .iter()
        .map(|authority| authority.address)
        .collect();
    let mut whole: u128 = 0;
    let mut theirs: u128 = 0;
    for validator in set.values() {
        let power = u128::from(validator.power);
        whole = whole.saturating_add(power);
        if authorities.contains(&validator.address) {
            theirs = theirs.saturating_add(power);
        }
    }
    theirs.saturating_mul(3) > whole.saturating_mul(2)
}

/// The addresses of records of a kind that the block has changed so far.
fn changed(overlay: &Overlay<'_, State>, prefix: &str) -> Result<Vec<Address>, Broken> {
    let first = prefix.as_bytes().to_vec();
    let keys = overlay.changes().range(first..).map(|(key, _)| key);
    keys.take_while(|key| key.starts_with(prefix.as_bytes()))
        .map(|key| {
            let text = String::from_utf8_lossy(key);
            text.get(prefix.len()..)
                .and_then(|address| address.parse().ok())
                .ok_or_else(|| Broken::new(format!("{text} names no address")))
        })
        .collect()
}
