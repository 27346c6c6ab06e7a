//! Where the first blocks are pruned, a snapshot is the beginning: of a node that joins by state sync, and of
//! one whose store is lost.

use std::{
    process::{Command, Output},
    time::Duration,
};

use ait_tests::comet::{
    Network, Setup, binaries,
    devnet::said,
    eventually_within,
    http::Rest,
    network::{self, wallet},
    newcomer::{Newcomer, trust_in},
};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(120);

/// Snapshots that stay for some 20 s, which finding them takes, and as few blocks as evidence and they allow.
async fn pruned_network() -> Network {
    let setup = Setup {
        validators: 2,
        block_interval: "50ms",
        ..Setup::default()
    };
    let mut network = Network::prepare(&setup.with_account("alice", 1_000_000)).await;
    for node in &mut network.nodes {
        node.app_arguments.push("--keep-blocks=1".to_owned());
        node.app_arguments.push("--snapshot-interval=60".to_owned());
        node.app_arguments.push("--snapshot-keep=4".to_owned());
        node.start_app();
        node.start_comet();
    }
    for node in &network.nodes {
        node.rest.reaches(1).await;
    }
    network
}

/// Waits until nobody has the first blocks any more.
async fn first_blocks_are_pruned(network: &Network) {
    for node in &network.nodes {
        eventually_within(PATIENCE, "the first blocks are pruned", async || {
            let status = node.rpc.call("status", "").await;
            let earliest = status["sync_info"]["earliest_block_height"].as_str()?;
            (earliest != "1").then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_joins_a_pruned_network_by_state_sync_and_goes_on_with_it() {
    let network = pruned_network().await;
    let mut alice = wallet("alice");
    let bob = wallet("bob");
    let payment = alice.transfer(bob.address, 1_000);
    let [first, second] = &network.nodes[..] else {
        panic!("two nodes");
    };
    first.rest.commit(&payment).await;
    first_blocks_are_pruned(&network).await;

    let late = Newcomer::new();
    let trust = trust_in(&said(&late.init(&[first, second], &[])));
    let joined = late.init(&[first, second], &["--trust", &trust]);
    assert!(joined.status.success(), "{}", said(&joined));
    let (app, comet) = late.start();
    let reached = first.rest.goes_on().await;
    eventually_within(PATIENCE, "the late node restores and goes on", async || {
        (late.rest.height().await >= reached).then_some(())
    })
    .await;
    let log = app.output();
    assert!(log.contains("snapshot_restored"), "{log}");
    assert_eq!(late.rest.balance(bob.address).await, 1_000);
    assert_eq!(late.rest.get("/rpc/getBlock/1").await.status, 404);

    // It is as any other: it agrees on every block, takes transactions, and starts again.
    let payment = alice.transfer(bob.address, 2_000);
    late.rest.commit(&payment).await;
    let height = late.rest.goes_on().await - 1;
    let of = async |rest: &Rest| {
        let block = rest.get(&format!("/rpc/getBlock/{height}")).await.ok();
        (block["hash"].clone(), block["stateRoot"].clone())
    };
    assert_eq!(of(&late.rest).await, of(&first.rest).await);
    drop((app, comet));
    let _running = late.start();
    late.rest.goes_on().await;
    assert_eq!(late.rest.balance(bob.address).await, 3_000);
}

/// `ait snapshot …`; what it printed.
fn snapshot(arguments: &[&str]) -> Output {
    let mut command = Command::new(binaries::ait());
    let chain_id = ["--chain-id", network::CHAIN_ID];
    command.args([&["snapshot"], arguments, &chain_id].concat());
    command.output().expect("ait starts")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_store_whose_blocks_are_pruned_is_rebuilt_from_the_nodes_own_snapshot() {
    let mut network = pruned_network().await;
    let bob = wallet("bob");
    let payment = wallet("alice").transfer(bob.address, 1_000);
    network.first().rest.commit(&payment).await;
    first_blocks_are_pruned(&network).await;
    let node = network.first();
    node.stop();
    let store = node.store();
    let lost = store.with_extension("lost");
    std::fs::rename(&store, &lost).expect("a store");
    let [store, lost] = [&store, &lost].map(|path| path.to_str().expect("text"));

    let listed = snapshot(&["list", "--db-path", lost]);
    let listed: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    let newest = listed[0]["path"].as_str().expect("a snapshot");
    let other = "07".repeat(32);
    let refused = snapshot(&["import", newest, "--db-path", store, "--app-hash", &other]);
    assert_eq!(refused.status.code(), Some(1));
    let imported = snapshot(&["import", newest, "--db-path", store]);
    assert!(imported.status.success(), "{imported:?}");

    let node = network.first();
    node.start_app();
    node.start_comet();
    node.rest.goes_on().await;
    assert_eq!(node.rest.balance(bob.address).await, 1_000);
    // What was restored is no empty store, and what blocks followed is never replaced.
    node.stop();
    let refused = snapshot(&["import", newest, "--db-path", store]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("this node holds block"), "{said}");
}
