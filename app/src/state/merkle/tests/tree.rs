//! Contents, roots and copies of the tree.

use proptest::prelude::*;

use super::{super::update::same, whole_tree::WholeTree, *};

#[test]
fn roots_equal_those_of_the_protocol_vectors() {
    let text = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/vectors/protocol.json"
    ));
    let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
    let cases = vectors["merkle"].as_array().unwrap();
    assert_eq!(cases.len(), 4);
    for case in cases {
        let items = case["items"].as_object().unwrap();
        let pairs: Pairs = items
            .iter()
            .map(|(key, value)| (key.clone().into(), value.as_str().unwrap().into()))
            .collect();
        let root = hex::encode(tree_of(&pairs).root());
        assert_eq!(root, case["root"].as_str().unwrap());
        assert_eq!(root, hex::encode(naive_root(&pairs)));
    }
}

#[test]
fn an_empty_tree_holds_and_proves_nothing() {
    let tree = Held::new();
    assert_eq!(tree.root(), [0; 32]);
    assert_eq!((tree.len(), tree.is_empty()), (0, true));
    assert_eq!(tree.get(b"a"), None);
    assert!(tree.leaves().is_empty());
    assert_eq!(tree.prove(b"a"), None);
}

#[test]
fn removals_restore_the_root_that_was_before() {
    let few = tree_of(&numbered(0..50));
    let more: Changes = numbered(50..500)
        .into_iter()
        .map(|(key, value)| (key, set(&value)))
        .collect();
    let many = few.updated(&more);
    assert_eq!(many.len(), 500);
    let undo: Changes = more.keys().map(|key| (key.clone(), None)).collect();
    let back = many.updated(&undo);
    assert_eq!((back.root(), back.len()), (few.root(), 50));
    let clear: Changes = contents(&many).into_keys().map(|key| (key, None)).collect();
    let empty = many.updated(&clear);
    assert_eq!((empty.root(), empty.is_empty()), ([0; 32], true));
}

#[test]
fn a_held_tree_stays_as_it_was() {
    let pairs = numbered(0..200);
    let tree = tree_of(&pairs);
    let held = tree.clone();
    let root = tree.root();
    let mut changes: Changes = numbered(150..300)
        .into_keys()
        .map(|key| (key, set(b"new")))
        .collect();
    changes.insert(b"key/0".to_vec(), None);
    let later = tree.updated(&changes);
    drop(tree);
    assert_eq!(later.get(b"key/0"), None);
    assert_eq!(later.get(b"key/150").as_deref(), Some(&b"new"[..]));
    assert_eq!(held.root(), root);
    assert_eq!(contents(&held), pairs);
    assert_eq!(held.get(b"key/150").as_deref(), Some(&b"value/150"[..]));
    assert!(verify(
        &root,
        b"key/0",
        Some(b"value/0"),
        &held.prove(b"key/0").unwrap()
    ));
}

#[test]
fn changes_that_change_nothing_share_the_whole_tree() {
    let pairs = numbered(0..100);
    let tree = tree_of(&pairs);
    let mut nothing: Changes = pairs
        .iter()
        .map(|(key, value)| (key.clone(), set(value)))
        .collect();
    nothing.extend(numbered(500..600).into_keys().map(|key| (key, None)));
    assert!(same(&tree.tree.top, &tree.updated(&nothing).tree.top));
    assert!(same(
        &tree.tree.top,
        &tree.updated(&Changes::new()).tree.top
    ));
    assert!(
        Held::new()
            .updated(&Changes::from([(b"a".to_vec(), None)]))
            .is_empty()
    );
}

#[test]
fn iteration_visits_every_pair_once_by_key_hash() {
    let pairs = numbered(0..1000);
    let tree = tree_of(&pairs);
    let visited: Vec<Hash> = tree
        .leaves()
        .iter()
        .map(|leaf| sha256(leaf.key()))
        .collect();
    assert!(visited.is_sorted_by(|a, b| a < b));
    assert_eq!(visited.len(), 1000);
    assert_eq!(contents(&tree), pairs);
}

#[cfg(target_pointer_width = "64")]
#[test]
fn a_node_stays_lean() {
    assert!(size_of::<Node>() <= 64);
    assert!(size_of::<Leaf>() <= 96);
    assert_eq!(size_of::<Link>(), 8);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_sequence_of_batches_gives_the_root_of_its_final_pairs(
        batches in prop::collection::vec(
            prop::collection::btree_map(0u8..60, prop::option::weighted(0.6, 0u8..4), 0..40),
            0..12,
        ),
    ) {
        let mut tree = Held::new();
        let mut pairs = Pairs::new();
        for batch in batches {
            let mut changes = Changes::new();
            for (key, value) in batch {
                let key = format!("/account/{key}").into_bytes();
                let value = value.map(|value| format!("{{\"balance\":{value}}}").into_bytes());
                changes.insert(key.clone(), value.as_deref().and_then(set));
                match value {
                    Some(value) => pairs.insert(key, value),
                    None => pairs.remove(&key),
                };
            }
            tree = tree.updated(&changes);
            prop_assert_eq!(tree.root(), naive_root(&pairs));
            prop_assert_eq!(tree.len(), pairs.len());
            prop_assert_eq!(contents(&tree), pairs.clone());
        }
        for key in 0..60u8 {
            let key = format!("/account/{key}").into_bytes();
            let value = pairs.get(&key).map(Vec::as_slice);
            let read = tree.get(&key);
            prop_assert_eq!(read.as_deref(), value);
            match tree.prove(&key) {
                Some(proof) => prop_assert!(verify(&tree.root(), &key, value, &proof)),
                None => prop_assert!(pairs.is_empty()),
            }
        }
    }

    #[test]
    fn buckets_that_split_and_join_give_the_root_of_the_tree_that_holds_all_of_itself(
        batches in prop::collection::vec(
            prop::collection::btree_map(0u16..2_000, prop::option::weighted(0.5, 0u8..4), 0..600),
            0..10,
        ),
    ) {
        let mut tree = Held::new();
        let mut whole = WholeTree::default();
        for batch in batches {
            let changes: Changes = batch
                .into_iter()
                .map(|(key, value)| {
                    let value = value.map(|value| value.to_string().into_bytes().into());
                    (format!("/account/{key}").into_bytes(), value)
                })
                .collect();
            tree = tree.updated(&changes);
            whole = whole.updated(&changes);
            prop_assert_eq!((tree.root(), tree.len()), (whole.root(), whole.len()));
            let stubs: Vec<Stub> = tree.tree.buckets().collect();
            prop_assert!(stubs.iter().map(|stub| &stub.place).eq(tree.buckets.keys()));
            prop_assert!(stubs.iter().all(|stub| (1..=MAX_BUCKET).contains(&stub.leaves)));
            let found = Tree::of_buckets(&stubs).unwrap();
            prop_assert_eq!((found.root(), found.len()), (whole.root(), whole.len()));
        }
    }
}
