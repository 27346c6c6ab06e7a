use std::fs;

use ait_store::StoreError;

use crate::workload::{ENGINES, TestResult, assert_holds_block, batch, open};

#[test]
fn nothing_is_committed_into_a_folder_that_was_removed_or_moved_away() -> TestResult {
    for engine in ENGINES {
        for is_moved in [false, true] {
            let folder = tempfile::tempdir()?;
            let (path, elsewhere) = (folder.path().join("store"), folder.path().join("moved"));
            let store = open(engine, &path)?;
            store.commit(&batch(1))?;
            match is_moved {
                true => fs::rename(&path, &elsewhere)?,
                false => fs::remove_dir_all(&path)?,
            }
            let refused = store.commit(&batch(2));
            let expected =
                matches!(&refused, Err(StoreError::Removed { path: named }) if *named == path);
            assert!(expected, "{refused:?}");
            // Not even where another one stands now.
            fs::create_dir_all(&path)?;
            for again in [store.commit(&batch(2)), store.save_pool(&[vec![1]])] {
                assert!(
                    matches!(again, Err(StoreError::Poisoned { .. })),
                    "{again:?}"
                );
            }
            drop(store);
            if is_moved {
                assert_holds_block(open(engine, &elsewhere)?.as_ref(), 1)?;
            }
        }
    }
    Ok(())
}
