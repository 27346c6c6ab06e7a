//! A node whose peers have pruned the blocks that it lacks says so.

use std::time::Duration;

use ait_tests::comet::{Network, Setup, eventually_within, network::wallet};

/// Far longer than a stall takes to be told: 30 s without a block.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_joins_after_all_peers_have_pruned_is_stalled_for_that_reason() {
    let mut network = Network::prepare(&Setup::default()).await;
    let node = network.first();
    // As few as evidence allows: 100 blocks, as the genesis has it.
    node.app_arguments.push("--keep-blocks=1".to_owned());
    node.start_app();
    node.start_comet();
    node.rest.reaches(110).await;
    let pruned = node.rest.get("/rpc/getBlock/1").await;
    assert_eq!(pruned.status, 404, "{}", pruned.body);

    let late = network.join();
    late.start_app();
    late.start_comet();
    let rest = late.rest.clone();
    let health = eventually_within(PATIENCE, "the late node is stalled", async || {
        let health = rest.try_get("/health").await?;
        (health.body["status"] == "stalled").then_some(health)
    })
    .await;
    assert_eq!(health.status, 503);
    assert_eq!(health.body["reason"], "peers_pruned", "{}", health.body);
    assert_eq!(health.body["height"], 0);

    // Whoever sends there is told, and the others go on.
    let payment = wallet("alice").transfer(wallet("bob").address, 1);
    let refusal = rest.send(&payment).await;
    assert_ne!(refusal.status, 200, "{}", refusal.body);
    network.nodes[0].rest.goes_on().await;
}
