use ait_store::{Engine, Table, WriteBatch};

use crate::workload::{ENGINES, TestResult, assert_holds_block, batch, contents, open};

#[test]
fn a_new_store_holds_nothing() -> TestResult {
    for engine in ENGINES {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("made/with/its/parents");
        for _ in 0..2 {
            let store = open(engine, &path)?;
            assert_eq!(contents(store.as_ref())?, None);
            assert_eq!(store.get(Table::Transactions, &[7; 32])?, None);
        }
    }
    Ok(())
}

#[test]
fn every_block_is_there_after_reopening() -> TestResult {
    for engine in ENGINES {
        let folder = tempfile::tempdir()?;
        for height in 1..=60 {
            let store = open(engine, folder.path())?;
            store.commit(&batch(height))?;
            assert_holds_block(store.as_ref(), height)?;
            drop(store);
            if height % 7 == 0 {
                assert_holds_block(open(engine, folder.path())?.as_ref(), height)?;
            }
        }
        assert_holds_block(open(engine, folder.path())?.as_ref(), 60)?;
    }
    Ok(())
}

#[test]
fn a_store_can_begin_at_any_height() -> TestResult {
    for engine in ENGINES {
        let folder = tempfile::tempdir()?;
        let mut batch = WriteBatch {
            height: 1_000,
            ..WriteBatch::default()
        };
        batch.put(Table::Records, *b"key", *b"value");
        open(engine, folder.path())?.commit(&batch)?;
        let store = open(engine, folder.path())?;
        let (height, meta, state) = contents(store.as_ref())?.ok_or("the store is empty")?;
        assert_eq!((height, meta, state.len()), (1_000, vec![], 1));
    }
    Ok(())
}

#[test]
fn a_store_is_opened_with_the_database_that_it_was_begun_with() -> TestResult {
    for (begun, other) in [(Engine::Fjall, Engine::Sled), (Engine::Sled, Engine::Fjall)] {
        let folder = tempfile::tempdir()?;
        open(begun, folder.path())?.commit(&batch(1))?;
        assert_eq!(Engine::of(folder.path()), Some(begun));
        assert_holds_block(open(other, folder.path())?.as_ref(), 1)?;
        assert!(!folder.path().join(other.name()).exists());
    }
    Ok(())
}

#[test]
fn values_of_megabytes_are_kept_and_replaced() -> TestResult {
    for engine in ENGINES {
        let folder = tempfile::tempdir()?;
        let lengths = [3_000_000, 0, 4_096, 1_000_000, 4_097, 10];
        for (height, length) in (1..).zip(lengths) {
            let store = open(engine, folder.path())?;
            let value = vec![9; length];
            let mut batch = WriteBatch {
                height,
                meta: value.clone(),
                ..WriteBatch::default()
            };
            batch.put(Table::Records, *b"long", value.clone());
            batch.remove(Table::Records, *b"long2");
            batch.put(Table::Blocks, [1; 32], value.clone());
            store.commit(&batch)?;
            drop(store);
            let store = open(engine, folder.path())?;
            let (_, meta, state) = contents(store.as_ref())?.ok_or("the store is empty")?;
            assert!(meta == value, "meta of {length} bytes");
            assert!(
                state.get(&b"long"[..]) == Some(&value),
                "record of {length} bytes"
            );
            assert_eq!(state.len(), 1);
            let block = store.get(Table::Blocks, &[1; 32])?;
            assert!(block.as_ref() == Some(&value), "block of {length} bytes");
        }
    }
    Ok(())
}

/// sled does not sync what it writes into files of their own, and skips over a missing one without an error.
#[test]
fn sled_never_writes_a_value_to_a_file_of_its_own() -> TestResult {
    let folder = tempfile::tempdir()?;
    let store = open(Engine::Sled, folder.path())?;
    for height in 1..=5_u64 {
        let value = vec![height.to_le_bytes()[0]; 300_000];
        let long_key = |key: u64| [&[b'k'; 248][..], &key.to_be_bytes()].concat();
        let mut batch = WriteBatch {
            height,
            meta: value.clone(),
            ..WriteBatch::default()
        };
        for key in 0..40 {
            batch.put(Table::Records, long_key(key), [1; 4_096]);
        }
        for index in 0..30 {
            batch.put(Table::Blocks, [index; 32], value.clone());
        }
        store.commit(&batch)?;
    }
    let blobs = std::fs::read_dir(folder.path().join("sled/blobs"))?;
    assert_eq!(blobs.count(), 0);
    Ok(())
}
