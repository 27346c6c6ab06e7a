//! Owns coins on their way out of a stake or a bond: an entry of the validator's or the
//! coordinator's record.

use serde::{Deserialize, Serialize};

use crate::{
    error::InvariantViolation,
    prelude::*,
    quantity::{BasisPoints, Height, Uait},
};

/// At most this many unbondings of an account's stake are under way at once; of its bond as many.
pub const MAX_UNBONDINGS: usize = 16;

/// Coins on their way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unbonding {
    /// The coins.
    pub amount: Uait,
    /// The block that makes them spendable.
    pub due_height: Height,
}

/// Takes a share of bonded coins and of each entry that is on its way out, each rounded down by
/// itself. Entries of 0 vanish. Gives what was taken.
///
/// # Errors
/// [`InvariantViolation`] when a sum leaves its range.
pub(crate) fn slash(
    bonded: &mut Uait,
    unbonding: &mut Vec<Unbonding>,
    basis_points: BasisPoints,
) -> Result<Uait, InvariantViolation> {
    let mut taken = bonded.share(basis_points);
    *bonded = bonded.minus(taken)?;
    for entry in unbonding.iter_mut() {
        let share = entry.amount.share(basis_points);
        entry.amount = entry.amount.minus(share)?;
        taken = taken.plus(share)?;
    }
    unbonding.retain(|entry| !entry.amount.is_zero());
    Ok(taken)
}
