//! Owns validator sets: how a document writes them, and that each is a set in CometBFT's order.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use tendermint::{
    PublicKey,
    validator::{Info, Set},
    vote::Power,
};

use crate::malformed::Malformed;

/// CometBFT's own limit.
pub(crate) const MAX_VALIDATORS: usize = 10_000;

/// One validator as a document writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Validator {
    /// Base64 of the 32 bytes of an ed25519 key.
    pub_key: String,
    /// Decimal, from 1.
    power: String,
}

/// The set that a field of a document lists.
///
/// # Errors
/// [`Malformed`] for an empty or too large set, a key that is no key or stands twice, no power, more power
/// than CometBFT takes, and an order that isn't CometBFT's: signatures belong to places in it.
pub(crate) fn read(field: &str, listed: &[Validator]) -> Result<Set, Malformed> {
    if listed.is_empty() || listed.len() > MAX_VALIDATORS {
        let reason = format!("has {} validators, not 1 to {MAX_VALIDATORS}", listed.len());
        return Err(Malformed::field(field, reason));
    }
    let infos = listed
        .iter()
        .enumerate()
        .map(|(index, one)| read_one(&format!("{field}[{index}]"), one))
        .collect::<Result<Vec<_>, _>>()?;
    let most = Set::MAX_TOTAL_VOTING_POWER;
    let total = infos
        .iter()
        .try_fold(0u64, |sum, info| sum.checked_add(info.power()));
    if total.is_none_or(|total| total > most) {
        let reason = format!("have more than {most} power together");
        return Err(Malformed::field(field, reason));
    }
    let addresses: BTreeSet<_> = infos.iter().map(|info| info.address).collect();
    if addresses.len() != infos.len() {
        return Err(Malformed::field(field, "has a validator twice"));
    }
    let set = Set::without_proposer(infos.clone());
    if *set.validators() != infos {
        let reason = "is not in CometBFT's order, by power downwards and then by address";
        return Err(Malformed::field(field, reason));
    }
    Ok(set)
}

fn read_one(field: &str, one: &Validator) -> Result<Info, Malformed> {
    let key = STANDARD
        .decode(&one.pub_key)
        .ok()
        .filter(|bytes| bytes.len() == 32)
        .and_then(|bytes| PublicKey::from_raw_ed25519(&bytes))
        .ok_or_else(|| {
            let reason = "is not base64 of the 32 bytes of an ed25519 key";
            Malformed::field(format!("{field}.pub_key"), reason)
        })?;
    let power = one
        .power
        .parse::<u64>()
        .ok()
        .filter(|power| *power > 0 && power.to_string() == one.power)
        .and_then(|power| Power::try_from(power).ok())
        .ok_or_else(|| {
            let reason = "is not a decimal number from 1 to 2^63-1";
            Malformed::field(format!("{field}.power"), reason)
        })?;
    Ok(Info::new(key, power))
}

/// How a document writes a set.
pub(crate) fn write(set: &Set) -> Vec<Validator> {
    let infos = set.validators().iter();
    infos
        .map(|info| Validator {
            pub_key: STANDARD.encode(info.pub_key.to_bytes()),
            power: info.power().to_string(),
        })
        .collect()
}
