//! Owns the books (SPEC section 7): genesis + minted - burned = balances + escrows + stakes +
//! unbonding, recomputed from the records that a block changed, in every block.

use serde::de::DeserializeOwned;

use crate::{
    amount,
    error::Broken,
    state::{
        Key, State,
        overlay::{Overlay, View},
        records::{Account, Escrow, Supply, Validator},
    },
};

/// uait by where they are.
#[derive(Default)]
struct Holdings {
    balances: i128,
    escrows: i128,
    stakes: i128,
    unbonding: i128,
}

/// Brings the supply's record up to date with all that a block changed and checks it.
///
/// # Errors
/// [`Broken`] when coins appeared or vanished other than by minting and burning.
pub(crate) fn settle(overlay: &mut Overlay<'_, State>) -> Result<(), Broken> {
    let moved = moved(overlay)?;
    let before = overlay.supply()?;
    let after = Supply {
        balances: moved_by(before.balances, moved.balances)?,
        escrows: moved_by(before.escrows, moved.escrows)?,
        stakes: moved_by(before.stakes, moved.stakes)?,
        unbonding: moved_by(before.unbonding, moved.unbonding)?,
        ..before.clone()
    };
    check(&after)?;
    if after != before {
        overlay.put(&Key::Supply, &after)?;
    }
    Ok(())
}

/// Checks that every coin has one place and one origin.
///
/// # Errors
/// [`Broken`] with all figures.
pub fn check(supply: &Supply) -> Result<(), Broken> {
    let held = [supply.escrows, supply.stakes, supply.unbonding]
        .into_iter()
        .try_fold(supply.balances, amount::add)?;
    // What was ever issued may pass the limit that holds for what there is: burned coins make room.
    let issued = u128::from(supply.genesis).saturating_add(u128::from(supply.minted));
    let left = issued.checked_sub(u128::from(supply.burned));
    if held != supply.total || left != Some(u128::from(supply.total)) {
        return Err(Broken::new(format!(
            "the supply does not balance: {supply:?}"
        )));
    }
    Ok(())
}

fn moved(overlay: &Overlay<'_, State>) -> Result<Holdings, Broken> {
    let mut moved = Holdings::default();
    for (key, new) in overlay.changes() {
        let old = overlay.below().bytes(key);
        let both = [(old.as_deref(), -1), (new.as_deref(), 1)];
        for (bytes, sign) in both {
            let Some(bytes) = bytes else { continue };
            moved.count(key, bytes, sign)?;
        }
    }
    Ok(moved)
}

impl Holdings {
    fn count(&mut self, key: &[u8], bytes: &[u8], sign: i128) -> Result<(), Broken> {
        let signed = |uait: u64| i128::from(uait).saturating_mul(sign);
        if key.starts_with(b"/account/") {
            let account: Account = read(bytes)?;
            self.balances = self.balances.saturating_add(signed(account.balance));
        } else if key.starts_with(b"/escrow/") {
            let escrow: Escrow = read(bytes)?;
            self.escrows = self.escrows.saturating_add(signed(escrow.locked()));
        } else if key.starts_with(b"/validator/") {
            let validator: Validator = read(bytes)?;
            self.stakes = self.stakes.saturating_add(signed(validator.stake));
            for entry in &validator.unbonding {
                self.unbonding = self.unbonding.saturating_add(signed(entry.amount));
            }
        }
        Ok(())
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Broken> {
    serde_json::from_slice(bytes)
        .map_err(|error| Broken::new(format!("a record is unreadable: {error}")))
}

fn moved_by(uait: u64, change: i128) -> Result<u64, Broken> {
    u64::try_from(i128::from(uait).saturating_add(change))
        .ok()
        .filter(|sum| *sum <= amount::MAX)
        .ok_or_else(|| Broken::new(format!("the supply leaves its range: {uait} {change:+}")))
}
