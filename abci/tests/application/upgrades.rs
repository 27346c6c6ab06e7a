//! Upgrades as a node meets them: one that has the upgrade goes on, one that does not halts before its block
//! with one message, and headers carry the version.

use std::{num::NonZeroU64, sync::Arc};

use ait_abci::{Application, Fatal, Halt, OpenError};
use ait_app::{params::update::ParamUpdate, upgrades::record::ProtocolVersion};
use ait_store::{MemoryStore, Store};
use tendermint_proto::v0_38::abci::{RequestFinalizeBlock, RequestPrepareProposal};

use crate::driver::{Comet, chain_id, joining, sign, transfer};

const V2: ProtocolVersion = ProtocolVersion::V2;
const NEWEST: ProtocolVersion = ProtocolVersion::NEWEST;

fn plan(name: &str, height: u64) -> ParamUpdate {
    let value = format!("{{\"height\":{height},\"name\":\"{name}\"}}");
    ParamUpdate::new("upgrade", value.as_bytes()).unwrap()
}

/// A chain after block 10, whose block 11 begins with an upgrade.
fn before_upgrade(store: Arc<dyn Store>, name: &str) -> Comet {
    let mut comet = Comet::begin_on(store, &["admin", "alice"]);
    let update = sign("admin", 1, 2_000, plan(name, 11));
    comet.submit_all([&update]);
    assert_eq!(Comet::code_in(&comet.make_block(), &update), Some(0));
    while comet.height < 10 {
        comet.make_block();
    }
    comet
}

fn next_block(comet: &Comet) -> RequestFinalizeBlock {
    RequestFinalizeBlock {
        height: comet.height + 1,
        ..RequestFinalizeBlock::default()
    }
}

fn is_halt(answer: Result<impl Sized, Fatal>, message: &str) {
    match answer {
        Err(Fatal::Halt(halt)) => {
            let told = halt.to_string();
            assert!(told.contains(message), "{told}");
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it goes on"),
    }
}

#[test]
fn the_header_after_the_block_of_the_upgrade_has_its_version() {
    let mut comet = before_upgrade(Arc::new(MemoryStore::new()), "treasury-fees");
    assert_eq!(comet.node.info().app_version, 2);
    let consensus = comet.node.consensus();
    let response = consensus.finalize_block(next_block(&comet)).unwrap();
    let updates = response.consensus_param_updates.unwrap();
    assert_eq!(updates.version.unwrap().app, 3);
    assert!(updates.block.is_none() && updates.evidence.is_none());
    consensus.commit().unwrap();
    comet.height += 1;
    assert_eq!(comet.node.info().app_version, 3);
    let response = comet.node.consensus().finalize_block(next_block(&comet));
    assert_eq!(response.unwrap().consensus_param_updates, None);
}

#[test]
fn a_node_without_the_upgrade_halts_before_its_block_and_not_earlier() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mut comet = Comet::begin_on(store.clone(), &["admin", "alice"]);
    comet.node.consensus().halt_before(V2, None).unwrap();
    comet.submit_all([&sign("admin", 1, 2_000, plan("treasury-fees", 11))]);
    while comet.height < 10 {
        comet.make_block();
    }
    // It takes transactions until it is stopped.
    comet.submit_all([&transfer("alice", 1, 2_000)]);
    let consensus = comet.node.consensus();
    let proposal = RequestPrepareProposal {
        height: 11,
        max_tx_bytes: 1_000_000,
        ..RequestPrepareProposal::default()
    };
    is_halt(consensus.prepare_proposal(&proposal), "\"treasury-fees\"");
    is_halt(consensus.finalize_block(next_block(&comet)), "block 11");
    let left = joining::app_hash(&comet.node);
    drop(comet);

    // Started again it says so at once; a program that has the upgrade goes on from there.
    let comet = Comet::open(store, 10);
    assert!(comet.node.consensus().halt_before(V2, None).is_err());
    comet.node.consensus().halt_before(NEWEST, None).unwrap();
    assert_eq!(joining::app_hash(&comet.node), left);
    let response = comet.node.consensus().finalize_block(next_block(&comet));
    assert!(response.is_ok());
}

#[test]
fn an_upgrade_that_no_program_has_halts_every_node_at_its_height() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let comet = before_upgrade(store.clone(), "of-the-future");
    is_halt(
        comet.node.consensus().finalize_block(next_block(&comet)),
        "\"of-the-future\"",
    );
    drop(comet);
    let on_fatal = Arc::new(|why: String| panic!("{why}"));
    let opened = Application::open(store, chain_id(), 1 << 20, on_fatal);
    let error = opened.err().unwrap();
    assert!(
        matches!(error, OpenError::Halt(Halt::Upgrade { height: 11, .. })),
        "{error}"
    );
}

#[test]
fn a_node_that_knows_less_than_the_chain_does_not_begin() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mut comet = before_upgrade(store.clone(), "treasury-fees");
    comet.make_block();
    drop(comet);
    let comet = Comet::open(store, 11);
    let halt = comet.node.consensus().halt_before(V2, None).unwrap_err();
    let told = halt.to_string();
    assert!(
        told.contains("version 3") && told.contains("up to 2"),
        "{told}"
    );
}

#[test]
fn a_plan_that_is_taken_back_halts_nobody() {
    let mut comet = Comet::begin(&["admin"]);
    comet.node.consensus().halt_before(V2, None).unwrap();
    comet.submit_all([&sign("admin", 1, 2_000, plan("treasury-fees", 11))]);
    comet.make_block();
    let none = ParamUpdate::new("upgrade", b"null").unwrap();
    comet.submit_all([&sign("admin", 2, 2_000, none)]);
    while comet.height < 12 {
        comet.make_block();
    }
    assert_eq!(comet.node.info().app_version, 2);
}

#[test]
fn a_node_halts_behind_the_height_that_its_operator_names() {
    let mut comet = Comet::begin(&[]);
    let consensus = comet.node.consensus();
    consensus.halt_before(NEWEST, NonZeroU64::new(3)).unwrap();
    for _ in 0..3 {
        comet.make_block();
    }
    let consensus = comet.node.consensus();
    is_halt(consensus.finalize_block(next_block(&comet)), "block 3");
    let again = consensus.halt_before(NEWEST, NonZeroU64::new(3));
    assert_eq!(again, Err(Halt::Height { height: 3 }));
    consensus.halt_before(NEWEST, None).unwrap();
    comet.make_block();
}
