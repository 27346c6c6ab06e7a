//! What a chain of many accounts costs: `scripts/bench.sh --accounts N` runs it and shows the figures.

use std::{
    env, fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use ait_app::address::Address;
use ait_tests::comet::{
    Network, Node, Rest, Setup, Wallet, eventually, eventually_within, network::wallet,
};

const SENDERS: usize = 200;
const TRANSFERS_EACH: usize = 25;
const BALANCE: u64 = 1_000_000_000;
const MIB: f64 = 1024.0 * 1024.0;

#[tokio::main]
async fn main() {
    let count = env::args().nth(1).map_or(100_000, |text| {
        text.parse::<usize>().expect("how many accounts")
    });
    let wallets: Vec<Wallet> = (0..count)
        .map(|i| wallet(&format!("account {i}")))
        .collect();
    let accounts = wallets
        .iter()
        .map(|wallet| (wallet.address, BALANCE))
        .collect();
    let setup = Setup {
        accounts,
        block_interval: "1s",
        ..Setup::default()
    };
    let begun = Instant::now();
    let mut network = Network::start(setup).await;
    println!(
        "{count} accounts, genesis to first block: {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    show(network.first(), "after the first block");

    spend(network.first(), &wallets).await;
    show(
        network.first(),
        &format!("after {} transfers", SENDERS * TRANSFERS_EACH),
    );

    let node = network.first();
    let height = node.rest.height().await;
    assert!(node.stop().success());
    let begun = Instant::now();
    node.start_app();
    eventually("the application serves its state", async || {
        (node.rest.height().await >= height).then_some(())
    })
    .await;
    let served = begun.elapsed();
    node.start_comet();
    node.rest.reaches(height + 1).await;
    println!(
        "restart: state served after {:.2} s, next block after {:.2} s",
        served.as_secs_f64(),
        begun.elapsed().as_secs_f64()
    );
    show(node, "after the restart");
}

/// Some accounts pay many others.
async fn spend(node: &Node, wallets: &[Wallet]) {
    let mut tasks = Vec::new();
    for (i, wallet) in wallets.iter().take(SENDERS).enumerate() {
        let rest = Rest::new(&node.rest.url);
        let mut sender = wallet.clone();
        let recipients: Vec<Address> = (1..=TRANSFERS_EACH)
            .map(|n| wallets[(i + n * SENDERS) % wallets.len()].address)
            .filter(|address| *address != sender.address)
            .collect();
        tasks.push(tokio::spawn(async move {
            for to in recipients {
                rest.send(&sender.transfer(to, 1)).await.ok();
            }
            sender
        }));
    }
    for task in tasks {
        let sender = task.await.expect("a sender ends well");
        eventually_within(Duration::from_secs(300), "all are committed", async || {
            (node.rest.account(sender.address).await.1 == sender.nonce).then_some(())
        })
        .await;
    }
}

fn show(node: &Node, when: &str) {
    let app = node
        .app
        .as_ref()
        .map_or(0.0, |process| resident(process.id()));
    let comet = node
        .comet
        .as_ref()
        .map_or(0.0, |process| resident(process.id()));
    let store = bytes_in(&node.store()) as f64 / MIB;
    let blocks = bytes_in(&node.home.join("cometbft/data")) as f64 / MIB;
    println!(
        "{when}: memory {app:.0} MiB (CometBFT {comet:.0} MiB), disk {store:.0} MiB (CometBFT {blocks:.0} MiB)"
    );
}

/// Resident memory of a process, MiB.
fn resident(pid: u32) -> f64 {
    let output = Command::new("ps")
        .args(["-o", "rss=", "-p", &pid.to_string()])
        .output()
        .expect("ps runs");
    let kib: f64 = String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .unwrap_or(0.0);
    kib / 1024.0
}

fn bytes_in(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    entries
        .filter_map(Result::ok)
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_in(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
