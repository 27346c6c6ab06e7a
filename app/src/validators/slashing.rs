//! Owns what validators lose under compute-backed proof (SPEC section 6): equivocation, which
//! CometBFT proves, and downtime, which the commits of the blocks before show.
//! Events: `slashed`, `jailed`.

use crate::{
    address::Address,
    amount,
    amount::BASIS_POINTS,
    block::BlockInput,
    error::Broken,
    events::Event,
    params::Params,
    state::{
        ConsensusAddress, Key, State,
        overlay::{Overlay, View},
        records::Validator,
    },
};

/// Judges evidence, then the commit of the block before.
///
/// # Errors
/// [`Broken`].
pub(super) fn punish(
    overlay: &mut Overlay<'_, State>,
    params: &Params,
    height: u64,
    input: &BlockInput,
) -> Result<Vec<Event>, Broken> {
    let mut events = Vec::new();
    for key in &input.misbehaviour {
        let Some(mut record) = owner_of(overlay, key)? else {
            continue;
        };
        if record.is_jailed_for_good() {
            continue;
        }
        let cost = params.slash_double_sign_bps;
        events.extend(slash(overlay, &mut record, cost, "equivocation")?);
        events.push(jail(&mut record, amount::MAX, "equivocation"));
        overlay.put_validator(&record)?;
    }
    for vote in &input.last_commit {
        if let Some(record) = owner_of(overlay, &vote.validator)?
            && stands_trial(&record, &vote.validator)
        {
            events.extend(count(overlay, params, height, record, vote.signed)?);
        }
    }
    Ok(events)
}

/// The record of the account that a consensus key belongs to.
fn owner_of(
    overlay: &Overlay<'_, State>,
    key: &ConsensusAddress,
) -> Result<Option<Validator>, Broken> {
    match overlay.key_owner(key)? {
        Some(address) => overlay.validator(&address),
        None => Ok(None),
    }
}

/// Whether a vote with this key counts: of the set last sent, and not jailed. CometBFT's set lags
/// behind by two blocks.
fn stands_trial(record: &Validator, key: &ConsensusAddress) -> bool {
    record.power > 0 && record.jailed_until == 0 && ConsensusAddress::of(&record.pubkey) == *key
}

/// Counts one block for a validator, and judges it once over each full window.
fn count(
    overlay: &mut Overlay<'_, State>,
    params: &Params,
    height: u64,
    before: Validator,
    signed: bool,
) -> Result<Vec<Event>, Broken> {
    let mut record = before.clone();
    if record.window_start == 0 {
        record.window_start = height;
    }
    if !signed {
        record.missed_blocks = amount::saturating_add(record.missed_blocks, 1);
    }
    let mut events = Vec::new();
    let first = record.window_start;
    let counted = height.saturating_add(1).saturating_sub(first);
    if counted >= params.downtime_window {
        let missed = record.missed_blocks;
        record.forget_window();
        if signed_too_few(params, counted, missed) {
            let cost = params.slash_downtime_bps;
            events.extend(slash(overlay, &mut record, cost, "downtime")?);
            let until = amount::saturating_add(height, params.jail_blocks);
            events.push(jail(&mut record, until, "downtime"));
        }
    }
    if record != before {
        overlay.put_validator(&record)?;
    }
    Ok(events)
}

fn signed_too_few(params: &Params, counted: u64, missed: u64) -> bool {
    let signed = u128::from(counted.saturating_sub(missed));
    let needed = u128::from(params.min_signed_bps).saturating_mul(u128::from(counted));
    signed.saturating_mul(u128::from(BASIS_POINTS)) < needed
}

fn jail(record: &mut Validator, until: u64, reason: &str) -> Event {
    record.jailed_until = until;
    record.forget_window();
    Event::new("jailed")
        .id("validator", record.address)
        .amount("until", until)
        .id("reason", reason)
}

/// Burns a share of stake and unbonding stake, in basis points of each.
fn slash(
    overlay: &mut Overlay<'_, State>,
    record: &mut Validator,
    basis_points: u64,
    reason: &str,
) -> Result<Option<Event>, Broken> {
    let mut burned = amount::share(record.stake, basis_points);
    record.stake = amount::subtract(record.stake, burned)?;
    for entry in &mut record.unbonding {
        let share = amount::share(entry.amount, basis_points);
        entry.amount = amount::subtract(entry.amount, share)?;
        burned = amount::add(burned, share)?;
    }
    record.unbonding.retain(|entry| entry.amount > 0);
    if burned == 0 {
        return Ok(None);
    }
    burn(overlay, burned)?;
    Ok(Some(slashed(record.address, burned, reason)))
}

fn slashed(address: Address, uait: u64, reason: &str) -> Event {
    Event::new("slashed")
        .id("validator", address)
        .amount("amount", uait)
        .id("reason", reason)
}

fn burn(overlay: &mut Overlay<'_, State>, uait: u64) -> Result<(), Broken> {
    let mut supply = overlay.supply()?;
    supply.burned = amount::add(supply.burned, uait)?;
    supply.total = amount::subtract(supply.total, uait)?;
    overlay.put(&Key::Supply, &supply)
}
