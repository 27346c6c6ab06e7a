//! Owns who gets a seat (PROTOCOL section 6), as pure rules over plain candidates: proven ones by
//! power; a few unproven ones by stake, never enough of them to stop the chain.

use core::cmp::Reverse;

use crate::{
    address::Address,
    error::InvariantViolation,
    prelude::*,
    quantity::{Count, Power, Uait},
};

/// The power that those who keep their seats have together at least: by it unproven ones get any.
const LEAST_KEPT_POWER: u64 = 1_000;

/// Who has signed blocks with its key and may have a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proven {
    /// The account.
    pub address: Address,
    /// The voting power that it would have.
    pub power: Power,
    /// uait at stake.
    pub stake: Uait,
}

/// Who has not signed yet and may have a seat with power 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Newcomer {
    /// The account.
    pub address: Address,
    /// uait at stake.
    pub stake: Uait,
}

/// Who is seated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seats {
    /// With their power, the most first.
    pub proven: Vec<Proven>,
    /// With power 1, the most stake first.
    pub newcomers: Vec<Newcomer>,
}

/// The `max` candidates with the most power, by power, then address.
pub fn strongest(mut candidates: Vec<Proven>, max: Count) -> Vec<Proven> {
    rank(&mut candidates);
    let max = usize::try_from(max.get()).unwrap_or(usize::MAX);
    candidates.truncate(max);
    candidates
}

/// Those who keep their seats where no eligible one is proven: their powers times
/// `ceil(1000 / sum)`, so that the sum is at least 1,000.
///
/// # Errors
/// [`InvariantViolation`] when power passes 2^53-1: the sum of what is multiplied is below 1,000.
pub fn kept(mut seated: Vec<Proven>) -> Result<Vec<Proven>, InvariantViolation> {
    let sum = power_of(&seated)?.get();
    if sum > 0 && sum < LEAST_KEPT_POWER {
        let factor = LEAST_KEPT_POWER.div_ceil(sum);
        for one in &mut seated {
            let power = one.power.get().checked_mul(factor);
            one.power = power
                .and_then(Power::new)
                .ok_or_else(|| InvariantViolation::new("kept voting power leaves its range"))?;
        }
    }
    Ok(seated)
}

/// Seats newcomers beside those proven ones who are seated: in free seats, then in the seat of the
/// weakest proven one where a newcomer has more stake than it. `newcomers` come the most stake first,
/// then by address; it looks at no more of them than it seats, and one.
///
/// # Errors
/// [`InvariantViolation`] when a sum of powers passes 2^53-1.
pub fn with_newcomers(
    mut proven: Vec<Proven>,
    newcomers: impl IntoIterator<Item = Newcomer>,
    max: Count,
) -> Result<Seats, InvariantViolation> {
    rank(&mut proven);
    let mut power = power_of(&proven)?;
    let mut seated: Vec<Newcomer> = Vec::new();
    for newcomer in newcomers {
        let is_free = number(proven.len().saturating_add(seated.len())) < max.get();
        let left = match proven.last() {
            _ if is_free => power,
            Some(weakest) if weakest.stake < newcomer.stake => power.minus(weakest.power)?,
            _ => break,
        };
        if number(seated.len()) >= most_newcomers(left, max) {
            break;
        }
        if !is_free {
            proven.pop();
        }
        power = left;
        seated.push(newcomer);
    }
    Ok(Seats {
        proven,
        newcomers: seated,
    })
}

/// Those of the newcomers who must leave a set in which proven ones have `power` together: those with
/// the least stake, of equals those with the highest addresses.
pub fn beyond_limit(mut newcomers: Vec<Newcomer>, power: Power, max: Count) -> Vec<Newcomer> {
    newcomers.sort_by_key(|newcomer| (Reverse(newcomer.stake), newcomer.address));
    let most = usize::try_from(most_newcomers(power, max)).unwrap_or(usize::MAX);
    newcomers.into_iter().skip(most).collect()
}

/// `min(floor(max / 4), floor((power - 1) / 2))`: so newcomers have less than a third of all power.
fn most_newcomers(power: Power, max: Count) -> u64 {
    let by_power = power.get().saturating_sub(1) >> 1;
    (max.get() >> 2).min(by_power)
}

