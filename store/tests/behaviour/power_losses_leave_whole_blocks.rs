//! A power loss while a block is written leaves any of the blocks (4 KiB) of a file that were written since
//! the last sync, and the old or the new length of the file. These tests make such files.

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
};

use ait_store::Engine;

use crate::workload::{
    Numbers, TestResult, assert_holds_block, batch, contents, copy_folder, open,
};

const DISK_BLOCK: usize = 4_096;

/// A file between two: each block is the old one or, with a chance of some quarters, the new one.
fn torn(old: &[u8], new: &[u8], grown: bool, quarters: u64, numbers: &mut Numbers) -> Vec<u8> {
    let mut image = old.to_vec();
    if grown {
        image.resize(new.len(), 0);
    }
    for (block, written) in image.chunks_mut(DISK_BLOCK).zip(new.chunks(DISK_BLOCK)) {
        if block.len() == written.len() && numbers.below(4) < quarters {
            block.copy_from_slice(written);
        }
    }
    image
}

/// The files that a commit appends to or changes: sled's only one, and fjall's journals. Its other files
/// are written once, and synced before anything names them.
fn written(engine: Engine, store: &Path) -> io::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut files = BTreeMap::new();
    match engine {
        Engine::Sled => {
            files.insert("sled/db".into(), fs::read(store.join("sled/db"))?);
        }
        Engine::Fjall => {
            for entry in fs::read_dir(store.join("fjall"))? {
                let path = entry?.path();
                if path.extension().is_some_and(|end| end == "jnl") {
                    let name = Path::new("fjall").join(path.file_name().unwrap_or_default());
                    files.insert(name, fs::read(path)?);
                }
            }
        }
    }
    Ok(files)
}

fn lose_power_in_some_commits(engine: Engine, blocks: u64) -> TestResult {
    let folder = tempfile::tempdir()?;
    let (live, lost) = (folder.path().join("live"), folder.path().join("lost"));
    // Other seeds tear other pieces.
    let seed = env::var("STORE_SEED").ok();
    let mut numbers = Numbers(seed.map_or(Ok(1), |seed| seed.parse())?);
    let mut images = 0;
    let mut store = open(engine, &live)?;
    for height in 1..=blocks {
        let before = written(engine, &live)?;
        store.commit(&batch(height))?;
        if height > 1 && numbers.below(8) == 0 {
            let (grown, quarters) = (numbers.below(2) == 0, numbers.below(5));
            copy_folder(&live, &lost)?;
            for (name, after) in written(engine, &live)? {
                let old = before.get(&name).map(Vec::as_slice).unwrap_or_default();
                let image = torn(old, &after, grown, quarters, &mut numbers);
                fs::write(lost.join(name), image)?;
            }
            // The height is known only once the block is on disk.
            fs::remove_file(lost.join("HEIGHT"))?;
            let reopened = open(engine, &lost)?;
            let (found, ..) = contents(reopened.as_ref())?.ok_or("the store is empty")?;
            assert!(
                (height - 1..=height).contains(&found),
                "{found} instead of {height}"
            );
            assert_holds_block(reopened.as_ref(), found)?;
            reopened.commit(&batch(found + 1))?;
            assert_holds_block(reopened.as_ref(), found + 1)?;
            drop(reopened);
            fs::remove_dir_all(&lost)?;
            images += 1;
        }
        if height % 150 == 0 {
            drop(store);
            store = open(engine, &live)?;
        }
    }
    assert!(images >= 20, "{images} images were tried");
    Ok(())
}

#[test]
fn a_power_loss_leaves_sled_the_block_before_or_the_one_being_written() -> TestResult {
    lose_power_in_some_commits(Engine::Sled, 400)
}

#[test]
fn a_power_loss_leaves_fjall_the_block_before_or_the_one_being_written() -> TestResult {
    lose_power_in_some_commits(Engine::Fjall, 400)
}
