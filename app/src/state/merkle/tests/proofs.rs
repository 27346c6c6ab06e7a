//! Proofs, judged by the stock ICS-23 verifier and by [`verify`].

use std::collections::BTreeSet;

use ics23::commitment_proof::Proof;
use ics23::{
    CommitmentProof, ExistenceProof, HostFunctionsManager, NonExistenceProof, smt_spec,
    verify_membership, verify_non_membership,
};
use proptest::prelude::*;

use super::*;

fn stock_presence(root: &Hash, key: &[u8], value: &[u8], proof: &CommitmentProof) -> bool {
    verify_membership::<HostFunctionsManager>(proof, &smt_spec(), &root.to_vec(), key, value)
}

fn stock_absence(root: &Hash, key: &[u8], proof: &CommitmentProof) -> bool {
    verify_non_membership::<HostFunctionsManager>(proof, &smt_spec(), &root.to_vec(), key)
}

fn exist(proof: &CommitmentProof) -> ExistenceProof {
    match &proof.proof {
        Some(Proof::Exist(exist)) => exist.clone(),
        other => panic!("not a proof of presence: {other:?}"),
    }
}

fn nonexist(proof: &CommitmentProof) -> NonExistenceProof {
    match &proof.proof {
        Some(Proof::Nonexist(nonexist)) => nonexist.clone(),
        other => panic!("not a proof of absence: {other:?}"),
    }
}

fn presence(exist: ExistenceProof) -> CommitmentProof {
    let proof = Some(Proof::Exist(exist));
    CommitmentProof { proof }
}

fn absence(left: Option<ExistenceProof>, right: Option<ExistenceProof>) -> CommitmentProof {
    let key = Vec::new();
    let proof = Some(Proof::Nonexist(NonExistenceProof { key, left, right }));
    CommitmentProof { proof }
}

/// Every pair is proved present, every other key absent, and neither the other way round.
fn assert_proofs_hold(pairs: &Pairs, absent: &[Vec<u8>]) {
    let tree = tree_of(pairs);
    let root = tree.root();
    for (key, value) in pairs {
        let proof = tree.prove(key).unwrap();
        assert!(stock_presence(&root, key, value, &proof));
        assert!(verify(&root, key, Some(value), &proof));
        assert!(!verify(&root, key, None, &proof));
    }
    for key in absent {
        let proof = tree.prove(key).unwrap();
        assert!(stock_absence(&root, key, &proof));
        assert!(verify(&root, key, None, &proof));
        assert!(!verify(&root, key, Some(b"value"), &proof));
    }
}

#[test]
fn presence_and_absence_are_proved_in_trees_of_all_small_sizes_and_a_large_one() {
    let absent: Vec<_> = numbered(5_000..5_060).into_keys().collect();
    for size in (1..40).chain([2_000]) {
        assert_proofs_hold(&numbered(0..size), &absent);
    }
}

#[test]
fn keys_beyond_the_smallest_and_the_largest_hash_are_proved_absent_with_one_neighbour() {
    let pairs = numbered(0..20);
    let tree = tree_of(&pairs);
    let hashes: BTreeSet<Hash> = pairs.keys().map(|key| sha256(key)).collect();
    let others: Vec<Vec<u8>> = numbered(1000..3000).into_keys().collect();
    let below = |key: &&Vec<u8>| sha256(key) < *hashes.first().unwrap();
    let above = |key: &&Vec<u8>| sha256(key) > *hashes.last().unwrap();
    let below: Vec<_> = others.iter().filter(below).collect();
    let above: Vec<_> = others.iter().filter(above).collect();
    assert!(!below.is_empty() && !above.is_empty());
    for key in below {
        let proof = tree.prove(key).unwrap();
        assert!(stock_absence(&tree.root(), key, &proof));
        assert!(nonexist(&proof).left.is_none() && nonexist(&proof).right.is_some());
    }
    for key in above {
        let proof = tree.prove(key).unwrap();
        assert!(stock_absence(&tree.root(), key, &proof));
        assert!(nonexist(&proof).left.is_some() && nonexist(&proof).right.is_none());
    }
}

