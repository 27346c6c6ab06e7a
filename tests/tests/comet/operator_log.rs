//! What an operator reads in the log of a running network, as the guide names it: a line for each peer that comes
//! or goes, and for what befalls validators and miners.

use std::time::Duration;

use ait_tests::comet::{
    Coordinator, Manner, Network, Node, Setup, eventually,
    network::wallet,
    validators::{accounts, elect, setup, validator_of},
    wait::eventually_within,
};
use serde_json::{Value, json};

/// For some dozen blocks with a missing proposer, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// The lines of a node's log that tell of an event.
fn lines(node: &Node, event: &str) -> Vec<Value> {
    let log = node.app_log();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    lines
        .filter(|line: &Value| line["event"] == event)
        .collect()
}

/// The one line that tells of an event, once there is one.
async fn line(node: &Node, event: &str) -> Value {
    eventually(event, async || lines(node, event).pop()).await;
    let mut lines = lines(node, event);
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = lines.remove(0);
    assert_eq!(line["level"], "INFO", "{line}");
    line
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_comes_and_one_that_goes_have_a_line_each() {
    let mut network = Network::start(Setup {
        validators: 2,
        ..Setup::default()
    })
    .await;
    let peer = network.nodes[1].peer();
    let id = peer.split('@').next().unwrap_or_default().to_owned();
    let came = line(&network.nodes[0], "peer_connected").await;
    assert_eq!((&came["id"], &came["peers"]), (&json!(id), &json!(1)));
    assert_eq!(lines(&network.nodes[0], "peer_lost"), Vec::<Value>::new());

    network.nodes[1].kill_comet();
    let went = line(&network.nodes[0], "peer_lost").await;
    assert_eq!((&went["id"], &went["peers"]), (&json!(id), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_that_stops_has_a_line_of_its_jail_and_one_of_its_slash() {
    let params = [
        ("downtime_window", json!(20)),
        // One that runs but is late on a busy machine is not judged absent.
        ("min_signed_bps", json!(2_000)),
        ("slash_downtime_bps", json!(100)),
    ];
    let mut network = Network::start(setup(4, &params)).await;
    let mut stakers = accounts(4);
    elect(&network, &mut stakers, &[100_000_000; 4]).await;
    let stopped = stakers[3].address;
    network.nodes[3].kill_comet();
    network.nodes[3].kill_app();
    let rest = network.nodes[0].rest.clone();
    let until = eventually_within(PATIENCE, "the stopped one is jailed", async || {
        let entry = validator_of(&rest, stopped).await;
        entry["jailed_until"].as_u64().filter(|until| *until > 0)
    })
    .await;

    let jailed = line(&network.nodes[0], "jailed").await;
    assert_eq!(jailed["validator"], stopped.to_string(), "{jailed}");
    assert_eq!(jailed["until"], until.to_string(), "{jailed}");
    let slashed = line(&network.nodes[0], "slashed").await;
    assert_eq!(slashed["validator"], stopped.to_string(), "{slashed}");
    assert_eq!(slashed["amount"], "1000000", "{slashed}");
    assert_eq!(slashed["height"], jailed["height"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_miner_that_is_banned_has_a_line() {
    let coordinator = Coordinator::start(wallet("coordinator"), Manner::Damning).await;
    let setup = Setup {
        coordinators: vec![wallet("coordinator")],
        coordinator_urls: coordinator.entry(),
        params: vec![("offence_limit", json!(1))],
        ..Setup::default()
    };
    // An offence is one whose sender can pay for it.
    let setup = setup
        .with_account("client", 1_000_000)
        .with_account("miner", 1_000_000);
    let network = Network::start(setup).await;
    let node = &network.nodes[0];
    let (mut client, mut miner) = (wallet("client"), wallet("miner"));
    let open = client.open_escrow("job_1", coordinator.account(), 50_000, 10_000);
    let opened = node.rest.commit(&open).await["height"]
        .as_u64()
        .expect("a height");
    let terms = miner.receipt("receipt_1", client.address, "job_1", opened);
    let claim = miner.claim(&terms, None);
    node.rest.send(&claim).await.ok();

    let banned = line(node, "banned").await;
    assert_eq!(banned["miner"], miner.address.to_string(), "{banned}");
    let record = node
        .rest
        .get(&format!("/rpc/getMiner/{}", miner.address))
        .await
        .ok();
    assert_eq!(banned["until"], record["banned_until"].to_string());
}
