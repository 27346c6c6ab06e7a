use ait_store::{Store, Table};

use crate::workload::{ENGINES, TestResult, assert_holds_block, batch, contents, open, table};

fn assert_empty(store: &dyn Store) -> TestResult {
    assert_eq!(store.head()?, None);
    for name in Table::ALL {
        assert!(table(store, *name)?.is_empty(), "{}", name.name());
    }
    Ok(())
}

#[test]
fn a_cleared_store_is_empty_and_takes_any_first_block() -> TestResult {
    for engine in ENGINES {
        let folder = tempfile::tempdir()?;
        let store = open(engine, folder.path())?;
        for height in 1..=5 {
            store.commit(&batch(height))?;
        }
        store.save_pool(&[b"waits".to_vec()])?;
        store.clear()?;
        assert_empty(store.as_ref())?;
        drop(store);
        // It is neither lost nor gone back.
        let store = open(engine, folder.path())?;
        assert_empty(store.as_ref())?;
        assert_eq!(store.saved_pool()?, [b"waits".to_vec()]);
        store.commit(&batch(3))?;
        store.clear()?;
        store.commit(&batch(1))?;
        drop(store);
        let store = open(engine, folder.path())?;
        let (height, ..) = contents(store.as_ref())?.ok_or("the store is empty")?;
        assert_eq!(height, 1);
        assert_holds_block(store.as_ref(), 1)?;
    }
    Ok(())
}
