use std::{fs, path::Path, thread};

use ait_store::{Engine, MAX_VALUE_BYTES, StoreError, Table, WriteBatch};

use crate::workload::{
    CHAIN, ENGINES, TestResult, assert_holds_block, batch, copy_folder, database, open,
};

fn fill(
    engine: Engine,
    folder: &Path,
    blocks: std::ops::RangeInclusive<u64>,
) -> Result<(), StoreError> {
    let store = open(engine, folder)?;
    blocks
        .into_iter()
        .try_for_each(|height| store.commit(&batch(height)))
}

/// The refusal to open a store, whose message must name the folder.
fn refusal(
    engine: Engine,
    folder: &Path,
    chain_id: &str,
) -> Result<StoreError, Box<dyn std::error::Error>> {
    let refusal = ait_store::open(folder, chain_id, engine)
        .err()
        .ok_or("the store was opened")?;
    let message = refusal.to_string();
    assert!(message.contains(&*folder.to_string_lossy()), "{message}");
    Ok(refusal)
}

#[test]
fn a_file_is_not_taken_for_a_store() -> TestResult {
    ENGINES
        .into_iter()
        .try_for_each(a_file_is_not_taken_for_a_store_by)
}

fn a_file_is_not_taken_for_a_store_by(engine: Engine) -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("file");
    fs::write(&path, "precious")?;
    assert!(matches!(
        refusal(engine, &path, CHAIN)?,
        StoreError::NotAFolder { .. }
    ));
    assert_eq!(fs::read_to_string(&path)?, "precious");
    Ok(())
}

#[test]
fn the_store_of_another_chain_is_refused_and_left_alone() -> TestResult {
    ENGINES
        .into_iter()
        .try_for_each(the_store_of_another_chain_is_refused_and_left_alone_by)
}

fn the_store_of_another_chain_is_refused_and_left_alone_by(engine: Engine) -> TestResult {
    let folder = tempfile::tempdir()?;
    fill(engine, folder.path(), 1..=3)?;
    for marked in [true, false] {
        if !marked {
            fs::remove_file(folder.path().join("MARKER"))?;
        }
        match refusal(engine, folder.path(), "other-chain")? {
            StoreError::OtherChain {
                found, expected, ..
            } => {
                assert_eq!((found.as_str(), expected.as_str()), (CHAIN, "other-chain"));
            }
            other => return Err(other.into()),
        }
    }
    assert_holds_block(open(engine, folder.path())?.as_ref(), 3)
}

#[test]
fn a_store_of_another_format_is_refused() -> TestResult {
    ENGINES
        .into_iter()
        .try_for_each(a_store_of_another_format_is_refused_by)
}

fn a_store_of_another_format_is_refused_by(engine: Engine) -> TestResult {
    let folder = tempfile::tempdir()?;
    fill(engine, folder.path(), 1..=3)?;
    let marker = folder.path().join("MARKER");
    let kept = fs::read(&marker)?;
    fs::write(&marker, "ait-store\nformat 3\nsomething new\n")?;
    assert_newer(refusal(engine, folder.path(), CHAIN)?);

    fs::write(&marker, kept)?;
    replace_head(engine, folder.path(), &[0, 0, 0, 3, 1, 2, 3])?;
    assert_newer(refusal(engine, folder.path(), CHAIN)?);

    replace_head(engine, folder.path(), &[0, 0, 0, 1, 1, 2, 3])?;
    let refused = refusal(engine, folder.path(), CHAIN)?;
    let expected = matches!(
        refused,
        StoreError::OlderFormat {
            found: 1,
            supported: 2,
            ..
        }
    );
    assert!(expected, "{refused}");
    assert!(refused.to_string().contains("ait store migrate"));
    Ok(())
}

fn assert_newer(refused: StoreError) {
    let expected = matches!(
        refused,
        StoreError::NewerFormat {
            found: 3,
            supported: 2,
            ..
        }
    );
    assert!(expected, "{refused}");
}

fn replace_head(engine: Engine, store: &Path, head: &[u8]) -> TestResult {
    match engine {
        Engine::Sled => {
            let stored = [&[0, 0, 0, 7], head].concat();
            database(store)?.insert("h", stored)?;
        }
        Engine::Fjall => {
            let database = fjall::Database::builder(store.join("fjall")).open()?;
            let keyspace = database.keyspace("head", fjall::KeyspaceCreateOptions::default)?;
            keyspace.insert("head", head)?;
        }
    }
    Ok(())
}

