//! Envelopes over real mempools: what goes into one node as an envelope is committed once, and the others
//! have seen it by gossip.

use std::collections::BTreeMap;

use ait_app::tx::Transaction;
use ait_tests::comet::{Network, Node, Setup, eventually, network::wallet};

/// Envelopes whose lines a node has taken in.
async fn envelopes(node: &Node) -> u64 {
    let metrics = node.rest.get("/rpc/metrics").await;
    let mut lines = metrics.text().lines();
    let line = lines.find_map(|line| line.strip_prefix("ait_envelopes_total{code=\"ok\"} "));
    line.map_or(0, |count| count.parse().expect("a count"))
}

/// How often each transaction stands in a node's chain.
async fn occurrences(node: &Node) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for height in 1..=node.rest.height().await {
        let block = node.rest.get(&format!("/rpc/getBlock/{height}")).await.ok();
        for tx in block["txs"].as_array().expect("a list") {
            let hash = tx.as_str().expect("a hash").to_owned();
            *found.entry(hash).or_insert(0) += 1;
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_into_one_node_as_an_envelope_is_committed_once_and_reaches_the_other_by_gossip()
{
    let names: Vec<String> = (0..20).map(|i| format!("sender {i}")).collect();
    let setup = Setup {
        validators: 2,
        ..Setup::default()
    };
    let setup = names
        .iter()
        .fold(setup, |setup, name| setup.with_account(name, 1_000_000));
    let network = Network::start(setup).await;
    let bob = wallet("bob");
    let mut txs: Vec<Transaction> = Vec::new();
    for name in &names {
        let mut sender = wallet(name);
        txs.extend((0..25).map(|_| sender.transfer(bob.address, 100)));
    }
    let (first, second) = (&network.nodes[0], &network.nodes[1]);
    let wires: Vec<Vec<u8>> = txs.iter().map(Transaction::to_wire).collect();
    let list = [b"[{},".as_slice(), &wires.join(&b','), b"]"].concat();
    let answers = first.rest.post("/rpc/sendTxs", list).await.ok();
    assert_eq!(answers[0]["error"]["code"], "invalid_field");
    for (i, tx) in (1..).zip(&txs) {
        assert_eq!(answers[i]["txHash"], tx.hash().to_string());
    }

    for tx in [&txs[0], &txs[txs.len() / 2], &txs[txs.len() - 1]] {
        first.rest.receipt_of(tx).await;
        second.rest.receipt_of(tx).await;
    }
    let paid = 100 * txs.len() as u64;
    for node in [first, second] {
        eventually("all of them are committed", async || {
            (node.rest.balance(bob.address).await == paid).then_some(())
        })
        .await;
        let found = occurrences(node).await;
        for tx in &txs {
            assert_eq!(found.get(&tx.hash().to_string()), Some(&1));
        }
        assert_eq!(found.len(), txs.len(), "nothing else stands in blocks");
        assert!(
            envelopes(node).await >= 2,
            "500 transactions are more than one envelope"
        );
    }
    // CometBFT has let go of the envelopes, and holds nothing.
    for node in [first, second] {
        eventually("the mempool is empty", async || {
            let held = node.rpc.call("num_unconfirmed_txs", "").await;
            (held["total"] == "0").then_some(())
        })
        .await;
    }
}
