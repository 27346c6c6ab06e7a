//! Owns where a subtree stands: the bits of key hashes that lead to it.

use super::{Hash, Side, bit};
use crate::prelude::*;

/// A subtree's place: how deep it stands, and the bits on the way down to it. In order from left to right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The bits, and zeros behind them: the smallest hash that belongs to it.
    path: Hash,
    depth: u8,
}

impl Place {
    /// The top of the tree, to which every hash belongs.
    pub const TOP: Self = Self {
        path: [0; 32],
        depth: 0,
    };

    /// How many bits lead to it.
    pub fn depth(&self) -> u8 {
        self.depth
    }

    /// The smallest hash that belongs to it.
    pub fn first(&self) -> &Hash {
        &self.path
    }

    /// The largest hash that belongs to it.
    pub fn last(&self) -> Hash {
        let mut last = self.path;
        let whole = usize::from(self.depth >> 3);
        for (index, byte) in last.iter_mut().enumerate().skip(whole) {
            *byte |= if index == whole {
                0xff_u8.wrapping_shr(u32::from(self.depth & 7))
            } else {
                0xff
            };
        }
        last
    }

    /// Whether a hash belongs to it.
    pub fn holds(&self, key_hash: &Hash) -> bool {
        self.path <= *key_hash && *key_hash <= self.last()
    }

    /// The place of a child.
    pub(super) fn child(&self, side: Side) -> Self {
        let mut child = *self;
        if side == Side::Right
            && let Some(byte) = child.path.get_mut(usize::from(self.depth >> 3))
        {
            *byte |= 0x80_u8.wrapping_shr(u32::from(self.depth & 7));
        }
        child.depth = self.depth.saturating_add(1);
        child
    }

    /// The way to go on towards a hash that belongs to it.
    pub(super) fn towards(&self, key_hash: &Hash) -> Side {
        if bit(key_hash, self.depth) {
            Side::Right
        } else {
            Side::Left
        }
    }

    /// The depth, and as many bytes as hold its bits.
    pub fn encode(&self) -> Vec<u8> {
        let bytes = usize::from(self.depth).div_ceil(8);
        let mut encoded = vec![self.depth];
        encoded.extend_from_slice(self.path.get(..bytes).unwrap_or_default());
        encoded
    }

    /// Reads what [`Place::encode`] wrote, and gives what follows it; `None` for anything else.
    pub fn decode(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (depth, rest) = bytes.split_first()?;
        let (bits, rest) = rest.split_at_checked(usize::from(*depth).div_ceil(8))?;
        let mut path = [0; 32];
        path.get_mut(..bits.len())?.copy_from_slice(bits);
        let place = Self {
            path,
            depth: *depth,
        };
        // No bits but its own: none of those that tell its hashes apart.
        let within = Self {
            path: [0; 32],
            depth: *depth,
        };
        let mut bits = path.iter().zip(within.last());
        bits.all(|(bit, within)| bit & within == 0)
            .then_some((place, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_holds_the_hashes_between_its_first_and_its_last() {
        let mut place = Place::TOP;
        assert_eq!(place.last(), [0xff; 32]);
        for side in [Side::Right, Side::Left, Side::Right] {
            place = place.child(side);
        }
        assert_eq!(place.first()[..2], [0b1010_0000, 0]);
        assert_eq!(place.last()[..2], [0b1011_1111, 0xff]);
        assert!(place.holds(place.first()) && place.holds(&place.last()));
        assert!(!place.holds(&[0b1100_0000; 32]) && !place.holds(&[0b1001_1111; 32]));
    }

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let mut place = Place::TOP;
        for depth in 0..40_u8 {
            let encoded = place.encode();
            let with_more = [encoded.as_slice(), b"more"].concat();
            assert_eq!(Place::decode(&with_more), Some((place, &b"more"[..])));
            assert_eq!(Place::decode(&encoded[..encoded.len() - 1]), None);
            if depth % 8 > 0 {
                let mut more = encoded.clone();
                *more.last_mut().unwrap() |= 1;
                assert_eq!(Place::decode(&more), None);
            }
            let side = if depth % 3 == 0 {
                Side::Right
            } else {
                Side::Left
            };
            place = place.child(side);
        }
    }
}
