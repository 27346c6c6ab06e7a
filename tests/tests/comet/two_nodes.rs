//! Several nodes over real P2P come to the same blocks and the same state.

use ait_tests::comet::{Network, Node, Setup, eventually, network::wallet};

/// The block hash and state root that a node has at a height.
async fn block_of(node: &Node, height: u64) -> (String, String) {
    let block = node.rest.get(&format!("/rpc/getBlock/{height}")).await.ok();
    let text = |field: &str| block[field].as_str().unwrap_or_default().to_owned();
    (text("hash"), text("stateRoot"))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_validators_and_one_who_joins_late_agree_on_head_and_app_hash() {
    let setup = Setup {
        validators: 2,
        ..Setup::default()
    };
    let mut network = Network::start(setup.with_account("alice", 1_000_000)).await;
    let mut alice = wallet("alice");
    let bob = wallet("bob");

    // A transaction that only one of them was handed reaches the blocks of both.
    let through_first = alice.transfer(bob.address, 1_000);
    network.nodes[0].rest.commit(&through_first).await;
    network.nodes[1].rest.receipt_of(&through_first).await;
    let through_second = alice.transfer(bob.address, 2_000);
    network.nodes[1].rest.commit(&through_second).await;
    network.nodes[0].rest.receipt_of(&through_second).await;

    let behind = network.nodes[0].rest.goes_on().await;
    let late = network.join();
    late.start_app();
    late.start_comet();
    late.rest.reaches(behind).await;
    eventually("the late one has caught up", async || {
        (!late.rpc.is_catching_up().await).then_some(())
    })
    .await;
    assert_eq!(late.rest.balance(bob.address).await, 3_000);

    // A transaction handed to the late one, too.
    let through_late = alice.transfer(bob.address, 3_000);
    late.rest.commit(&through_late).await;

    let mut lowest = u64::MAX;
    for node in &network.nodes {
        node.rest.goes_on().await;
        lowest = lowest.min(node.rest.height().await);
        assert_eq!(node.rest.balance(bob.address).await, 6_000);
    }
    for height in [1, behind, lowest] {
        let first = block_of(&network.nodes[0], height).await;
        assert!(!first.0.is_empty() && !first.1.is_empty());
        for node in &network.nodes {
            assert_eq!(block_of(node, height).await, first, "height {height}");
        }
    }
}
