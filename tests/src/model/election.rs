//! Owns eligibility, power, and who gets a seat at an epoch's end.

use std::cmp::Reverse;

use super::{
    Model,
    crypto::address_bytes,
    state::Validator,
    validators::{Seat, Seats},
};

/// One who is eligible and proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// uait bonded.
    pub stake: u128,
    /// Its work score.
    pub score: u128,
}

/// The power of each: `1 + floor(10^6 * ((10000 - w) * S + w * min(S, R)) / 10000)`, with its share `S`
/// of all stake and `R` of all scores, one floor over the exact fraction.
///
/// The fraction's two parts are divided each by itself into a whole number and a remainder; the floor of
/// their sum is that of the whole numbers, and one more where the remainders make up a whole.
pub fn powers(candidates: &[Candidate], work_weight_bps: u64, score_floor: u64) -> Vec<u64> {
    let weight = u128::from(work_weight_bps);
    let stakes: u128 = candidates.iter().map(|one| one.stake).sum();
    let scores: u128 = candidates.iter().map(|one| one.score).sum();
    let scores = scores.max(score_floor.into());
    let power = |one: &Candidate| {
        if one.stake * scores <= one.score * stakes {
            return (1 + 1_000_000 * one.stake / stakes) as u64;
        }
        // 10^6 / 10000 is 100.
        let by_stake = 100 * (10_000 - weight) * one.stake;
        let by_work = 100 * weight * one.score;
        let rests = (by_stake % stakes) * scores + (by_work % scores) * stakes;
        let carried = rests / (stakes * scores);
        (1 + by_stake / stakes + by_work / scores + carried) as u64
    };
    candidates.iter().map(power).collect()
}

impl Model {
    pub(super) fn is_eligible(&self, record: &Validator) -> bool {
        record.stake_key.is_some()
            && record.stake >= self.before.params.wide("min_stake")
            && record.jail.is_none()
    }

    /// Eligible, and the key that it staked with is in use and proven.
    pub(super) fn is_proven(&self, record: &Validator) -> bool {
        let key_in_use = record.stake_key.as_ref() == Some(&record.pubkey);
        self.is_eligible(record) && record.proven && key_in_use
    }

    /// The set that an epoch's end chooses.
    pub(super) fn elect(&self) -> Seats {
        let mut proven = self.proven_by_power();
        if proven.is_empty() {
            proven = self.those_who_stay();
        }
        let mut unproven = 0;
        let mut newcomers = Vec::new();
        for (address, record) in &self.validators {
            let seated = proven.iter().any(|(other, _)| other == address);
            if self.is_eligible(record) && !self.is_proven(record) && !seated {
                newcomers.push(address.clone());
            }
        }
        newcomers.sort_by_key(|address| self.by_stake(address));
        let mut seats = Vec::new();
        for address in newcomers {
            if !self.seat_unproven(&address, &mut proven, unproven) {
                break;
            }
            unproven += 1;
            let key = self.validators[&address].stake_key.clone().unwrap();
            seats.push((address, Seat { key, power: 1 }));
        }
        seats.into_iter().chain(proven).collect()
    }

    /// Whether there is a seat for this unproven one beside `unproven` others. The weakest of the
    /// proven ones may have to leave for it; they stand in the order of their power.
    fn seat_unproven(
        &self,
        address: &str,
        proven: &mut Vec<(String, Seat)>,
        unproven: u64,
    ) -> bool {
        let most = self.before.params.number("max_validators");
        let stake = |address: &str| self.validators[address].stake;
        let mut power: u64 = proven.iter().map(|(_, seat)| seat.power).sum();
        let full = proven.len() as u64 + unproven >= most;
        if full {
            let Some((weakest, seat)) = proven.last() else {
                return false;
            };
            if stake(address) <= stake(weakest) {
                return false;
            }
            power -= seat.power;
        }
        let allowed = (most / 4).min(power.saturating_sub(1) / 2);
        if unproven + 1 > allowed {
            return false;
        }
        if full {
            proven.pop();
        }
        true
    }

    /// The proven ones with the most power, most first, ties by address.
    fn proven_by_power(&self) -> Vec<(String, Seat)> {
        let params = &self.before.params;
        let all: Vec<_> = self
            .validators
            .iter()
            .filter(|(_, record)| self.is_proven(record))
            .collect();
        let candidate = |(address, record): &(&String, &Validator)| {
            let miner = self.miners.get(*address);
            let counts = miner.filter(|miner| miner.banned_until < self.height);
            Candidate {
                stake: record.stake,
                score: counts.map_or(0, |miner| miner.score.into()),
            }
        };
        let candidates: Vec<Candidate> = all.iter().map(candidate).collect();
        let weight = params.number("work_weight_bps");
        let powers = powers(&candidates, weight, params.number("work_score_floor"));
        let seats = all
            .into_iter()
            .zip(powers)
            .map(|((address, record), power)| {
                let key = record.pubkey.clone();
                (address.clone(), Seat { key, power })
            });
        let mut seats: Vec<_> = seats.collect();
        sort_by_power(&mut seats);
        seats.truncate(params.number("max_validators") as usize);
        seats
    }

    /// Where no eligible one is proven: the proven ones of the set last sent, jailed or not, with so
    /// much power that unproven ones beside them can be of use and no danger.
    fn those_who_stay(&self) -> Vec<(String, Seat)> {
        let members = self.validators.iter().filter(|(_, record)| record.proven);
        let seats = members.map(|(address, record)| {
            let power = if record.jail.is_some() {
                record.power
            } else {
                self.cut_power(address)
            };
            let key = record.pubkey.clone();
            (address.clone(), Seat { key, power })
        });
        let mut seats: Vec<_> = seats.filter(|(_, seat)| seat.power > 0).collect();
        let power: u64 = seats.iter().map(|(_, seat)| seat.power).sum();
        if (1..1_000).contains(&power) {
            let times = 1_000_u64.div_ceil(power);
            seats.iter_mut().for_each(|(_, seat)| seat.power *= times);
        }
        sort_by_power(&mut seats);
        seats
    }
}

fn sort_by_power(seats: &mut [(String, Seat)]) {
    seats.sort_by_key(|(address, seat)| (Reverse(seat.power), address_bytes(address).unwrap()));
}
