//! Owns a devnet of a test: `ait devnet up --detach` in a folder of its own, stopped when dropped.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{Rest, binaries, node};

/// A devnet's home, and maybe a devnet in it.
pub struct Devnet {
    folder: TempDir,
}

impl Devnet {
    /// An empty home.
    ///
    /// # Panics
    /// When there is no temporary folder.
    pub fn home() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("ait-devnet-")
            .tempdir()
            .expect("a temporary folder");
        Self { folder }
    }

    /// A devnet that runs in the background, with these flags.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn up(flags: &[&str]) -> Self {
        let devnet = Self::home();
        let output = devnet.run(&[&["up", "--detach", "--base-port", "0"], flags].concat());
        assert!(output.status.success(), "{}", said(&output));
        devnet
    }

    /// The home's folder.
    pub fn path(&self) -> PathBuf {
        self.folder.path().canonicalize().expect("a folder")
    }

    /// Runs `ait devnet …` on this home to its end.
    ///
    /// # Panics
    /// When it can't be started.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("ait starts")
    }

    /// `ait devnet …` on this home.
    ///
    /// # Panics
    /// When no pinned CometBFT is there.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = node::ait(self.folder.path().parent().unwrap_or(Path::new("/")));
        command
            .arg("devnet")
            .args(arguments)
            .arg("--home")
            .arg(self.path())
            .env("COMETBFT", binaries::cometbft());
        command
    }

    /// `devnet.json`.
    ///
    /// # Panics
    /// When there is none.
    pub fn manifest(&self) -> Value {
        let text = std::fs::read(self.path().join("devnet.json")).expect("devnet.json is there");
        serde_json::from_slice(&text).expect("devnet.json is JSON")
    }

    /// The REST routes of one of its nodes.
    ///
    /// # Panics
    /// When there is no such node.
    pub fn rest(&self, node: usize) -> Rest {
        let manifest = self.manifest();
        Rest::new(manifest["nodes"][node]["rest"].as_str().expect("a URL"))
    }
}

impl Drop for Devnet {
    fn drop(&mut self) {
        if self.folder.path().join("devnet.json").exists() {
            let _ = self.run(&["down"]);
        }
        if std::thread::panicking() {
            let log = std::fs::read(self.path().join("devnet.log")).unwrap_or_default();
            eprintln!("--- devnet.log ---\n{}", String::from_utf8_lossy(&log));
        }
    }
}

/// Everything a command printed.
pub fn said(output: &Output) -> String {
    let out = String::from_utf8_lossy(&output.stdout);
    let err = String::from_utf8_lossy(&output.stderr);
    format!("{out}{err}")
}
