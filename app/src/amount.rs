//! Owns the range of every integer of the protocol: counts of uait, nonces, heights, units.

use crate::error::Broken;

/// The largest integer of the protocol, 2^53-1: exact in every JSON parser (SPEC section 2).
/// Total supply never exceeds it either.
pub const MAX: u64 = (1 << 53) - 1;

/// uait in one AIT (SPEC section 2).
pub const UAIT_PER_AIT: u64 = 1_000_000;

/// Ten thousand basis points are the whole.
pub const BASIS_POINTS: u64 = 10_000;

/// `left + right`, both in uait.
///
/// # Errors
/// [`Broken`] when the sum passes [`MAX`]: the supply limit makes that impossible while the
/// books are right.
pub fn add(left: u64, right: u64) -> Result<u64, Broken> {
    left.checked_add(right)
        .filter(|sum| *sum <= MAX)
        .ok_or_else(|| Broken::new(format!("{left} + {right} passes the limit {MAX}")))
}

/// `left - right`, both in uait.
///
/// # Errors
/// [`Broken`] when the difference is negative: callers check affordability first.
pub fn subtract(left: u64, right: u64) -> Result<u64, Broken> {
    left.checked_sub(right)
        .ok_or_else(|| Broken::new(format!("{left} - {right} is negative")))
}

/// `floor(amount * basis_points / 10000)`, saturating at `u64::MAX`.
pub fn share(amount: u64, basis_points: u64) -> u64 {
    let product = u128::from(amount).saturating_mul(u128::from(basis_points));
    u64::try_from(product.checked_div(u128::from(BASIS_POINTS)).unwrap_or(0)).unwrap_or(u64::MAX)
}

/// `left + right`, staying at [`MAX`]: for counters that may stop counting (SPEC section 4).
pub fn saturating_add(left: u64, right: u64) -> u64 {
    left.saturating_add(right).min(MAX)
}
