//! What a node still knows of its pool after a stop, and what CometBFT is offered again.

use std::sync::Arc;

use ait_app::{quantity::Nonce, tx::Transaction};
use ait_store::{MemoryStore, Store};
use tendermint_proto::v0_38::abci::{CheckTxType, RequestCheckTx};

use crate::driver::{Comet, address, hash, transfer, transfer_of};

/// A chain with a block, and a pool that a graceful stop saved.
fn stopped(pool: &[Transaction]) -> Arc<dyn Store> {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mut comet = Comet::begin_on(store.clone(), &["alice", "carl"]);
    comet.make_block();
    comet.submit_all(pool);
    assert_eq!(comet.node.mempool().save().unwrap(), pool.len());
    store
}

fn next_nonce(comet: &Comet, name: &str) -> u64 {
    comet
        .node
        .mempool()
        .next_nonce(&address(name))
        .unwrap()
        .get()
}

/// Offers CometBFT what the node wants it to have.
fn offer(comet: &mut Comet) {
    for (hash, wire) in comet.node.mempool().unoffered() {
        let tx: bytes::Bytes = wire.to_vec().into();
        let request = RequestCheckTx {
            tx: tx.clone(),
            r#type: CheckTxType::New as i32,
        };
        let answer = comet.node.check_tx(&request).unwrap();
        assert_eq!(answer.code, 0, "{}", answer.log);
        comet.mempool.push(tx);
        comet.node.mempool().offered(&hash);
    }
}

#[test]
fn what_was_acknowledged_before_a_stop_is_known_before_cometbft_is_there() {
    let pool = [transfer("alice", 1, 100), transfer("alice", 2, 100)];
    let comet = Comet::open(stopped(&pool), 1);
    for tx in &pool {
        assert!(comet.pool_has(tx));
    }
    assert_eq!(next_nonce(&comet, "alice"), 3);
    assert_eq!(comet.node.mempool().stats().transactions, 2);
}

#[test]
fn a_payment_at_the_next_nonce_after_a_restart_takes_no_ones_place() {
    let before = transfer("alice", 1, 100);
    let mut comet = Comet::open(stopped(std::slice::from_ref(&before)), 1);
    let after = transfer("alice", next_nonce(&comet, "alice"), 200);
    comet.submit_all([&after]);
    offer(&mut comet);
    let block = comet.make_block();
    for tx in [&before, &after] {
        assert_eq!(Comet::code_in(&block, tx), Some(0));
    }
}

#[test]
fn blocks_that_come_before_the_offer_drop_nothing() {
    let pool = [transfer("alice", 1, 100), transfer("alice", 2, 100)];
    let mut comet = Comet::open(stopped(&pool), 1);
    for _ in 0..5 {
        comet.decide(Vec::new());
    }
    assert_eq!(comet.node.mempool().unoffered().len(), 2);
    assert_eq!(next_nonce(&comet, "alice"), 3);
    offer(&mut comet);
    assert!(comet.node.mempool().unoffered().is_empty());
    assert_eq!(comet.make_block().len(), 2);
}

#[test]
fn what_cometbft_was_offered_and_does_not_keep_is_dropped() {
    let tx = transfer("alice", 1, 100);
    let mut comet = Comet::open(stopped(std::slice::from_ref(&tx)), 1);
    comet.node.mempool().offered(&hash(&tx));
    assert!(comet.node.mempool().unoffered().is_empty());
    for _ in 0..3 {
        comet.decide(Vec::new());
    }
    assert!(!comet.pool_has(&tx));
    assert_eq!(comet.dropped(&tx), Some("dropped"));
}

#[test]
fn what_a_restart_refuses_is_remembered_with_its_reason() {
    let store = stopped(&[]);
    let pool = [
        transfer_of("alice", 1, 100, 999_000_000),
        transfer_of("alice", 2, 100, 1_000),
        transfer("alice", 999, 100),
        transfer("carl", 1, 100),
    ];
    let mut wires: Vec<Vec<u8>> = pool.iter().map(Transaction::to_wire).collect();
    wires.push(b"no transaction".to_vec());
    store.save_pool(&wires).unwrap();
    let comet = Comet::open(store, 1);
    assert!(comet.pool_has(&pool[0]) && comet.pool_has(&pool[1]) && comet.pool_has(&pool[3]));
    assert_eq!(comet.dropped(&pool[2]), Some("nonce_too_far_ahead"));
    assert_eq!(next_nonce(&comet, "carl"), 2);
}

#[test]
fn a_pool_that_was_saved_before_the_first_block_is_judged_on_the_genesis() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let tx = transfer("alice", 1, 100);
    store.save_pool(&[tx.to_wire()]).unwrap();
    let mut comet = Comet::begin_on(store, &["alice"]);
    assert!(comet.pool_has(&tx));
    offer(&mut comet);
    assert_eq!(comet.make_block().len(), 1);
}

#[test]
fn what_a_stop_saved_survives_crashes_until_it_is_committed_or_refused() {
    let pool = [
        transfer("alice", 1, 100),
        transfer("alice", 2, 100),
        transfer("alice", 3, 100),
    ];
    let store = stopped(&pool);
    drop(Comet::open(store.clone(), 1));
    let mut comet = Comet::open(store.clone(), 1);
    // Blocks of others, one of which has the first: then a crash, which saves nothing.
    comet.decide(Vec::new());
    comet.decide(vec![pool[0].to_wire().into()]);
    drop(comet);
    let mut comet = Comet::open(store.clone(), 3);
    assert!(!comet.pool_has(&pool[0]) && comet.pool_has(&pool[1]) && comet.pool_has(&pool[2]));
    // Another transaction takes the place of one, and a block has both that are left.
    let instead = transfer("alice", 3, 500);
    comet.decide(vec![pool[1].to_wire().into(), instead.to_wire().into()]);
    assert_eq!(store.saved_pool().unwrap(), Vec::<Vec<u8>>::new());
    assert_eq!(comet.node.mempool().stats().transactions, 0);
}

#[test]
fn a_cometbft_that_began_anew_is_offered_the_pool_and_nothing_is_lost_meanwhile() {
    let mut comet = Comet::begin(&["alice"]);
    comet.make_block();
    let pool = [transfer("alice", 1, 100), transfer("alice", 2, 100)];
    comet.submit_all(&pool);
    assert!(comet.node.mempool().unoffered().is_empty());
    comet.mempool.clear();
    comet.node.info();
    for _ in 0..3 {
        comet.decide(Vec::new());
    }
    assert_eq!(
        comet.node.mempool().next_nonce(&address("alice")).unwrap(),
        Nonce::constant(3)
    );
    offer(&mut comet);
    assert_eq!(comet.make_block().len(), 2);
}
