//! Owns the books (PROTOCOL section 7): genesis + minted - burned = balances + escrows + stakes +
//! bonds + unbonding, recomputed from the records that a block changed, in every block.

use crate::{
    error::InvariantViolation,
    prelude::*,
    quantity::Uait,
    state::{Overlay, Value, View},
    unbonding::record::Unbonding,
};

/// What each place gained or lost, in uait.
#[derive(Default)]
struct Moved {
    balances: i128,
    escrows: i128,
    stakes: i128,
    bonds: i128,
    unbonding: i128,
}

/// Brings the supply's record up to date with all that a block changed and checks it.
///
/// # Errors
/// [`InvariantViolation`] when coins appeared or vanished other than by minting and burning.
pub(crate) fn settle<V: View>(overlay: &mut Overlay<V>) -> Result<(), InvariantViolation> {
    let mut moved = Moved::default();
    for (key, new) in overlay.changes() {
        if let Some(old) = overlay.below().value(key)? {
            moved.count(&old, -1)?;
        }
        if let Some(new) = new {
            moved.count(new, 1)?;
        }
    }
    let mut supply = overlay.supply()?;
    supply.balances = after(supply.balances, moved.balances)?;
    supply.escrows = after(supply.escrows, moved.escrows)?;
    supply.stakes = after(supply.stakes, moved.stakes)?;
    supply.bonds = after(supply.bonds, moved.bonds)?;
    supply.unbonding = after(supply.unbonding, moved.unbonding)?;
    supply.check()?;
    overlay.put(&(), supply);
    Ok(())
}

impl Moved {
    fn count(&mut self, value: &Value, sign: i128) -> Result<(), InvariantViolation> {
        match value {
            Value::Account(account) => add(&mut self.balances, account.balance, sign),
            Value::Escrow(escrow) => add(&mut self.escrows, escrow.locked(), sign),
            Value::Coordinator(record) => {
                add(&mut self.bonds, record.bond, sign)?;
                self.count_unbonding(&record.unbonding, sign)
            }
            Value::Validator(record) => {
                add(&mut self.stakes, record.stake, sign)?;
                self.count_unbonding(&record.unbonding, sign)
            }
            Value::Consensus(_)
            | Value::Miner(_)
            | Value::ParamValue(_)
            | Value::Receipt(_)
            | Value::Protocol(_)
            | Value::Supply(_) => Ok(()),
        }
    }

    fn count_unbonding(
        &mut self,
        entries: &[Unbonding],
        sign: i128,
    ) -> Result<(), InvariantViolation> {
        entries
            .iter()
            .try_for_each(|entry| add(&mut self.unbonding, entry.amount, sign))
    }
}

fn add(sum: &mut i128, amount: Uait, sign: i128) -> Result<(), InvariantViolation> {
    let signed = i128::from(amount.get()).checked_mul(sign);
    *sum = signed
        .and_then(|signed| sum.checked_add(signed))
        .ok_or_else(|| InvariantViolation::new("a block moves more than 128 bits of coins"))?;
    Ok(())
}

fn after(amount: Uait, change: i128) -> Result<Uait, InvariantViolation> {
    i128::from(amount.get())
        .checked_add(change)
        .and_then(|sum| u64::try_from(sum).ok())
        .and_then(Uait::new)
        .ok_or_else(|| {
            InvariantViolation::new(format!("the supply leaves its range: {amount} {change:+}"))
        })
}
