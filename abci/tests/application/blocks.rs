//! Proposals, replay and restarts of a node.

use std::sync::Arc;

use ait_abci::{Application, BlockInfo, OpenError, transport::Application as _};
use ait_app::{
    block::protobuf_size,
    crypto::sha256,
    state::{
        Key, State,
        app_hash::{self, ProofOp},
        merkle::Leaf,
    },
};
use ait_store::{MemoryStore, Store, Table, WriteBatch};
use bytes::Bytes;
use tendermint_proto::{
    google::protobuf::Duration,
    v0_38::{
        abci::{
            RequestFinalizeBlock, RequestInitChain, RequestQuery, ValidatorUpdate, request,
            response,
        },
        crypto::{PublicKey as ProtoKey, public_key::Sum},
        types::ConsensusParams,
    },
};

use crate::driver::{Comet, address, chain_id, init_chain, key, transfer};

#[test]
fn replay_without_proposals_gives_the_same_app_hash() {
    let mut proposer = Comet::begin(&["alice"]);
    let mut replica = Comet::begin(&["alice"]);
    for nonce in 1..=5 {
        proposer.submit(&transfer("alice", nonce, 100));
        let block = proposer.make_block();
        replica.decide(block.into_iter().map(|(tx, _)| tx).collect());
    }
    let heads =
        [&proposer, &replica].map(|comet| comet.node.reader().newest().unwrap().block.clone());
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
    let too_much = crate::driver::transfer_of("alice", 1, 100, 2_000_000_000).to_wire();
    assert!(comet.accepts(vec![too_much.into()]));
}

#[test]
fn a_decided_block_of_garbage_has_a_result_for_each_entry_and_changes_nothing() {
    let mut comet = Comet::begin(&["alice"]);
    comet.make_block();
    let before = comet.node.reader().newest().unwrap().block.app_hash.clone();
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
    assert_eq!(comet.node.reader().newest().unwrap().block.app_hash, before);
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
    let mut first = Comet::begin_on(store.clone(), &["alice"]);
    first.submit(&transfer("alice", 1, 100));
    first.make_block();
    let head = first.node.reader().newest().unwrap();
    let mut again = Comet::open(store, 1);
    let info = again.node.info();
    assert_eq!(info.last_block_height, 1);
    assert_eq!(info.last_block_app_hash, head.state.app_hash().0.to_vec());
    let mut other = Comet::begin(&["alice"]);
    for comet in [&mut again, &mut other] {
        if comet.height == 0 {
            comet.submit(&transfer("alice", 1, 100));
            comet.make_block();
        }
        comet.submit(&transfer("alice", 2, 100));
        comet.make_block();
    }
    let heads = [&other, &again].map(|comet| comet.node.reader().newest().unwrap().block.clone());
    assert_eq!(heads[0], heads[1]);
}

#[test]
fn the_genesis_decides_how_large_a_block_may_be_and_a_restarted_node_still_knows() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mut comet = Comet::open(store.clone(), 0);
    let mut genesis = init_chain(&["alice"], serde_json::json!({}));
    let params = genesis.consensus_params.as_mut().unwrap();
    params.block.as_mut().unwrap().max_bytes = 2_000;
    comet.node.consensus().init_chain(&genesis).unwrap();
    for nonce in 1..=15 {
        comet.submit(&transfer("alice", nonce, 100));
    }
    let proposal = comet.proposal();
    let bytes: usize = proposal.iter().map(|tx| protobuf_size(tx.len())).sum();
    assert!(proposal.len() < 15 && bytes <= 2_000, "{bytes}");
    let too_many: Vec<Bytes> = comet.mempool.clone();
    assert!(comet.accepts(proposal) && !comet.accepts(too_many.clone()));
    let done = comet.make_block().len();
    let restarted = Comet::open(store, 1);
    assert!(!restarted.accepts(too_many[done..].to_vec()));
    assert!(restarted.accepts(too_many[done..done + 1].to_vec()));
}

/// The store of a chain of one block, with one write more that no block made.
fn tampered(table: Table, change: impl FnOnce(&State) -> (Vec<u8>, Vec<u8>)) -> Arc<dyn Store> {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mut comet = Comet::begin_on(store.clone(), &["alice"]);
    comet.make_block();
    let head = comet.node.reader().newest().unwrap();
    let block = BlockInfo {
        height: 2,
        ..head.block.clone()
    };
    let mut batch = WriteBatch {
        height: 2,
        meta: serde_json::to_vec(&block).unwrap(),
        ..WriteBatch::default()
    };
    let (key, value) = change(&head.state);
    batch.put(table, key, value);
    store.commit(&batch).unwrap();
    store
}

