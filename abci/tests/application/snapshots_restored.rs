//! A node that restores a snapshot is as the one that gave it, and goes on with it.

use std::{collections::BTreeSet, path::Path, sync::Arc, thread};

use ait_abci::check;
use ait_app::{state::Key, tx::Transaction};
use ait_store::{Engine, MemoryStore, Store};
use bytes::Bytes;
use serde_json::json;
use tendermint_proto::v0_38::abci::response_offer_snapshot::Result as Offered;

use crate::driver::{
    Comet, address, chain_id,
    joining::{Chain, app_hash, apply, chunks, is_accepted, offer, restore},
    sign,
    work::{Says, attest, attested_claim, escrow, opening_with, stake, work},
};

/// More than two chunks of records.
const ACCOUNTS: usize = 20_000;

fn on_disk(engine: Engine, folder: &Path) -> Arc<dyn Store> {
    Arc::from(ait_store::open(folder, "ait-test", engine).unwrap())
}

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

#[test]
fn a_node_that_restored_a_snapshot_goes_on_as_the_one_that_gave_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut chain = Chain::begin(memory(), ACCOUNTS);
    chain.block(30);
    chain.block(1);
    let snapshot = chain.snapshot(&folder.path().join("snapshots"));
    assert_eq!((snapshot.height, snapshot.format), (2, 1));
    assert!(snapshot.chunks > 2, "{}", snapshot.chunks);
    let trusted = chain.app_hash();
    let chunks = chunks(&chain.comet.node, &snapshot);
    let later: Vec<_> = (0..3).map(|_| chain.block(20)).collect();
    for engine in [Engine::Fjall, Engine::Sled] {
        let place = folder.path().join(engine.name());
        let mut comet = Comet::open(on_disk(engine, &place), 0);
        restore(&comet.node, &snapshot, &trusted, &chunks);
        let info = comet.node.info();
        assert_eq!((info.last_block_height, info.app_version), (2, 2));
        assert_eq!(info.last_block_app_hash, trusted);
        // A start finds it as it was left.
        drop(comet);
        comet = Comet::open(on_disk(engine, &place), 2);
        assert_eq!(app_hash(&comet.node), trusted);
        for block in &later {
            let results = comet.decide(block.clone());
            assert!(results.iter().all(|(_, result)| result.code == 0));
        }
        assert_eq!(app_hash(&comet.node), chain.app_hash());
        assert_eq!(comet.balance("alice"), chain.comet.balance("alice"));
        drop(comet);
        let checked = check(on_disk(engine, &place), &chain_id(), |_| {});
        assert_eq!(checked.unwrap().unwrap().height, 5);
    }
}

#[test]
fn readers_find_no_block_before_the_first_one_behind_the_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let mut chain = Chain::begin(memory(), 50);
    chain.block(5);
    let snapshot = chain.snapshot(folder.path());
    let mut comet = Comet::open(memory(), 0);
    let chunks = chunks(&chain.comet.node, &snapshot);
    restore(&comet.node, &snapshot, &chain.app_hash(), &chunks);
    assert!(comet.node.reader().newest().is_none());
    comet.height = 1;
    comet.decide(chain.block(5));
    let newest = comet.node.reader().newest().unwrap();
    assert_eq!(newest.block.height, 2);
    let bob = Key::Account(address("bob"));
    assert!(newest.state.bytes(&bob).unwrap().is_some());
}

#[test]
fn what_is_due_later_comes_due_in_a_restored_state_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut chain = Chain::begin(memory(), 50);
    let short = |job| opening_with(job, 60_000, json!({"ttl_blocks": 10}));
    let opened = [
        escrow("alice", 1, "paid_later"),
        sign("alice", 2, 2_000, short("expires")),
        sign("alice", 3, 2_000, short("expires_too")),
        stake("rich 2", 1, 2_000, "a new key"),
    ];
    let wires = |txs: &[Transaction]| txs.iter().map(|tx| tx.to_wire().into()).collect();
    let results = chain.comet.decide(wires(&opened));
    assert!(
        results.iter().all(|(_, result)| result.code == 0),
        "{results:?}"
    );
    let snapshot = chain.snapshot(folder.path());
    let mut comet = Comet::open(memory(), 0);
    let chunks = chunks(&chain.comet.node, &snapshot);
    restore(&comet.node, &snapshot, &chain.app_hash(), &chunks);
    comet.height = 1;

    let work = work("rich 1", "alice", "paid_later", "receipt");
    let claim = attested_claim(&work, "rich 1", 1, attest(&work, Says::Yes));
    let mut hashes = BTreeSet::new();
    for number in 0..30 {
        let txs: Vec<Bytes> = if number == 3 {
            wires(std::slice::from_ref(&claim))
        } else {
            Vec::new()
        };
        let [own, its] = [&mut chain.comet, &mut comet].map(|node| node.decide(txs.clone()));
        assert_eq!(own, its);
        assert!(own.iter().all(|(_, result)| result.code == 0), "{own:?}");
        let now = chain.app_hash();
        assert_eq!(app_hash(&comet.node), now, "block {}", comet.height);
        hashes.insert(now);
    }
    // The claim, the refunds and the ends of epochs changed it.
    assert!(hashes.len() > 2, "{}", hashes.len());
    let refunded = Key::Escrow(address("alice"), "expires".parse().unwrap());
    let newest = comet.node.reader().newest().unwrap();
    let record = newest.state.bytes(&refunded).unwrap().unwrap();
    assert!(String::from_utf8_lossy(&record).contains("\"refunded\""));
}

