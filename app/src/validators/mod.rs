//! Owns who validates (SPEC section 6): the consensus keys of accounts, the mode in force, and the
//! difference between the set that shall be and the one CometBFT was last told of.

mod election;
mod power;
mod slashing;

use std::collections::BTreeMap;

pub use power::powers;

use crate::{
    address::Address,
    block::BlockInput,
    code::Code,
    crypto::PublicKey,
    error::{Broken, Failure, Refusal},
    events::Event,
    params::{Authority, ConsensusMode, Params},
    state::{
        ConsensusAddress, Key, SentValidator, State,
        overlay::{Overlay, View},
        records::{Consensus, Validator},
    },
};

/// A change of CometBFT's validator set; power 0 removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValidatorUpdate {
    /// The consensus key.
    pub pubkey: PublicKey,
    /// Its new voting power.
    pub power: u64,
}

/// A validator set: who votes, by consensus key.
type Set = BTreeMap<PublicKey, SentValidator>;

/// Gives every authority its consensus key for ever.
///
/// # Errors
/// [`Code::ConsensusKeyTaken`] when a key belongs to another account; nothing is to be kept then.
pub fn register_keys<V: View>(
    overlay: &mut Overlay<'_, V>,
    authorities: &[Authority],
) -> Result<(), Failure> {
    for Authority {
        address, pubkey, ..
    } in authorities
    {
        // Writing every record again would cost a block of many updates their number times all keys.
        let known = overlay.validator(address)?;
        if known.is_some_and(|record| record.keys.contains(pubkey)) {
            continue;
        }
        match with_key(overlay, *address, *pubkey)? {
            Ok(record) => overlay.put_validator(&record)?,
            Err(owner) => {
                return Err(Failure::Refused(Refusal::new(
                    Code::ConsensusKeyTaken,
                    format!("the consensus key {pubkey} belongs to {owner} for ever"),
                )));
            }
        }
    }
    Ok(())
}

/// An account's record with a consensus key among its own, not written yet; or whose the key is.
///
/// # Errors
/// [`Broken`] when a record is unreadable.
pub(crate) fn with_key<V: View>(
    view: &V,
    address: Address,
    pubkey: PublicKey,
) -> Result<Result<Validator, Address>, Broken> {
    if let Some(owner) = view.key_owner(&ConsensusAddress::of(&pubkey))?
        && owner != address
    {
        return Ok(Err(owner));
    }
    let Some(mut record) = view.validator(&address)? else {
        return Ok(Ok(Validator::new(address, pubkey)));
    };
    if !record.keys.contains(&pubkey) {
        record.keys.push(pubkey);
    }
    Ok(Ok(record))
}

/// Ends block `height` for the validators: evidence, downtime, epoch end; then the updates for
/// CometBFT. `params` are those after the block before.
///
/// # Errors
/// [`Broken`].
pub(crate) fn end_block(
    overlay: &mut Overlay<'_, State>,
    params: &Params,
    height: u64,
    input: &BlockInput,
) -> Result<(Vec<ValidatorUpdate>, Vec<Event>), Broken> {
    let before = overlay.mode_in_force()?;
    let mut events = Vec::new();
    let (mode, set) = match params.consensus_mode {
        ConsensusMode::Poa => (ConsensusMode::Poa, authorities(params)),
        ConsensusMode::Cbp => {
            if before == ConsensusMode::Cbp {
                events = slashing::punish(overlay, params, height, input)?;
            }
            let elected = if height.checked_rem(params.epoch_blocks) == Some(0) {
                Some(election::end_epoch(overlay, params, height)?)
            } else {
                None
            };
            compute_backed(overlay, params, height, before, elected)?
        }
    };
    if mode != before {
        change_mode(overlay, mode)?;
    }
    Ok((apply_set(overlay, &set)?, events))
}

/// The mode and the set while `consensus_mode` is `cbp`; `elected` at an epoch's end.
fn compute_backed(
    overlay: &Overlay<'_, State>,
    params: &Params,
    height: u64,
    before: ConsensusMode,
    elected: Option<Set>,
) -> Result<(ConsensusMode, Set), Broken> {
    match (before, elected) {
        (ConsensusMode::Poa, Some(elected)) if election::authorities_hold_it(params, &elected) => {
            Ok((ConsensusMode::Cbp, elected))
        }
        (ConsensusMode::Poa, _) => Ok((ConsensusMode::Poa, authorities(params))),
        (ConsensusMode::Cbp, elected) => {
            let last = overlay.below().sent_validators();
            let wanted = match elected {
                Some(elected) => elected,
                None => election::still_eligible(overlay, params, height, last)?,
            };
            // The set is never empty.
            let set = if wanted.is_empty() { last } else { &wanted };
            Ok((ConsensusMode::Cbp, set.clone()))
        }
    }
}

/// Downtime windows end with the mode: proof of authority judges nobody.
fn change_mode(overlay: &mut Overlay<'_, State>, mode: ConsensusMode) -> Result<(), Broken> {
    overlay.put(&Key::Consensus, &Consensus { mode })?;
    for validator in overlay.below().sent_validators().values() {
        let mut record = validator_of(overlay, &validator.address)?;
        record.forget_window();
        overlay.put_validator(&record)?;
    }
    Ok(())
}

/// Makes the authorities of a genesis its first validators.
///
/// # Errors
/// [`Broken`] when an authority has no record.
pub fn install_authorities(
    overlay: &mut Overlay<'_, State>,
    params: &Params,
) -> Result<(), Broken> {
    apply_set(overlay, &authorities(params)).map(|_| ())
}

fn authorities(params: &Params) -> Set {
    let authorities = params.authorities.iter();
    authorities
        .map(|authority| {
            let validator = SentValidator {
                address: authority.address,
                power: authority.power,
            };
            (authority.pubkey, validator)
        })
        .collect()
}

/// The difference between a set and the one last sent, which the validators' records remember.
fn apply_set(
    overlay: &mut Overlay<'_, State>,
    wanted: &Set,
) -> Result<Vec<ValidatorUpdate>, Broken> {
    let sent = overlay.below().sent_validators();
    let mut updates = BTreeMap::new();
    for (pubkey, validator) in sent {
        if !wanted.contains_key(pubkey) {
            updates.insert(*pubkey, (validator.address, 0));
        }
    }
    for (pubkey, validator) in wanted {
        if sent.get(pubkey) != Some(validator) {
            updates.insert(*pubkey, (validator.address, validator.power));
        }
    }
    // Removals first: an account that changes its key ends with the new one's power.
    for (pubkey, (address, power)) in updates.iter().filter(|(_, (_, power))| *power == 0) {
        set_power(overlay, *address, *pubkey, *power)?;
    }
    for (pubkey, (address, power)) in updates.iter().filter(|(_, (_, power))| *power > 0) {
        set_power(overlay, *address, *pubkey, *power)?;
    }
    Ok(updates
        .into_iter()
        .map(|(pubkey, (_, power))| ValidatorUpdate { pubkey, power })
        .collect())
}

fn set_power(
    overlay: &mut Overlay<'_, State>,
    address: Address,
    pubkey: PublicKey,
    power: u64,
) -> Result<(), Broken> {
    let mut record = validator_of(overlay, &address)?;
    if power == 0 || record.power == 0 {
        record.forget_window();
    }
    record.pubkey = pubkey;
    record.power = power;
    overlay.put_validator(&record)
}

fn validator_of<V: View>(view: &V, address: &Address) -> Result<Validator, Broken> {
    view.validator(address)?
        .ok_or_else(|| Broken::new(format!("the validator {address} has no record")))
}
