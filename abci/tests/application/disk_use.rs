//! What a chain that prunes keeps, and takes of the disk, stays what it was. `AIT_DISK_BLOCKS` makes the run long
//! enough for the disk itself to be judged: 20,000 blocks.

use std::{env, fs, path::Path, sync::Arc};

use ait_store::{Engine, Store, Table, for_each};
use bytes::Bytes;

use crate::driver::{Comet, transfer};

/// Enough that what is kept, 100 blocks for evidence, has been replaced many times; but not what a database keeps
/// of what was removed, up to 200 MB of journals.
const BLOCKS: u64 = 1_200;
/// Of a block: in a short run, and in a long one, which shall fill many journals.
const TRANSFERS: [u64; 2] = [20, 100];

/// The bytes that files below a folder take on disk.
fn bytes_of(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_of(&entry.path()),
        Ok(metadata) => metadata.blocks() * 512,
        // A database removes its old files at any time.
        Err(_) => 0,
    });
    sizes.sum()
}

/// How many entries there are in each table.
fn entries_of(store: &dyn Store) -> Vec<usize> {
    let count = |table: &Table| {
        let mut count = 0_usize;
        for_each(store, *table, |_| count += 1).unwrap();
        count
    };
    Table::ALL.iter().map(count).collect()
}

#[test]
fn disk_use_is_flat_where_blocks_are_pruned() {
    let long: Option<u64> = env::var("AIT_DISK_BLOCKS")
        .ok()
        .map(|blocks| blocks.parse().unwrap());
    let blocks = long.unwrap_or(BLOCKS);
    let transfers = TRANSFERS[usize::from(long.is_some())];
    for engine in [Engine::Fjall, Engine::Sled] {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("db");
        let store: Arc<dyn Store> = Arc::from(ait_store::open(&place, "ait-test", engine).unwrap());
        let mut comet = Comet::begin_on(store.clone(), &["alice"]);
        comet.node.consensus().keep_blocks(1);
        let snapshots = comet.node.snapshots().clone();
        snapshots.keep_in(&place.join("snapshots"), 2).unwrap();
        let mut nonce = 0;
        let (mut most, mut entries) = ([0; 4], Vec::new());
        for number in 0..blocks {
            let txs = (0..transfers).map(|_| {
                nonce += 1;
                Bytes::from(transfer("alice", nonce, 1_000).to_wire())
            });
            comet.decide(txs.collect());
            if number % 100 == 99 {
                snapshots.take(&|| true).unwrap();
            }
            if number == blocks / 2 || number + 1 == blocks {
                entries.push(entries_of(store.as_ref()));
            }
            if number % 20 == 19 {
                let quarter = usize::try_from(number * 4 / blocks).unwrap();
                most[quarter] = most[quarter].max(bytes_of(&place));
            }
        }
        println!("{}: at most {most:?} bytes in each quarter", engine.name());
        for (half, whole) in entries[0].iter().zip(&entries[1]) {
            let name = engine.name();
            assert!(*whole <= half + half / 10 + 5, "{name}: {entries:?}");
        }
        let is_flat = most[3] <= most[1] + most[1] / 10;
        assert!(long.is_none() || is_flat, "{}: {most:?}", engine.name());
    }
}
