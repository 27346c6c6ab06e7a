//! What a chain on the pinned CometBFT does, one on v0.40.0 does too.

use std::time::Duration;

use ait_tests::comet::{
    Network, Node, Setup,
    binaries::Line,
    devnet::said,
    eventually, eventually_within,
    network::wallet,
    newcomer::{Newcomer, trust_in},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::Value;

/// CometBFT looks for snapshots for some 15 s.
const PATIENCE: Duration = Duration::from_secs(120);

async fn network_on_the_newer_line() -> Network {
    let setup = Setup {
        validators: 2,
        cometbft: Line::V0_40.program(),
        ..Setup::default()
    };
    let mut network = Network::prepare(&setup.with_account("alice", 1_000_000_000)).await;
    for node in &mut network.nodes {
        node.app_arguments.push("--snapshot-interval=40".to_owned());
        node.start_in_order().await;
    }
    for node in &network.nodes {
        node.rest.reaches(1).await;
    }
    network
}

/// The release that a node's CometBFT says it is.
async fn release(node: &Node) -> Value {
    let status = node.rpc.call("status", "").await;
    status["node_info"]["version"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_cost_nothing_and_both_doors_agree_on_the_newer_line() {
    let mut network = network_on_the_newer_line().await;
    let (mut alice, bob) = (wallet("alice"), wallet("bob"));
    let mut receipts = Vec::new();
    for node in &network.nodes {
        assert_eq!(release(node).await, "0.39.0");
        let payment = alice.transfer(bob.address, 1_000);
        receipts.push((payment.hash(), node.rest.commit(&payment).await));
    }
    let before = network.nodes[0].rest.height().await;

    for node in &mut network.nodes {
        node.kill_comet();
        node.kill_app();
    }
    for node in &mut network.nodes {
        node.start_in_order().await;
    }
    let mut height = 0;
    for node in &network.nodes {
        height = node.rest.reaches(before + 2).await;
        for (hash, receipt) in &receipts {
            let tx = node.rest.get(&format!("/rpc/getTx/{hash}")).await.ok();
            assert_eq!(tx["receipt"], *receipt);
        }
        // The record over CometBFT's RPC is that over REST.
        let path = format!("path=%22/account/{}%22", bob.address);
        let queried = node.rpc.call("abci_query", &path).await;
        let found = queried["response"]["value"].as_str().expect("a record");
        let over_rest = node.rest.balance(bob.address).await;
        assert_eq!(over_rest, 2_000);
        let record: Value =
            serde_json::from_slice(&BASE64.decode(found).expect("base64")).expect("JSON");
        assert_eq!(record["balance"], over_rest, "{record}");
    }
    let late = network.join();
    late.start_in_order().await;
    network.agrees_at(height + 2).await;
    assert_eq!(network.nodes[2].rest.balance(bob.address).await, 2_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_joins_by_state_sync_on_the_newer_line() {
    let network = network_on_the_newer_line().await;
    let payment = wallet("alice").transfer(wallet("bob").address, 1_000);
    network.nodes[0].rest.commit(&payment).await;
    let [first, second] = &network.nodes[..] else {
        panic!("two nodes");
    };
    for node in [first, second] {
        node.rest.reaches(42).await;
        eventually("it has caught up", async || {
            (!node.rpc.is_catching_up().await).then_some(())
        })
        .await;
    }
    let mut late = Newcomer::new();
    late.cometbft = Line::V0_40.program();
    let trust = trust_in(&said(&late.init(&[first, second], &[])));
    let joined = late.init(&[first, second], &["--trust", &trust]);
    assert!(joined.status.success(), "{}", said(&joined));
    let (app, _comet) = late.start();
    let reached = first.rest.height().await;
    eventually_within(PATIENCE, "the late node restores and goes on", async || {
        (late.rest.height().await >= reached).then_some(())
    })
    .await;
    assert!(app.output().contains("snapshot_restored"));
    assert_eq!(late.rest.balance(wallet("bob").address).await, 1_000);
    let height = late.rest.goes_on().await - 1;
    let path = format!("/rpc/getBlock/{height}");
    let [theirs, own] = [first.rest.get(&path).await, late.rest.get(&path).await];
    assert_eq!(own.ok()["stateRoot"], theirs.ok()["stateRoot"]);
}
