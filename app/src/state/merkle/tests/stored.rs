//! What the tree believes of the buckets that it is given, and what coarser copies of it still say.

use super::*;

/// Gives the leaves of a whole tree below any place.
struct Shelf(Vec<Leaf>);

impl Buckets for Shelf {
    fn bucket(&self, stub: &Stub) -> Result<Arc<Bucket>, InvariantViolation> {
        let place = &stub.place;
        let below = self.0.iter().filter(|leaf| place.holds(leaf.key_hash()));
        Ok(Arc::new(Bucket::new(place, below.cloned()).unwrap()))
    }
}

fn changed(leaves: &[Leaf], key: &[u8], value: &[u8]) -> Vec<Leaf> {
    let new = Leaf::new(key, value).unwrap();
    let keep = |leaf: &Leaf| {
        if leaf.key() == key {
            new.clone()
        } else {
            leaf.clone()
        }
    };
    leaves.iter().map(keep).collect()
}

#[test]
fn records_that_were_changed_behind_the_trees_back_are_not_believed() {
    let held = tree_of(&numbered(0..500));
    let honest = Shelf(held.leaves());
    let read = held.tree.get(b"key/7", &honest).unwrap().unwrap();
    assert_eq!(read.value(), b"value/7");
    let richer = Shelf(changed(&honest.0, b"key/7", b"value/999"));
    let mut fewer = Shelf(honest.0.clone());
    fewer.0.retain(|leaf| leaf.key() != b"key/7");
    for lying in [richer, fewer] {
        assert!(held.tree.get(b"key/7", &lying).is_err());
        assert!(held.tree.prove(b"key/7", &lying).is_err());
        let changes = Changes::from([(b"key/7".to_vec(), set(b"new"))]);
        assert!(held.tree.updated(&changes, &lying).is_err());
        assert!(held.tree.leaves(&lying).any(|leaf| leaf.is_err()));
    }
}

#[test]
fn a_record_under_another_hash_is_not_believed() {
    let held = tree_of(&numbered(0..500));
    let mut leaves = held.leaves();
    let (first, second) = (leaves[0].clone(), leaves[1].clone());
    leaves[0] = Leaf::placed(*first.key_hash(), second.shared_record()).unwrap();
    let lying = Shelf(leaves);
    assert!(held.tree.get(first.key(), &lying).is_err());
}

#[test]
fn coarser_copies_have_the_same_root_values_and_proofs() {
    let pairs = numbered(0..3_000);
    let held = tree_of(&pairs);
    let shelf = Shelf(held.leaves());
    let fine = held.tree.buckets().count();
    for leaves in [0, MAX_BUCKET, 100, 1_000, 3_000, usize::MAX] {
        let coarse = held.tree.coarsened(leaves);
        assert_eq!(coarse.root(), held.root());
        assert_eq!(coarse.len(), 3_000);
        let stubs = coarse.buckets().count();
        assert_eq!(stubs < fine, leaves > MAX_BUCKET, "{leaves}");
        assert_eq!(stubs == 1, leaves >= 3_000, "{leaves}");
        for (key, value) in pairs.iter().step_by(97) {
            let read = coarse.get(key, &shelf).unwrap().unwrap();
            assert_eq!(read.value(), value);
            let proof = coarse.prove(key, &shelf).unwrap();
            assert_eq!(proof, held.prove(key));
        }
        for key in numbered(9_000..9_020).keys() {
            assert_eq!(coarse.get(key, &shelf).unwrap(), None);
            assert_eq!(coarse.prove(key, &shelf).unwrap(), held.prove(key));
        }
    }
}

#[test]
fn a_copy_of_a_copy_shares_what_is_as_coarse() {
    let coarse = tree_of(&numbered(0..3_000)).tree.coarsened(100);
    let again = coarse.coarsened(100);
    assert!(super::super::update::same(&coarse.top, &again.top));
}

#[test]
fn buckets_that_do_not_fit_together_make_no_tree() {
    let held = tree_of(&numbered(0..500));
    let stubs: Vec<Stub> = held.tree.buckets().collect();
    assert_eq!(Tree::of_buckets(&stubs).unwrap().root(), held.root());
    let twice = [stubs.clone(), stubs.clone()].concat();
    assert!(Tree::of_buckets(&twice).is_none());
    let above = [
        vec![Stub {
            place: Place::TOP,
            ..stubs[0]
        }],
        stubs.clone(),
    ]
    .concat();
    assert!(Tree::of_buckets(&above).is_none());
    let fewer = Tree::of_buckets(&stubs[1..]).unwrap();
    assert_ne!(fewer.root(), held.root());
}
