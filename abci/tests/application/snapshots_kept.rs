//! Which snapshots a node keeps and offers, and which blocks it keeps for them.

use std::{fs, path::Path, sync::Arc};

use ait_abci::{Application, SnapshotFiles, export, import, take, verify};
use ait_app::state::AppHash;
use ait_store::{Engine, MemoryStore, Store};

use crate::driver::{
    Comet, chain_id,
    joining::{Chain, app_hash, list, load},
};

fn chain(accounts: usize) -> Chain {
    Chain::begin(Arc::new(MemoryStore::new()), accounts)
}

fn heights(node: &Application) -> Vec<u64> {
    list(node).iter().map(|snapshot| snapshot.height).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn the_newest_snapshots_are_offered_and_older_ones_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let mut chain = chain(50);
    assert!(heights(&chain.comet.node).is_empty());
    for expected in [vec![1], vec![2, 1], vec![3, 2], vec![4, 3]] {
        chain.block(3);
        chain.snapshot(folder.path());
        assert_eq!(heights(&chain.comet.node), expected);
    }
    assert_eq!(names(folder.path()), ["3", "4"]);
    let oldest = list(&chain.comet.node).remove(1);
    assert!(!load(&chain.comet.node, &oldest, 0).is_empty());
    for (height, format, chunk) in [(2, 1, 0), (3, 2, 0), (3, 1, 9), (0, 1, 0)] {
        let mut asked = oldest.clone();
        (asked.height, asked.format) = (height, format);
        assert!(load(&chain.comet.node, &asked, chunk).is_empty());
    }
}

#[test]
fn a_snapshot_that_somebody_fetches_is_not_removed_before_they_are_done() {
    let folder = tempfile::tempdir().unwrap();
    let mut chain = chain(50);
    chain.block(1);
    let first = chain.snapshot(folder.path());
    for _ in 0..8 {
        assert!(!load(&chain.comet.node, &first, 0).is_empty());
        chain.block(1);
        chain.snapshot(folder.path());
    }
    let height = chain.comet.height.unsigned_abs();
    assert_eq!(heights(&chain.comet.node), [height, height - 1, 1]);
    // Who fetches all of them fills no disk.
    for _ in 0..30 {
        for snapshot in list(&chain.comet.node) {
            load(&chain.comet.node, &snapshot, 0);
        }
        chain.block(1);
        chain.snapshot(folder.path());
    }
    assert_eq!(names(folder.path()).len(), 10);
}

#[test]
fn what_a_crash_cut_short_is_removed_and_what_is_whole_is_offered_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut chain = chain(50);
    chain.block(3);
    let given_up = chain.comet.node.snapshots();
    given_up.keep_in(folder.path(), 2).unwrap();
    chain.snapshot(folder.path());
    for unfinished in ["ait-snapshot.new", "ait-snapshot.old"] {
        let unfinished = folder.path().join(unfinished);
        fs::create_dir(&unfinished).unwrap();
        fs::write(unfinished.join("000000.chunk"), "half").unwrap();
    }
    // Those that are damaged, or no snapshots, are neither offered nor touched.
    fs::create_dir(folder.path().join("7")).unwrap();
    fs::write(folder.path().join("7/manifest"), "no manifest").unwrap();
    fs::write(folder.path().join("notes"), "precious").unwrap();
    let again = Comet::open(Arc::new(MemoryStore::new()), 0);
    again.node.snapshots().keep_in(folder.path(), 2).unwrap();
    assert_eq!(heights(&again.node), [1]);
    assert_eq!(names(folder.path()), ["1", "7", "notes"]);
}

#[test]
fn a_snapshot_that_is_given_up_is_not_offered() {
    let folder = tempfile::tempdir().unwrap();
    let mut chain = chain(20_000);
    chain.block(3);
    let snapshots = chain.comet.node.snapshots();
    snapshots.keep_in(folder.path(), 2).unwrap();
    assert_eq!(snapshots.take(&|| false).unwrap(), None);
    assert!(heights(&chain.comet.node).is_empty());
    assert_eq!(snapshots.take(&|| true).unwrap(), Some(1));
    assert_eq!(heights(&chain.comet.node), [1]);
}

