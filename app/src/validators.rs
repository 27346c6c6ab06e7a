//! Owns who validates (SPEC section 6): the consensus keys of accounts, and the difference between
//! the set that shall be and the one CometBFT was last told of.

use std::collections::BTreeMap;

use crate::{
    address::Address,
    code::Code,
    crypto::PublicKey,
    error::{Broken, Failure, Refusal},
    params::{Authority, Params},
    state::{
        ConsensusAddress, SentValidator, State,
        overlay::{Overlay, View},
        records::Validator,
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

/// Gives every authority its consensus key for ever.
///
/// # Errors
/// [`Code::ConsensusKeyTaken`] when a key belongs to another account; nothing is to be kept then.
pub fn register_keys<V: View>(
    overlay: &mut Overlay<'_, V>,
    authorities: &[Authority],
) -> Result<(), Failure> {
    for authority in authorities {
        register_key(overlay, authority.address, authority.pubkey)?;
    }
    Ok(())
}

fn register_key<V: View>(
    overlay: &mut Overlay<'_, V>,
    address: Address,
    pubkey: PublicKey,
) -> Result<(), Failure> {
    if let Some(owner) = overlay.key_owner(&ConsensusAddress::of(&pubkey))?
        && owner != address
    {
        return Err(Failure::Refused(Refusal::new(
            Code::ConsensusKeyTaken,
            format!("the consensus key {pubkey} belongs to {owner} for ever"),
        )));
    }
    let record = match overlay.validator(&address)? {
        Some(mut record) => {
            if record.keys.contains(&pubkey) {
                return Ok(());
            }
            record.keys.push(pubkey);
            record
        }
        None => Validator::new(address, pubkey),
    };
    overlay.put_validator(&record)?;
    Ok(())
}

/// The updates for CometBFT after block H: the difference between the authorities of the params
/// after H-1 and the set last sent, which the validators' records remember.
///
/// # Errors
/// [`Broken`] when an authority has no record.
pub fn apply_authorities(
    overlay: &mut Overlay<'_, State>,
    params: &Params,
) -> Result<Vec<ValidatorUpdate>, Broken> {
    let wanted: BTreeMap<PublicKey, SentValidator> = params
        .authorities
        .iter()
        .map(|authority| {
            let sent = SentValidator {
                address: authority.address,
                power: authority.power,
            };
            (authority.pubkey, sent)
        })
        .collect();
    apply_set(overlay, &wanted)
}

fn apply_set(
    overlay: &mut Overlay<'_, State>,
    wanted: &BTreeMap<PublicKey, SentValidator>,
) -> Result<Vec<ValidatorUpdate>, Broken> {
    let sent = overlay.below().sent_validators().clone();
    let mut updates = BTreeMap::new();
    for (pubkey, validator) in &sent {
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
    let mut record = overlay
        .validator(&address)?
        .ok_or_else(|| Broken::new(format!("the validator {address} has no record")))?;
    record.pubkey = pubkey;
    record.power = power;
    overlay.put_validator(&record)
}
