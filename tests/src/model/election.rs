//! Owns work scores, eligibility and power (SPEC section 6).

use std::cmp::Reverse;

use super::{LIMIT, Model, transactions::Params, validators::Set};

/// One who is eligible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// uait bonded.
    pub stake: u128,
    /// Its work score.
    pub score: u128,
}

/// The power of each: `1 + floor(10^6 * ((10000 - w) * stake / Σstake + w * score / Σscore) / 10000)`,
/// one floor over the exact fraction.
///
/// Each of the two terms is divided on its own into a whole part and a remainder; the floor of their sum
/// is that of the whole parts, and one more where the remainders' fractions make up a whole.
pub fn powers(candidates: &[Candidate], work_weight_bps: u64) -> Vec<u64> {
    let weight = u128::from(work_weight_bps);
    let stakes: u128 = candidates.iter().map(|one| one.stake).sum();
    let scores: u128 = candidates.iter().map(|one| one.score).sum();
    // 10^6 / 10000. A sum of 0 drops its term: its numerators are 0 too.
    let part = |weight: u128, amount: u128, sum: u128| {
        let (numerator, sum) = (100 * weight * amount, sum.max(1));
        (numerator / sum, numerator % sum, sum)
    };
    let power = |one: &Candidate| {
        let (by_stake, rest, of) = part(10_000 - weight, one.stake, stakes);
        let (by_work, other_rest, of_other) = part(weight, one.score, scores);
        let carried = rest * of_other + other_rest * of >= of * of_other;
        (1 + by_stake + by_work + u128::from(carried)) as u64
    };
    candidates.iter().map(power).collect()
}

impl Model {
    /// `score = floor(score * work_decay_bps / 10000) + epoch_units`, of all who ever staked.
    pub(super) fn age_scores(&mut self, params: &Params) {
        let decay = u128::from(params["work_decay_bps"].as_u64().unwrap());
        for (address, miner) in &mut self.miners {
            let record = self.validators.get(address);
            if record.is_some_and(|record| record.stake_key.is_some()) {
                let kept = u128::from(miner.score) * decay / 10_000;
                miner.score = (kept + u128::from(miner.epoch_units)).min(LIMIT) as u64;
                miner.epoch_units = 0;
            }
        }
    }

    /// Whether an account may validate by stake and work.
    fn is_eligible(&self, params: &Params, address: &str) -> bool {
        let record = &self.validators[address];
        let banned_until = self.miners.get(address).map_or(0, |m| m.banned_until);
        record.stake_key.is_some()
            && record.stake >= u128::from(params["min_stake"].as_u64().unwrap())
            && record.jailed_until == 0
            && banned_until < self.height
    }

    /// The `max_validators` with the most power among all who are eligible, ties by address bytes.
    pub(super) fn elected(&self, params: &Params) -> Set {
        let eligible: Vec<&String> = self
            .validators
            .keys()
            .filter(|address| self.is_eligible(params, address))
            .collect();
        let candidate = |address: &&String| Candidate {
            stake: self.validators[*address].stake,
            score: self.miners.get(*address).map_or(0, |m| m.score.into()),
        };
        let candidates: Vec<Candidate> = eligible.iter().map(candidate).collect();
        let weight = params["work_weight_bps"].as_u64().unwrap();
        let mut ranking: Vec<(u64, &String)> = powers(&candidates, weight)
            .into_iter()
            .zip(eligible)
            .collect();
        ranking.sort_by_key(|(power, address)| {
            let (_, bytes) = bech32::decode(address).unwrap();
            (Reverse(*power), bytes)
        });
        ranking.truncate(params["max_validators"].as_u64().unwrap() as usize);
        let keyed = |(power, address): (u64, &String)| {
            let key = self.validators[address].stake_key.clone().unwrap();
            (key, power)
        };
        ranking.into_iter().map(keyed).collect()
    }

    /// The last set without those who are no longer eligible.
    pub(super) fn still_eligible(&self, params: &Params) -> Set {
        let stays = |key: &String| self.is_eligible(params, &self.key_owners[key]);
        let set = self.set.iter().filter(|(key, _)| stays(key));
        set.map(|(key, power)| (key.clone(), *power)).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn powers_are_those_of_the_vectors() {
        let vectors: Value =
            serde_json::from_str(include_str!("../../vectors/protocol.json")).unwrap();
        let cases = vectors["power"].as_array().unwrap();
        assert!(cases.len() > 5);
        for case in cases {
            let list = |name: &str| -> Vec<u64> {
                let values = case[name].as_array().unwrap();
                values.iter().map(|value| value.as_u64().unwrap()).collect()
            };
            let candidates: Vec<Candidate> = list("stakes")
                .into_iter()
                .zip(list("scores"))
                .map(|(stake, score)| Candidate {
                    stake: stake.into(),
                    score: score.into(),
                })
                .collect();
            let weight = case["work_weight_bps"].as_u64().unwrap();
            assert_eq!(powers(&candidates, weight), list("power"));
        }
    }
}
