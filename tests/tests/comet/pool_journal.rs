//! A node with a pool journal that is killed commits what it had acknowledged.

use ait_tests::comet::{Network, Setup, network::wallet};

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_transactions_outlive_kill_9_of_the_application() {
    let setup = Setup {
        // Nothing is in a block before the kill.
        block_interval: "5s",
        ..Setup::default()
    };
    let mut network = Network::prepare(&setup.with_account("alice", 1_000_000_000)).await;
    let node = network.first();
    node.app_arguments = vec!["--pool-journal".into(), "1".into()];
    node.start_app();
    node.start_comet();
    node.rest.reaches(1).await;
    let mut alice = wallet("alice");
    let mut sent = Vec::new();
    for _ in 0..50 {
        let tx = alice.transfer(wallet("bob").address, 1_000);
        let reply = node.rest.send(&tx).await;
        assert_eq!(reply.status, 200, "{:?}", reply.body);
        sent.push(tx);
    }
    node.kill_app();
    node.kill_comet();
    node.start_app();
    node.start_comet();
    for tx in &sent {
        assert_eq!(node.rest.receipt_of(tx).await["code"], 0);
    }
    assert_eq!(node.rest.balance(wallet("bob").address).await, 50_000);
}
