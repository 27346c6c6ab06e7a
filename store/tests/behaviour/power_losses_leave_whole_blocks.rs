//! A power loss while a block is written leaves any of the blocks (4 KiB) of a file that were written since
//! the last sync, and the old or the new length of the file. These tests make such files.

use std::fs;

use ait_store::{SledStore, Store as _};

use crate::workload::{
    CHAIN, Numbers, TestResult, assert_holds_block, batch, contents, copy_folder,
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

#[test]
fn a_power_loss_leaves_the_block_before_or_the_one_being_written() -> TestResult {
    let folder = tempfile::tempdir()?;
    let (live, lost) = (folder.path().join("live"), folder.path().join("lost"));
    let data = "sled/db";
    let mut numbers = Numbers(1);
    let mut images = 0;
    let mut store = SledStore::open(&live, CHAIN)?;
    for height in 1..=400 {
        let before = fs::read(live.join(data))?;
        store.commit(&batch(height))?;
        if height > 1 && numbers.below(8) == 0 {
            let after = fs::read(live.join(data))?;
            let (grown, quarters) = (numbers.below(2) == 0, numbers.below(5));
            copy_folder(&live, &lost)?;
            fs::write(
                lost.join(data),
                torn(&before, &after, grown, quarters, &mut numbers),
            )?;
            // The height is known only once the block is on disk.
            fs::remove_file(lost.join("HEIGHT"))?;
            let reopened = SledStore::open(&lost, CHAIN)?;
            let (found, ..) = contents(&reopened)?.ok_or("the store is empty")?;
            assert!(
                (height - 1..=height).contains(&found),
                "{found} instead of {height}"
            );
            assert_holds_block(&reopened, found)?;
            reopened.commit(&batch(found + 1))?;
            assert_holds_block(&reopened, found + 1)?;
            drop(reopened);
            fs::remove_dir_all(&lost)?;
            images += 1;
        }
        if height % 150 == 0 {
            drop(store);
            store = SledStore::open(&live, CHAIN)?;
        }
    }
    assert!(images >= 20, "{images} images were tried");
    Ok(())
}
