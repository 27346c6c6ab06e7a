//! A home is told once: what `ait init` wrote into it, later commands need not be told.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// `ait` in this folder, with no variables but these.
fn ait(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ait"));
    command
        .current_dir(folder)
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied());
    command
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(&[out.as_slice(), err].concat()).into_owned()
}

/// A folder with a home `node` of the chain `home-chain`.
fn folder_with_home(flags: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let init = [&["init", "--home", "node"], flags].concat();
    let output = run(&mut ait(folder.path(), &init, &[]));
    assert!(output.status.success(), "{}", said(&output));
    // Nothing here reads more of it than its chain's name.
    let genesis = folder.path().join("node/config/genesis.json");
    fs::write(genesis, r#"{"chain_id":"home-chain"}"#).unwrap();
    folder
}

/// A running `ait start`, killed at the end.
struct Node {
    child: Child,
    warnings: Vec<Value>,
    started: Value,
}

impl Node {
    /// Starts it, and waits until it says that it has.
    fn start(folder: &Path, flags: &[&str]) -> Self {
        let arguments = [&["start", "--no-rest"], flags].concat();
        let mut command = ait(folder, &arguments, &[]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut node = Self {
            warnings: Vec::new(),
            started: Value::Null,
            child,
        };
        for line in lines.map_while(Result::ok) {
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["level"] == "WARN" {
                node.warnings.push(line.clone());
            }
            if line["event"] == "started" {
                node.started = line;
                break;
            }
        }
        let said = &node.warnings;
        assert!(node.started.is_object(), "it ended as it started: {said:?}");
        node
    }

    fn socket(&self) -> PathBuf {
        let address = self.started["abci"].as_str().unwrap();
        PathBuf::from(address.strip_prefix("unix://").unwrap())
    }

    fn warned_of(&self, event: &str) -> bool {
        self.warnings.iter().any(|line| line["event"] == event)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_node_started_in_its_home_needs_nothing_repeated() {
    let folder = folder_with_home(&["--comet-rpc", "http://127.0.0.1:7001"]);
    let node = Node::start(folder.path(), &["--home", "node"]);
    assert_eq!(node.started["chain_id"], "home-chain");
    assert_eq!(node.started["db_path"], "node/chain.db");
    assert!(folder.path().join("node/chain.db").is_dir());
    assert!(node.warnings.is_empty(), "{:?}", node.warnings);
    // Its store is found in the same way, also by the variable.
    drop(node);
    let check = ["store", "check"];
    let by_flag = [&check[..], &["--home", "node"]].concat();
    for (arguments, variables) in [
        (&by_flag[..], &[][..]),
        (&check[..], &[("AIT_HOME", "node")][..]),
    ] {
        let output = run(&mut ait(folder.path(), arguments, variables));
        assert!(output.status.success(), "{}", said(&output));
        assert!(said(&output).contains("node/chain.db"), "{}", said(&output));
    }
}

#[test]
fn another_user_finds_no_port_and_no_socket_to_speak_for_cometbft() {
    let folder = folder_with_home(&[]);
    let absolute = fs::canonicalize(folder.path()).unwrap();
    for (flags, socket) in [
        (&["--home", "node"][..], "node/app.sock"),
        (&[][..], "data/app.sock"),
    ] {
        let node = Node::start(&absolute, flags);
        let found = node.socket();
        assert_eq!(found, absolute.join(socket));
        assert!(fs::metadata(&found).unwrap().file_type().is_socket());
        assert_eq!(mode(&found), 0o600);
        assert!(!node.warned_of("abci_over_tcp"));
        // No process of this machine listens with this one's descriptors but at that socket.
        assert_eq!(tcp_listeners(&node), Vec::<String>::new());
    }
    assert_eq!(mode(&absolute.join("node")), 0o700);
}

/// The TCP sockets that a process listens at, as /proc/net has them.
fn tcp_listeners(node: &Node) -> Vec<String> {
    let descriptors = fs::read_dir(format!("/proc/{}/fd", node.child.id())).unwrap();
    let links = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let open: Vec<String> = links.map(|link| link.display().to_string()).collect();
    let mut found = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = fs::read_to_string(table).unwrap_or_default();
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let inode = format!("socket:[{}]", fields[9]);
            if fields[3] == "0A" && open.contains(&inode) {
                found.push(fields[1].to_owned());
            }
        }
    }
    found
}

#[test]
fn tcp_for_cometbft_is_taken_where_it_is_named_and_warned_of() {
    let folder = folder_with_home(&["--abci-bind", "tcp://127.0.0.1:0"]);
    let node = Node::start(folder.path(), &["--home", "node"]);
    assert!(node.warned_of("abci_over_tcp"));
    assert_eq!(tcp_listeners(&node).len(), 1);
}

#[test]
fn what_contradicts_the_home_is_taken_and_said() {
    let folder = folder_with_home(&[]);
    let node = Node::start(folder.path(), &["--home", "node", "--chain-id", "another"]);
    assert_eq!(node.started["chain_id"], "another");
    assert!(node.warned_of("home_overridden"));
}

#[test]
fn a_home_that_cannot_be_read_is_refused_with_file_and_field_before_anything_is_made() {
    let refused = |file: &str, text: Option<&str>, named: &str| {
        let folder = folder_with_home(&[]);
        let path = folder.path().join("node/config").join(file);
        match text {
            Some(text) => fs::write(path, text).unwrap(),
            None => fs::remove_file(path).unwrap(),
        }
        for command in [&["start"][..], &["store", "check"]] {
            let arguments = [command, &["--home", "node"]].concat();
            let output = run(&mut ait(folder.path(), &arguments, &[]));
            let said = said(&output);
            assert_eq!(output.status.code(), Some(2), "{said}");
            assert!(said.contains(file) && said.contains(named), "{said}");
        }
        assert!(!folder.path().join("node/chain.db").exists());
    };
    refused("genesis.json", None, "ait genesis --out");
    refused("genesis.json", Some("{}"), "chain_id");
    refused("config.toml", None, "ait init --home");
    refused("config.toml", Some("proxy_app = 1\n"), "proxy_app");
    refused(
        "config.toml",
        Some("proxy_app = \"[::1]:1\"\n"),
        "rpc.laddr",
    );
}

#[test]
fn a_home_whose_socket_path_would_be_too_long_is_refused_with_the_setting_that_helps() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(100);
    let init = ["init", "--home", &long];
    let output = run(&mut ait(folder.path(), &init, &[]));
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("ABCI_BIND"), "{}", said(&output));
    assert!(!folder.path().join(&long).exists());
    let named = [&init[..], &["--abci-bind", "unix:///run/ait/app.sock"]].concat();
    let output = run(&mut ait(folder.path(), &named, &[]));
    assert!(output.status.success(), "{}", said(&output));
}
