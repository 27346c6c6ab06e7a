//! What `ait doctor` says of a node that is well, and of one that an operator's mistake has spoilt.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use ait_tests::comet::{Network, Node, Setup};
use serde_json::{Value, json};

/// The verdict of each check, by its name, and whether the command succeeded.
fn examine(node: &Node) -> (Value, bool) {
    let output = node.offline_command("doctor").output().expect("it starts");
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let by_name = |finding: &Value| {
        let name = finding["check"].as_str().expect("a name").to_owned();
        let advised = finding["advice"].is_string();
        assert_eq!(advised, finding["verdict"] != "ok", "{finding}");
        (name, finding["verdict"].clone())
    };
    let verdicts = findings.iter().map(by_name).collect();
    (Value::Object(verdicts), output.status.success())
}

fn change(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).expect("the file is there");
    assert!(text.contains(from));
    fs::write(path, text.replace(from, to)).expect("it can be written");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mistake_is_found_and_nothing_else() {
    let mut network = Network::prepare(&Setup::default()).await;
    let node = network.first();
    let (verdicts, well) = examine(node);
    // The speed of this machine's disk is its own.
    for check in [
        "genesis",
        "cometbft",
        "consensus_key",
        "signed_last",
        "configuration",
        "disk_room",
        "ports",
    ] {
        assert_eq!(verdicts[check], "ok", "{check}: {verdicts}");
    }
    assert!(well && verdicts.get("clock").is_none(), "{verdicts}");

    node.start_app();
    node.start_comet();
    node.rest.reaches(3).await;
    let (verdicts, well) = examine(node);
    assert!(well && verdicts["clock"] == "ok", "{verdicts}");
    assert!(verdicts.get("ports").is_none());
    node.stop();

    let config = node.home.join("cometbft/config");
    let key = config.join("priv_validator_key.json");
    let state = node.home.join("cometbft/data/priv_validator_state.json");
    change(
        &config.join("config.toml"),
        "recheck = true",
        "recheck = false",
    );
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("its mode can be set");
    let signed = fs::read_to_string(&state).expect("it signed");
    let mut older: Value = serde_json::from_str(&signed).expect("JSON");
    older["height"] = json!("1");
    fs::write(&state, older.to_string()).expect("it can be written");
    let (verdicts, well) = examine(node);
    assert!(!well);
    assert_eq!(verdicts["consensus_key"], "problem");
    assert_eq!(verdicts["configuration"], "warning");
    assert_eq!(verdicts["signed_last"], "warning");
    assert_eq!(verdicts["genesis"], "ok");
    fs::remove_file(&state).expect("it is there");
    change(
        &config.join("genesis.json"),
        "\"min_account_balance\"",
        "\"min_balance\"",
    );
    let (verdicts, _) = examine(node);
    assert_eq!(verdicts["signed_last"], "problem");
    assert_eq!(verdicts["genesis"], "problem");
}