#[test]
fn a_store_whose_tree_has_another_app_hash_is_refused() {
    let store = tampered(Table::Roots, |_| {
        let height = 2_u64.to_be_bytes().to_vec();
        (vec![b'p', 0], height)
    });
    let refused = Application::open(store, chain_id(), 1 << 20, Arc::new(|_| {}));
    assert!(matches!(refused.err(), Some(OpenError::Corrupt(_))));
}

#[test]
fn a_record_that_was_changed_on_disk_is_never_believed() {
    let forged = Key::parse(&format!("/account/{}", address("alice"))).unwrap();
    let key_hash = sha256(&forged.to_bytes());
    let store = tampered(Table::Records, |state| {
        let value = state.bytes(&forged).unwrap().unwrap();
        let text = String::from_utf8(value).unwrap();
        let richer = text.replacen("\"balance\":", "\"balance\":9", 1);
        let leaf = Leaf::new(&forged.to_bytes(), richer.as_bytes()).unwrap();
        (key_hash.to_vec(), leaf.record().to_vec())
    });
    let checked = ait_abci::check(store.clone(), &chain_id(), |_| {});
    assert!(checked.is_err(), "{checked:?}");
    let opened = Application::open(store, chain_id(), 1 << 20, Arc::new(|_| {}));
    // A state this small has one bucket, which the start already reads.
    assert!(matches!(opened.err(), Some(OpenError::Corrupt(_))));
}

#[test]
fn a_record_that_the_disk_loses_while_the_node_runs_is_found() {
    let lost: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let (heard, hear) = std::sync::mpsc::channel();
    let on_fatal = Arc::new(move |why: String| drop(heard.send(why)));
    let node = Application::open(lost.clone(), chain_id(), 1 << 20, on_fatal).unwrap();
    let mut comet = Comet {
        node,
        mempool: Vec::new(),
        height: 0,
    };
    let genesis = init_chain(&["alice"], serde_json::json!({}));
    comet.node.consensus().init_chain(&genesis).unwrap();
    let mut scrubber = comet.node.scrubber();
    assert_eq!(scrubber.step(10).unwrap(), 0, "nothing is stored yet");
    comet.make_block();
    assert!(scrubber.step(10).unwrap() > 0);
    let alice = Key::parse(&format!("/account/{}", address("alice"))).unwrap();
    let mut batch = WriteBatch {
        height: 2,
        ..WriteBatch::default()
    };
    let committed = comet.node.reader().newest().unwrap();
    let is_read = || committed.state.bytes(&alice).unwrap().is_some();
    assert!(is_read());
    batch.remove(Table::Records, sha256(&alice.to_bytes()));
    lost.commit(&batch).unwrap();
    assert!(is_read(), "it is in memory");
    let whole_pass = (0..100).try_for_each(|_| scrubber.step(10).map(|_| ()));
    assert!(whole_pass.is_err());
    let why = hear.try_recv().unwrap();
    assert!(why.contains("records on disk"), "{why}");
}

/// The one message with which a node stops on a genesis.
fn refused(request: RequestInitChain) -> String {
    let comet = Comet::open(Arc::new(MemoryStore::new()), 0);
    let refusal = comet.node.consensus().init_chain(&request);
    refusal.unwrap_err().to_string()
}

#[test]
fn a_genesis_that_contradicts_itself_stops_the_node_with_one_message() {
    let begin = |chain_id: &str, app_state: &str| {
        refused(RequestInitChain {
            chain_id: chain_id.into(),
            app_state_bytes: app_state.as_bytes().to_vec().into(),
            ..init_chain(&[], serde_json::json!({}))
        })
    };
    assert!(begin("another-chain", "{}").contains("CHAIN_ID"));
    assert!(begin(crate::driver::CHAIN, "{}").contains("accounts"));
    assert!(
        begin(crate::driver::CHAIN, "{\"accounts\":{},\"params\":{}}").contains("admin is missing")
    );
    let early = serde_json::json!({ "unbonding_blocks": 111 });
    assert!(refused(init_chain(&[], early)).contains("unbonding_blocks"));
}

