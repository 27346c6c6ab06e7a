//! Owns a node that is about to join a network by the addresses of its nodes.

use std::{path::PathBuf, process::Output};

use tempfile::TempDir;

use super::{
    binaries,
    http::Rest,
    network::CHAIN_ID,
    node::{self, Node, free_port},
    process::Process,
};

/// A node without blocks, in a folder of its own.
pub struct Newcomer {
    /// Its REST routes.
    pub rest: Rest,
    /// The program of its CometBFT.
    pub cometbft: PathBuf,
    /// More arguments of `ait start`.
    app_arguments: Vec<String>,
    folder: TempDir,
    socket: String,
    p2p: u16,
    rpc: u16,
}

impl Default for Newcomer {
    fn default() -> Self {
        Self::new()
    }
}

impl Newcomer {
    /// One that has made nothing yet but its folder.
    ///
    /// # Panics
    /// When there is no temporary folder.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self {
            rest: Rest::new(&format!("http://127.0.0.1:{}", free_port())),
            socket: format!("unix://{}", folder.path().join("app.sock").display()),
            p2p: free_port(),
            rpc: free_port(),
            cometbft: binaries::cometbft(),
            app_arguments: Vec::new(),
            folder,
        }
    }

    /// Has it record its calls; gives the folder.
    pub fn record(&mut self) -> PathBuf {
        let folder = self.folder.path().join("abci");
        self.app_arguments
            .push(format!("--abci-record={}", folder.display()));
        folder
    }

    /// CometBFT's home.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("cometbft")
    }

    /// `ait init --join`; nobody is there to answer its question.
    ///
    /// # Panics
    /// When `ait` does not start.
    pub fn init(&self, nodes: &[&Node], more: &[&str]) -> Output {
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
    pub fn start(&self) -> (Process, Process) {
        let folder = self.folder.path();
        let mut app = node::ait(folder);
        app.args(["start", "--devnet", "--chain-id", CHAIN_ID])
            .args(["--db-path", "chain.db", "--abci-bind", &self.socket])
            .args(["--rpc-bind", self.rest.url.trim_start_matches("http://")])
            .args(["--comet-rpc", &format!("http://127.0.0.1:{}", self.rpc)])
            .args(&self.app_arguments);
        let app = Process::start("ait start", &mut app, &folder.join("app.log"));
        let mut comet = node::cometbft(&self.cometbft, folder);
        comet.args(["node", "--home"]).arg(self.home());
        let comet = Process::start("cometbft", &mut comet, &folder.join("cometbft.log"));
        (app, comet)
    }
}

/// The `HEIGHT:HASH` of the command that was printed to be repeated.
pub fn trust_in(said: &str) -> String {
    let mut words = said.split_whitespace().rev();
    let found = words.find(|word| {
        word.split_once(':')
            .is_some_and(|(_, hash)| hash.len() == 64)
    });
    found.unwrap_or_default().to_owned()
}
