//! `kill -9` under load: nothing committed is lost, and the chain goes on.

use ait_tests::comet::{
    Network, Node, Setup, eventually,
    load::{self, Committed, Load},
    network::{validator, wallet},
    wallet::{required_fee, transfer},
};

const SENDERS: usize = 40;
const ROUNDS: usize = 3;

/// What is killed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Victim {
    App,
    Comet,
    Both,
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_the_application_under_load_loses_nothing_committed() {
    survives(Victim::App).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_cometbft_under_load_loses_nothing_committed() {
    survives(Victim::Comet).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_both_under_load_loses_nothing_committed() {
    survives(Victim::Both).await;
}

async fn survives(victim: Victim) {
    let mut setup = Setup::default();
    for sender in load::senders(SENDERS) {
        setup.accounts.push((sender.address, load::BALANCE));
    }
    let mut network = Network::start(setup).await;
    let sink = wallet("sink").address;
    let load = Load::start(&network.first().rest, SENDERS, sink);
    for _ in 0..ROUNDS {
        let node = network.first();
        let before = node.rest.balance(sink).await;
        eventually("transfers are committed", async || {
            (node.rest.balance(sink).await >= before + 40).then_some(())
        })
        .await;
        let height = node.rest.height().await;
        let block = node.rest.get(&format!("/rpc/getBlock/{height}")).await.ok();

        kill(node, victim);
        restart(node).await;

        node.rest.reaches(height + 2).await;
        let after = node.rest.get(&format!("/rpc/getBlock/{height}")).await.ok();
        assert_eq!(after["hash"], block["hash"]);
        assert_eq!(after["stateRoot"], block["stateRoot"]);
        assert_eq!(after["txs"], block["txs"]);
    }
    let committed = load.finish().await;
    assert!(committed.len() >= ROUNDS * 40);
    every_coin_is_where_it_belongs(&network, &committed).await;
}

fn kill(node: &mut Node, victim: Victim) {
    // Who isn't killed keeps running until it notices.
    if matches!(victim, Victim::Comet | Victim::Both) {
        node.kill_comet();
    }
    if matches!(victim, Victim::App | Victim::Both) {
        node.kill_app();
    }
}

/// Starts what was killed, and CometBFT also when it stopped because its application went away.
async fn restart(node: &mut Node) {
    if node.app.is_none() {
        if node.comet.is_some() {
            eventually("CometBFT stops without its application", async || {
                node.comet
                    .as_mut()
                    .and_then(|comet| comet.ended())
                    .map(|_| ())
            })
            .await;
            node.kill_comet();
        }
        node.start_app();
    }
    node.start_comet();
}

async fn every_coin_is_where_it_belongs(network: &Network, committed: &[Committed]) {
    let rest = &network.nodes[0].rest;
    for transfer in committed {
        let tx = rest
            .get(&format!("/rpc/getTx/{}", transfer.hash))
            .await
            .ok();
        assert_eq!(tx["status"], "committed", "{transfer:?}");
        assert_eq!(tx["receipt"]["height"], transfer.height, "{transfer:?}");
    }
    // What was accepted last may still be on its way into a block.
    rest.goes_on().await;
    let fee = required_fee(&transfer(wallet("sink").address, 1));
    let mut sent = 0;
    for sender in load::senders(SENDERS) {
        let (balance, nonce) = rest.account(sender.address).await;
        assert_eq!(balance, load::BALANCE - nonce * (fee + 1));
        sent += nonce;
    }
    assert!(sent >= committed.len() as u64);
    assert_eq!(rest.balance(wallet("sink").address).await, sent);
    assert_eq!(rest.balance(validator(0).address).await, sent * fee);
    let supply = rest.supply().await;
    assert_eq!(supply["total"], SENDERS as u64 * load::BALANCE);
    assert_eq!(supply["balances"], supply["total"]);
}
