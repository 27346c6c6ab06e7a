//! The last block is taken back: the store is as it was before it, on every database, and the chain goes on
//! from there.

use std::{path::Path, sync::Arc};

use ait_abci::{RollBackError, check, roll_back};
use ait_store::{Engine, MemoryStore, Store};
use bytes::Bytes;

use crate::driver::{
    Comet, chain_id, hash, joining, sign, transfer, transfer_of,
    work::{Says, attest, attested_claim, escrow, stake, work},
};

fn bytes(txs: &[ait_app::tx::Transaction]) -> Vec<Bytes> {
    txs.iter().map(|tx| tx.to_wire().into()).collect()
}

fn open(place: &Path, engine: Engine) -> Arc<dyn Store> {
    Arc::from(ait_store::open(place, "ait-test", engine).unwrap())
}

fn all_succeed(comet: &mut Comet, txs: &[ait_app::tx::Transaction]) {
    let results = comet.decide(bytes(txs));
    for (_, result) in &results {
        assert_eq!(result.code, 0, "{}", result.log);
    }
}

/// Blocks that make, change and delete records, and what each left.
fn begun(store: Arc<dyn Store>) -> (Comet, Vec<Bytes>) {
    let mut comet = Comet::begin_on(store, &["alice", "miner", "admin"]);
    let mut hashes = Vec::new();
    let job = work("miner", "alice", "job", "receipt");
    let claim = attested_claim(&job, "miner", 1, attest(&job, Says::Yes));
    for txs in [
        vec![escrow("alice", 1, "job"), transfer("admin", 1, 2_000)],
        vec![claim, stake("miner", 2, 2_000, "miner consensus")],
        vec![transfer_of("alice", 2, 2_000, 77)],
    ] {
        all_succeed(&mut comet, &txs);
        hashes.push(joining::app_hash(&comet.node));
    }
    (comet, hashes)
}

#[test]
fn a_store_without_its_last_block_is_what_it_was_before_it() {
    for engine in [Engine::Fjall, Engine::Sled] {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("db");
        let (comet, hashes) = begun(open(&place, engine));
        let last = transfer_of("alice", 2, 2_000, 77);
        drop(comet);
        let store = open(&place, engine);
        let before = roll_back(&store, &chain_id()).unwrap();
        assert_eq!(before.height, 2);
        let checked = check(store.clone(), &chain_id(), |_| {}).unwrap().unwrap();
        assert_eq!((checked.height, checked.transactions), (2, 4));
        let mut comet = Comet::open(store, 2);
        assert_eq!(comet.node.info().last_block_height, 2);
        assert_eq!(joining::app_hash(&comet.node), hashes[1]);
        assert_eq!(comet.node.reader().transaction(&hash(&last)).unwrap(), None);
        // The same block again leaves the same state, another one another.
        all_succeed(&mut comet, &[last]);
        assert_eq!(joining::app_hash(&comet.node), hashes[2]);
        all_succeed(&mut comet, &[transfer("alice", 3, 2_000)]);
    }
}

#[test]
fn one_block_after_the_other_can_be_taken_back_down_to_the_first() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let (comet, hashes) = begun(store.clone());
    drop(comet);
    for height in [2, 1] {
        assert_eq!(roll_back(&store, &chain_id()).unwrap().height, height);
        let comet = Comet::open(store.clone(), 0);
        let hash = joining::app_hash(&comet.node);
        assert_eq!(hash, hashes[usize::try_from(height).unwrap() - 1]);
    }
    let error = roll_back(&store, &chain_id()).unwrap_err();
    assert!(
        matches!(error, RollBackError::NothingBefore { height: 1 }),
        "{error}"
    );
    let empty: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let error = roll_back(&empty, &chain_id()).unwrap_err();
    assert!(matches!(error, RollBackError::NoBlock), "{error}");
}

#[test]
fn a_block_that_a_later_start_made_is_taken_back_too() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let (comet, hashes) = begun(store.clone());
    drop(comet);
    let mut comet = Comet::open(store.clone(), 3);
    let update = ait_app::params::update::ParamUpdate::new("base_fee", b"3").unwrap();
    all_succeed(&mut comet, &[sign("admin", 2, 2_000, update)]);
    drop(comet);
    assert_eq!(roll_back(&store, &chain_id()).unwrap().height, 3);
    let comet = Comet::open(store, 3);
    assert_eq!(joining::app_hash(&comet.node), hashes[2]);
    let newest = comet.node.reader().newest().unwrap();
    assert_eq!(newest.state.params().base_fee.get(), 2);
}