#[test]
fn keys_whose_hashes_share_a_long_prefix_stand_deep_and_are_proved() {
    let mut hashes: Vec<(Hash, Vec<u8>)> = numbered(0..30_000)
        .into_keys()
        .map(|key| (sha256(&key), key))
        .collect();
    hashes.sort();
    let shared = |a: &Hash, b: &Hash| -> usize {
        let bits =
            |hash: &Hash| -> String { hash.iter().map(|byte| format!("{byte:08b}")).collect() };
        let (a, b) = (bits(a), bits(b));
        a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count()
    };
    let closest = hashes
        .windows(3)
        .max_by_key(|near| shared(&near[0].0, &near[1].0))
        .unwrap();
    let depth = shared(&closest[0].0, &closest[1].0) + 1;
    assert!(depth > 20);

    let pairs: Pairs = closest[..2]
        .iter()
        .map(|(_, key)| (key.clone(), b"value".to_vec()))
        .collect();
    let tree = tree_of(&pairs);
    assert_eq!(tree.root(), naive_root(&pairs));
    for key in pairs.keys() {
        assert_eq!(exist(&tree.prove(key).unwrap()).path.len(), depth);
    }
    let sample = hashes.iter().step_by(500).map(|(_, key)| key.clone());
    let absent: Vec<_> = sample.filter(|key| !pairs.contains_key(key)).collect();
    assert_proofs_hold(&pairs, &absent);

    let between = closest[1].1.clone();
    let around: Pairs = [&closest[0].1, &closest[2].1]
        .map(|key| (key.clone(), b"value".to_vec()))
        .into();
    assert_proofs_hold(&around, &[between]);

    let removed = tree.updated(&Changes::from([(closest[0].1.clone(), None)]));
    let proof = exist(&removed.prove(&closest[1].1).unwrap());
    assert!(proof.path.is_empty(), "a lone leaf rises to the top");
}

#[test]
fn a_proof_serves_no_other_key_value_or_root() {
    let pairs = numbered(0..100);
    let tree = tree_of(&pairs);
    let root = tree.root();
    let proof = tree.prove(b"key/7").unwrap();
    assert!(verify(&root, b"key/7", Some(b"value/7"), &proof));
    assert!(!verify(&root, b"key/7", Some(b"value/8"), &proof));
    assert!(!verify(&root, b"key/7", Some(b""), &proof));
    assert!(!verify(&root, b"key/8", Some(b"value/7"), &proof));
    assert!(!verify(&root, b"key/8", Some(b"value/8"), &proof));
    assert!(!verify(&root, b"absent", Some(b"value/7"), &proof));
    assert!(!verify(&[0; 32], b"key/7", Some(b"value/7"), &proof));

    let next = tree.updated(&Changes::from([(b"key/8".to_vec(), set(b"new"))]));
    assert!(!verify(&next.root(), b"key/7", Some(b"value/7"), &proof));

    let proof = tree.prove(b"absent").unwrap();
    assert!(verify(&root, b"absent", None, &proof));
    assert!(!verify(&next.root(), b"absent", None, &proof));
    for key in pairs.keys() {
        assert!(!verify(&root, key, None, &proof));
        assert!(!stock_absence(&root, key, &proof));
    }
}

#[test]
fn a_forged_proof_is_refused() {
    let tree = tree_of(&numbered(0..100));
    let root = tree.root();
    let honest = exist(&tree.prove(b"key/7").unwrap());
    let shows = |key: &[u8], value: &[u8], forged: ExistenceProof| {
        verify(&root, key, Some(value), &presence(forged))
    };
    assert!(shows(b"key/7", b"value/7", honest.clone()));

    let mut relabelled = honest.clone();
    relabelled.key = b"key/8".to_vec();
    assert!(!shows(b"key/8", b"value/7", relabelled));
    let mut richer = honest.clone();
    richer.value = b"value/999".to_vec();
    assert!(!shows(b"key/7", b"value/999", richer));
    for step in 0..honest.path.len() {
        let mut shortened = honest.clone();
        shortened.path.remove(step);
        assert!(!shows(b"key/7", b"value/7", shortened));
    }
    let mut leafless = honest;
    leafless.leaf = None;
    assert!(!shows(b"key/7", b"value/7", leafless));

    let blank = CommitmentProof::default();
    assert!(!verify(&root, b"key/7", Some(b"value/7"), &blank));
    assert!(!verify(&root, b"absent", None, &blank));
    assert!(!verify(&root, b"absent", None, &absence(None, None)));
}