#[test]
fn blocks_behind_the_oldest_snapshot_are_not_pruned() {
    let folder = tempfile::tempdir().unwrap();
    let mut chain = chain(50);
    chain.comet.node.consensus().keep_blocks(1);
    let retained = |chain: &mut Chain| {
        chain.nonce += 1;
        let block = vec![
            crate::driver::transfer("alice", chain.nonce, 1_000)
                .to_wire()
                .into(),
        ];
        chain.comet.decide_and_retain(block)
    };
    for _ in 0..150 {
        chain.block(1);
    }
    // Evidence may name those of the last 100 blocks.
    assert_eq!(retained(&mut chain), 52);
    chain.snapshot(folder.path());
    for _ in 0..200 {
        chain.block(1);
    }
    assert_eq!(retained(&mut chain), 151);
    chain.snapshot(folder.path());
    chain.block(1);
    chain.snapshot(folder.path());
    assert_eq!(heights(&chain.comet.node), [353, 352]);
    // The first one is gone.
    assert_eq!(retained(&mut chain), 255);
}

#[test]
fn a_stopped_nodes_snapshot_goes_to_another_as_files() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let open = |name: &str| -> Arc<dyn Store> {
        Arc::from(ait_store::open(&place(name), "ait-test", Engine::Fjall).unwrap())
    };
    let mut chain = Chain::begin(open("db"), 20_000);
    chain.block(3);
    let trusted = chain.app_hash();
    drop(chain);
    let files = take(open("db"), &chain_id(), &place("snapshots"), 2).unwrap();
    // What somebody has beside it is theirs.
    fs::create_dir(place("copy.new")).unwrap();
    fs::write(place("copy.new").join("notes"), "precious").unwrap();
    let refused = export(&files, &place("copy")).unwrap_err().to_string();
    assert!(refused.contains("copy.new"), "{refused}");
    assert_eq!(names(&place("copy.new")), ["notes"]);
    fs::remove_dir_all(place("copy.new")).unwrap();
    let copy = export(&files, &place("copy")).unwrap();
    verify(&copy).unwrap();
    let app_hash_of_it = AppHash(trusted.as_ref().try_into().unwrap());
    assert_eq!(copy.manifest().app_hash(), app_hash_of_it);
    assert_eq!(copy.bytes().unwrap(), files.bytes().unwrap());

    let other = import(&copy, open("other"), &chain_id(), Some(AppHash([7; 32])));
    assert!(other.unwrap_err().to_string().contains("app hash"));
    let elsewhere = "elsewhere".parse().unwrap();
    let of_another = import(&copy, open("db"), &elsewhere, None).unwrap_err();
    assert!(of_another.to_string().contains("chain"), "{of_another}");
    let onto_blocks = import(&copy, open("db"), &chain_id(), None).unwrap_err();
    assert!(onto_blocks.to_string().contains("block 1"), "{onto_blocks}");

    import(&copy, open("other"), &chain_id(), Some(app_hash_of_it)).unwrap();
    let comet = Comet::open(open("other"), 1);
    assert_eq!(app_hash(&comet.node), trusted);
}

#[test]
fn a_damaged_file_is_named_and_leaves_the_store_empty() {
    let folder = tempfile::tempdir().unwrap();
    let mut chain = chain(20_000);
    chain.block(3);
    chain.snapshot(folder.path());
    let path = folder.path().join("1");
    let damaged = path.join("000001.chunk");
    let mut bytes = fs::read(&damaged).unwrap();
    bytes[1_000] ^= 4;
    fs::write(&damaged, bytes).unwrap();
    let files = SnapshotFiles::open(&path).unwrap();
    let refused = verify(&files).unwrap_err().to_string();
    assert!(refused.starts_with("chunk 1:"), "{refused}");
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let refused = import(&files, store.clone(), &chain_id(), None).unwrap_err();
    assert!(refused.to_string().starts_with("chunk 1:"), "{refused}");
    assert_eq!(Comet::open(store, 0).node.info().last_block_height, 0);
}
