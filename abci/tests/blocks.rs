//! Proposals, replay and restarts of a node.
#![allow(clippy::unwrap_used)]

mod driver;

use std::sync::Arc;

use ait_abci::{Node, OpenError};
use ait_store::{Batch, MemoryStore, Store};
use driver::{Comet, chain_id, transfer};
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{
    RequestFinalizeBlock, RequestInfo, RequestInitChain, RequestQuery,
};

#[test]
fn replay_without_proposals_gives_the_same_app_hash() {
    let mut proposer = Comet::begin(&["alice"]);
    let mut replica = Comet::begin(&["alice"]);
    for nonce in 1..=5 {
        proposer.submit(&transfer("alice", nonce, 100));
        let block = proposer.make_block();
        replica.decide(block.into_iter().map(|(tx, _)| tx).collect());
    }
    let heads = [&proposer, &replica].map(|comet| comet.node.snapshot().unwrap().head.clone());
    assert_eq!(heads[0], heads[1]);
    assert_eq!(heads[0].height, 5);
}

#[test]
fn a_proposal_with_a_transaction_that_fails_authentication_is_rejected_but_one_that_merely_fails_is_not()
 {
    let comet = Comet::begin(&["alice"]);
    let skipping = transfer("alice", 2, 100).to_wire();
    assert!(!comet.accepts(vec![skipping.into()]));
    assert!(!comet.accepts(vec![b"nonsense".as_slice().into()]));
    let too_much = driver::transfer_of("alice", 1, 100, 2_000_000_000).to_wire();
    assert!(comet.accepts(vec![too_much.into()]));
}

#[test]
fn a_decided_block_of_garbage_has_a_result_for_each_entry_and_changes_nothing() {
    let mut comet = Comet::begin(&["alice"]);
    comet.make_block();
    let before = comet.node.snapshot().unwrap().head.app_hash.clone();
    let garbage: Vec<bytes::Bytes> = vec![
        b"".as_slice().into(),
        b"{}".as_slice().into(),
        b"\xff\xfe".as_slice().into(),
        b"{\"attestations\":[],\"type\":\"ATTESTATIONS\"}"
            .as_slice()
            .into(),
        vec![b'['; 100_000].into(),
    ];
    let results = comet.decide(garbage);
    assert_eq!(results.len(), 5);
    assert!(results.iter().all(|(_, result)| result.code != 0));
    assert_eq!(comet.node.snapshot().unwrap().head.app_hash, before);
}

#[test]
fn a_proposal_above_4_mib_by_protobuf_size_is_rejected_and_never_made() {
    let mut comet = Comet::begin(&["alice"]);
    let big: Vec<bytes::Bytes> = vec![vec![b'x'; 16_000].into(); 263];
    assert!(!comet.accepts(big));
    let many: Vec<bytes::Bytes> = vec![b"x".as_slice().into(); 1_000_000];
    assert!(!comet.accepts(many), "a million one-byte entries");
    comet.submit(&transfer("alice", 1, 100));
    assert_eq!(comet.proposal().len(), 1);
}

#[test]
fn a_restarted_node_goes_on_from_its_store() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mut first = Comet::begin(&["alice"]);
    first.submit(&transfer("alice", 1, 100));
    first.make_block();
    let head = first.node.snapshot().unwrap();
    store
        .commit(&Batch {
            height: 1,
            meta: serde_json::to_vec(&head.head).unwrap(),
            state: head
                .state
                .entries()
                .map(|(k, v)| (k.to_vec(), Some(v.to_vec())))
                .collect(),
            ..Batch::default()
        })
        .unwrap();
    let mut again = Comet::open(store, 1);
    let info = again.node.info(RequestInfo::default());
    assert_eq!(info.last_block_height, 1);
    assert_eq!(info.last_block_app_hash, head.state.root().to_vec());
    again.submit(&transfer("alice", 2, 100));
    first.submit(&transfer("alice", 2, 100));
    again.make_block();
    first.make_block();
    let heads = [&first, &again].map(|comet| comet.node.snapshot().unwrap().head.clone());
    assert_eq!(heads[0], heads[1]);
}