#[test]
fn absence_of_a_present_key_cannot_be_composed_from_its_neighbours() {
    let tree = tree_of(&numbered(0..30));
    let leaves: Vec<ExistenceProof> = tree
        .leaves()
        .iter()
        .map(|leaf| exist(&tree.prove(leaf.key()).unwrap()))
        .collect();
    for near in leaves.windows(3) {
        let [before, present, after] = [0, 1, 2].map(|place| Some(near[place].clone()));
        let key = &near[1].key;
        for forged in [
            absence(before.clone(), after.clone()),
            absence(before.clone(), None),
            absence(None, after.clone()),
            absence(after, before),
            absence(present.clone(), None),
            absence(None, present),
        ] {
            assert!(!verify(&tree.root(), key, None, &forged));
        }
    }
}

#[test]
fn absence_between_two_leaves_needs_both_of_them() {
    let tree = tree_of(&numbered(0..30));
    let root = tree.root();
    let mut judged = 0;
    for key in numbered(1000..1100).into_keys() {
        let NonExistenceProof { left, right, .. } = nonexist(&tree.prove(&key).unwrap());
        if left.is_some() && right.is_some() {
            assert!(verify(
                &root,
                &key,
                None,
                &absence(left.clone(), right.clone())
            ));
            assert!(!verify(&root, &key, None, &absence(left, None)));
            assert!(!verify(&root, &key, None, &absence(None, right)));
            judged += 1;
        }
    }
    assert!(judged > 50);
}

#[test]
fn only_single_proofs_are_verified() {
    let tree = tree_of(&numbered(0..10));
    let root = tree.root();
    let batch = |entry| {
        let proof = Some(entry);
        let entries = vec![ics23::BatchEntry { proof }];
        let proof = Some(Proof::Batch(ics23::BatchProof { entries }));
        CommitmentProof { proof }
    };
    let present = exist(&tree.prove(b"key/7").unwrap());
    let present = batch(ics23::batch_entry::Proof::Exist(present));
    assert!(stock_presence(&root, b"key/7", b"value/7", &present));
    assert!(!verify(&root, b"key/7", Some(b"value/7"), &present));
    let absent = nonexist(&tree.prove(b"absent").unwrap());
    let absent = batch(ics23::batch_entry::Proof::Nonexist(absent));
    assert!(stock_absence(&root, b"absent", &absent));
    assert!(!verify(&root, b"absent", None, &absent));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_tampered_byte_of_a_proof_breaks_it(
        size in 2usize..40,
        key in 0usize..80,
        place in any::<prop::sample::Index>(),
        flip in 1u8..,
    ) {
        let pairs = numbered(0..size);
        let tree = tree_of(&pairs);
        let key = format!("key/{key}").into_bytes();
        let value = pairs.get(&key).map(Vec::as_slice);
        let honest = tree.prove(&key).unwrap();
        prop_assert!(verify(&tree.root(), &key, value, &honest));
        let mut tampered = honest.clone();
        let sides = match tampered.proof.as_mut().unwrap() {
            Proof::Exist(only) => vec![only],
            Proof::Nonexist(proof) => proof.left.iter_mut().chain(&mut proof.right).collect(),
            _ => vec![],
        };
        let mut bytes: Vec<&mut u8> = Vec::new();
        for side in sides {
            bytes.extend(&mut side.value);
            bytes.extend(&mut side.key);
            for step in &mut side.path {
                bytes.extend(step.prefix.iter_mut().chain(&mut step.suffix));
            }
        }
        let place = place.index(bytes.len());
        *bytes[place] ^= flip;
        prop_assert!(!verify(&tree.root(), &key, value, &tampered));
    }
}
