//! Owns a validator set in the making: the one last sent, what a block makes of it, and the
//! difference that CometBFT and the records are told (PROTOCOL section 6).

use crate::{
    address::Address,
    crypto::PublicKey,
    engine::{CommitVote, ConsensusAddress, ValidatorUpdate},
    error::InvariantViolation,
    params::values::Authorities,
    prelude::*,
    quantity::Power,
    staking::keys::validator,
    state::{Overlay, SentSet, View},
};

/// A validator's place in a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seat {
    /// The consensus key it validates with.
    pub(super) pubkey: PublicKey,
    /// Its voting power, above 0.
    pub(super) power: Power,
    /// Whether that key has signed since it came into the set.
    pub(super) proven: bool,
}

/// A validator set, by account: none has two keys in it.
pub(super) type Set = BTreeMap<Address, Seat>;

/// The set last sent, with those proven whose key signed the block before. It is judged by the set,
/// not by the records: transactions may have changed these since.
pub(super) fn last_sent(sent: &SentSet, view: &impl View, votes: &[CommitVote]) -> Set {
    let mut set: Set = sent
        .iter()
        .map(|(pubkey, validator)| {
            let seat = Seat {
                pubkey: *pubkey,
                power: validator.power,
                proven: validator.proven,
            };
            (validator.address, seat)
        })
        .collect();
    for vote in votes.iter().filter(|vote| vote.signed) {
        let owner = view.key_owner(&vote.validator);
        if let Some(seat) = owner.and_then(|owner| set.get_mut(&owner))
            && !seat.proven
        {
            seat.proven = ConsensusAddress::of(&seat.pubkey) == vote.validator;
        }
    }
    set
}

/// The authorities as a set; proven are those who are in the set last sent, with the same key.
pub(super) fn of_authorities(authorities: &Authorities, sent: &Set) -> Set {
    let seats = authorities.iter().map(|authority| {
        let before = sent.get(&authority.address);
        let proven = before.is_some_and(|seat| seat.proven && seat.pubkey == authority.pubkey);
        let seat = Seat {
            pubkey: authority.pubkey,
            power: authority.voting_power(),
            proven,
        };
        (authority.address, seat)
    });
    seats.collect()
}

/// What CometBFT must be told to get from the set last sent to the one that shall be, by key. A key
/// that leaves gets power 0.
pub(super) fn updates(sent: &Set, wanted: &Set) -> Vec<ValidatorUpdate> {
    let sent = powers_by_key(sent);
    let wanted = powers_by_key(wanted);
    let mut updates: BTreeMap<PublicKey, Power> = sent
        .keys()
        .filter(|pubkey| !wanted.contains_key(*pubkey))
        .map(|pubkey| (*pubkey, Power::ZERO))
        .collect();
    updates.extend(
        wanted
            .into_iter()
            .filter(|(pubkey, power)| sent.get(pubkey) != Some(power)),
    );
    updates
        .into_iter()
        .map(|(pubkey, power)| ValidatorUpdate { pubkey, power })
        .collect()
}

fn powers_by_key(set: &Set) -> BTreeMap<PublicKey, Power> {
    let seats = set.values();
    seats.map(|seat| (seat.pubkey, seat.power)).collect()
}

/// Writes into the records what of a set is theirs: who is in it, and who of the set last sent isn't
/// any more. That undoes what transactions cut of powers that stay.
///
/// # Errors
/// [`InvariantViolation`] when a record is missing or unreadable.
pub(super) fn write<V: View>(
    overlay: &mut Overlay<V>,
    sent: &Set,
    wanted: &Set,
) -> Result<(), InvariantViolation> {
    let addresses: BTreeSet<Address> = sent.keys().chain(wanted.keys()).copied().collect();
    for address in addresses {
        let before = validator(overlay, &address)?;
        let mut record = before.clone();
        match wanted.get(&address) {
            Some(seat) => {
                record.pubkey = seat.pubkey;
                record.power = seat.power;
                record.proven = seat.proven;
            }
            None => {
                record.power = Power::ZERO;
                record.proven = false;
            }
        }
        if record != before {
            overlay.put(&address, record);
        }
    }
    Ok(())
}
