use ait_store::{SledStore, Store as _, WriteBatch};

use crate::workload::{CHAIN, TestResult, assert_holds_block, batch, contents};

#[test]
fn a_new_store_holds_nothing() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("made/with/its/parents");
    for _ in 0..2 {
        let store = SledStore::open(&path, CHAIN)?;
        assert_eq!(contents(&store)?, None);
        assert_eq!(store.transaction(&[7; 32])?, None);
    }
    Ok(())
}

#[test]
fn every_block_is_there_after_reopening() -> TestResult {
    let folder = tempfile::tempdir()?;
    for height in 1..=60 {
        let store = SledStore::open(folder.path(), CHAIN)?;
        store.commit(&batch(height))?;
        assert_holds_block(&store, height)?;
        drop(store);
        if height % 7 == 0 {
            assert_holds_block(&SledStore::open(folder.path(), CHAIN)?, height)?;
        }
    }
    assert_holds_block(&SledStore::open(folder.path(), CHAIN)?, 60)
}

#[test]
fn a_store_can_begin_at_any_height() -> TestResult {
    let folder = tempfile::tempdir()?;
    let state = vec![(b"key".to_vec(), Some(b"value".to_vec()))];
    let batch = WriteBatch {
        height: 1_000,
        state,
        ..WriteBatch::default()
    };
    SledStore::open(folder.path(), CHAIN)?.commit(&batch)?;
    let store = SledStore::open(folder.path(), CHAIN)?;
    let (height, meta, state) = contents(&store)?.ok_or("the store is empty")?;
    assert_eq!((height, meta, state.len()), (1_000, vec![], 1));
    Ok(())
}

#[test]
fn values_of_megabytes_are_kept_and_replaced() -> TestResult {
    let folder = tempfile::tempdir()?;
    let lengths = [3_000_000, 0, 4_096, 1_000_000, 4_097, 10];
    for (height, length) in (1..).zip(lengths) {
        let store = SledStore::open(folder.path(), CHAIN)?;
        let value = vec![9; length];
        store.commit(&WriteBatch {
            height,
            meta: value.clone(),
            state: vec![
                (b"long".to_vec(), Some(value.clone())),
                (b"long2".to_vec(), None),
            ],
            transactions: vec![([1; 32], value.clone())],
            prune_transactions_below: None,
        })?;
        drop(store);
        let store = SledStore::open(folder.path(), CHAIN)?;
        let (_, meta, state) = contents(&store)?.ok_or("the store is empty")?;
        assert!(meta == value, "meta of {length} bytes");
        assert!(
            state.get(&b"long"[..]) == Some(&value),
            "state value of {length} bytes"
        );
        assert_eq!(state.len(), 1);
        assert!(
            store.transaction(&[1; 32])?.as_ref() == Some(&value),
            "record of {length} bytes"
        );
    }
    Ok(())
}

/// sled does not sync what it writes into files of their own, and skips over a missing one without an error.
#[test]
fn sled_never_writes_a_value_to_a_file_of_its_own() -> TestResult {
    let folder = tempfile::tempdir()?;
    let store = SledStore::open(folder.path(), CHAIN)?;
    for height in 1..=5_u64 {
        let value = vec![height.to_le_bytes()[0]; 300_000];
        let long_key = |key: u64| [&[b'k'; 248][..], &key.to_be_bytes()].concat();
        let state = (0..40)
            .map(|key| (long_key(key), Some(vec![1; 4_096])))
            .collect();
        let transactions = (0..30).map(|index| ([index; 32], value.clone())).collect();
        store.commit(&WriteBatch {
            height,
            meta: value,
            state,
            transactions,
            ..WriteBatch::default()
        })?;
    }
    assert_eq!(
        std::fs::read_dir(folder.path().join("sled/blobs"))?.count(),
        0
    );
    Ok(())
}
