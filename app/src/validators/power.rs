//! Owns the formula of voting power (SPEC section 6), exact to the last unit.

use ethnum::U256;

use crate::{amount::BASIS_POINTS, error::Broken};

/// Parts into which the power of a whole set is split before roundings, and the 1 that each has.
const PARTS: u64 = 1_000_000;

/// The power of each candidate, given as (stake in uait, score):
/// `1 + floor(10^6 * ((10000 - w) * stake / sum of stakes + w * score / sum of scores) / 10000)`, one
/// floor over the exact fraction, with `w` in basis points; a sum of 0 drops its term.
///
/// # Errors
/// [`Broken`] when a figure passes 256 bits: stakes and scores below 2^53 of fewer than 2^80
/// candidates don't.
pub fn powers(candidates: &[(u64, u64)], work_weight_bps: u64) -> Result<Vec<u64>, Broken> {
    let stakes = total(candidates.iter().map(|(stake, _)| *stake))?;
    let scores = total(candidates.iter().map(|(_, score)| *score))?;
    let stake_weight = BASIS_POINTS.saturating_sub(work_weight_bps);
    candidates
        .iter()
        .map(|(stake, score)| {
            let by_stake = Term::new(stake_weight, *stake, stakes)?;
            let by_work = Term::new(work_weight_bps, *score, scores)?;
            let parts = by_stake.plus(&by_work)?.floor_of(PARTS)?;
            parts.checked_add(1).ok_or_else(too_wide)
        })
        .collect()
}

/// A share of the whole, in basis points, as a fraction.
struct Term {
    above: U256,
    below: U256,
}

impl Term {
    /// `weight * part / whole`, 0 where the whole is.
    fn new(weight: u64, part: u64, whole: U256) -> Result<Self, Broken> {
        if whole == U256::ZERO {
            return Ok(Self {
                above: U256::ZERO,
                below: U256::ONE,
            });
        }
        let above = U256::from(weight).checked_mul(U256::from(part));
        Ok(Self {
            above: above.ok_or_else(too_wide)?,
            below: whole,
        })
    }

    fn plus(&self, other: &Self) -> Result<Self, Broken> {
        let left = self.above.checked_mul(other.below);
        let right = other.above.checked_mul(self.below);
        let above = left.zip(right).and_then(|(l, r)| l.checked_add(r));
        let below = self.below.checked_mul(other.below);
        let (above, below) = above.zip(below).ok_or_else(too_wide)?;
        Ok(Self { above, below })
    }

    /// `floor(parts * self / 10000)`.
    fn floor_of(&self, parts: u64) -> Result<u64, Broken> {
        let above = self.above.checked_mul(U256::from(parts));
        let below = self.below.checked_mul(U256::from(BASIS_POINTS));
        let floor = above.zip(below).and_then(|(a, b)| a.checked_div(b));
        floor
            .and_then(|floor| u64::try_from(floor).ok())
            .ok_or_else(too_wide)
    }
}

fn total(mut values: impl Iterator<Item = u64>) -> Result<U256, Broken> {
    values
        .try_fold(U256::ZERO, |sum, value| sum.checked_add(U256::from(value)))
        .ok_or_else(too_wide)
}

fn too_wide() -> Broken {
    Broken::new("voting power passes 256 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_those_of_the_vectors() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/vectors/protocol.json")).unwrap();
        let cases = vectors["power"].as_array().unwrap();
        assert!(cases.len() >= 6);
        for case in cases {
            let list =
                |name: &str| -> Vec<u64> { serde_json::from_value(case[name].clone()).unwrap() };
            let candidates: Vec<_> = list("stakes").into_iter().zip(list("scores")).collect();
            let weight = case["work_weight_bps"].as_u64().unwrap();
            assert_eq!(powers(&candidates, weight).unwrap(), list("power"));
        }
    }

    #[test]
    fn the_most_that_can_be_staked_and_worked_has_a_power() {
        let most = crate::amount::MAX;
        let candidates = vec![(most, most); 1_000];
        assert_eq!(powers(&candidates, 5_000).unwrap(), vec![1_001; 1_000]);
        assert_eq!(powers(&[(0, 0)], 10_000).unwrap(), [1]);
        assert!(powers(&[], 5_000).unwrap().is_empty());
    }
}
