//! A node that serves no users: what it does by itself.

use std::sync::Arc;

use ait_abci::Application;
use ait_app::state::View;
use ait_node::{Config, Node, Replacing};
use ait_store::MemoryStore;

use crate::harness::{
    CHAIN_ID, FakeComet,
    coordinator::{FakeCoordinator, honest},
    genesis,
    keys::{ALICE, COORDINATOR, MINER},
    until,
};

#[tokio::test]
async fn claims_are_attested_and_paid_by_a_node_without_rest() {
    let coordinator = FakeCoordinator::start(honest).await;
    let store = Arc::new(MemoryStore::new());
    let on_fatal = Arc::new(|why: String| panic!("the node stopped: {why}"));
    let application =
        Application::open(store, CHAIN_ID.parse().unwrap(), 1 << 20, on_fatal).unwrap();
    let comet = FakeComet::start(application.clone(), &genesis()).await;
    comet.make_block().await;
    let mut config = Config::new(comet.url());
    let url = coordinator.url.clone();
    config.coordinator_urls.insert(COORDINATOR.address(), url);
    let node = Node::start(&application, &config).unwrap();

    let balance = || {
        let committed = node.reader.newest().unwrap();
        committed.state.account(&MINER.address()).unwrap().balance
    };
    let before = balance();
    let send = async |tx: ait_app::tx::Transaction| {
        let sent = node
            .submitter
            .submit(tx.to_wire(), Replacing::Refused)
            .await;
        sent.unwrap().hash
    };
    send(ALICE.open_escrow(1, "job_1", 10_000)).await;
    comet.make_block().await;
    let claim = send(MINER.claim(1, "job_1")).await;
    until("its coordinator has answered", async || {
        let pending = node.mempool.pending(&claim)?;
        (!pending.waits_for_attestation).then_some(())
    })
    .await;
    comet.make_block().await;
    assert!(balance() > before, "the miner is paid");
    assert_eq!(coordinator.requests().len(), 1);
    node.end().await;
}
