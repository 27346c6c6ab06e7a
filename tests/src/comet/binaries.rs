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
        .find(|path| release_of(path).is_some())
        .expect("no CometBFT with ABCI 2.0: run scripts/install_cometbft.sh")
}

/// A line of CometBFT's releases that the project runs with. Nodes of both never validate in one network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// The pinned one, 0.38.26.
    V0_38,
    /// v0.40.0, whose build calls itself 0.39.0.
    V0_40,
}

impl Line {
    /// Its program, whatever `$COMETBFT` says.
    ///
    /// # Panics
    /// When `scripts/setup.sh` did not install it.
    pub fn program(self) -> PathBuf {
        let (path, calls_itself) = match self {
            Self::V0_38 => ("bin", "0.38."),
            Self::V0_40 => ("cometbft-0.40.0", "0.39."),
        };
        let program = project().join(".tools").join(path).join("cometbft");
        let release = release_of(&program).unwrap_or_default();
        assert!(
            release.starts_with(calls_itself),
            "{} is not of {self:?}: run scripts/setup.sh",
            program.display()
        );
        program
    }
}

/// What a CometBFT with the protocols that the project is built for calls itself.
fn release_of(program: &Path) -> Option<String> {
    let mut command = Command::new(program);
    let output = command.args(["version", "--verbose"]).output().ok()?;
    let version: Value = serde_json::from_slice(&output.stdout).ok()?;
    let speaks = version["abci"].as_str()?.starts_with("2.0.") && version["block_protocol"] == 11;
    let name = version["cometbft"].as_str()?.trim_start_matches('v');
    speaks.then(|| name.to_owned())
}
