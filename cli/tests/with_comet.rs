//! A CometBFT that ends over and over ends its node, with one message that says how.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

/// A program that passes for a CometBFT until it is to run.
const STAND_IN: &str = r#"#!/bin/sh
if [ "$1" = version ]; then
  echo '{"cometbft":"0.38.26","abci":"2.0.0","block_protocol":11,"p2p_protocol":8}'
  exit 0
fi
echo "panic: the disk is gone" >&2
exit 7
"#;

fn ait(folder: &Path, arguments: &[&str], comet: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ait"))
        .current_dir(folder)
        .args(arguments)
        .env_clear()
        .env("COMETBFT", comet)
        .output()
        .unwrap()
}

fn stand_in(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("cometbft");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path
}

#[test]
fn a_cometbft_that_never_stays_up_ends_the_node_with_its_last_words() {
    let folder = tempfile::tempdir().unwrap();
    let comet = stand_in(folder.path(), STAND_IN);
    let made = ait(folder.path(), &["init", "--home", "node"], &comet);
    assert!(made.status.success());
    fs::write(
        folder.path().join("node/config/genesis.json"),
        r#"{"chain_id":"a-chain"}"#,
    )
    .unwrap();
    let began = Instant::now();
    let arguments = ["start", "--no-rest", "--home", "node", "--with-comet"];
    let output = ait(folder.path(), &arguments, &comet);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("7 times in a row"), "{said}");
    assert!(said.contains("exit status: 7"), "{said}");
    assert!(said.contains("panic: the disk is gone"), "{said}");
    // It was tried patiently, and the pauses grew.
    assert!(began.elapsed() >= Duration::from_secs(55));
    let out = String::from_utf8_lossy(&output.stdout);
    let pauses = out.lines().filter_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["next_start_seconds"].as_u64()
    });
    assert_eq!(pauses.collect::<Vec<_>>(), [1, 2, 4, 8, 16, 30]);
    // The application ended as it does when it is asked to.
    assert!(out.contains("\"event\":\"stopped\""), "{out}");
    assert!(!folder.path().join("node/app.sock").exists());
}

#[test]
fn without_a_home_or_a_cometbft_of_the_right_kind_nothing_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let other = STAND_IN.replace("0.38.26", "0.34.0");
    let comet = stand_in(folder.path(), &other);
    let homeless = ait(folder.path(), &["start", "--with-comet"], &comet);
    let said = String::from_utf8_lossy(&homeless.stderr);
    assert_eq!(homeless.status.code(), Some(2), "{said}");
    assert!(said.contains("--home"), "{said}");

    ait(folder.path(), &["init", "--home", "node"], &comet);
    fs::write(
        folder.path().join("node/config/genesis.json"),
        r#"{"chain_id":"a-chain"}"#,
    )
    .unwrap();
    let arguments = ["start", "--home", "node", "--with-comet"];
    let output = ait(folder.path(), &arguments, &comet);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("it is 0.34.0"), "{said}");
    assert!(!folder.path().join("node/chain.db").exists());
}
