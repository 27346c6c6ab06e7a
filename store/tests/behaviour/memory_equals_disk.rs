use ait_store::{MemoryStore, SledStore, Store, StoreError, WriteBatch};
use proptest::{collection::vec, prelude::*};

use crate::workload::{CHAIN, contents};

#[derive(Clone, Debug)]
enum Step {
    Commit(WriteBatch),
    SavePool(Vec<Vec<u8>>),
    TakePool,
    Reopen,
}

/// Lengths around those at which values are cut, most of them short.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![8 => 0..40_usize, 1 => 4_090..4_100_usize, 1 => 8_000..9_000_usize];
    (length, any::<u8>()).prop_map(|(length, byte)| vec![byte; length])
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        20 => (0..6_u8).prop_map(|number| vec![number]),
        20 => (0..3_u8, 0..3_u8).prop_map(|(first, last)| vec![first, 0, 0, 0, last]),
        2 => Just(vec![7; 256]),
        1 => Just(vec![7; 257]),
        1 => Just(vec![]),
    ]
}

fn batch() -> impl Strategy<Value = WriteBatch> {
    let height = prop_oneof![10 => Just(0), 1 => 1..3_u64];
    let state = vec((key(), proptest::option::weighted(0.7, bytes())), 0..6);
    let transactions = vec(((0..5_u8).prop_map(|number| [number; 32]), bytes()), 0..4);
    let below = proptest::option::of(0..12_u64);
    (height, bytes(), state, transactions, below).prop_map(
        |(height, meta, state, transactions, prune_transactions_below)| WriteBatch {
            height,
            meta,
            state,
            transactions,
            prune_transactions_below,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => batch().prop_map(Step::Commit),
        1 => vec(bytes(), 0..4).prop_map(Step::SavePool),
        1 => Just(Step::TakePool),
        1 => Just(Step::Reopen),
    ]
}

fn apply(store: &dyn Store, step: &Step) -> Result<Vec<Vec<u8>>, StoreError> {
    match step {
        Step::Commit(batch) => {
            // A batch's own height says how far it is from the next one.
            let next = contents(store)?.map_or(1, |(height, ..)| height + 1);
            let height = next + batch.height;
            store
                .commit(&WriteBatch {
                    height,
                    ..batch.clone()
                })
                .map(|()| Vec::new())
        }
        Step::SavePool(transactions) => store.save_pool(transactions).map(|()| Vec::new()),
        Step::TakePool => store.take_pool(),
        Step::Reopen => Ok(Vec::new()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_store_in_memory_answers_as_the_one_on_disk(steps in vec(step(), 1..25)) {
        let folder = tempfile::tempdir()?;
        let memory = MemoryStore::new();
        let mut disk = SledStore::open(folder.path(), CHAIN)?;
        for step in &steps {
            if matches!(step, Step::Reopen) {
                drop(disk);
                disk = SledStore::open(folder.path(), CHAIN)?;
            }
            let answers = [&disk as &dyn Store, &memory].map(|store| {
                apply(store, step).map_err(|refusal| refusal.to_string())
            });
            prop_assert_eq!(&answers[0], &answers[1]);
            prop_assert_eq!(contents(&disk)?, contents(&memory)?);
            for number in 0..5 {
                let hash = [number; 32];
                prop_assert_eq!(disk.transaction(&hash)?, memory.transaction(&hash)?);
            }
        }
    }
}
