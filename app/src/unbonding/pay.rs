//! Owns the payment of what has unbonded (PROTOCOL section 3, order of a block).
//! Event: `unbonded`.

use super::record::Unbonding;
use crate::{
    address::Address,
    coordinators::record::Coordinator,
    error::InvariantViolation,
    events::Event,
    prelude::*,
    quantity::{Height, Uait},
    staking::record::Validator,
    state::{Key, Overlay, View, base::Base},
};

/// At most this many unbondings are paid in a block; the rest wait for the next.
pub const MAX_A_BLOCK: usize = 10_000;

/// Pays what is due at the beginning of a block, the longest due first, then by key.
///
/// # Errors
/// [`InvariantViolation`].
pub(crate) fn pay_due(
    overlay: &mut Overlay<Base<'_>>,
    height: Height,
) -> Result<Vec<Event>, InvariantViolation> {
    let state = overlay.below().state();
    let mut events = Vec::new();
    for (due, key) in state.due_unbondings(height) {
        let room = MAX_A_BLOCK.saturating_sub(events.len());
        if room == 0 {
            break;
        }
        let (account, kind, amounts) = match key {
            Key::Coordinator(address) => {
                let mut record = overlay.get::<Coordinator>(address)?.ok_or_else(missing)?;
                let amounts = take(&mut record.unbonding, due, room);
                overlay.put(address, record);
                (*address, "bond", amounts)
            }
            Key::Validator(address) => {
                let mut record = overlay.get::<Validator>(address)?.ok_or_else(missing)?;
                let amounts = take(&mut record.unbonding, due, room);
                overlay.put(address, record);
                (*address, "stake", amounts)
            }
            _ => return Err(missing()),
        };
        for amount in amounts {
            overlay.credit(&account, amount)?;
            events.push(unbonded(account, kind, amount));
        }
    }
    Ok(events)
}

/// Takes up to `room` entries that are due then out of a list.
fn take(entries: &mut Vec<Unbonding>, due: Height, room: usize) -> Vec<Uait> {
    let mut taken = Vec::new();
    entries.retain(|entry| {
        let is_due = entry.due_height == due && taken.len() < room;
        if is_due {
            taken.push(entry.amount);
        }
        !is_due
    });
    taken
}

fn unbonded(account: Address, kind: &str, amount: Uait) -> Event {
    Event::new("unbonded")
        .id("account", account)
        .id("kind", kind)
        .amount("amount", amount)
}

fn missing() -> InvariantViolation {
    InvariantViolation::new("coins that are due have no record")
}