/// Makes the database anew, with nothing in it.
fn make_empty(engine: Engine, store: &Path) -> TestResult {
    match engine {
        Engine::Sled => drop(database(store)?),
        Engine::Fjall => drop(fjall::Database::builder(store.join("fjall")).open()?),
    }
    Ok(())
}

#[test]
fn a_marker_that_cannot_be_understood_is_refused() -> TestResult {
    ENGINES
        .into_iter()
        .try_for_each(a_marker_that_cannot_be_understood_is_refused_by)
}

fn a_marker_that_cannot_be_understood_is_refused_by(engine: Engine) -> TestResult {
    let folder = tempfile::tempdir()?;
    fill(engine, folder.path(), 1..=3)?;
    let marker = folder.path().join("MARKER");
    let kept = fs::read(&marker)?;
    for position in 0..kept.len() {
        let mut damaged = kept.clone();
        damaged[position] ^= 4;
        fs::write(&marker, damaged)?;
        let refused = refusal(engine, folder.path(), CHAIN)?;
        let expected = matches!(
            refused,
            StoreError::Corrupt { .. } | StoreError::NewerFormat { .. }
        );
        assert!(expected, "byte {position}: {refused}");
    }
    fs::write(&marker, [])?;
    assert!(matches!(
        refusal(engine, folder.path(), CHAIN)?,
        StoreError::Corrupt { .. }
    ));
    Ok(())
}

#[test]
fn an_emptied_database_is_lost() -> TestResult {
    ENGINES
        .into_iter()
        .try_for_each(an_emptied_database_is_lost_by)
}

