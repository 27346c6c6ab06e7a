//! A network changes from one line of CometBFT to the other behind a height that its operators agreed on: all halt
//! after that block, and all go on with the other one.

use ait_app::tx::Transaction;
use ait_tests::comet::{
    Network, Setup,
    binaries::Line,
    eventually,
    load::{self, Load},
    network::wallet,
};

const SENDERS: usize = 8;
/// Blocks until the halt: enough to start each node again with that height.
const AHEAD: u64 = 20;

#[tokio::test(flavor = "multi_thread")]
async fn four_validators_change_the_line_behind_a_height_and_lose_nothing() {
    let mut setup = Setup {
        validators: 4,
        // What is sent in the pause after the last block is in none before the halt.
        block_interval: "600ms",
        cometbft: Line::V0_38.program(),
        ..Setup::default()
    };
    for sender in load::senders(SENDERS) {
        setup.accounts.push((sender.address, load::BALANCE));
    }
    let mut network = Network::start(setup.with_account("alice", 1_000_000_000)).await;
    let sink = wallet("sink").address;
    let load = Load::start(&network.first().rest, SENDERS, sink);
    let last = network.nodes[0].rest.goes_on().await + AHEAD;
    // Each operator names the height, one after the other.
    for node in &mut network.nodes {
        assert!(node.stop().success());
        node.app_arguments = vec!["--halt-height".into(), last.to_string()];
        node.start_in_order().await;
    }

    let waiting = send_behind(&network, last).await;
    for node in &mut network.nodes {
        assert_eq!(node.halted().await, Some(3));
        let log = node.app_log();
        let told = format!("block {last} is committed");
        assert!(
            log.contains(&told) && log.contains("--halt-height"),
            "{log}"
        );
    }

    for node in &mut network.nodes {
        node.cometbft = Line::V0_40.program();
        node.app_arguments.clear();
        node.start_in_order().await;
    }
    for tx in &waiting {
        let receipt = network.nodes[0].rest.receipt_of(tx).await;
        assert_eq!(receipt["code"], 0, "{receipt}");
        assert!(receipt["height"].as_u64() > Some(last), "{receipt}");
    }
    network.cometbft = Line::V0_40.program();
    network.join().start_in_order().await;
    let height = network.nodes[0].rest.goes_on().await.max(last + 2);
    for node in &network.nodes {
        let newer = eventually("its CometBFT answers", async || {
            let status = node.rpc.call("status", "").await;
            status["node_info"]["version"].as_str().map(str::to_owned)
        });
        assert_eq!(newer.await, "0.39.0");
        node.rest.reaches(height).await;
    }
    // The last block of the one, and the first of the other: its header has what the last one made of the state.
    for agreed in [last, last + 1, height] {
        network.agrees_at(agreed).await;
    }
    let committed = load.finish().await;
    assert!(committed.iter().any(|transfer| transfer.height <= last));
    assert!(committed.iter().any(|transfer| transfer.height > last));
    for node in &network.nodes {
        for transfer in &committed {
            node.rest.reaches(transfer.height).await;
            let path = format!("/rpc/getTx/{}", transfer.hash);
            let tx = node.rest.get(&path).await.ok();
            assert_eq!(tx["receipt"]["height"], transfer.height, "{transfer:?}");
        }
    }
}

/// Hands each node a transfer in the pause between the last block and the halt.
async fn send_behind(network: &Network, last: u64) -> Vec<Transaction> {
    let mut alice = wallet("alice");
    let mut sent = Vec::new();
    network.nodes[0].rest.reaches(last).await;
    for node in &network.nodes {
        let tx = alice.transfer(wallet("bob").address, 1_000);
        // This node may have halted, and one that has not yet its block of that height judges by the one before.
        let reply = node.rest.try_post("/rpc/sendTx", tx.to_wire()).await;
        match reply {
            Some(reply) if reply.status == 200 => sent.push(tx),
            _ => break,
        }
    }
    assert!(!sent.is_empty(), "no node took anything after block {last}");
    sent
}