#[test]
fn a_store_whose_records_do_not_match_their_root_is_refused() {
    let mut comet = Comet::begin(&["alice"]);
    comet.make_block();
    let head = comet.node.snapshot().unwrap();
    let store = MemoryStore::new();
    let mut state: Vec<_> = head
        .state
        .entries()
        .map(|(k, v)| (k.to_vec(), Some(v.to_vec())))
        .collect();
    state.push((
        b"/account/forged".to_vec(),
        Some(b"{\"balance\":1,\"nonce\":0,\"pubkey\":null}".to_vec()),
    ));
    let meta = serde_json::to_vec(&head.head).unwrap();
    store
        .commit(&Batch {
            height: 1,
            meta,
            state,
            ..Batch::default()
        })
        .unwrap();
    let refused = Node::open(Arc::new(store), chain_id(), Arc::new(|_| {}));
    assert!(matches!(refused.err(), Some(OpenError::Corrupt(_))));
}

#[test]
fn the_pool_saved_at_a_stop_is_offered_at_the_next_start() {
    let mut comet = Comet::begin(&["alice"]);
    comet.make_block();
    let txs = [transfer("alice", 1, 100), transfer("alice", 2, 100)];
    for tx in &txs {
        comet.submit(tx);
    }
    assert_eq!(comet.node.save_pool().unwrap(), 2);
    let offered = comet.node.saved_transactions();
    assert!(
        offered.is_empty(),
        "the running node has nothing to offer itself"
    );
}

#[test]
fn a_genesis_that_contradicts_itself_stops_the_node_with_one_message() {
    let begin = |chain_id: &str, app_state: &str| {
        let comet = Comet::open(Arc::new(MemoryStore::new()), 0);
        comet.node.init_chain(RequestInitChain {
            chain_id: chain_id.into(),
            app_state_bytes: app_state.as_bytes().to_vec().into(),
            initial_height: 1,
            ..RequestInitChain::default()
        });
        let messages = comet.fatal.lock().unwrap().clone();
        assert_eq!(messages.len(), 1);
        messages[0].clone()
    };
    assert!(begin("another-chain", "{}").contains("CHAIN_ID"));
    assert!(begin(driver::CHAIN, "{}").contains("accounts is missing"));
    assert!(begin(driver::CHAIN, "{\"accounts\":{},\"params\":{}}").contains("admin is missing"));
}

#[test]
fn a_block_out_of_step_stops_the_node() {
    let comet = Comet::begin(&["alice"]);
    comet.node.finalize_block(RequestFinalizeBlock {
        height: 7,
        ..RequestFinalizeBlock::default()
    });
    let messages = comet.fatal.lock().unwrap().clone();
    assert!(
        messages[0].contains("block 7") && messages[0].contains("next is 1"),
        "{messages:?}"
    );
}

#[test]
fn queries_answer_with_value_and_proof_at_the_asked_height() {
    let mut comet = Comet::begin(&["alice"]);
    comet.make_block();
    comet.submit(&transfer("alice", 1, 100));
    comet.make_block();
    let query = |path: String, height: i64| {
        comet.node.query(RequestQuery {
            path,
            height,
            prove: true,
            ..RequestQuery::default()
        })
    };
    let path = format!("/account/{}", driver::address("bob"));
    for (height, balance) in [(1, None), (2, Some(1))] {
        let answer = query(path.clone(), height);
        assert_eq!((answer.code, answer.height), (0, height));
        let value: Option<serde_json::Value> = serde_json::from_slice(&answer.value).ok();
        assert_eq!(
            value.map(|value| value["balance"].as_u64()),
            balance.map(Some)
        );
        let op = &answer.proof_ops.unwrap().ops[0];
        assert_eq!(op.r#type, "ics23:smt");
        let proof = ait_app::state::merkle::decode_proof(&op.data).unwrap();
        let root = comet
            .node
            .snapshot_at(height.unsigned_abs())
            .unwrap()
            .state
            .root();
        let value = balance.map(|_| answer.value.as_ref());
        assert!(ait_app::state::merkle::verify(
            &root,
            path.as_bytes(),
            value,
            &proof
        ));
    }
    for (path, height) in [
        ("/nonsense", 0),
        ("", 0),
        ("/supply", 99),
        ("/supply", -1),
        ("/account/x", 0),
    ] {
        let answer = query(path.into(), height);
        assert_ne!(answer.code, 0, "{path} at {height}");
        assert!(!answer.log.is_empty());
    }
}
