use ait_store::{MemoryStore, SledStore, Store, TransactionHash, WriteBatch};

use crate::workload::{CHAIN, TestResult};

fn hash(number: u64) -> TransactionHash {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&number.to_le_bytes());
    hash
}

fn block(height: u64, hashes: std::ops::Range<u64>, below: Option<u64>) -> WriteBatch {
    let transactions = hashes.map(|number| (hash(number), vec![1, 2, 3])).collect();
    WriteBatch {
        height,
        transactions,
        prune_transactions_below: below,
        ..WriteBatch::default()
    }
}

fn stored(store: &dyn Store, hashes: std::ops::Range<u64>) -> Result<usize, ait_store::StoreError> {
    let mut count = 0;
    for number in hashes {
        count += usize::from(store.transaction(&hash(number))?.is_some());
    }
    Ok(count)
}

fn on_both_stores(test: fn(&dyn Store) -> TestResult) -> TestResult {
    let folder = tempfile::tempdir()?;
    test(&SledStore::open(folder.path(), CHAIN)?)?;
    test(&MemoryStore::new())
}

#[test]
fn transactions_below_the_height_are_removed_and_the_others_kept() -> TestResult {
    on_both_stores(|store| {
        for height in 1..=10 {
            store.commit(&block(height, height * 10..height * 10 + 10, None))?;
        }
        store.commit(&block(11, 0..0, Some(8)))?;
        assert_eq!(stored(store, 10..80)?, 0);
        assert_eq!(stored(store, 80..110)?, 30);
        Ok(())
    })
}

#[test]
fn a_long_backlog_is_removed_over_several_blocks() -> TestResult {
    on_both_stores(|store| {
        store.commit(&block(1, 0..2_500, None))?;
        let mut left = Vec::new();
        for height in 2..=5 {
            store.commit(&block(height, 0..0, Some(2)))?;
            left.push(stored(store, 0..2_500)?);
        }
        assert_eq!(left, [1_500, 500, 0, 0]);
        Ok(())
    })
}

#[test]
fn pruning_keeps_up_with_blocks_of_any_size() -> TestResult {
    on_both_stores(|store| {
        for height in 1..=4 {
            let first = height * 3_000;
            store.commit(&block(height, first..first + 3_000, height.checked_sub(1)))?;
        }
        assert_eq!(stored(store, 3_000..9_000)?, 0);
        assert_eq!(stored(store, 9_000..15_000)?, 6_000);
        Ok(())
    })
}

#[test]
fn a_record_replaced_by_a_later_block_outlives_the_earlier_block() -> TestResult {
    on_both_stores(|store| {
        let long = vec![7; 10_000];
        let mut first = block(1, 0..2, None);
        first.transactions.push((hash(5), long));
        store.commit(&first)?;
        store.commit(&WriteBatch {
            height: 2,
            transactions: vec![(hash(5), b"later".to_vec())],
            ..WriteBatch::default()
        })?;
        store.commit(&block(3, 0..0, Some(2)))?;
        assert_eq!(stored(store, 0..2)?, 0);
        assert_eq!(store.transaction(&hash(5))?, Some(b"later".to_vec()));
        store.commit(&block(4, 0..0, Some(3)))?;
        assert_eq!(store.transaction(&hash(5))?, None);
        Ok(())
    })
}

#[test]
fn the_transactions_of_a_block_are_those_it_holds_still() -> TestResult {
    on_both_stores(|store| {
        let long = vec![7; 10_000];
        let mut first = block(1, 0..2, None);
        first.transactions.push((hash(5), long.clone()));
        store.commit(&first)?;
        let mut records = store.transactions_of(1)?;
        records.sort();
        let mut expected: Vec<Vec<u8>> = first.transactions.iter().map(|tx| tx.1.clone()).collect();
        expected.sort();
        assert_eq!(records, expected);
        // A later block takes one over, and pruning the rest.
        store.commit(&WriteBatch {
            height: 2,
            transactions: vec![(hash(5), b"later".to_vec())],
            ..WriteBatch::default()
        })?;
        assert_eq!(store.transactions_of(1)?.len(), 2);
        assert_eq!(store.transactions_of(2)?, [b"later".to_vec()]);
        store.commit(&block(3, 0..0, Some(2)))?;
        assert_eq!(store.transactions_of(1)?.len(), 0);
        assert_eq!(store.transactions_of(4)?.len(), 0);
        Ok(())
    })
}
