//! Where a devnet lives may be said by `AIT_DEVNET_HOME`, whichever half of it asks.

use std::process::Output;

use ait_tests::comet::{binaries::cometbft, devnet::said, node::ait};

#[test]
fn a_detached_devnet_lives_where_the_environment_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let home = folder.path().join("net");
    let devnet = |arguments: &[&str]| -> Output {
        let mut command = ait(folder.path());
        command.arg("devnet").args(arguments);
        command.env("AIT_DEVNET_HOME", &home);
        command.env("COMETBFT", cometbft());
        command.output().expect("ait starts")
    };
    let up = ["up", "--detach", "--base-port", "0"];
    let up = devnet(&[&up[..], &["--no-miner", "--no-coordinator"]].concat());
    let there = home.join("devnet.json").exists();
    let elsewhere = folder.path().join(".devnet").exists();
    let down = devnet(&["down"]);
    assert!(up.status.success(), "{}", said(&up));
    assert!(there && !elsewhere, "{}", said(&up));
    assert!(down.status.success(), "{}", said(&down));
}
