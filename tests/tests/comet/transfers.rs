//! One node with the real CometBFT: transfers over both doors.

use ait_tests::comet::{
    Network, Setup, eventually,
    network::{validator, wallet},
    wallet::{required_fee, transfer},
};

#[tokio::test(flavor = "multi_thread")]
async fn transfers_over_both_doors_move_exactly_their_amounts_and_fees() {
    let setup = Setup::default()
        .with_account("alice", 1_000_000)
        .with_account("bob", 500);
    let mut network = Network::start(setup).await;
    let node = network.first();
    let (mut alice, bob, carol) = (wallet("alice"), wallet("bob"), wallet("carol"));
    let fee = required_fee(&transfer(bob.address, 40_000));

    let over_rest = alice.transfer(bob.address, 40_000);
    let receipt = node.rest.commit(&over_rest).await;
    assert_eq!(receipt["fee"], fee);

    let over_cometbft = alice.transfer(carol.address, 2_500);
    let answer = node.rpc.broadcast(&over_cometbft.to_wire()).await;
    assert_eq!(answer["code"], 0, "{answer}");
    assert_eq!(answer["hash"], over_cometbft.hash().to_string());
    node.rest.receipt_of(&over_cometbft).await;

    let second_fee = required_fee(&transfer(carol.address, 2_500));
    let spent = 40_000 + fee + 2_500 + second_fee;
    assert_eq!(
        node.rest.account(alice.address).await,
        (1_000_000 - spent, 2)
    );
    assert_eq!(node.rest.account(bob.address).await, (40_500, 0));
    assert_eq!(node.rest.account(carol.address).await, (2_500, 0));
    let fees = node.rest.balance(validator(0).address).await;
    assert_eq!(fees, fee + second_fee, "fees go to the proposer");

    // Its own index has the block's entries, so CometBFT is asked for no whole block.
    let receipt = node.rest.receipt_of(&over_rest).await;
    let path = format!("/rpc/getBlock/{}", receipt["height"]);
    let block = node.rest.get(&path).await.ok();
    assert_eq!(block["txs"][0], over_rest.hash().to_string());
    let client = reqwest::Client::builder().no_proxy().build();
    let metrics = client
        .expect("a client")
        .get(format!("{}/rpc/metrics", node.rest.url));
    let metrics = metrics.send().await.expect("metrics").text().await;
    let metrics = metrics.expect("text");
    let asked = |method: &str| metrics.contains(&format!("method=\"{method}\""));
    assert!(asked("commit") && !asked("block"), "{metrics}");

    let supply = node.rest.supply().await;
    assert_eq!(supply["total"], 1_000_500);
    assert_eq!(supply["balances"], 1_000_500);
    assert_eq!(supply["minted"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_node_makes_block_after_block() {
    let mut network = Network::start(Setup::default()).await;
    let node = network.first();
    node.rest.reaches(5).await;
    let block = node.rest.get("/rpc/getBlock/3").await.ok();
    let parent = node.rest.get("/rpc/getBlock/2").await.ok();
    assert_eq!(block["parent"], parent["hash"]);
    let hash = block["hash"].as_str().expect("a hash");
    let by_hash = node.rest.get(&format!("/rpc/getBlock/{hash}")).await.ok();
    assert_eq!(by_hash, block);
    assert_eq!(block["proposer"], validator(0).address.to_string());
    // What REST calls the state root after block 3 is the app hash in CometBFT's header 4.
    let header = eventually("CometBFT has block 4", async || {
        let (height, app_hash) = node.rpc.block_header("4").await;
        (height == 4).then_some(app_hash)
    })
    .await;
    let root = block["stateRoot"].as_str().unwrap_or_default();
    assert_eq!(root.to_uppercase(), header.to_uppercase());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_reported_committed_shows_in_the_balances_at_once() {
    let setup = Setup {
        block_interval: "20ms",
        ..Setup::default()
    };
    let mut network = Network::start(setup.with_account("alice", 1_000_000)).await;
    let node = network.first();
    let (mut alice, bob) = (wallet("alice"), wallet("bob"));
    for sent in 1..=60 {
        let tx = alice.transfer(bob.address, 1);
        node.rest.send(&tx).await.ok();
        let path = format!("/rpc/getTx/{}", tx.hash());
        // As fast as it goes: the moment between disk and head is short. It is never unknown meanwhile.
        while node.rest.get(&path).await.ok()["status"] != "committed" {}
        assert_eq!(node.rest.balance(bob.address).await, sent);
    }
}