/// The sum of the powers of those proven.
///
/// # Errors
/// [`InvariantViolation`] when it passes 2^53-1.
fn power_of(proven: &[Proven]) -> Result<Power, InvariantViolation> {
    let mut powers = proven.iter().map(|one| one.power);
    powers.try_fold(Power::ZERO, Power::plus)
}

fn rank(candidates: &mut [Proven]) {
    candidates.sort_by_key(|candidate| (Reverse(candidate.power), candidate.address));
}

fn number(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u64) -> Address {
        Address::module(&format!("{number}"))
    }

    /// Addresses by their bytes ascending.
    fn addresses(count: u64) -> Vec<Address> {
        let mut addresses: Vec<Address> = (0..count).map(address).collect();
        addresses.sort();
        addresses
    }

    fn proven(address: Address, power: u64, stake: u64) -> Proven {
        Proven {
            address,
            power: Power::constant(power),
            stake: Uait::constant(stake),
        }
    }

    fn newcomer(address: Address, stake: u64) -> Newcomer {
        Newcomer {
            address,
            stake: Uait::constant(stake),
        }
    }

    fn seats(seated: &[Proven], newcomers: &[Newcomer], max: u64) -> (Vec<Address>, Vec<Address>) {
        let newcomers = newcomers.iter().copied();
        let seats = with_newcomers(seated.to_vec(), newcomers, Count::constant(max)).unwrap();
        (
            seats.proven.iter().map(|one| one.address).collect(),
            seats.newcomers.iter().map(|one| one.address).collect(),
        )
    }

    #[test]
    fn the_strongest_are_seated_and_of_equals_the_lower_address() {
        let [a, b, c, d, e] = addresses(5)[..] else {
            panic!()
        };
        let candidates = [
            proven(e, 7, 1),
            proven(d, 7, 9),
            proven(a, 5, 1),
            proven(c, 7, 1),
            proven(b, 9, 1),
        ];
        let seated = strongest(candidates.to_vec(), Count::constant(4));
        let seated: Vec<Address> = seated.iter().map(|one| one.address).collect();
        assert_eq!(seated, [b, c, d, e]);
    }

    #[test]
    fn newcomers_take_free_seats_up_to_a_quarter_of_all() {
        let all = addresses(30);
        let seated = [proven(all[0], 1_000, 5)];
        let newcomers: Vec<Newcomer> = all[1..].iter().map(|a| newcomer(*a, 3)).collect();
        for (max, quarter) in [(4, 1), (7, 1), (8, 2), (11, 2), (100, 25)] {
            let (kept, new) = seats(&seated, &newcomers, max);
            assert_eq!(kept, [all[0]]);
            assert_eq!(new, all[1..=quarter]);
        }
    }

    #[test]
    fn newcomers_have_less_than_a_third_of_the_power() {
        let all = addresses(30);
        let newcomers: Vec<Newcomer> = all[1..].iter().map(|a| newcomer(*a, 3)).collect();
        for (power, most) in [
            (1, 0),
            (2, 0),
            (3, 1),
            (4, 1),
            (5, 2),
            (6, 2),
            (51, 25),
            (9_999, 25),
        ] {
            let (_, new) = seats(&[proven(all[0], power, 5)], &newcomers, 100);
            assert_eq!(new.len(), most, "{power}");
            assert!(new.len() as u64 * 2 < power, "{power}");
        }
        assert_eq!(seats(&[], &newcomers, 100), (vec![], vec![]));
    }

    #[test]
    fn without_a_free_seat_more_stake_than_the_weakest_proven_one_takes_its_seat() {
        let [a, b, c, d, e, f] = addresses(6)[..] else {
            panic!()
        };
        // Of b and c, which are equally strong, the higher address is the weaker one.
        let seated = [
            proven(a, 900, 90),
            proven(b, 50, 5),
            proven(c, 50, 6),
            proven(d, 60, 6),
        ];
        assert_eq!(
            seats(&seated, &[newcomer(e, 6)], 4),
            (vec![a, d, b, c], vec![])
        );
        assert_eq!(
            seats(&seated, &[newcomer(e, 7)], 4),
            (vec![a, d, b], vec![e])
        );
        // A quarter of the seats is one.
        let two = [newcomer(e, 8), newcomer(f, 7)];
        assert_eq!(seats(&seated, &two, 4), (vec![a, d, b], vec![e]));
    }

    #[test]
    fn each_newcomer_displaces_the_weakest_that_is_left() {
        let all = addresses(12);
        let seated: Vec<Proven> = (0..8).map(|i| proven(all[i], 100 - i as u64, 10)).collect();
        let newcomers = [
            newcomer(all[8], 12),
            newcomer(all[9], 11),
            newcomer(all[10], 10),
        ];
        let (kept, new) = seats(&seated, &newcomers, 8);
        assert_eq!((kept, new), (all[..6].to_vec(), all[8..10].to_vec()));
        // One seat is free, the second newcomer has to take one.
        let (kept, new) = seats(&seated[..7], &newcomers, 8);
        assert_eq!((kept, new), (all[..6].to_vec(), all[8..10].to_vec()));
        // Nobody behind one who has too little is looked at.
        let newcomers = [newcomer(all[8], 10), newcomer(all[9], 10)];
        assert_eq!(seats(&seated, &newcomers, 8).1, []);
    }

    #[test]
    fn displacement_leaves_the_proven_ones_more_than_two_thirds_as_well() {
        let [a, b, c, d, e] = addresses(5)[..] else {
            panic!()
        };
        let seated = [
            proven(a, 1, 1),
            proven(b, 1, 1),
            proven(c, 1, 1),
            proven(d, 1, 1),
        ];
        // Three of power 1 are left, which carry one newcomer; two would carry none.
        assert_eq!(
            seats(&seated, &[newcomer(e, 2)], 4),
            (vec![a, b, c], vec![e])
        );
        let seated = [
            proven(a, 1, 1),
            proven(b, 1, 1),
            proven(c, 2, 1),
            proven(d, 1, 1),
        ];
        assert_eq!(seats(&seated[..3], &[newcomer(e, 2)], 3).1, []);
    }

    #[test]
    fn more_than_may_be_seated_keep_their_seats_until_displaced() {
        let all = addresses(8);
        let seated: Vec<Proven> = (0..6).map(|i| proven(all[i], 200, 5)).collect();
        let (kept, new) = seats(&seated, &[newcomer(all[6], 6), newcomer(all[7], 6)], 4);
        assert_eq!((kept, new), (all[..5].to_vec(), vec![all[6]]));
    }

    #[test]
    fn those_who_keep_their_seats_have_a_thousand_together() {
        let all = addresses(3);
        let powers = |seated: &[u64]| -> Vec<u64> {
            let seated = seated
                .iter()
                .zip(&all)
                .map(|(power, a)| proven(*a, *power, 1));
            let kept = kept(seated.collect()).unwrap();
            kept.iter().map(|one| one.power.get()).collect()
        };
        assert_eq!(powers(&[1]), [1_000]);
        assert_eq!(powers(&[1, 2]), [334, 668]);
        assert_eq!(powers(&[1, 998]), [2, 1_996]);
        assert_eq!(powers(&[1, 999]), [1, 999]);
        assert_eq!(powers(&[1_000_000_000, 5]), [1_000_000_000, 5]);
        assert!(powers(&[]).is_empty());
    }

    #[test]
    fn the_newcomers_with_the_least_stake_leave_first() {
        let [a, b, c, d] = addresses(4)[..] else {
            panic!()
        };
        let set = vec![
            newcomer(d, 7),
            newcomer(b, 5),
            newcomer(a, 5),
            newcomer(c, 6),
        ];
        let leaving = |power: u64, max: u64| -> Vec<Address> {
            let leaving = beyond_limit(set.clone(), Power::constant(power), Count::constant(max));
            leaving.iter().map(|one| one.address).collect()
        };
        assert_eq!(leaving(9, 16), []);
        assert_eq!(leaving(8, 16), [b]);
        assert_eq!(leaving(5, 16), [a, b]);
        assert_eq!(leaving(1_000, 4), [c, a, b]);
        assert_eq!(leaving(2, 100), [d, c, a, b]);
        assert_eq!(leaving(0, 100), [d, c, a, b]);
    }
}
