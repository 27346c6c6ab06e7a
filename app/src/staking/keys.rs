//! Owns whose a consensus key is (PROTOCOL section 6): a key belongs to its first account, an
//! authority's too, for ever. So fees and evidence find their account whenever they come.

use crate::{
    address::Address, crypto::PublicKey, engine::ConsensusAddress, error::InvariantViolation,
    prelude::*, staking::record::Validator, state::View,
};

/// What becomes of an account that asks for a consensus key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyGrant {
    /// Its record with the key among its own, not written yet.
    Granted(Validator),
    /// The key belongs to this other account.
    TakenBy(Address),
}

/// Asks for a consensus key. A key that is new to the account comes last in its `keys`; which one is
/// in use stays as it is.
///
/// # Errors
/// [`InvariantViolation`] when a record is unreadable.
pub fn with_key(
    view: &impl View,
    address: Address,
    pubkey: PublicKey,
) -> Result<KeyGrant, InvariantViolation> {
    if let Some(owner) = view.key_owner(&ConsensusAddress::of(&pubkey))
        && owner != address
    {
        return Ok(KeyGrant::TakenBy(owner));
    }
    let Some(mut record) = view.get::<Validator>(&address)? else {
        return Ok(KeyGrant::Granted(Validator::new(address, pubkey)));
    };
    if !record.keys.contains(&pubkey) {
        record.keys.push(pubkey);
    }
    Ok(KeyGrant::Granted(record))
}

/// The record of the account that a consensus key belongs to; `None` for a key that was never used.
///
/// # Errors
/// [`InvariantViolation`] when the record is missing or unreadable.
pub fn owner_of(
    view: &impl View,
    key: &ConsensusAddress,
) -> Result<Option<Validator>, InvariantViolation> {
    match view.key_owner(key) {
        Some(address) => validator(view, &address).map(Some),
        None => Ok(None),
    }
}

/// The record of an account that has a consensus key.
///
/// # Errors
/// [`InvariantViolation`] when it is missing or unreadable.
pub fn validator(view: &impl View, address: &Address) -> Result<Validator, InvariantViolation> {
    view.get::<Validator>(address)?.ok_or_else(|| {
        InvariantViolation::new(format!("{address} has a consensus key, but no record"))
    })
}
