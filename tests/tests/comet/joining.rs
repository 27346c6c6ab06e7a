//! A node joins a running network by the addresses of its nodes alone.

use std::{path::PathBuf, process::Output};

use ait_tests::comet::{
    Network, Setup,
    devnet::said,
    eventually,
    network::CHAIN_ID,
    node::{self, Node, free_port},
    process::Process,
};
use serde_json::Value;
use tempfile::TempDir;

/// A node that is about to join.
struct Newcomer {
    folder: TempDir,
    socket: String,
    p2p: u16,
    rpc: u16,
}

impl Newcomer {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self {
            socket: format!("unix://{}", folder.path().join("app.sock").display()),
            p2p: free_port(),
            rpc: free_port(),
            folder,
        }
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("cometbft")
    }

    /// `ait init --join`; nobody is there to answer its question.
    fn init(&self, nodes: &[&Node], more: &[&str]) -> Output {
        let urls: Vec<&str> = nodes.iter().map(|node| node.rpc.url.as_str()).collect();
        let mut command = node::ait(self.folder.path());
        command
            .args(["init", "--devnet", "--home", "cometbft"])
            .args(["--chain-id", CHAIN_ID, "--join", &urls.join(",")])
            .args(["--p2p-bind", &format!("127.0.0.1:{}", self.p2p)])
            .args(["--comet-rpc", &format!("http://127.0.0.1:{}", self.rpc)])
            .args(["--abci-bind", &self.socket])
            .args(more);
        command.output().expect("ait starts")
    }

    /// The application and CometBFT, each with its log.
    fn start(&self) -> (Process, Process) {
        let folder = self.folder.path();
        let mut app = node::ait(folder);
        app.args(["start", "--no-rest", "--chain-id", CHAIN_ID])
            .args(["--db-path", "chain.db", "--abci-bind", &self.socket])
            .args(["--comet-rpc", &format!("http://127.0.0.1:{}", self.rpc)]);
        let app = Process::start("ait start", &mut app, &folder.join("app.log"));
        let mut comet = node::cometbft(folder);
        comet.args(["node", "--home"]).arg(self.home());
        let comet = Process::start("cometbft", &mut comet, &folder.join("cometbft.log"));
        (app, comet)
    }
}

/// The `HEIGHT:HASH` of the command that was printed to be repeated.
fn trust_in(said: &str) -> String {
    let mut words = said.split_whitespace().rev();
    let found = words.find(|word| {
        word.split_once(':')
            .is_some_and(|(_, hash)| hash.len() == 64)
    });
    found.unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_made_from_two_nodes_that_agree_begins_with_state_sync() {
    let setup = Setup {
        validators: 2,
        ..Setup::default()
    };
    let network = Network::start(setup).await;
    for node in &network.nodes {
        node.rest.reaches(4).await;
        eventually("it has caught up", async || {
            (!node.rpc.is_catching_up().await).then_some(())
        })
        .await;
    }
    let [first, second] = &network.nodes[..] else {
        panic!("two nodes");
    };
    let newcomer = Newcomer::new();

    // Nobody trusts in the operator's place.
    let asked = newcomer.init(&[first, second], &[]);
    let text = said(&asked);
    assert_eq!(asked.status.code(), Some(1), "{text}");
    assert!(!newcomer.home().exists(), "{text}");
    let trust = trust_in(&text);
    let (height, hash) = trust.split_once(':').expect(&text);
    // The one that every node shows its users.
    let block = first.rest.get(&format!("/rpc/getBlock/{height}")).await;
    assert_eq!(block.body["hash"], hash, "{text}");

    // Another hash than the nodes' is refused, with theirs.
    let wrong = format!("{height}:{}", "AB".repeat(32));
    let refused = newcomer.init(&[first, second], &["--trust", &wrong]);
    let text = said(&refused);
    assert_eq!(refused.status.code(), Some(1), "{text}");
    assert!(text.contains(hash), "{text}");
    assert!(text.contains(&second.rpc.url), "{text}");
    assert!(!newcomer.home().exists(), "{text}");

    let joined = newcomer.init(&[first, second], &["--trust", &trust]);
    assert!(joined.status.success(), "{}", said(&joined));
    let report: Value = serde_json::from_slice(&joined.stdout).expect("a report in JSON");
    assert_eq!(report["state_sync"]["trusted"], trust, "{report}");
    let peers = report["peers"].as_array().expect("peers");
    for node in [first, second] {
        assert!(peers.iter().any(|peer| *peer == node.peer()), "{report}");
    }

    // CometBFT takes the home and the block, and looks for snapshots at its peers.
    let (_app, comet) = newcomer.start();
    eventually("CometBFT looks for snapshots", async || {
        comet
            .output()
            .contains("Discovering snapshots")
            .then_some(())
    })
    .await;
    let log = comet.output();
    assert!(log.contains("Starting state sync"), "{log}");
}
