//! Owns CometBFT's Merkle root of a list of hashes, as block headers have it (RFC 6962 section 2.1).

use ait_app::crypto::sha256;

const LEAF: u8 = 0;
const INNER: u8 = 1;

/// The root over these hashes in their order.
pub fn root(hashes: Vec<[u8; 32]>) -> [u8; 32] {
    let leaf = |hash: [u8; 32]| sha256(&[&[LEAF][..], &hash].concat());
    let mut level: Vec<[u8; 32]> = hashes.into_iter().map(leaf).collect();
    // Pairs from the left, an odd one going up as it is: the split at the largest power of two, from below.
    while level.len() > 1 {
        let above = level.chunks(2).map(|pair| match pair {
            [left, right] => sha256(&[&[INNER][..], left, right].concat()),
            _ => pair.first().copied().unwrap_or_default(),
        });
        level = above.collect();
    }
    level.first().copied().unwrap_or_else(|| sha256(b""))
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
            assert_eq!(root(some.to_vec()), by_the_book(some), "{count}");
        }
    }
}
