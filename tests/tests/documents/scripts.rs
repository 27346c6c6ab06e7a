//! The scripts work from anywhere, through links, in a checkout with a space in its path, and with an
//! exported CDPATH.

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Output},
};

use ait_tests::comet::binaries::project;

/// The project's scripts in a folder of another name.
fn checkout(folder: &Path) {
    let scripts = folder.join("scripts");
    fs::create_dir_all(&scripts).unwrap();
    for entry in fs::read_dir(project().join("scripts")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), scripts.join(entry.file_name())).unwrap();
    }
}

fn run(program: &Path, argument: Option<&str>, elsewhere: &Path) -> Output {
    Command::new(program)
        .args(argument)
        .current_dir(elsewhere)
        .env("CDPATH", elsewhere)
        .output()
        .unwrap()
}

#[test]
fn a_script_finds_its_project_from_anywhere() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("a check out");
    let elsewhere = scratch.path().join("else where");
    checkout(&folder);
    // What CDPATH would lead to.
    fs::create_dir_all(elsewhere.join("scripts")).unwrap();
    let link = elsewhere.join("up");
    symlink(folder.join("scripts/devnet_up.sh"), &link).unwrap();
    for program in [folder.join("scripts/devnet_up.sh"), link] {
        let output = run(&program, Some("--help"), &elsewhere);
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{output:?}");
        assert!(told.starts_with("Usage: scripts/devnet_up.sh"), "{told}");
        assert!(output.stderr.is_empty(), "{output:?}");
    }
}

#[test]
fn the_tools_of_a_checkout_are_found_through_a_link() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("a check out");
    checkout(&folder);
    let tools = folder.join(".tools/bin");
    fs::create_dir_all(&tools).unwrap();
    // Says that it speaks what is needed, and calls itself by no version that the script names.
    let comet = tools.join("cometbft");
    let says = r#"{"cometbft":"0.39.0","abci":"2.0.0","block_protocol":11,"p2p_protocol":8}"#;
    fs::write(&comet, format!("#!/bin/sh\necho '{says}'\n")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&comet, mode).unwrap();
    let link = scratch.path().join("install");
    symlink(folder.join("scripts/install_cometbft.sh"), &link).unwrap();
    let output = Command::new(&link)
        .current_dir(scratch.path())
        .env("CDPATH", scratch.path())
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    let real = fs::canonicalize(&comet).unwrap();
    assert_eq!(told.trim_end(), real.display().to_string());
}
