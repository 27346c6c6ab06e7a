//! A devnet whose nodes make no block says which of them is behind, and where to look.

use std::os::unix::fs::PermissionsExt;

use ait_tests::comet::{binaries::cometbft, devnet::said, node::ait};

#[test]
fn a_devnet_without_blocks_names_each_node_and_its_logs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let home = folder.path().join("net");
    // A CometBFT that hangs on the second node, without which there is no quorum.
    let hangs = folder.path().join("cometbft");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in\n*/node1/*) exec sleep 600 ;;\n*) exec '{}' \"$@\" ;;\nesac\n",
        cometbft().display()
    );
    std::fs::write(&hangs, script).expect("it is written");
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&hangs, executable).expect("it may be run");

    let mut command = ait(folder.path());
    command
        .args(["devnet", "up", "--nodes", "2", "--base-port", "0"])
        .args(["--timeout", "8s", "--home"])
        .arg(&home)
        .env("COMETBFT", &hangs);
    let output = command.output().expect("ait starts");
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in [
        "make no block within 8s",
        "node 0: starting, at block 0. ",
        "node 1: starting, at block 0; its CometBFT does not answer. ",
        "node1/cometbft.log",
        "node1/app.log",
    ] {
        assert!(said.contains(part), "{part:?} is missing:\n{said}");
    }
    let left = std::fs::read_to_string(home.join("devnet.json")).expect("devnet.json is there");
    let left: serde_json::Value = serde_json::from_str(&left).expect("JSON");
    assert_eq!(
        left["processes"],
        serde_json::json!([]),
        "all of it is stopped"
    );
}
