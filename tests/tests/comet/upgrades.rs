//! A network of four validators upgrades its rules while it lives: those that have the upgrade go on, the
//! others halt before its block with one message and go on with a program that has it.

use ait_app::address::Address;
use ait_tests::comet::{
    Network, Node, Setup,
    network::{validator, wallet},
    node::run,
};
use serde_json::{Value, json};

async fn version_in_header(node: &Node, height: u64) -> String {
    let block = node.rpc.call("block", &format!("height={height}")).await;
    let version = &block["block"]["header"]["version"]["app"];
    version.as_str().unwrap_or_default().to_owned()
}

async fn health(node: &Node) -> Value {
    node.rest.get("/health").await.body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_upgrades_at_a_height_while_it_lives() {
    let setup = Setup {
        validators: 4,
        ..Setup::default()
    };
    let setup = setup
        .with_account("admin", 1_000_000_000)
        .with_account("alice", 1_000_000_000);
    let mut network = Network::prepare(&setup).await;
    // One operator was early: the newer program follows the old rules until the height.
    for node in &mut network.nodes[1..] {
        node.app_arguments = vec!["--protocol-at-most".into(), "2".into()];
    }
    for node in &mut network.nodes {
        node.start_app();
        node.start_comet();
    }
    for node in &network.nodes {
        node.rest.reaches(2).await;
    }
    let (mut admin, mut alice) = (wallet("admin"), wallet("alice"));
    let upgrade_height = network.nodes[0].rest.height().await + 30;
    let plan = json!({"height": upgrade_height, "name": "treasury-fees"});
    let rest = &network.nodes[0].rest;
    rest.commit(&admin.set_param("upgrade", plan.clone())).await;
    let told = health(&network.nodes[0]).await;
    assert_eq!(told["protocol_version"], 2);
    assert_eq!(told["planned_upgrade"]["height"], upgrade_height);
    assert_eq!(told["planned_upgrade"]["known"], true);
    rest.commit(&alice.transfer(wallet("bob").address, 1_000))
        .await;

    // Three of four have not: no block without them.
    for node in &mut network.nodes[1..] {
        assert_eq!(node.halted().await, Some(3));
        let log = node.app_log();
        let named = format!("the upgrade \\\"treasury-fees\\\" begins with block {upgrade_height}");
        assert!(log.contains(&named), "{log}");
        // Started again it says so and does not begin.
        let output = node.app_command().output().expect("it starts");
        assert_eq!(output.status.code(), Some(3));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("\"treasury-fees\""), "{said}");
    }
    assert_eq!(network.nodes[0].rest.height().await, upgrade_height - 1);
    // What is sent meanwhile is kept.
    let waiting = alice.transfer(wallet("bob").address, 1_000);
    let sent = network.nodes[0].rest.send(&waiting).await;
    assert_eq!(sent.status, 200, "{}", sent.body);

    for node in &mut network.nodes[1..3] {
        node.app_arguments.clear();
        node.start_app();
        node.start_comet();
    }
    let rest = &network.nodes[0].rest;
    rest.receipt_of(&waiting).await;
    let reached = rest.reaches(upgrade_height + 2).await;
    assert!(reached > upgrade_height);
    let node = &network.nodes[0];
    assert_eq!(version_in_header(node, upgrade_height).await, "2");
    assert_eq!(version_in_header(node, upgrade_height + 1).await, "3");
    assert_eq!(health(node).await["protocol_version"], 3);

    // The new rules are in force: all of the fees go to the treasury.
    rest.commit(&admin.set_param("treasury_fee_bps", 10_000))
        .await;
    let (treasury, before) = (Address::treasury(), rest.balance(Address::treasury()).await);
    let receipt = rest
        .commit(&alice.transfer(wallet("bob").address, 1_000))
        .await;
    let fee = receipt["fee"].as_u64().expect("a fee");
    assert_eq!(rest.balance(treasury).await, before + fee);

    // The last one comes later, and so does one that executes all blocks anew.
    let late = &mut network.nodes[3];
    late.app_arguments.clear();
    late.start_app();
    late.start_comet();
    let newcomer = network.join();
    newcomer.start_app();
    newcomer.start_comet();
    let height = network.nodes[0].rest.height().await + 3;
    network.agrees_at(height).await;
    for i in 0..4 {
        let earned = network.nodes[4].rest.balance(validator(i).address).await;
        assert_eq!(
            earned,
            network.nodes[0].rest.balance(validator(i).address).await
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_is_rolled_back_is_executed_again_and_the_network_agrees() {
    let setup = Setup {
        validators: 4,
        ..Setup::default()
    };
    let mut network = Network::start(setup.with_account("alice", 1_000_000_000)).await;
    let mut alice = wallet("alice");
    let rest = &network.nodes[0].rest;
    rest.commit(&alice.transfer(wallet("bob").address, 1_000))
        .await;
    let node = &mut network.nodes[3];
    node.rest.goes_on().await;
    node.stop();
    for round in 0..2 {
        let report: Value = serde_json::from_str(&run(&mut node.rollback_command())).expect("JSON");
        // A second time there is nothing left to do: the block is among CometBFT's, and not executed.
        assert_eq!(report["was_rolled_back"], round == 1, "{report}");
        assert!(report["height"].as_u64().is_some_and(|height| height > 0));
    }
    node.start_app();
    node.start_comet();
    let height = network.nodes[0].rest.goes_on().await + 2;
    network.agrees_at(height).await;
}
