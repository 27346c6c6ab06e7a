use ait_store::{Engine, MemoryStore, Store, StoreError, Table, WriteBatch};
use proptest::{collection::vec, prelude::*};

use crate::workload::{ENGINES, contents, open, table};

#[derive(Clone, Debug)]
enum Step {
    Commit(WriteBatch),
    SavePool(Vec<Vec<u8>>),
    SavedPool,
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
    let tables = proptest::sample::select(Table::ALL);
    let writes = vec(
        (tables, key(), proptest::option::weighted(0.7, bytes())),
        0..9,
    );
    (height, bytes(), writes).prop_map(|(height, meta, writes)| {
        let mut batch = WriteBatch {
            height,
            meta,
            ..WriteBatch::default()
        };
        for (table, key, value) in writes {
            match value {
                Some(value) => batch.put(table, key, value),
                None => batch.remove(table, key),
            }
        }
        batch
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => batch().prop_map(Step::Commit),
        1 => vec(bytes(), 0..4).prop_map(Step::SavePool),
        1 => Just(Step::SavedPool),
        1 => Just(Step::Reopen),
    ]
}

fn apply(store: &dyn Store, step: &Step) -> Result<Vec<Vec<u8>>, StoreError> {
    match step {
        Step::Commit(batch) => {
            // A batch's own height says how far it is from the next one.
            let next = store.head()?.map_or(1, |head| head.height + 1);
            let height = next + batch.height;
            store
                .commit(&WriteBatch {
                    height,
                    ..batch.clone()
                })
                .map(|()| Vec::new())
        }
        Step::SavePool(transactions) => store.save_pool(transactions).map(|()| Vec::new()),
        Step::SavedPool => store.saved_pool(),
        Step::Reopen => Ok(Vec::new()),
    }
}

fn assert_same(engine: Engine, steps: &[Step]) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir()?;
    let memory = MemoryStore::new();
    let mut disk = open(engine, folder.path())?;
    for step in steps {
        if matches!(step, Step::Reopen) {
            drop(disk);
            disk = open(engine, folder.path())?;
        }
        let answers = [disk.as_ref(), &memory]
            .map(|store| apply(store, step).map_err(|refusal| refusal.to_string()));
        prop_assert_eq!(&answers[0], &answers[1]);
        prop_assert_eq!(contents(disk.as_ref())?, contents(&memory)?);
        for name in Table::ALL {
            let held = table(&memory, *name)?;
            prop_assert_eq!(&table(disk.as_ref(), *name)?, &held);
            for (first, last, limit) in [(1, 4, 9), (0, 9, 2), (3, 3, 9), (4, 1, 9)] {
                let range = |store: &dyn Store| store.range(*name, &[first], &[last], limit);
                prop_assert_eq!(range(disk.as_ref())?, range(&memory)?);
            }
            for key in (0..6_u8).map(|number| [number]) {
                prop_assert_eq!(&disk.get(*name, &key)?, &held.get(&key[..]).cloned());
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_store_in_memory_answers_as_those_on_disk(steps in vec(step(), 1..20)) {
        for engine in ENGINES {
            assert_same(engine, &steps)?;
        }
    }
}
