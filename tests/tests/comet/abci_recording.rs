//! `ait audit abci`: a changed recording is told with the call, its height and the field; one that lacks its beginning
//! is taken up from a snapshot; one that was cut is read as far as it goes.

use std::{fs, path::Path};

use ait_tests::comet::{
    Network, Setup,
    devnet::said,
    network::{CHAIN_ID, wallet},
    node::ait,
    recording::{agrees, audit, calls, record},
};
use serde_json::Value;

/// Of several places with the same bytes.
#[derive(PartialEq, Eq)]
enum Which {
    First,
    Last,
}

/// Changes bytes in a file.
fn change(file: &Path, which: Which, found: &[u8], with: &[u8]) {
    assert_eq!(found.len(), with.len());
    let mut bytes = fs::read(file).expect("a file");
    let mut windows = bytes.windows(found.len());
    let place = match which {
        Which::First => windows.position(|window| window == found),
        Which::Last => windows.rposition(|window| window == found),
    };
    let place = place.expect("these bytes are in it");
    bytes[place..place + with.len()].copy_from_slice(with);
    fs::write(file, bytes).expect("it can be written");
}

/// What `ait audit abci` tells of a recording that it does not agree with.
fn told(recording: &Path) -> (Value, String) {
    let output = audit(recording, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report in JSON");
    assert_eq!(report["agrees"], false, "{report}");
    (report["difference"].clone(), said(&output))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_answer_is_told_with_its_call_and_a_snapshot_stands_for_what_is_missing() {
    let setup = Setup::default().with_account("alice", 1_000_000);
    let mut network = Network::prepare(&setup).await;
    let node = network.first();
    let folder = record(node);
    node.start_app();
    node.start_comet();
    node.rest.reaches(1).await;
    let payment = wallet("alice").transfer(wallet("bob").address, 123_456);
    let height = node.rest.commit(&payment).await["height"]
        .as_u64()
        .expect("a height");
    node.rest.reaches(height + 3).await;
    let (_, app_hash) = node.rpc.block_header(&(height + 1).to_string()).await;
    assert!(node.stop().success());
    let first = folder.join("000001.abci");
    let finalized = |call: &Value| call["method"] == "finalize_block" && call["height"] == height;
    let number = calls(&first).into_iter().find(finalized).expect("a call")["call"].clone();

    // An app hash of another block.
    let changed = folder.join("changed");
    fs::copy(&first, &changed).expect("it can be copied");
    let app_hash = hex::decode(app_hash).expect("hex");
    let mut other = app_hash.clone();
    other[0] ^= 1;
    change(&changed, Which::First, &app_hash, &other);
    let (difference, text) = told(&changed);
    assert_eq!(difference["field"], "app_hash", "{text}");
    assert_eq!(difference["height"], height, "{text}");
    assert_eq!(difference["call"], number, "{text}");
    assert!(
        text.contains(&format!("call {number} (finalize_block, height {height})")),
        "{text}"
    );

    // What a transaction is said to have done; what it says itself comes before.
    fs::copy(&first, &changed).expect("it can be copied");
    change(&changed, Which::Last, b"123456", b"999999");
    let (difference, text) = told(&changed);
    let field = difference["field"].as_str().expect("a field");
    assert!(field.starts_with("tx_results[0].events["), "{text}");
    assert_eq!(difference["call"], number, "{text}");
    let values = (&difference["recorded"], &difference["found"]);
    assert_eq!(values, (&"999999".into(), &"123456".into()), "{text}");

    // Cut short within a frame.
    let bytes = fs::read(&first).expect("a file");
    fs::write(&changed, &bytes[..bytes.len() * 2 / 3]).expect("it can be written");
    let report = agrees(&changed, &[]);
    assert!(["cut", "open"].contains(&report["runs"][0]["end"].as_str().expect("an end")));
    assert!(report["height"].as_u64() >= Some(1), "{report}");
    fs::remove_file(&changed).expect("it can be removed");

    // A second run, and a snapshot of the block that it begins with.
    let mut create = ait(&node.home);
    create.args(["snapshot", "create", "--chain-id", CHAIN_ID, "--db-path"]);
    let created = create.arg(node.store()).output().expect("ait starts");
    assert!(created.status.success(), "{}", said(&created));
    let snapshot: Value = serde_json::from_slice(&created.stdout).expect("JSON");
    let snapshot = snapshot["path"].as_str().expect("a path");
    node.start_app();
    node.start_comet();
    node.rest.goes_on().await;
    node.rest.goes_on().await;
    assert!(node.stop().success());
    let second = folder.join("000002.abci");
    let refused = audit(&second, &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        said(&refused).contains("--from-snapshot"),
        "{}",
        said(&refused)
    );
    let whole = agrees(&folder, &[]);
    let behind = agrees(&second, &["--from-snapshot", snapshot]);
    // The same snapshot lies within the recording of both runs.
    let over = agrees(&folder, &["--from-snapshot", snapshot]);
    for report in [&behind, &over] {
        assert_eq!(report["height"], whole["height"], "{report}");
        assert_eq!(report["app_hash"], whole["app_hash"], "{report}");
    }
    assert!(over["passed_over"].as_u64() > Some(0), "{over}");
    let count = |report: &Value| report["compared"]["finalize_block"].as_u64();
    assert_eq!(count(&over), count(&behind));
    assert!(count(&behind) < count(&whole), "{behind}");
}
