//! Owns finding the programs under test: `ait`, built before the tests run, and the pinned CometBFT.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The project's folder.
pub fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the project")
        .to_path_buf()
}

/// The `ait` binary: `$AIT_BIN`, else the one that was built beside this test.
///
/// # Panics
/// When there is none: `cargo build --release -p ait` makes it.
pub fn ait() -> PathBuf {
    if let Some(path) = env::var_os("AIT_BIN") {
        return path.into();
    }
    // A test runs as target/PROFILE/deps/NAME: the binaries of its profile lie one folder up.
    let test = env::current_exe().expect("a test knows its own path");
    let profile = test.ancestors().nth(2).expect("tests lie in deps/");
    let path = profile.join("ait");
    assert!(
        path.exists(),
        "{} is missing: build it with `cargo build --release -p ait`, or name one in AIT_BIN",
        path.display()
    );
    path
}

/// CometBFT: `$COMETBFT`, else the project's own, else the one on PATH.
///
/// # Panics
/// When none speaks the protocols that the project is built for: `scripts/install_cometbft.sh` installs it.
pub fn cometbft() -> PathBuf {
    let named = env::var_os("COMETBFT").map(PathBuf::from);
    let own = project().join(".tools/bin/cometbft");
    let candidates = named.into_iter().chain([own, "cometbft".into()]);
    candidates
        .into_iter()
        .find(|path| {
            let output = Command::new(path).args(["version", "--verbose"]).output();
            output.is_ok_and(|output| {
                let version = serde_json::from_slice::<Value>(&output.stdout);
                version.is_ok_and(|version| {
                    version["abci"]
                        .as_str()
                        .is_some_and(|abci| abci.starts_with("2.0."))
                        && version["block_protocol"] == 11
                })
            })
        })
        .expect("no CometBFT with ABCI 2.0: run scripts/install_cometbft.sh")
}