#[test]
fn a_snapshot_is_of_the_state_it_was_begun_with_while_blocks_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut chain = Chain::begin(on_disk(Engine::Fjall, &folder.path().join("db")), ACCOUNTS);
    chain.block(10);
    let trusted = chain.app_hash();
    let snapshots = chain.comet.node.snapshots().clone();
    snapshots
        .keep_in(&folder.path().join("snapshots"), 2)
        .unwrap();
    let taken = thread::scope(|scope| {
        // It is held until blocks have followed.
        let (begun, has_begun) = std::sync::mpsc::channel();
        let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
        let may_go_on = std::sync::Mutex::new(may_go_on);
        let goes_on = move || {
            let _ = begun.send(());
            let _ = may_go_on.lock().unwrap().recv();
            true
        };
        let taking = scope.spawn(move || snapshots.take(&goes_on).unwrap());
        has_begun.recv().unwrap();
        for _ in 0..5 {
            chain.block(50);
        }
        drop(go_on);
        taking.join().unwrap()
    });
    assert_eq!(taken, Some(1));
    let snapshot = crate::driver::joining::list(&chain.comet.node).remove(0);
    assert_eq!(snapshot.height, 1);
    let comet = Comet::open(memory(), 0);
    let chunks = chunks(&chain.comet.node, &snapshot);
    restore(&comet.node, &snapshot, &trusted, &chunks);
    assert_eq!(app_hash(&comet.node), trusted);
}

#[test]
fn a_restore_that_is_cut_short_leaves_an_empty_store_and_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut chain = Chain::begin(memory(), ACCOUNTS);
    chain.block(3);
    let snapshot = chain.snapshot(&folder.path().join("snapshots"));
    let trusted = chain.app_hash();
    let chunks = chunks(&chain.comet.node, &snapshot);
    for engine in [Engine::Fjall, Engine::Sled] {
        let place = folder.path().join(engine.name());
        let comet = Comet::open(on_disk(engine, &place), 0);
        assert_eq!(offer(&comet.node, &snapshot, &trusted), Offered::Accept);
        for (index, chunk) in (0..).zip(&chunks[1..]) {
            assert!(is_accepted(&apply(&comet.node, index + 1, chunk, "peer")));
        }
        assert_eq!(comet.node.info().last_block_height, 0);
        // The process ends here.
        drop(comet);
        let comet = Comet::open(on_disk(engine, &place), 0);
        assert_eq!(comet.node.info().last_block_height, 0);
        restore(&comet.node, &snapshot, &trusted, &chunks);
        assert_eq!(app_hash(&comet.node), trusted);
        drop(comet);
        let checked = check(on_disk(engine, &place), &chain_id(), |_| {});
        assert_eq!(checked.unwrap().unwrap().height, 1);
    }
}

#[test]
fn a_restored_state_gives_way_to_another_snapshot_until_a_block_follows() {
    let folder = tempfile::tempdir().unwrap();
    let mut chain = Chain::begin(memory(), ACCOUNTS);
    chain.block(3);
    let first = chain.snapshot(&folder.path().join("snapshots"));
    let first_hash = chain.app_hash();
    let first_chunks = chunks(&chain.comet.node, &first);
    chain.block(40);
    chain.block(40);
    let second = chain.snapshot(&folder.path().join("snapshots"));
    let second_chunks = chunks(&chain.comet.node, &second);
    for engine in [Engine::Fjall, Engine::Sled] {
        let place = folder.path().join(engine.name());
        let mut comet = Comet::open(on_disk(engine, &place), 0);
        restore(&comet.node, &first, &first_hash, &first_chunks);
        // CometBFT ended before it knew of it: what comes next is another one, of which a part arrives.
        let trusted = chain.app_hash();
        assert_eq!(offer(&comet.node, &second, &trusted), Offered::Accept);
        assert_eq!(comet.node.info().last_block_height, 0);
        drop(comet);
        comet = Comet::open(on_disk(engine, &place), 0);
        assert_eq!(comet.node.info().last_block_height, 0);
        restore(&comet.node, &second, &trusted, &second_chunks);
        assert_eq!(app_hash(&comet.node), trusted);
        comet.height = 3;
        let bob = Key::Account(address("bob"));
        let of_bob = |comet: &Comet| {
            let newest = comet.node.reader().newest().unwrap();
            newest.state.bytes(&bob).unwrap()
        };
        comet.decide(Vec::new());
        assert_eq!(of_bob(&comet), of_bob(&chain.comet));
        // A block followed: nothing is ever thrown away now.
        let kept = app_hash(&comet.node);
        assert_eq!(offer(&comet.node, &second, &trusted), Offered::Abort);
        assert_eq!(app_hash(&comet.node), kept);
    }
}
