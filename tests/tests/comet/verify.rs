//! `ait verify`: what a node proves is checked from nothing but a block's height and hash, and what is not so is refused.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use ait_tests::comet::{
    Network, Node, Setup,
    network::{CHAIN_ID, wallet},
    node::ait,
    validators,
};
use serde_json::{Value, json};

use crate::lying_rest;

const VERIFIED: i32 = 0;
const REFUTED: i32 = 6;
const CANNOT_TELL: i32 = 7;

fn verify(folder: &Path, question: &[&str], more: &[&str]) -> Output {
    let mut command: Command = ait(folder);
    command.arg("verify").args(question).args(more);
    command.arg("--state").arg(folder.join("light"));
    command.output().expect("ait starts")
}

fn report(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(VERIFIED), "{said}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn refused(output: &Output, code: i32, words: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(words), "{said}");
}

async fn trust_in(node: &Node, height: u64) -> String {
    let commit = node.rpc.call("commit", &format!("height={height}")).await;
    let hash = &commit["signed_header"]["commit"]["block_id"]["hash"];
    format!("{height}:{}", hash.as_str().expect("a hash"))
}

#[tokio::test(flavor = "multi_thread")]
async fn records_and_their_absence_are_verified_from_a_block_that_is_trusted() {
    let setup = Setup::default().with_account("alice", 1_000_000_000);
    let mut network = Network::start(setup).await;
    let node = network.first();
    let (home, url) = (node.home.clone(), node.rest.url.clone());
    let bob = wallet("bob").address.to_string();
    let balance = ["balance", &bob];
    let of_node = ["--node", &url];
    refused(&verify(&home, &balance, &of_node), CANNOT_TELL, "--trust");

    let trust = trust_in(node, 1).await;
    let payment = wallet("alice").transfer(wallet("bob").address, 4_321);
    node.rest.commit(&payment).await;
    node.rest.goes_on().await;
    let wrong = format!("1:{}", "0".repeat(64));
    let wrong = [&of_node[..], &["--trust", &wrong]].concat();
    refused(&verify(&home, &balance, &wrong), REFUTED, "hash");
    let trusted = [&of_node[..], &["--trust", &trust]].concat();
    let verified = report(&verify(&home, &balance, &trusted));
    assert_eq!(verified["record"]["balance"], 4_321);
    assert_eq!(verified["key"], format!("/account/{bob}"));
    let another = [&trusted[..], &["--chain-id", "another"]].concat();
    refused(&verify(&home, &balance, &another), REFUTED, "another");
    // From here on what was kept is trusted.
    let before = verified["height"].as_u64().expect("a height");
    node.rest.goes_on().await;
    let again = report(&verify(&home, &balance, &of_node));
    assert!(again["height"].as_u64().expect("a height") > before);
    let hash = payment.hash().to_string();
    let sent = report(&verify(&home, &["tx", &hash], &of_node));
    assert_eq!((&sent["hash"], &sent["code"]), (&json!(hash), &json!(0)));
    assert_eq!(sent["tx"]["payload"]["amount"], 4_321);
    // With blocks of another chain beside it, the node does not choose which is meant.
    let other = home.join("light/another.json");
    fs::write(&other, "{}").expect("writable");
    refused(
        &verify(&home, &balance, &of_node),
        CANNOT_TELL,
        "--chain-id",
    );
    let named = [&of_node[..], &["--chain-id", CHAIN_ID]].concat();
    report(&verify(&home, &balance, &named));
    fs::remove_file(&other).expect("removable");
    let absent = ["receipt", &bob, "receipt_1"];
    let absent = report(&verify(&home, &absent, &of_node));
    assert_eq!(absent["record"], Value::Null);
    let supply = report(&verify(&home, &["supply"], &of_node));
    let shown = node.rest.supply().await;
    assert_eq!(supply["record"]["genesis"], shown["genesis"]);
    assert_eq!(supply["record"]["total"], shown["total"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_in_a_file_is_verified_without_a_node_and_refuted_where_anything_was_changed() {
    let setup = Setup::default().with_account("alice", 1_000_000_000);
    let mut network = Network::start(setup).await;
    let node = network.first();
    let home = node.home.clone();
    node.rest.reaches(3).await;
    let alice = wallet("alice").address.to_string();
    let path = format!("/rpc/getBalance/{alice}?prove=true");
    let answer = node.rest.get(&path).await.body;
    let header = &answer["proof"]["signed_header"]["commit"];
    let header = format!(
        "{}:{}",
        header["height"].as_str().expect("a height"),
        header["block_id"]["hash"].as_str().expect("a hash")
    );
    node.stop();

    let file = home.join("alice.json");
    let question = ["file", file.to_str().expect("text")];
    let write = |answer: &Value| fs::write(&file, answer.to_string()).expect("writable");
    write(&answer);
    refused(&verify(&home, &question, &[]), CANNOT_TELL, "--trust");
    let trust = ["--trust", &header];
    let verified = report(&verify(&home, &question, &trust));
    assert_eq!(verified["record"]["balance"], 1_000_000_000);
    assert_eq!(verified["header"], header);

    for (pointer, value) in [
        ("/proof/value", Value::Null),
        ("/proof/key", "/supply".into()),
        ("/proof/height", 1.into()),
        ("/proof/signed_header/header/chain_id", "another".into()),
        ("/proof/validators/0/power", "11".into()),
    ] {
        let mut lie = answer.clone();
        let changed = lie.pointer_mut(pointer).expect(pointer);
        assert_ne!(*changed, value, "{pointer}");
        *changed = value;
        write(&lie);
        refused(&verify(&home, &question, &trust), REFUTED, "refuted");
    }
    // A balance that the record does not have is only decoration: what was verified is shown.
    let mut lie = answer.clone();
    lie["balance"] = 7.into();
    write(&lie);
    let verified = report(&verify(&home, &question, &trust));
    assert_eq!(verified["record"]["balance"], 1_000_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_lie_are_refuted_and_witnesses_that_lie_are_told_of() {
    let setup = Setup {
        validators: 4,
        ..Setup::default()
    };
    let network = Network::start(setup.with_account("alice", 7_000)).await;
    let (first, second) = (&network.nodes[0], &network.nodes[1]);
    first.rest.reaches(2).await;
    let trust = trust_in(first, 1).await;
    first.rest.goes_on().await;
    let home = first.home.clone();
    let address = wallet("alice").address.to_string();
    let question = ["balance", &address];
    let by = |nodes: String| {
        let more = ["--node", &nodes, "--trust", &trust];
        verify(&home, &question, &more)
    };
    let honest = report(&by(format!("{},{}", first.rest.url, second.rest.url)));
    assert_eq!(honest["witnesses"], json!([second.rest.url]));
    assert_eq!(honest["record"]["balance"], 7_000);

    let richer = lying_rest::start(&first.rest.url, |path, answer| {
        if path.contains("getBalance") {
            let record = answer["proof"]["value"].as_str().unwrap_or_default();
            let record = record.replace("\"balance\":7000", "\"balance\":8000");
            answer["proof"]["value"] = record.into();
        }
    });
    refused(&by(richer.await), REFUTED, "ops[0]");
    let of_another = lying_rest::start(&first.rest.url, |path, answer| {
        if path.contains("getBalance") {
            answer["proof"]["key"] = "/supply".into();
            answer["proof"]["ops"][0]["key"] = "/supply".into();
        }
    });
    refused(&by(of_another.await), REFUTED, "refuted");
    let unsigned = |path: &str, answer: &mut Value| {
        if path.contains("getCommit") {
            let signatures = &mut answer["signed_header"]["commit"]["signatures"];
            let signatures = signatures.as_array_mut().expect("signatures");
            for signature in signatures.iter_mut().skip(1) {
                *signature = json!({"block_id_flag": 1, "validator_address": "",
                    "timestamp": "0001-01-01T00:00:00Z", "signature": null});
            }
        }
    };
    let unsigned = lying_rest::start(&first.rest.url, unsigned).await;
    refused(&by(unsigned), REFUTED, "2/3");

    // A witness that has another header: both are kept.
    let forger = lying_rest::start(&second.rest.url, |path, answer| {
        if path.contains("getCommit") {
            answer["signed_header"]["header"]["app_hash"] = "AB".repeat(32).into();
        }
    });
    let output = by(format!("{},{}", first.rest.url, forger.await));
    assert_eq!(report(&output)["witnesses"], json!([]));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("the witness lies"), "{said}");
    let kept = fs::read_dir(home.join("light")).expect("a folder");
    let mut names = kept.map(|entry| entry.expect("an entry").file_name());
    assert!(names.any(|name| name.to_string_lossy().contains("fork")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_light_client_that_was_away_while_the_validators_changed_follows_them_and_old_trust_is_refused()
 {
    let params = [("epoch_blocks", json!(5))];
    let network = Network::start(validators::setup(4, &params)).await;
    let mut accounts = validators::accounts(4);
    let first = &network.nodes[0];
    first.rest.reaches(2).await;
    let trust = trust_in(first, 1).await;
    let set = async |height: u64| {
        let path = format!("/rpc/getValidatorSet/{height}");
        first.rest.get(&path).await.ok()["validators"].clone()
    };
    let before = set(1).await;
    let stakes = [10_000_000, 20_000_000, 30_000_000, 40_000_000];
    validators::elect(&network, &mut accounts, &stakes).await;
    let height = first.rest.goes_on().await;
    assert_ne!(set(height).await, before);
    first.rest.goes_on().await;

    let home = first.home.clone();
    let address = accounts[3].address.to_string();
    let question = ["balance", &address];
    let of_node = ["--node", &first.rest.url];
    let old = [&of_node[..], &["--trust", &trust, "--trusting-period", "1"]].concat();
    refused(&verify(&home, &question, &old), CANNOT_TELL, "expired");
    let trusted = [&of_node[..], &["--trust", &trust]].concat();
    let verified = report(&verify(&home, &question, &trusted));
    assert!(verified["height"].as_u64().expect("a height") >= height);
    assert!(verified["blocks_fetched"].as_u64().expect("a number") <= 20);
}
