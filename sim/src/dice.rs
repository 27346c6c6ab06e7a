//! Owns all chance of a simulation: one generator, begun with a seed.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore as _, SeedableRng as _},
};

/// A seeded generator.
#[derive(Debug, Clone)]
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number below `end`; 0 where that is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        let wide = u128::from(self.0.next_u64()) * u128::from(end);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// A place in a list of this length; 0 where it is empty.
    pub fn place(&mut self, length: usize) -> usize {
        let end = u64::try_from(length).unwrap_or(u64::MAX);
        usize::try_from(self.below(end)).unwrap_or(0)
    }

    /// Yes in one of so many cases; never for 0.
    pub fn one_in(&mut self, cases: u64) -> bool {
        cases > 0 && self.below(cases) == 0
    }

    /// One of these, of which there is at least one.
    pub fn pick<T: Copy>(&mut self, first: T, others: &[T]) -> T {
        let place = self.place(others.len().saturating_add(1));
        let other = place.checked_sub(1).and_then(|place| others.get(place));
        other.copied().unwrap_or(first)
    }

    /// Puts a list into any order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for length in (1..=list.len()).rev() {
            list.swap(self.place(length), length.saturating_sub(1));
        }
    }

    /// The seed of another generator.
    pub fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        seed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_below_their_end_and_all_of_them_come() {
        let mut dice = Dice::new(7);
        let mut seen = [0_u32; 5];
        for _ in 0..1_000 {
            seen[dice.place(5)] += 1;
        }
        assert!(seen.iter().all(|count| *count > 100), "{seen:?}");
        assert_eq!(dice.below(0), 0);
        assert!(!dice.one_in(0));
    }

    #[test]
    fn a_shuffled_list_has_the_same_members() {
        let mut list: Vec<u32> = (0..20).collect();
        Dice::new(1).shuffle(&mut list);
        assert!(!list.is_sorted());
        list.sort_unstable();
        assert_eq!(list, (0..20).collect::<Vec<_>>());
    }
}
