//! A node that is asked to stop saves its pool, and offers it again at its next start.

use ait_app::tx::{Transaction, TxHash};
use ait_tests::comet::{Network, Setup, eventually, network::wallet};

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_in_the_pool_is_committed_after_a_restart() {
    // The pause leaves the transfers in the pool until the node is stopped.
    let setup = Setup {
        block_interval: "4s",
        ..Setup::default()
    };
    let mut network = Network::start(setup.with_account("alice", 1_000_000)).await;
    let node = network.first();
    let (mut alice, bob) = (wallet("alice"), wallet("bob"));
    // Begin right after a block, so that the next one is seconds away.
    let height = node.rest.height().await;
    node.rest.reaches(height + 1).await;
    let transfers: Vec<_> = (0..5).map(|_| alice.transfer(bob.address, 100)).collect();
    for tx in &transfers {
        node.rest.send(tx).await.ok();
    }
    assert_eq!(node.rest.balance(bob.address).await, 0);

    let status = node.stop();
    assert!(status.success(), "{status}");
    // CometBFT's own pool lives in its memory alone: from here on only the application knows them.
    node.start_app();
    let first = eventually("REST answers", async || {
        node.rest.try_get(&path_of(&transfers[4])).await
    })
    .await;
    assert_eq!(first.ok()["status"], "pending", "the first answer of all");
    let account = format!("/rpc/getAccount/{}", alice.address);
    assert_eq!(node.rest.get(&account).await.ok()["next_nonce"], 6);
    node.start_comet();
    for tx in &transfers {
        let receipt = node.rest.receipt_of(tx).await;
        assert_eq!(receipt["code"], 0, "{receipt}");
    }
    assert_eq!(node.rest.balance(bob.address).await, 500);
    assert_eq!(node.rest.account(alice.address).await.1, 5);
}

fn path_of(tx: &Transaction) -> String {
    format!("/rpc/getTx/{}", TxHash::of(&tx.to_wire()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_asked_to_stop_goes_on_where_it_was() {
    let mut network = Network::start(Setup::default()).await;
    let node = network.first();
    let height = node.rest.reaches(3).await;
    assert!(node.stop().success());
    node.start_app();
    node.start_comet();
    let resumed = eventually("blocks go on", async || {
        let now = node.rest.height().await;
        (now > height).then_some(now)
    })
    .await;
    assert!(resumed > height);
}
