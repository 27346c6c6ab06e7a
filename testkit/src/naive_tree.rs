//! Owns the state root by its definition alone (PROTOCOL section 7), from nothing but the pairs.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

/// The root over these keys and values.
pub fn root(pairs: &BTreeMap<Vec<u8>, Vec<u8>>) -> [u8; 32] {
    let leaves: BTreeMap<[u8; 32], [u8; 32]> = pairs
        .iter()
        .map(|(key, value)| {
            let place: [u8; 32] = Sha256::digest(key).into();
            let image = [&[0][..], &place, &Sha256::digest(value)].concat();
            (place, Sha256::digest(image).into())
        })
        .collect();
    subtree(&leaves.into_iter().collect::<Vec<_>>(), 0)
}

fn subtree(leaves: &[([u8; 32], [u8; 32])], depth: usize) -> [u8; 32] {
    match leaves {
        [] => [0; 32],
        [(_, hash)] => *hash,
        _ => {
            let goes_left = |place: &[u8; 32]| place[depth / 8] & (0x80 >> (depth % 8)) == 0;
            let middle = leaves.partition_point(|(place, _)| goes_left(place));
            let left = subtree(&leaves[..middle], depth + 1);
            let right = subtree(&leaves[middle..], depth + 1);
            Sha256::digest([&[1][..], &left, &right].concat()).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_naive_root_is_that_of_the_vectors() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/vectors/protocol.json")).unwrap();
        let cases = vectors["merkle"].as_array().unwrap();
        assert_eq!(cases.len(), 4);
        for case in cases {
            let pairs = case["items"]
                .as_object()
                .unwrap()
                .iter()
                .map(|(key, value)| (key.clone().into(), value.as_str().unwrap().into()))
                .collect();
            assert_eq!(hex::encode(root(&pairs)), case["root"].as_str().unwrap());
        }
    }
}
