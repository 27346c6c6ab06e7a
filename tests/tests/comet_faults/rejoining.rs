//! Validators whose blocks and state are gone join again while the network works: one by all blocks, one by a snapshot.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use ait_tests::comet::{
    Network, Node, eventually, eventually_within,
    faults::{
        invariants::{goes_on_and_agrees, is_signed_by, nothing_committed_is_lost},
        load::{MixedLoad, setup},
    },
    network::consensus_key,
    newcomer::trust_in,
};

const CLIENTS: usize = 8;
/// CometBFT looks for snapshots for some 15 s.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a validator has to keep: its keys, and what it signed last.
const KEPT: [&str; 3] = [
    "config/priv_validator_key.json",
    "config/node_key.json",
    "data/priv_validator_state.json",
];

fn kill(node: &mut Node) {
    node.kill_comet();
    node.kill_app();
}

/// The application's store and CometBFT's blocks are gone; the record of what was signed last is not.
fn wipe(node: &Node) {
    fs::remove_dir_all(node.store()).expect("a store");
    let data = node.home.join("cometbft/data");
    for entry in fs::read_dir(&data).expect("CometBFT's data").flatten() {
        let path = entry.path();
        if path.is_dir() {
            fs::remove_dir_all(&path).expect("a folder");
        } else if !path.ends_with("priv_validator_state.json") {
            fs::remove_file(&path).expect("a file");
        }
    }
}

/// The home is made anew to join by state sync, with the validator's keys.
fn made_anew(network: &Network, i: usize) {
    let node = &network.nodes[i];
    fs::remove_dir_all(node.store()).expect("a store");
    let (home, old) = (node.home.join("cometbft"), node.home.join("lost"));
    fs::rename(&home, &old).expect("a home");
    let asked: Vec<&Node> = network.nodes[..2].iter().collect();
    let shown = node.join_command(&asked, &[]).output().expect("ait starts");
    let trust = trust_in(&String::from_utf8_lossy(&shown.stderr));
    let joined = node.join_command(&asked, &["--trust", &trust]).output();
    let joined = joined.expect("ait starts");
    let said = String::from_utf8_lossy(&joined.stderr);
    assert!(joined.status.success(), "{said}");
    for path in KEPT {
        copy(&old, &home, path);
    }
}

fn copy(from: &Path, to: &Path, path: &str) {
    fs::copy(from.join(path), to.join(path)).expect(path);
}

async fn signs(network: &Network, i: usize, after: u64) {
    let address = consensus_key(i).actor.consensus_address();
    let address = hex::encode(address.0);
    let observer = &network.nodes[0].rpc;
    eventually_within(PATIENCE, "it signs again", async || {
        let block = observer.call("block", "").await;
        let height = block["block"]["header"]["height"].as_str()?;
        let height: u64 = height.parse().ok()?;
        (height > after && is_signed_by(&block, &address)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wiped_validators_join_again_under_load_and_sign() {
    let mut network = Network::prepare(&setup(4, CLIENTS)).await;
    for node in &mut network.nodes {
        node.app_arguments.push("--snapshot-interval=20".to_owned());
        node.app_arguments.push("--snapshot-keep=10".to_owned());
        node.start_in_order().await;
    }
    for node in &network.nodes {
        node.rest.reaches(22).await;
        eventually("it has caught up", async || {
            (!node.rpc.is_catching_up().await).then_some(())
        })
        .await;
    }
    let load = MixedLoad::start(&network, CLIENTS);
    let mut agreed = 1;
    for (i, by_snapshot) in [(3, false), (2, true)] {
        kill(&mut network.nodes[i]);
        if by_snapshot {
            made_anew(&network, i);
        } else {
            wipe(&network.nodes[i]);
        }
        let begun = Instant::now();
        let height = network.nodes[0].rest.height().await;
        let node = &mut network.nodes[i];
        node.start_in_order().await;
        let rest = &node.rest;
        eventually_within(PATIENCE, "it has all blocks", async || {
            (rest.height().await > height).then_some(())
        })
        .await;
        let log = network.nodes[i].app_log();
        assert_eq!(log.contains("snapshot_restored"), by_snapshot);
        signs(&network, i, height + 1).await;
        let took = begun.elapsed().as_secs_f64();
        println!("by a snapshot: {by_snapshot}; signs again after {took:.1} s, at height {height}");
        agreed = goes_on_and_agrees(&network, agreed.max(height)).await;
    }
    let seen = load.finish().await.committed;
    assert!(!seen.is_empty());
    // What lies before a snapshot is not the business of the one who began with it.
    network.nodes.swap_remove(2);
    nothing_committed_is_lost(&network, &seen).await;
}
