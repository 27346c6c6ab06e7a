//! `ait audit replay`: whoever trusts nobody executes a node's blocks again, and is told what a node says otherwise.

use std::{fs, path::Path, process::Output};

use ait_tests::comet::{
    Coordinator, Manner, Network, Setup,
    devnet::said,
    network::{CHAIN_ID, wallet},
    node::ait,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::lying_rpc::{self, Lie, change};

/// A chain with transfers, an escrow, its claim, and a transaction that failed.
struct Scene {
    network: Network,
    /// The block with the transaction that failed.
    failed: u64,
    /// Answers of its coordinator.
    _coordinator: Coordinator,
}

async fn scene() -> Scene {
    let coordinator = Coordinator::start(wallet("coordinator"), Manner::Damning).await;
    let setup = Setup {
        coordinators: vec![wallet("coordinator")],
        coordinator_urls: coordinator.entry(),
        ..Setup::default()
    };
    let setup = setup
        .with_account("client", 1_000_000)
        .with_account("alice", 1_000_000);
    let mut network = Network::prepare(&setup).await;
    let node = network.first();
    keep_results(&node.home.join("cometbft/config/config.toml"));
    node.start_app();
    node.start_comet();
    node.rest.reaches(1).await;
    let (mut alice, mut client, mut miner) = (wallet("alice"), wallet("client"), wallet("miner"));
    let rest = &network.first().rest;
    for amount in [1_000, 2_000, 3_000] {
        rest.commit(&alice.transfer(wallet("bob").address, amount))
            .await;
    }
    // The coordinator denies the second claim, which is an offence of the miner. Its answer is the first entry of the
    // block, and the claim the second.
    let mut failed = 0;
    for job in ["job_1", "job_2"] {
        let open = client.open_escrow(job, wallet("coordinator").address, 50_000, 1_000);
        let opened = rest.commit(&open).await["height"].as_u64();
        let opened = opened.expect("a height");
        let work = miner.receipt(&format!("receipt_{job}"), client.address, job, opened);
        let attestation = match job {
            "job_1" => Some(work.attested_by(&wallet("coordinator").actor, opened)),
            _ => None,
        };
        let claim = miner.claim(&work, attestation.as_ref());
        rest.send(&claim).await.ok();
        let receipt = rest.receipt_of(&claim).await;
        assert_eq!(receipt["code"] == 0, job == "job_1", "{receipt}");
        failed = receipt["height"].as_u64().expect("a height");
    }
    rest.goes_on().await;
    Scene {
        network,
        failed,
        _coordinator: coordinator,
    }
}

/// Has CometBFT keep the results of its blocks, which `ait init` does not.
fn keep_results(config: &Path) {
    let text = fs::read_to_string(config).expect("a config.toml");
    let kept = text.replace(
        "discard_abci_responses = true",
        "discard_abci_responses = false",
    );
    assert_ne!(kept, text);
    fs::write(config, kept).expect("it can be written");
}

fn audit(folder: &Path, url: &str, more: &[&str]) -> Output {
    let mut command = ait(folder);
    command.args(["audit", "replay", "--rpc", url]).args(more);
    command.output().expect("ait starts")
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// What an auditor of a node is told that lies so up to the block behind the one that failed.
async fn told(scene: &Scene, lie: impl Lie) -> (Value, String) {
    let folder = TempDir::new().expect("a folder");
    let url = lying_rpc::start(&scene.network.nodes[0].rpc.url, lie).await;
    let to = (scene.failed + 1).to_string();
    let (path, arguments) = (folder.path().to_owned(), ["--to".to_owned(), to]);
    let output = tokio::task::spawn_blocking(move || {
        audit(&path, &url, &arguments.each_ref().map(String::as_str))
    });
    let output = output.await.expect("it ends");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let report = match output.stdout.is_empty() {
        true => Value::Null,
        false => report(&output),
    };
    (report, said(&output))
}

fn is_of(params: &Value, height: u64) -> bool {
    let asked = params["height"].as_str();
    asked.and_then(|text| text.parse().ok()) == Some(height)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_node_agrees_from_its_genesis_and_from_its_snapshot() {
    let mut scene = scene().await;
    let node = scene.network.first();
    let output = audit(&node.home, &node.rpc.url, &[]);
    assert!(output.status.success(), "{}", said(&output));
    let whole = report(&output);
    assert_eq!(whole["agrees"], true, "{whole}");
    assert_eq!(whole["from"], 1, "{whole}");
    assert_eq!(whole["blocks"], whole["to"], "{whole}");
    assert_eq!(whole["compared_results"], whole["blocks"], "{whole}");
    assert!(whole["transactions"].as_u64() >= Some(7), "{whole}");
    let to = whole["to"].as_u64().expect("a height");
    // One validator signs each, and the block that has the last app hash.
    assert_eq!(whole["signatures"], to + 1, "{whole}");
    let (_, app_hash) = node.rpc.block_header(&(to + 1).to_string()).await;
    assert_eq!(whole["app_hash"], app_hash);

    // The same with the genesis of somebody else than the node.
    let genesis = node.home.join("cometbft/config/genesis.json");
    let genesis = genesis.to_str().expect("text");
    let output = audit(
        &node.home,
        &node.rpc.url,
        &["--genesis", genesis, "--to", "5"],
    );
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(report(&output)["blocks"], 5);

    assert!(node.stop().success());
    let mut create = ait(&node.home);
    create.args(["snapshot", "create", "--chain-id", CHAIN_ID, "--db-path"]);
    let created = create.arg(node.store()).output().expect("ait starts");
    assert!(created.status.success(), "{}", said(&created));
    let snapshot = report(&created);
    node.start_app();
    node.start_comet();
    let height = snapshot["height"].as_u64().expect("a height");
    node.rest.reaches(height + 4).await;
    let folder = snapshot["path"].as_str().expect("a path");
    let hash = snapshot["app_hash"].as_str().expect("an app hash");
    let arguments = ["--from-snapshot", folder, "--app-hash", hash];
    let output = audit(&node.home, &node.rpc.url, &arguments);
    assert!(output.status.success(), "{}", said(&output));
    let behind = report(&output);
    assert_eq!(behind["from"], height + 1, "{behind}");
    assert!(behind["blocks"].as_u64() >= Some(2), "{behind}");
    let other = "07".repeat(32);
    let arguments = ["--from-snapshot", folder, "--app-hash", &other];
    let output = audit(&node.home, &node.rpc.url, &arguments);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_lies_is_told_with_the_height_and_what_it_lied_about() {
    let scene = scene().await;
    let at = scene.failed;

    let (report, text) = told(&scene, move |method, params, result| {
        if method == "block" && is_of(params, at) {
            change(&mut result["block"]["data"]["txs"][0], 20);
        }
    })
    .await;
    assert_eq!(report["differences"][0]["what"], "data_hash", "{text}");
    assert_eq!(report["differences"][0]["height"], at, "{text}");

    let (report, text) = told(&scene, move |method, params, result| {
        if method == "block_results" && is_of(params, at) {
            result["txs_results"][1]["code"] = json!(0);
        }
    })
    .await;
    assert_eq!(report["differences"][0]["what"], "result", "{text}");
    assert_eq!(report["differences"][0]["height"], at, "{text}");
    assert!(text.contains("transaction 1"), "{text}");

    // The app hash after a block is in the next one's header.
    let (report, text) = told(&scene, move |method, params, result| {
        if method == "block" && is_of(params, at + 1) {
            change(&mut result["block"]["header"]["app_hash"], 0);
        }
        if method == "abci_query" && result["response"]["value"].is_string() {
            change(&mut result["response"]["value"], 0);
        }
    })
    .await;
    assert_eq!(report["differences"][0]["what"], "app_hash", "{text}");
    assert_eq!(report["differences"][0]["height"], at, "{text}");
    assert!(text.contains("first record that differs is /"), "{text}");

    let (report, text) = told(&scene, move |method, params, result| {
        if method == "block" && is_of(params, at + 1) {
            let vote = &mut result["block"]["last_commit"]["signatures"][0];
            change(&mut vote["signature"], 10);
        }
    })
    .await;
    assert_eq!(report["differences"][0]["what"], "commit", "{text}");
    assert_eq!(report["differences"][0]["height"], at, "{text}");

    // One that keeps no early blocks is refused with what it has.
    let (report, text) = told(&scene, move |method, _, result| {
        if method == "status" {
            result["sync_info"]["earliest_block_height"] = json!("3");
        }
    })
    .await;
    assert_eq!(report, Value::Null, "{text}");
    assert!(text.contains("keeps blocks 3 to"), "{text}");
    assert!(text.contains("--from-snapshot"), "{text}");
}
