use std::{fs, path::Path};

use ait_store::{MAX_VALUE_BYTES, SledStore, Store as _, StoreError, WriteBatch};

use crate::workload::{CHAIN, TestResult, assert_holds_block, batch, copy_folder, database};

fn fill(folder: &Path, blocks: std::ops::RangeInclusive<u64>) -> Result<(), StoreError> {
    let store = SledStore::open(folder, CHAIN)?;
    blocks
        .into_iter()
        .try_for_each(|height| store.commit(&batch(height)))
}

/// The refusal to open a store, whose message must name the folder.
fn refusal(folder: &Path, chain_id: &str) -> Result<StoreError, Box<dyn std::error::Error>> {
    let refusal = SledStore::open(folder, chain_id)
        .err()
        .ok_or("the store was opened")?;
    let message = refusal.to_string();
    assert!(message.contains(&*folder.to_string_lossy()), "{message}");
    Ok(refusal)
}

#[test]
fn a_file_is_not_taken_for_a_store() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("file");
    fs::write(&path, "precious")?;
    assert!(matches!(
        refusal(&path, CHAIN)?,
        StoreError::NotAFolder { .. }
    ));
    assert_eq!(fs::read_to_string(&path)?, "precious");
    Ok(())
}

#[test]
fn the_store_of_another_chain_is_refused_and_left_alone() -> TestResult {
    let folder = tempfile::tempdir()?;
    fill(folder.path(), 1..=3)?;
    for marked in [true, false] {
        if !marked {
            fs::remove_file(folder.path().join("MARKER"))?;
        }
        match refusal(folder.path(), "other-chain")? {
            StoreError::OtherChain {
                found, expected, ..
            } => {
                assert_eq!((found.as_str(), expected.as_str()), (CHAIN, "other-chain"));
            }
            other => return Err(other.into()),
        }
    }
    assert_holds_block(&SledStore::open(folder.path(), CHAIN)?, 3)
}

#[test]
fn a_store_of_a_newer_format_is_refused() -> TestResult {
    let folder = tempfile::tempdir()?;
    fill(folder.path(), 1..=3)?;
    let marker = folder.path().join("MARKER");
    let kept = fs::read(&marker)?;
    fs::write(&marker, "ait-store\nformat 2\nsomething new\n")?;
    let refused = refusal(folder.path(), CHAIN)?;
    assert!(
        matches!(
            refused,
            StoreError::NewerFormat {
                found: 2,
                supported: 1,
                ..
            }
        ),
        "{refused}"
    );

    fs::write(&marker, kept)?;
    let database = database(folder.path())?;
    database.insert("h", &[0, 0, 0, 3, 1, 2, 3][..])?;
    drop(database);
    let refused = refusal(folder.path(), CHAIN)?;
    assert!(
        matches!(
            refused,
            StoreError::NewerFormat {
                found: 3,
                supported: 1,
                ..
            }
        ),
        "{refused}"
    );
    Ok(())
}

#[test]
fn a_marker_that_cannot_be_understood_is_refused() -> TestResult {
    let folder = tempfile::tempdir()?;
    fill(folder.path(), 1..=3)?;
    let marker = folder.path().join("MARKER");
    let kept = fs::read(&marker)?;
    for position in 0..kept.len() {
        let mut damaged = kept.clone();
        damaged[position] ^= 4;
        fs::write(&marker, damaged)?;
        let refused = refusal(folder.path(), CHAIN)?;
        let expected = matches!(
            refused,
            StoreError::Corrupt { .. } | StoreError::NewerFormat { .. }
        );
        assert!(expected, "byte {position}: {refused}");
    }
    fs::write(&marker, [])?;
    assert!(matches!(
        refusal(folder.path(), CHAIN)?,
        StoreError::Corrupt { .. }
    ));
    Ok(())
}

#[test]
fn an_emptied_database_is_lost() -> TestResult {
    let folder = tempfile::tempdir()?;
    let files = folder.path().join("sled");
    fill(folder.path(), 1..=3)?;

    fs::write(files.join("db"), [])?;
    let refused = refusal(folder.path(), CHAIN)?;
    assert!(
        matches!(
            refused,
            StoreError::Lost { .. } | StoreError::Corrupt { .. }
        ),
        "{refused}"
    );

    fs::remove_dir_all(&files)?;
    for _ in 0..2 {
        let refused = refusal(folder.path(), CHAIN)?;
        assert!(
            matches!(
                refused,
                StoreError::Lost {
                    height: Some(3),
                    ..
                }
            ),
            "{refused}"
        );
        assert!(
            !files.exists(),
            "nothing new stands where something was lost"
        );
    }

    drop(database(folder.path())?);
    let refused = refusal(folder.path(), CHAIN)?;
    assert!(
        matches!(
            refused,
            StoreError::Lost {
                height: Some(3),
                ..
            }
        ),
        "{refused}"
    );

    fs::remove_file(folder.path().join("MARKER"))?;
    let refused = refusal(folder.path(), CHAIN)?;
    assert!(
        matches!(
            refused,
            StoreError::Lost {
                height: Some(3),
                ..
            }
        ),
        "{refused}"
    );
    Ok(())
}

