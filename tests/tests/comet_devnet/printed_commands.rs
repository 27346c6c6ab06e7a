//! Commands that `ait` prints can be pasted into a shell as they stand, whatever the folder is called.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use ait_tests::comet::{
    Rest,
    binaries::cometbft,
    devnet::said,
    eventually,
    node::{ait, run},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// What people call folders.
const NAME: &str = "it's Bob's home";

/// A devnet's home with a space and a quote in its path.
struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("ait-printed-").tempdir();
        let folder = folder.expect("a temporary folder");
        std::fs::create_dir(folder.path().join(NAME)).expect("a folder");
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        let path = self.folder.path().canonicalize().expect("a folder");
        path.join(NAME)
    }

    fn devnet(&self, arguments: &[&str]) -> Output {
        let mut command = ait(self.folder.path());
        command
            .arg("devnet")
            .args(arguments)
            .arg("--home")
            .arg(self.path())
            .env("COMETBFT", cometbft());
        command.output().expect("ait starts")
    }

    /// `ait devnet up`, without the jobs that it would show.
    fn up(&self) -> Output {
        let flags = ["--detach", "--no-miner", "--no-coordinator"];
        self.devnet(&[&["up", "--base-port", "0"], &flags[..]].concat())
    }

    fn manifest(&self) -> Value {
        let text = std::fs::read(self.path().join("devnet.json")).expect("devnet.json is there");
        serde_json::from_slice(&text).expect("JSON")
    }

    /// Waits until its node no longer answers.
    async fn is_down(&self, rest: &Rest) {
        eventually("nobody answers any more", async || {
            rest.try_get("/health").await.is_none().then_some(())
        })
        .await;
        let left = self.manifest()["processes"].clone();
        assert_eq!(left, serde_json::json!([]), "{left}");
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = self.devnet(&["down"]);
    }
}

/// The command that is printed after these words.
fn printed<'a>(output: &'a str, words: &str) -> &'a str {
    let (_, rest) = output
        .split_once(words)
        .unwrap_or_else(|| panic!("{output}"));
    rest.lines().next().unwrap_or_default().trim()
}

/// Runs a line as somebody who pasted it would, elsewhere.
fn paste(line: &str, folder: &Path) -> Output {
    let mut shell = Command::new("/bin/sh");
    let output = shell.args(["-c", line]).current_dir(folder).output();
    output.expect("a shell starts")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_up_prints_to_stop_a_devnet_stops_it() {
    let home = Home::new();
    let up = home.up();
    assert!(up.status.success(), "{}", said(&up));
    let rest = Rest::new(home.manifest()["nodes"][0]["rest"].as_str().expect("a URL"));

    // Who starts it once more is told the same.
    let again = said(&home.up());
    let stop = printed(&again, "already. Stop it with: ");
    assert_eq!(printed(&said(&up), "Stop it with: "), stop);
    let down = paste(stop, Path::new("/"));
    assert!(down.status.success(), "{stop}: {}", said(&down));
    home.is_down(&rest).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_up_prints_to_stop_what_a_killed_one_left_stops_it() {
    let home = Home::new();
    let up = home.up();
    assert!(up.status.success(), "{}", said(&up));
    let manifest = home.manifest();
    let rest = Rest::new(manifest["nodes"][0]["rest"].as_str().expect("a URL"));
    let supervisor = manifest["supervisor_pid"].as_i64().expect("a process id");
    let supervisor = i32::try_from(supervisor).ok().and_then(Pid::from_raw);
    kill_process(supervisor.expect("a process id"), Signal::KILL).expect("it runs");

    let stop = eventually("its remains are found", async || {
        let refused = said(&home.up());
        refused
            .contains("Stop them with: ")
            .then(|| printed(&refused, "Stop them with: ").to_owned())
    })
    .await;
    let down = paste(&stop, Path::new("/"));
    assert!(down.status.success(), "{stop}: {}", said(&down));
    home.is_down(&rest).await;
}

#[test]
fn what_is_printed_of_a_key_that_others_can_read_closes_it() {
    let home = Home::new();
    let key = home.path().join("key.json");
    run(ait(home.folder.path()).args(["keys", "new"]).arg(&key));
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("permissions");
    let mut sign = ait(home.folder.path());
    sign.args([
        "tx",
        "transfer",
        "ait1rsxyjrcm255ds9euthjx6yc3vrjt9sxr7lv9kh",
    ])
    .args([
        "1ait",
        "--nonce",
        "1",
        "--fee",
        "100",
        "--chain-id",
        "ait-test",
    ])
    .args(["--sign-only", "--key"])
    .arg(&key);
    let refused = said(&sign.output().expect("ait starts"));
    let (_, command) = refused
        .split_once('`')
        .unwrap_or_else(|| panic!("{refused}"));
    let (command, _) = command.split_once('`').expect("a command");
    let closed = paste(command, Path::new("/"));
    assert!(closed.status.success(), "{command}: {}", said(&closed));
    let signed = sign.output().expect("ait starts");
    assert!(signed.status.success(), "{}", said(&signed));
}
