//! The tree against the protocol's vectors, a naive root, and the stock ICS-23 verifier.

mod proofs;
mod tree;

use std::collections::BTreeMap;

use super::*;

type Pairs = BTreeMap<Vec<u8>, Vec<u8>>;

/// The root by its definition alone, over the bits of key hashes written out as text.
fn naive_root(pairs: &Pairs) -> Hash {
    fn subtree(leaves: &[(String, Hash)], prefix: &str) -> Hash {
        let inside: Vec<_> = leaves
            .iter()
            .filter(|(bits, _)| bits.starts_with(prefix))
            .cloned()
            .collect();
        match inside.as_slice() {
            [] => [0; 32],
            [(_, hash)] => *hash,
            _ => {
                let mut image = vec![1u8];
                image.extend(subtree(&inside, &format!("{prefix}0")));
                image.extend(subtree(&inside, &format!("{prefix}1")));
                Sha256::digest(image).into()
            }
        }
    }
    let leaves: Vec<_> = pairs
        .iter()
        .map(|(key, value)| {
            let key_hash = Sha256::digest(key);
            let bits = key_hash.iter().map(|byte| format!("{byte:08b}")).collect();
            let mut image = vec![0u8];
            image.extend(key_hash);
            image.extend(Sha256::digest(value));
            (bits, Sha256::digest(image).into())
        })
        .collect();
    subtree(&leaves, "")
}

fn set(value: &[u8]) -> Option<Arc<[u8]>> {
    Some(Arc::from(value))
}

fn tree_of(pairs: &Pairs) -> Tree {
    let changes = pairs.iter().map(|(key, value)| (key.clone(), set(value)));
    Tree::new().updated(&changes.collect())
}

fn numbered(range: std::ops::Range<usize>) -> Pairs {
    range
        .map(|n| {
            (
                format!("key/{n}").into_bytes(),
                format!("value/{n}").into_bytes(),
            )
        })
        .collect()
}

fn contents(tree: &Tree) -> Pairs {
    tree.iter()
        .map(|(key, value)| (key.to_vec(), value.to_vec()))
        .collect()
}
