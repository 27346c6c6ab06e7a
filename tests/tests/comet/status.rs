//! `ait status` tells what a node is, and what is wrong with it.

use std::process::Output;

use ait_tests::comet::{
    Network, Node, Setup,
    devnet::said,
    eventually,
    network::{consensus_key, validator},
    node,
};
use serde_json::{Value, json};

fn status(of: &Node) -> Output {
    let mut command = node::ait(&of.home);
    command
        .args(["status", "--home", "cometbft", "--db-path", "chain.db"])
        .args(["--node", &of.rest.url, "--comet-rpc", &of.rpc.url]);
    command.output().expect("ait starts")
}

fn shown(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(output)))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_of_a_node_says_what_it_is_and_what_is_wrong_with_it() {
    let mut network = Network::start(Setup::default()).await;
    let node = network.first();
    let height = node.rest.goes_on().await;
    let well = eventually("the node finds itself well", async || {
        let output = status(node);
        (shown(&output)["node"]["status"] == "ok").then_some(output)
    })
    .await;
    assert_eq!(well.status.code(), Some(0), "{}", said(&well));
    let seen = shown(&well);
    assert_eq!(seen["problems"], json!([]));
    assert_eq!(seen["node"]["status"], "ok");
    assert!(seen["comet"]["latest_block"].as_u64() >= Some(height));
    assert_eq!(
        (&seen["comet"]["peers"], &seen["comet"]["lag"]),
        (&json!(0), &json!(0))
    );
    let own = &seen["validator"];
    assert_eq!(
        own["consensus_pubkey"],
        consensus_key(0).actor.pubkey().to_string()
    );
    assert_eq!(own["address"], validator(0).address.to_string());
    assert_eq!(own["power"], 10);
    let blocks = seen["epoch"]["blocks"].as_u64().expect("blocks");
    let next = seen["epoch"]["next_end"].as_u64().expect("a height");
    assert!(next.is_multiple_of(blocks) && next > height, "{seen}");
    assert!(seen["disk"]["store_bytes"].as_u64() > Some(0));

    node.kill_comet();
    let without_comet = status(node);
    assert_eq!(without_comet.status.code(), Some(1));
    let text = said(&without_comet);
    assert!(text.contains("CometBFT does not answer at"), "{text}");
    assert_eq!(shown(&without_comet)["comet"], Value::Null);

    node.kill_app();
    let without_both = status(node);
    assert_eq!(without_both.status.code(), Some(1));
    let text = said(&without_both);
    assert!(text.contains("REST does not answer"), "{text}");
    assert_eq!(shown(&without_both)["node"], Value::Null);
}
