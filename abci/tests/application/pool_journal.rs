//! With a journal, what was acknowledged and is in no block yet outlives the process, however it ends.

use std::{path::Path, sync::Arc};

use ait_abci::Envelope;
use ait_app::tx::Transaction;
use ait_store::{MemoryStore, Store};
use bytes::Bytes;

use crate::driver::{Comet, transfer};

fn open(store: &Arc<dyn Store>, folder: &Path, height: i64) -> Comet {
    let comet = Comet::open(store.clone(), height);
    comet.node.mempool().keep_journal_in(folder).unwrap();
    comet
}

fn begun(folder: &Path) -> (Comet, Arc<dyn Store>) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let comet = Comet::begin_on(store.clone(), &["alice", "bob", "carol"]);
    comet.node.mempool().keep_journal_in(folder).unwrap();
    (comet, store)
}

fn envelope(txs: &[Transaction]) -> Bytes {
    let mut envelope = Envelope::default();
    for tx in txs {
        assert!(envelope.push(tx.to_wire().into()).is_ok());
    }
    envelope.to_wire()
}

#[test]
fn what_was_acknowledged_is_pending_again_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let (mut comet, store) = begun(folder.path());
    let alone: Vec<_> = (1..=3)
        .map(|nonce| transfer("alice", nonce, 2_000))
        .collect();
    let together: Vec<_> = (1..=3)
        .map(|nonce| transfer("carol", nonce, 2_000))
        .collect();
    comet.submit_all(&alone);
    assert_eq!(comet.submit_bytes(envelope(&together)).code, 0);
    let refused = transfer("alice", 4, 1);
    assert_ne!(comet.submit(&refused).code, 0);
    // A block takes the first of alice's.
    comet.decide(vec![alone[0].to_wire().into()]);
    let height = comet.height;
    drop(comet);

    let mut comet = open(&store, folder.path(), height);
    assert!(!comet.pool_has(&alone[0]) && !comet.pool_has(&refused));
    for tx in alone[1..].iter().chain(&together) {
        assert!(comet.pool_has(tx));
    }
    assert_eq!(comet.offer().len(), 5);
    comet.make_block();
    assert!(comet.mempool.is_empty());
    let height = comet.height;
    drop(comet);
    let comet = open(&store, folder.path(), height);
    assert!(together.iter().all(|tx| !comet.pool_has(tx)));
}

#[test]
fn a_kill_while_the_next_start_judges_loses_nothing_either() {
    let folder = tempfile::tempdir().unwrap();
    let (mut comet, store) = begun(folder.path());
    let kept = transfer("alice", 1, 2_000);
    comet.submit_all([&kept]);
    drop(comet);
    for _ in 0..3 {
        let comet = open(&store, folder.path(), 0);
        assert!(comet.node.reader().newest().is_none());
        drop(comet);
    }
    let mut comet = open(&store, folder.path(), 0);
    let genesis = crate::driver::init_chain(&["alice", "bob", "carol"], serde_json::json!({}));
    comet.node.consensus().init_chain(&genesis).unwrap();
    assert!(comet.pool_has(&kept));
    comet.submit_all([&transfer("alice", 2, 2_000)]);
}

#[test]
fn what_a_stop_saved_and_the_journal_has_is_pending_once() {
    let folder = tempfile::tempdir().unwrap();
    let (mut comet, store) = begun(folder.path());
    comet.make_block();
    let kept = transfer("alice", 1, 2_000);
    comet.submit_all([&kept]);
    assert_eq!(comet.node.mempool().save().unwrap(), 1);
    drop(comet);
    let comet = open(&store, folder.path(), 1);
    assert!(comet.pool_has(&kept));
    assert_eq!(comet.node.mempool().save().unwrap(), 1);
}

#[test]
fn a_journal_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("pool.journal")).unwrap();
    let comet = Comet::begin(&[]);
    let error = comet.node.mempool().keep_journal_in(folder.path());
    let said = error.unwrap_err().to_string();
    assert!(
        said.contains("POOL_JOURNAL") && said.contains("pool.journal"),
        "{said}"
    );
}

#[test]
fn what_comes_again_and_again_while_no_block_does_never_fills_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (mut comet, store) = begun(folder.path());
    comet.make_block();
    let kept = transfer("alice", 1, 2_000);
    for _ in 0..20_000 {
        assert_eq!(comet.submit_when_full(&kept).code, 0);
    }
    let journal = std::fs::metadata(folder.path().join("pool.journal")).unwrap();
    assert!(journal.len() < 2 * 1024 * 1024, "{}", journal.len());
    drop(comet);
    let comet = open(&store, folder.path(), 1);
    assert!(comet.pool_has(&kept));
}
