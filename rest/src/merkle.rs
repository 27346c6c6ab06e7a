//! Owns CometBFT's Merkle root of a list, as block headers have it, and the path to it (RFC 6962 section 2.1).

use ait_app::crypto::sha256;

const LEAF: u8 = 0;
const INNER: u8 = 1;

/// The root over these leaves in their order.
pub fn root<L: AsRef<[u8]>>(leaves: &[L]) -> [u8; 32] {
    let mut level = hashed(leaves);
    while level.len() > 1 {
        level = above(&level);
    }
    level.first().copied().unwrap_or_else(|| sha256(b""))
}

/// A node's neighbour, by the side on which it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Neighbour {
    Left([u8; 32]),
    Right([u8; 32]),
}

/// What the root is made of besides the leaf of that place: its neighbour, then those of the nodes above it. A node
/// without a neighbour goes up as it is.
pub fn path<L: AsRef<[u8]>>(leaves: &[L], place: usize) -> Vec<Neighbour> {
    let mut level = hashed(leaves);
    let mut place = place;
    let mut path = Vec::new();
    while level.len() > 1 {
        let side = match place % 2 {
            0 => Neighbour::Right,
            _ => Neighbour::Left,
        };
        path.extend(level.get(place ^ 1).copied().map(side));
        level = above(&level);
        place /= 2;
    }
    path
}

fn hashed<L: AsRef<[u8]>>(leaves: &[L]) -> Vec<[u8; 32]> {
    let leaf = |leaf: &L| sha256(&[&[LEAF][..], leaf.as_ref()].concat());
    leaves.iter().map(leaf).collect()
}

/// Pairs from the left, an odd one going up as it is: the split at the largest power of two, from below.
fn above(level: &[[u8; 32]]) -> Vec<[u8; 32]> {
    let pairs = level.chunks(2).map(|pair| match pair {
        [left, right] => sha256(&[&[INNER][..], left, right].concat()),
        _ => pair.first().copied().unwrap_or_default(),
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the RFC writes it.
    fn by_the_book(hashes: &[[u8; 32]]) -> [u8; 32] {
        match hashes {
            [] => sha256(b""),
            [one] => sha256(&[&[LEAF][..], one].concat()),
            many => {
                let split = many.len().next_power_of_two() / 2;
                let (left, right) = many.split_at(split);
                sha256(&[&[INNER][..], &by_the_book(left), &by_the_book(right)].concat())
            }
        }
    }

    #[test]
    fn a_list_of_any_length_has_the_root_of_the_rfc() {
        let hashes: Vec<[u8; 32]> = (0..40_u8).map(|number| sha256(&[number])).collect();
        for count in 0..=hashes.len() {
            let some = &hashes[..count];
            assert_eq!(root(some), by_the_book(some), "{count}");
        }
    }

    #[test]
    fn a_path_leads_from_its_leaf_to_the_root() {
        let leaves: Vec<[u8; 32]> = (0..40_u8).map(|number| sha256(&[number])).collect();
        for count in 1..=leaves.len() {
            let some = &leaves[..count];
            for (place, leaf) in some.iter().enumerate() {
                let start = sha256(&[&[LEAF][..], leaf].concat());
                let end = path(some, place).into_iter().fold(start, |node, step| {
                    let pair = match step {
                        Neighbour::Left(left) => [left, node],
                        Neighbour::Right(right) => [node, right],
                    };
                    sha256(&[&[INNER][..], &pair[0], &pair[1]].concat())
                });
                assert_eq!(end, by_the_book(some), "{place} of {count}");
            }
        }
    }
}
