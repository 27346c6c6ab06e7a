//! Thousands of transfers over hundreds of connections: every one committed, each once, and no coin
//! lost.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use ait_app::{address::Address, tx::Transaction};
use ait_tests::comet::{
    Network, Rest, Setup, Wallet, eventually_within,
    network::{validator, wallet},
};

const BALANCE: u64 = 1_000_000_000;
const TRANSFERS: usize = 10_000;
const SENDERS: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_transfers_over_two_hundred_connections_are_committed_once_each() {
    let each = TRANSFERS / SENDERS;
    let wallets: Vec<Wallet> = (0..SENDERS)
        .map(|i| wallet(&format!("sender {i}")))
        .collect();
    let mut setup = Setup {
        block_interval: "1s",
        ..Setup::default()
    };
    for wallet in &wallets {
        setup.accounts.push((wallet.address, BALANCE));
    }
    let network = Network::start(setup).await;
    let rest = &network.nodes[0].rest;
    let mut accounts: Vec<Address> = wallets.iter().map(|wallet| wallet.address).collect();
    accounts.push(validator(0).address);
    let total = BALANCE * SENDERS as u64;
    assert_eq!(network.sum_of_balances(&accounts).await, total);

    let batches = batches(&wallets, each);
    let hashes: Vec<String> = batches
        .iter()
        .flatten()
        .map(|tx| tx.hash().to_string())
        .collect();
    deliver(rest, &wallets, batches).await;

    let blocks = blocks_of(rest).await;
    for hash in &hashes {
        let count = blocks.get(hash).copied().unwrap_or(0);
        assert_eq!(count, 1, "{hash} stands in {count} blocks");
    }
    assert_eq!(network.sum_of_balances(&accounts).await, total);
    for wallet in &wallets {
        let left = BALANCE - fee_of(wallet) * each as u64;
        assert_eq!(rest.balance(wallet.address).await, left);
    }
}

/// Each sender pays the next one, so that each gets as much as it sends.
fn batches(wallets: &[Wallet], each: usize) -> Vec<Vec<Transaction>> {
    let pairs = wallets.iter().zip(wallets.iter().cycle().skip(1));
    pairs
        .map(|(sender, next)| {
            let mut sender = sender.clone();
            (0..each)
                .map(|_| sender.transfer(next.address, 7))
                .collect()
        })
        .collect()
}

/// Sends all of them at once and waits until they are committed; says how long that took.
async fn deliver(rest: &Rest, wallets: &[Wallet], batches: Vec<Vec<Transaction>>) {
    let (senders, each) = (batches.len(), batches[0].len());
    let begun = Instant::now();
    let tasks: Vec<_> = batches
        .into_iter()
        .map(|batch| tokio::spawn(send_all(Rest::new(&rest.url), batch)))
        .collect();
    for task in tasks {
        task.await.expect("a sender ends well");
    }
    let accepted = begun.elapsed();
    for wallet in wallets {
        eventually_within(Duration::from_secs(300), "all are committed", async || {
            (rest.account(wallet.address).await.1 == each as u64).then_some(())
        })
        .await;
    }
    let committed = begun.elapsed();
    let count = senders * each;
    println!(
        "{count} transfers from {senders} senders over as many connections: accepted in {:.1} s, \
         committed in {:.1} s ({:.0} a second), block interval 1 s",
        accepted.as_secs_f64(),
        committed.as_secs_f64(),
        count as f64 / committed.as_secs_f64(),
    );
}

/// What one of the test's transfers costs.
fn fee_of(sender: &Wallet) -> u64 {
    sender.clone().transfer(sender.address, 7).fee.get()
}

async fn send_all(rest: Rest, batch: Vec<Transaction>) {
    for tx in batch {
        let reply = rest.send(&tx).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
}

/// How often each transaction stands in the chain.
async fn blocks_of(rest: &Rest) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for height in 1..=rest.height().await {
        let block = rest.get(&format!("/rpc/getBlock/{height}")).await.ok();
        for tx in block["txs"].as_array().expect("a list") {
            let hash = tx.as_str().or_else(|| tx["hash"].as_str()).expect("a hash");
            *found.entry(hash.to_owned()).or_insert(0) += 1;
        }
    }
    found
}