#[test]
fn comet_params_that_do_not_fit_the_protocol_stop_the_node() {
    let with = |change: fn(&mut ConsensusParams)| {
        let mut genesis = init_chain(&[], serde_json::json!({}));
        change(genesis.consensus_params.as_mut().unwrap());
        refused(genesis)
    };
    let long_evidence = with(|params| {
        params.evidence.as_mut().unwrap().max_age_duration = Some(Duration {
            seconds: 101,
            nanos: 0,
        });
    });
    assert!(
        long_evidence.contains("max_age_duration"),
        "{long_evidence}"
    );
    let no_block = with(|params| params.block.as_mut().unwrap().max_bytes = 0);
    assert!(no_block.contains("block.max_bytes"), "{no_block}");
    let other_keys = with(|params| {
        params.validator.as_mut().unwrap().pub_key_types = vec!["secp256k1".into()];
    });
    assert!(other_keys.contains("pub_key_types"), "{other_keys}");
}

#[test]
fn the_genesis_names_no_validators_or_exactly_the_authorities() {
    let vera = |name: &str, power| ValidatorUpdate {
        pub_key: Some(ProtoKey {
            sum: Some(Sum::Ed25519(key(name).public_key().as_bytes().to_vec())),
        }),
        power,
    };
    let with = |validators| RequestInitChain {
        validators,
        ..init_chain(&[], serde_json::json!({}))
    };
    let right = vera("vera consensus", 10);
    let comet = Comet::open(Arc::new(MemoryStore::new()), 0);
    let consensus = comet.node.consensus();
    let answer = consensus.init_chain(&with(vec![right.clone()])).unwrap();
    assert_eq!(answer.validators, std::slice::from_ref(&right));
    for wrong in [
        vec![vera("vera consensus", 11)],
        vec![vera("mallory", 10)],
        vec![right.clone(), right.clone()],
        vec![right, vera("mallory", 1)],
    ] {
        assert!(refused(with(wrong)).contains("validators"));
    }
}

#[test]
fn info_and_the_genesis_answer_name_the_same_version_and_app_hash() {
    let comet = Comet::open(Arc::new(MemoryStore::new()), 0);
    let genesis = init_chain(&[], serde_json::json!({}));
    let answer = comet.node.consensus().init_chain(&genesis).unwrap();
    let version = answer.consensus_params.unwrap().version.unwrap().app;
    assert_eq!(comet.node.info().app_version, version);
    assert_eq!(version, 2);
    assert_eq!(answer.app_hash.len(), 32);
}

#[test]
fn a_block_out_of_step_stops_the_node() {
    let comet = Comet::begin(&["alice"]);
    let request = RequestFinalizeBlock {
        height: 7,
        ..RequestFinalizeBlock::default()
    };
    let refusal = comet.node.consensus().finalize_block(request);
    let message = refusal.unwrap_err().to_string();
    assert!(
        message.contains("block 7") && message.contains("next is 1"),
        "{message}"
    );
}

#[test]
fn queries_answer_with_value_and_proof_at_the_asked_height() {
    let mut comet = Comet::begin(&["alice"]);
    comet.make_block();
    comet.submit(&transfer("alice", 1, 100));
    comet.make_block();
    let query = |path: String, height: i64| {
        let request = RequestQuery {
            path,
            height,
            prove: true,
            ..RequestQuery::default()
        };
        match comet.node.answer(request::Value::Query(request)) {
            Ok(response::Value::Query(answer)) => answer,
            other => panic!("{other:?}"),
        }
    };
    let path = format!("/account/{}", crate::driver::address("bob"));
    for (height, balance) in [(1, None), (2, Some(1))] {
        let answer = query(path.clone(), height);
        assert_eq!((answer.code, answer.height), (0, height));
        let value: Option<serde_json::Value> = serde_json::from_slice(&answer.value).ok();
        assert_eq!(
            value.map(|value| value["balance"].as_u64()),
            balance.map(Some)
        );
        let ops = answer.proof_ops.unwrap().ops;
        let kinds: Vec<&str> = ops.iter().map(|op| op.r#type.as_str()).collect();
        assert_eq!(kinds, ["ics23:smt", "ics23:simple"]);
        assert_eq!(ops[0].key, path.as_bytes());
        assert_eq!(ops[1].key, b"ait");
        let committed = comet.node.reader().at(height.unsigned_abs()).unwrap();
        let value = balance.map(|_| answer.value.as_ref());
        let steps: Vec<ProofOp> = ["ics23:smt", "ics23:simple"]
            .into_iter()
            .zip(ops)
            .map(|(kind, op)| ProofOp {
                kind,
                key: op.key,
                data: op.data,
            })
            .collect();
        let header = committed.state.app_hash();
        assert!(app_hash::verify(&header, path.as_bytes(), value, &steps));
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