fn an_emptied_database_is_lost_by(engine: Engine) -> TestResult {
    let folder = tempfile::tempdir()?;
    let files = folder.path().join(engine.name());
    fill(engine, folder.path(), 1..=3)?;

    let data = match engine {
        Engine::Sled => "db",
        Engine::Fjall => "0.jnl",
    };
    fs::write(files.join(data), [])?;
    let refused = refusal(engine, folder.path(), CHAIN)?;
    assert!(
        matches!(
            refused,
            StoreError::Lost { .. } | StoreError::Corrupt { .. }
        ),
        "{refused}"
    );

    fs::remove_dir_all(&files)?;
    for _ in 0..2 {
        let refused = refusal(engine, folder.path(), CHAIN)?;
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

    make_empty(engine, folder.path())?;
    let refused = refusal(engine, folder.path(), CHAIN)?;
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
    let refused = refusal(engine, folder.path(), CHAIN)?;
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
    ENGINES
        .into_iter()
        .try_for_each(a_database_from_an_earlier_time_is_refused_by)
}

fn a_database_from_an_earlier_time_is_refused_by(engine: Engine) -> TestResult {
    let folder = tempfile::tempdir()?;
    let (store, earlier) = (folder.path().join("store"), folder.path().join("earlier"));
    fill(engine, &store, 1..=5)?;
    copy_folder(&store.join(engine.name()), &earlier)?;
    fill(engine, &store, 6..=9)?;
    fs::remove_dir_all(store.join(engine.name()))?;
    copy_folder(&earlier, &store.join(engine.name()))?;
    let refused = refusal(engine, &store, CHAIN)?;
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
    ENGINES
        .into_iter()
        .try_for_each(a_missing_marker_is_written_again_where_there_is_data_by)
}

fn a_missing_marker_is_written_again_where_there_is_data_by(engine: Engine) -> TestResult {
    let folder = tempfile::tempdir()?;
    fill(engine, folder.path(), 1..=3)?;
    let marker = folder.path().join("MARKER");
    let kept = fs::read(&marker)?;
    fs::remove_file(&marker)?;
    fs::remove_file(folder.path().join("HEIGHT"))?;
    assert_holds_block(open(engine, folder.path())?.as_ref(), 3)?;
    assert_eq!(fs::read(&marker)?, kept);
    Ok(())
}

#[test]
fn a_height_file_that_cannot_be_understood_is_ignored() -> TestResult {
    ENGINES
        .into_iter()
        .try_for_each(a_height_file_that_cannot_be_understood_is_ignored_by)
}

fn a_height_file_that_cannot_be_understood_is_ignored_by(engine: Engine) -> TestResult {
    let folder = tempfile::tempdir()?;
    fill(engine, folder.path(), 1..=3)?;
    for contents in [&b""[..], b"torn", &[255; 16], &[255; 100]] {
        fs::write(folder.path().join("HEIGHT"), contents)?;
        assert_holds_block(open(engine, folder.path())?.as_ref(), 3)?;
    }
    Ok(())
}

#[test]
fn a_store_that_is_open_cannot_be_opened_again() -> TestResult {
    ENGINES
        .into_iter()
        .try_for_each(a_store_that_is_open_cannot_be_opened_again_by)
}

fn a_store_that_is_open_cannot_be_opened_again_by(engine: Engine) -> TestResult {
    let folder = tempfile::tempdir()?;
    let store = open(engine, folder.path())?;
    assert!(matches!(
        refusal(engine, folder.path(), CHAIN)?,
        StoreError::Locked { .. }
    ));
    store.commit(&batch(1))?;
    assert_holds_block(store.as_ref(), 1)
}

#[test]
fn of_those_who_begin_a_store_at_once_one_has_it() -> TestResult {
    for engine in ENGINES {
        let folder = tempfile::tempdir()?;
        let opened: Vec<_> = thread::scope(|scope| {
            let opening = [(); 4].map(|()| scope.spawn(|| open(engine, folder.path())));
            opening
                .map(|thread| thread.join().expect("no panic"))
                .into()
        });
        let (has_it, refused): (Vec<_>, Vec<_>) = opened.into_iter().partition(Result::is_ok);
        assert_eq!((has_it.len(), refused.len()), (1, 3));
        for refusal in refused.into_iter().filter_map(Result::err) {
            assert!(matches!(refusal, StoreError::Locked { .. }), "{refusal}");
        }
    }
    Ok(())
}

#[test]
fn a_chain_id_that_cannot_be_one_is_refused() -> TestResult {
    ENGINES
        .into_iter()
        .try_for_each(a_chain_id_that_cannot_be_one_is_refused_by)
}

fn a_chain_id_that_cannot_be_one_is_refused_by(engine: Engine) -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("store");
    for chain_id in ["", "two words", "line\nbreak", "é", &"x".repeat(51)] {
        let refused = ait_store::open(&path, chain_id, engine).err();
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
    ENGINES
        .into_iter()
        .try_for_each(a_block_out_of_order_is_refused_and_changes_nothing_by)
}

fn a_block_out_of_order_is_refused_and_changes_nothing_by(engine: Engine) -> TestResult {
    let folder = tempfile::tempdir()?;
    let store = open(engine, folder.path())?;
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
    assert_holds_block(store.as_ref(), 2)
}

#[test]
fn keys_and_values_beyond_the_limits_are_refused_and_change_nothing() -> TestResult {
    ENGINES
        .into_iter()
        .try_for_each(keys_and_values_beyond_the_limits_are_refused_and_change_nothing_by)
}

fn keys_and_values_beyond_the_limits_are_refused_and_change_nothing_by(
    engine: Engine,
) -> TestResult {
    let folder = tempfile::tempdir()?;
    let store = open(engine, folder.path())?;
    store.commit(&batch(1))?;
    let long = vec![0; MAX_VALUE_BYTES + 1];
    let next = |key: &[u8], value: Option<Vec<u8>>, meta: Vec<u8>| {
        let mut batch = WriteBatch {
            height: 2,
            meta,
            ..WriteBatch::default()
        };
        match value {
            Some(value) => batch.put(Table::Records, key, value),
            None => batch.remove(Table::Records, key),
        }
        batch
    };
    let refused = [
        next(&[], None, vec![]),
        next(&[1; 257], Some(vec![]), vec![]),
        next(&[1], Some(long.clone()), vec![]),
        next(&[1], None, long),
    ]
    .map(|batch| {
        store
            .commit(&batch)
            .err()
            .map(|refusal| refusal.to_string())
    });
    let expected = [
        "records: key of 0 bytes refused: keys have 1 to 256 bytes",
        "records: key of 257 bytes refused: keys have 1 to 256 bytes",
        "records: value of 67108865 bytes refused: at most 67108864 bytes are stored",
        "meta: value of 67108865 bytes refused: at most 67108864 bytes are stored",
    ]
    .map(|message| Some(message.to_owned()));
    assert_eq!(refused, expected);
    assert_holds_block(store.as_ref(), 1)
}
