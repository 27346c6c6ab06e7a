use crate::workload::{ENGINES, TestResult, assert_holds_block, batch, open};

#[test]
fn a_saved_pool_is_given_back_in_order_until_another_is_saved() -> TestResult {
    for engine in ENGINES {
        let folder = tempfile::tempdir()?;
        let pool: Vec<Vec<u8>> = (0..300)
            .map(|index: u16| index.to_be_bytes().repeat(20))
            .collect();
        let store = open(engine, folder.path())?;
        store.commit(&batch(1))?;
        store.save_pool(&pool)?;
        drop(store);

        let store = open(engine, folder.path())?;
        assert_eq!(store.saved_pool()?, pool);
        drop(store);

        // Whoever read it may have ended before anything came of it.
        let store = open(engine, folder.path())?;
        assert_eq!(store.saved_pool()?, pool);
        store.save_pool(&[])?;
        drop(store);

        let store = open(engine, folder.path())?;
        assert_eq!(store.saved_pool()?, Vec::<Vec<u8>>::new());
        assert_holds_block(store.as_ref(), 1)?;
    }
    Ok(())
}

#[test]
fn a_pool_replaces_the_one_saved_before() -> TestResult {
    for engine in ENGINES {
        let folder = tempfile::tempdir()?;
        let store = open(engine, folder.path())?;
        store.save_pool(&vec![vec![1; 16_384]; 50])?;
        store.save_pool(&[vec![2; 10], vec![], vec![3; 5_000]])?;
        drop(store);
        let store = open(engine, folder.path())?;
        assert_eq!(store.saved_pool()?, [vec![2; 10], vec![], vec![3; 5_000]]);
    }
    Ok(())
}
