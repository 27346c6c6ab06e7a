use ait_store::{Store, StoreError, Table, Write, WriteBatch};

use crate::workload::{ENGINES, TestResult, contents, open, table};

fn writes(range: std::ops::Range<u32>) -> Vec<Write> {
    let write = |number: u32| Write {
        table: Table::Records,
        key: number.to_be_bytes().to_vec(),
        value: Some(vec![7; 5_000].into()),
    };
    range.map(write).collect()
}

fn first_block(store: &dyn Store) -> Result<(), StoreError> {
    let mut batch = WriteBatch {
        height: 9,
        ..WriteBatch::default()
    };
    batch.put(Table::Records, *b"last", *b"value");
    store.commit(&batch)
}

#[test]
fn what_is_filled_is_there_after_the_first_block() -> TestResult {
    for engine in ENGINES {
        let folder = tempfile::tempdir()?;
        let store = open(engine, folder.path())?;
        store.fill(&writes(0..1_500))?;
        store.fill(&writes(1_000..2_500))?;
        assert_eq!(store.head()?, None);
        first_block(store.as_ref())?;
        drop(store);
        let store = open(engine, folder.path())?;
        let (height, _, records) = contents(store.as_ref())?.ok_or("the store is empty")?;
        assert_eq!((height, records.len()), (9, 2_501));
    }
    Ok(())
}

#[test]
fn what_is_filled_is_gone_where_no_block_follows() -> TestResult {
    for engine in ENGINES {
        let folder = tempfile::tempdir()?;
        let store = open(engine, folder.path())?;
        store.fill(&writes(0..1_500))?;
        drop(store);
        let store = open(engine, folder.path())?;
        assert!(table(store.as_ref(), Table::Records)?.is_empty());
        first_block(store.as_ref())?;
        let (_, _, records) = contents(store.as_ref())?.ok_or("the store is empty")?;
        assert_eq!(records.len(), 1);
    }
    Ok(())
}

#[test]
fn a_store_with_a_block_is_not_filled() -> TestResult {
    for engine in ENGINES {
        let folder = tempfile::tempdir()?;
        let store = open(engine, folder.path())?;
        first_block(store.as_ref())?;
        let refused = store.fill(&writes(0..1));
        let expected = matches!(refused, Err(StoreError::NotEmpty { height: 9 }));
        assert!(expected, "{refused:?}");
        assert_eq!(table(store.as_ref(), Table::Records)?.len(), 1);
    }
    Ok(())
}