#[test]
fn a_database_from_an_earlier_time_is_refused() -> TestResult {
    let folder = tempfile::tempdir()?;
    let (store, earlier) = (folder.path().join("store"), folder.path().join("earlier"));
    fill(&store, 1..=5)?;
    copy_folder(&store.join("sled"), &earlier)?;
    fill(&store, 6..=9)?;
    fs::remove_dir_all(store.join("sled"))?;
    copy_folder(&earlier, &store.join("sled"))?;
    let refused = refusal(&store, CHAIN)?;
    assert!(
        matches!(
            refused,
            StoreError::RolledBack {
                found: 5,
                stored: 9,
                ..
            }
        ),
        "{refused}"
    );
    Ok(())
}

#[test]
fn a_missing_marker_is_written_again_where_there_is_data() -> TestResult {
    let folder = tempfile::tempdir()?;
    fill(folder.path(), 1..=3)?;
    let marker = folder.path().join("MARKER");
    let kept = fs::read(&marker)?;
    fs::remove_file(&marker)?;
    fs::remove_file(folder.path().join("HEIGHT"))?;
    assert_holds_block(&SledStore::open(folder.path(), CHAIN)?, 3)?;
    assert_eq!(fs::read(&marker)?, kept);
    Ok(())
}

#[test]
fn a_height_file_that_cannot_be_understood_is_ignored() -> TestResult {
    let folder = tempfile::tempdir()?;
    fill(folder.path(), 1..=3)?;
    for contents in [&b""[..], b"torn", &[255; 16], &[255; 100]] {
        fs::write(folder.path().join("HEIGHT"), contents)?;
        assert_holds_block(&SledStore::open(folder.path(), CHAIN)?, 3)?;
    }
    Ok(())
}

#[test]
fn a_store_that_is_open_cannot_be_opened_again() -> TestResult {
    let folder = tempfile::tempdir()?;
    let store = SledStore::open(folder.path(), CHAIN)?;
    assert!(matches!(
        refusal(folder.path(), CHAIN)?,
        StoreError::Locked { .. }
    ));
    store.commit(&batch(1))?;
    assert_holds_block(&store, 1)
}

#[test]
fn a_chain_id_that_cannot_be_one_is_refused() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("store");
    for chain_id in ["", "two words", "line\nbreak", "é", &"x".repeat(51)] {
        let refused = SledStore::open(&path, chain_id).err();
        assert!(
            matches!(refused, Some(StoreError::InvalidChainId { .. })),
            "{refused:?}"
        );
    }
    assert!(!path.exists());
    Ok(())
}

#[test]
fn a_block_out_of_order_is_refused_and_changes_nothing() -> TestResult {
    let folder = tempfile::tempdir()?;
    let store = SledStore::open(folder.path(), CHAIN)?;
    let refused = store.commit(&WriteBatch::default());
    assert!(
        matches!(
            refused,
            Err(StoreError::HeightOutOfOrder {
                expected: 1,
                found: 0
            })
        ),
        "{refused:?}"
    );
    store.commit(&batch(1))?;
    store.commit(&batch(2))?;
    for height in [0, 1, 2, 4, u64::MAX] {
        let refused = store.commit(&WriteBatch {
            height,
            ..WriteBatch::default()
        });
        let expected = matches!(
            refused,
            Err(StoreError::HeightOutOfOrder { expected: 3, found }) if found == height
        );
        assert!(expected, "{refused:?}");
    }
    assert_holds_block(&store, 2)
}

#[test]
fn keys_and_values_beyond_the_limits_are_refused_and_change_nothing() -> TestResult {
    let folder = tempfile::tempdir()?;
    let store = SledStore::open(folder.path(), CHAIN)?;
    store.commit(&batch(1))?;
    let long = vec![0; MAX_VALUE_BYTES + 1];
    let next = || WriteBatch {
        height: 2,
        ..WriteBatch::default()
    };
    let refused = [
        WriteBatch {
            state: vec![(vec![], None)],
            ..next()
        },
        WriteBatch {
            state: vec![(vec![1; 257], Some(vec![]))],
            ..next()
        },
        WriteBatch {
            state: vec![(vec![1], Some(long.clone()))],
            ..next()
        },
        WriteBatch {
            meta: long.clone(),
            ..next()
        },
        WriteBatch {
            transactions: vec![([1; 32], long)],
            ..next()
        },
    ]
    .map(|batch| {
        store
            .commit(&batch)
            .err()
            .map(|refusal| refusal.to_string())
    });
    let expected = [
        "state key of 0 bytes refused: keys have 1 to 256 bytes",
        "state key of 257 bytes refused: keys have 1 to 256 bytes",
        "state value of 67108865 bytes refused: at most 67108864 bytes are stored",
        "meta of 67108865 bytes refused: at most 67108864 bytes are stored",
        "transaction record of 67108865 bytes refused: at most 67108864 bytes are stored",
    ]
    .map(|message| Some(message.to_owned()));
    assert_eq!(refused, expected);
    assert_holds_block(&store, 1)
}
