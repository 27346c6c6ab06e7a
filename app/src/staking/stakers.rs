//! Owns who has something at stake: a sender that must have, and all who may be elected, without
//! reading the records of those whom a block did not touch.

use core::cmp::Reverse;

use crate::{
    address::Address,
    code::Code,
    error::{Failure, refuse},
    prelude::*,
    quantity::Uait,
    staking::record::Validator,
    state::{Overlay, Value, View, base::Base},
};

/// The sender's record, once it staked.
///
/// # Errors
/// [`Code::NeverStaked`].
pub(super) fn staker<V: View>(
    overlay: &Overlay<V>,
    sender: &Address,
) -> Result<Validator, Failure> {
    let known = overlay.get::<Validator>(sender)?;
    match known.filter(|record| record.stake_pubkey.is_some()) {
        Some(record) => Ok(record),
        None => refuse(Code::NeverStaked, format!("{sender} never staked")),
    }
}

/// Everybody eligible as of now (PROTOCOL section 6) with its stake in uait, the most first, then by
/// address. Lazy: the committed ones come out of an index, so that who looks at a few of them reads
/// no more.
pub(super) fn eligible<'a>(
    overlay: &'a Overlay<Base<'_>>,
    min_stake: Uait,
) -> impl Iterator<Item = (Address, Uait)> + 'a {
    let changed: BTreeMap<Address, &Validator> = overlay
        .changes()
        .values()
        .filter_map(|change| match change.as_deref() {
            Some(Value::Validator(record)) => Some((record.address, record)),
            _ => None,
        })
        .collect();
    let mut fresh: Vec<(Address, Uait)> = changed
        .values()
        .filter(|record| record.is_eligible(min_stake))
        .map(|record| (record.address, record.stake))
        .collect();
    fresh.sort_by_key(rank);
    // The index holds no one who is jailed or never staked.
    let committed = overlay
        .below()
        .state()
        .stakers()
        .take_while(move |(_, stake)| *stake >= min_stake)
        .filter(move |(address, _)| !changed.contains_key(address));
    merged(committed, fresh.into_iter())
}

/// The most stake first, then by address.
fn rank((address, stake): &(Address, Uait)) -> (Reverse<Uait>, Address) {
    (Reverse(*stake), *address)
}

/// Two lists in their order as one.
fn merged(
    left: impl Iterator<Item = (Address, Uait)>,
    right: impl Iterator<Item = (Address, Uait)>,
) -> impl Iterator<Item = (Address, Uait)> {
    let (mut left, mut right) = (left.peekable(), right.peekable());
    core::iter::from_fn(move || {
        let left_is_next = match (left.peek(), right.peek()) {
            (Some(one), Some(other)) => rank(one) < rank(other),
            (one, _) => one.is_some(),
        };
        if left_is_next {
            left.next()
        } else {
            right.next()
        }
    })
}
