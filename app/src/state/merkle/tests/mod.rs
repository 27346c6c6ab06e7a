//! The tree against the protocol's vectors, a naive root, the tree that holds all of itself, and the stock
//! ICS-23 verifier.

mod proofs;
mod stored;
mod tree;
mod whole_tree;

use std::collections::BTreeMap;

use super::*;
use crate::crypto::sha256;

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

impl Tree {
    fn get(&self, key: &[u8], buckets: &dyn Buckets) -> Result<Option<Leaf>, InvariantViolation> {
        self.look_up(&sha256(key), buckets, |leaf| leaf.alone())
    }
}

/// A tree with its buckets, all in memory.
#[derive(Clone, Default)]
struct Held {
    tree: Tree,
    buckets: BTreeMap<Place, Arc<Bucket>>,
}

impl Buckets for BTreeMap<Place, Arc<Bucket>> {
    fn bucket(&self, stub: &Stub) -> Result<Arc<Bucket>, InvariantViolation> {
        let missing = || InvariantViolation::new(format!("no bucket at {:?}", stub.place));
        self.get(&stub.place).cloned().ok_or_else(missing)
    }
}

impl Held {
    fn new() -> Self {
        Self::default()
    }

    fn updated(&self, changes: &Changes) -> Self {
        let (tree, delta) = self.tree.updated(changes, &self.buckets).unwrap();
        let mut buckets = self.buckets.clone();
        for (place, root) in &delta.gone {
            let gone = buckets.remove(place).unwrap();
            assert_eq!(gone.root(), root);
        }
        buckets.extend(delta.fresh.iter().cloned());
        Self { tree, buckets }
    }

    fn root(&self) -> Hash {
        self.tree.root()
    }

    fn len(&self) -> usize {
        self.tree.len()
    }

    fn is_empty(&self) -> bool {
        self.tree.is_empty()
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        let leaf = self.tree.get(key, &self.buckets).unwrap();
        leaf.map(|leaf| leaf.value().to_vec())
    }

    fn prove(&self, key: &[u8]) -> Option<ics23::CommitmentProof> {
        self.tree.prove(key, &self.buckets).unwrap()
    }

    fn leaves(&self) -> Vec<Leaf> {
        self.tree
            .leaves(&self.buckets)
            .map(Result::unwrap)
            .collect()
    }
}

fn tree_of(pairs: &Pairs) -> Held {
    let changes = pairs.iter().map(|(key, value)| (key.clone(), set(value)));
    Held::new().updated(&changes.collect())
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

fn contents(tree: &Held) -> Pairs {
    let leaves = tree.leaves().into_iter();
    leaves
        .map(|leaf| (leaf.key().to_vec(), leaf.value().to_vec()))
        .collect()
}
