//! Owns the formula of voting power (PROTOCOL section 6), exact to the last unit.

use ethnum::U256;

use crate::{
    error::InvariantViolation,
    prelude::*,
    quantity::{BasisPoints, Power, Quantity, Uait, Units, WHOLE_BPS},
};

/// Parts into which the power of a whole set is split before roundings, and the 1 that each has.
const PARTS: u64 = 1_000_000;

/// What an account brings to an election.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weight {
    /// uait at stake.
    pub stake: Uait,
    /// Its work score; 0 while it is banned.
    pub score: Units,
}

/// The power of each of those who are eligible and proven (PROTOCOL section 6):
/// `1 + floor(10^6 * ((10000 - w) * S + w * min(S, R)) / 10000)`, one floor over the exact fraction,
/// with `S = stake / sum of stakes`, `R = score / max(sum of scores, score_floor)` and `w` the weight
/// of work in basis points. Each is `1..=1_000_001`.
///
/// # Errors
/// [`InvariantViolation`] when a figure passes 256 bits or nothing is at stake: neither is so for eligible
/// accounts, whose stakes are above 0 and below 2^53.
pub fn powers(
    candidates: &[Weight],
    work_weight: BasisPoints,
    score_floor: Units,
) -> Result<Vec<Power>, InvariantViolation> {
    let stakes = total(candidates.iter().map(|weight| weight.stake))?;
    let scores = total(candidates.iter().map(|weight| weight.score))?;
    let shares = Shares {
        stakes,
        scores: scores.max(U256::from(score_floor.get())),
        stake_weight: BasisPoints::constant(WHOLE_BPS).minus(work_weight)?,
        work_weight,
    };
    candidates
        .iter()
        .map(|weight| shares.power(weight).ok_or_else(too_wide))
        .collect()
}

/// The wholes of which each candidate has a part.
struct Shares {
    stakes: U256,
    scores: U256,
    stake_weight: BasisPoints,
    work_weight: BasisPoints,
}

impl Shares {
    /// Over the common denominator `10000 * stakes * scores`; `None` where a figure does not fit.
    fn power(&self, weight: &Weight) -> Option<Power> {
        let stake = U256::from(weight.stake.get()).checked_mul(self.scores)?;
        let work = U256::from(weight.score.get()).checked_mul(self.stakes)?;
        let backed = stake.min(work);
        let by_stake = stake.checked_mul(U256::from(self.stake_weight.get()))?;
        let by_work = backed.checked_mul(U256::from(self.work_weight.get()))?;
        let above = by_stake
            .checked_add(by_work)?
            .checked_mul(U256::from(PARTS))?;
        let below = self.stakes.checked_mul(self.scores)?;
        let below = below.checked_mul(U256::from(WHOLE_BPS))?;
        let parts = u64::try_from(above.checked_div(below)?).ok()?;
        parts.checked_add(1).and_then(Power::new)
    }
}

fn total(quantities: impl Iterator<Item = impl Quantity>) -> Result<U256, InvariantViolation> {
    let mut quantities = quantities.map(Quantity::get).map(U256::from);
    quantities
        .try_fold(U256::ZERO, U256::checked_add)
        .ok_or_else(too_wide)
}

fn too_wide() -> InvariantViolation {
    InvariantViolation::new("voting power passes 256 bits, or nothing is at stake")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(stakes: &[u64], scores: &[u64]) -> Vec<Weight> {
        let pairs = stakes.iter().zip(scores);
        pairs
            .map(|(stake, score)| Weight {
                stake: Uait::constant(*stake),
                score: Units::constant(*score),
            })
            .collect()
    }

    fn powers_of(weights: &[Weight], work_weight: u64, score_floor: u64) -> Vec<u64> {
        let (work_weight, score_floor) = (
            BasisPoints::constant(work_weight),
            Units::constant(score_floor),
        );
        let powers = powers(weights, work_weight, score_floor).unwrap();
        powers.into_iter().map(Power::get).collect()
    }

    #[test]
    fn powers_are_those_of_the_vectors() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/vectors/protocol.json")).unwrap();
        let cases = vectors["power"].as_array().unwrap();
        assert!(cases.len() >= 8);
        for case in cases {
            let list =
                |name: &str| -> Vec<u64> { serde_json::from_value(case[name].clone()).unwrap() };
            let integer = |name: &str| case[name].as_u64().unwrap();
            let weights = weights(&list("stakes"), &list("scores"));
            let (weight, floor) = (integer("work_weight_bps"), integer("work_score_floor"));
            assert_eq!(powers_of(&weights, weight, floor), list("power"), "{case}");
        }
    }

    #[test]
    fn the_most_that_can_be_staked_and_worked_has_a_power() {
        let most = Uait::MAX.get();
        let all = weights(&[most; 100], &[most; 100]);
        for work_weight in [0, 1, 4_999, 5_000, 10_000] {
            for floor in [1, most] {
                assert_eq!(powers_of(&all, work_weight, floor), [10_001; 100]);
            }
        }
        assert_eq!(
            powers_of(&weights(&[most, 1], &[0, most]), 5_000, most),
            [500_000, 1]
        );
        assert_eq!(powers_of(&weights(&[1], &[0]), 10_000, 1), [1]);
        assert_eq!(powers_of(&weights(&[1], &[1]), 10_000, 1), [1_000_001]);
        assert!(powers_of(&[], 5_000, 1).is_empty());
    }

    #[test]
    fn nothing_at_stake_is_an_invariant_violation() {
        let none = weights(&[0], &[0]);
        assert!(powers(&none, BasisPoints::constant(5_000), Units::constant(1)).is_err());
    }

    #[test]
    fn nobody_has_more_than_twice_its_share_of_the_stake() {
        for seed in 0..2_000_u64 {
            let figure = |salt: u64, bits: u32| {
                let mixed =
                    crate::crypto::sha256(&[seed.to_le_bytes(), salt.to_le_bytes()].concat());
                u64::from_le_bytes(mixed[..8].try_into().unwrap()) >> (64 - bits)
            };
            let number = 1 + figure(0, 4);
            let stakes: Vec<u64> = (0..number)
                .map(|i| 1 + figure(100 + i, 1 + figure(200 + i, 6).min(51) as u32))
                .collect();
            let scores: Vec<u64> = (0..number)
                .map(|i| figure(300 + i, 1 + figure(400 + i, 6).min(51) as u32))
                .collect();
            let weights = weights(&stakes, &scores);
            let powers = powers_of(&weights, figure(1, 13).min(5_000), 1 + figure(2, 20));
            let staked: u128 = stakes.iter().map(|stake| u128::from(*stake)).sum();
            let power: u128 = powers.iter().map(|power| u128::from(*power)).sum();
            for (stake, own) in stakes.iter().zip(&powers) {
                // (own - 1) / power <= 2 * stake / staked
                assert!(u128::from(own - 1) * staked <= 2 * u128::from(*stake) * power);
            }
        }
    }
}
