//! Owns a chain of a test: its folder, its genesis, its nodes.

use std::{path::PathBuf, process::Command};

use ait_app::{address::Address, identifiers::ChainId};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

use super::{
    binaries,
    node::{Node, NodePlan},
    wait::eventually,
    wallet::Wallet,
};

/// The chain's name in every test.
pub const CHAIN_ID: &str = "ait-test";

/// One chain at a time: several share too few cores to keep their pace.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// What a chain begins with.
pub struct Setup {
    /// Validators, each with the same power.
    pub validators: usize,
    /// Balances, uait.
    pub accounts: Vec<(Address, u64)>,
    /// Registered coordinators.
    pub coordinators: Vec<Wallet>,
    /// `COORDINATOR_URLS` of every node.
    pub coordinator_urls: String,
    /// Params that differ from their defaults, by name, in JSON.
    pub params: Vec<(&'static str, Value)>,
    /// The pause after each block.
    pub block_interval: &'static str,
    /// The program of every node's CometBFT.
    pub cometbft: PathBuf,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            validators: 1,
            accounts: Vec::new(),
            coordinators: Vec::new(),
            coordinator_urls: String::new(),
            params: Vec::new(),
            block_interval: "100ms",
            cometbft: binaries::cometbft(),
        }
    }
}

impl Setup {
    /// The same, with a balance for the account of that name.
    pub fn with_account(mut self, name: &str, balance: u64) -> Self {
        self.accounts.push((wallet(name).address, balance));
        self
    }
}

/// The account of that name on a test's chain.
///
/// # Panics
/// Never.
pub fn wallet(name: &str) -> Wallet {
    let chain_id: ChainId = CHAIN_ID.parse().expect("a chain id");
    Wallet::named(&chain_id, name)
}

/// A running chain.
pub struct Network {
    /// Its nodes: the validators, then those that joined.
    pub nodes: Vec<Node>,
    genesis: PathBuf,
    block_interval: &'static str,
    coordinator_urls: String,
    /// The program of the CometBFT of nodes that join.
    pub cometbft: PathBuf,
    folder: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Network {
    /// Starts a chain and waits for its first block on every node.
    pub async fn start(setup: Setup) -> Self {
        let mut network = Self::prepare(&setup).await;
        for node in &mut network.nodes {
            node.start();
        }
        for node in &network.nodes {
            node.rest.reaches(1).await;
        }
        network
    }

    /// Makes a chain's files, starting nothing yet.
    ///
    /// # Panics
    /// When `ait` refuses to make them.
    pub async fn prepare(setup: &Setup) -> Self {
        let turn = ONE_AT_A_TIME.lock().await;
        let folder = tempfile::Builder::new()
            .prefix("ait-test-")
            .tempdir()
            .expect("a temporary folder");
        let genesis = folder.path().join("genesis.json");
        write_genesis(setup, &genesis);
        let mut network = Self {
            nodes: Vec::new(),
            genesis,
            block_interval: setup.block_interval,
            coordinator_urls: setup.coordinator_urls.clone(),
            cometbft: setup.cometbft.clone(),
            folder,
            _turn: turn,
        };
        for validator in 0..setup.validators {
            network.make_node(Some(validator));
        }
        // Everybody knows everybody: restarts don't wait for peer exchange.
        let peers: Vec<String> = network.nodes.iter().map(Node::peer).collect();
        for (i, node) in network.nodes.iter_mut().enumerate() {
            let others = peers.iter().enumerate().filter(|(other, _)| *other != i);
            node.set_peers(others.map(|(_, peer)| peer.clone()).collect());
        }
        network
    }

    /// Makes a node that does not validate; it knows every other. It is not started.
    pub fn join(&mut self) -> &mut Node {
        let peers: Vec<String> = self.nodes.iter().map(Node::peer).collect();
        self.make_node(None);
        let node = self.nodes.last_mut().expect("just made");
        node.set_peers(peers);
        node
    }

    /// Makes a second node with the consensus key of validator `i`, which knows every other and is not
    /// started: what no operator may ever do.
    pub fn twin(&mut self, i: usize) -> &mut Node {
        let peers: Vec<String> = self.nodes.iter().map(Node::peer).collect();
        self.make_node(Some(i));
        let node = self.nodes.last_mut().expect("just made");
        node.set_peers(peers);
        node
    }

    fn make_node(&mut self, validator: Option<usize>) {
        let index = self.nodes.len();
        self.nodes.push(Node::make(NodePlan {
            home: self.folder.path().join(format!("node{index}")),
            genesis: &self.genesis,
            consensus_seed: validator.map(consensus_seed),
            block_interval: self.block_interval,
            coordinator_urls: &self.coordinator_urls,
            cometbft: &self.cometbft,
        }));
    }

    /// The first node.
    ///
    /// # Panics
    /// When there is none.
    pub fn first(&mut self) -> &mut Node {
        self.nodes.first_mut().expect("a chain has a node")
    }

    /// Waits until every node has a block, and compares what the blocks before it made of the state.
    ///
    /// # Panics
    /// When app hashes differ.
    pub async fn agrees_at(&self, height: u64) {
        let mut hashes = Vec::new();
        for node in &self.nodes {
            node.rest.reaches(height).await;
            let hash = eventually("CometBFT has that block, too", async || {
                let (found, hash) = node.rpc.block_header(&height.to_string()).await;
                (found == height).then_some(hash)
            })
            .await;
            hashes.push(hash);
        }
        let is_one = hashes.iter().all(|hash| *hash == hashes[0]);
        assert!(is_one, "block {height}: {hashes:?}");
    }

    /// The sum of these accounts' balances on the first node, uait.
    ///
    /// # Panics
    /// When there is no node.
    pub async fn sum_of_balances(&self, accounts: &[Address]) -> u64 {
        let rest = &self.nodes.first().expect("a chain has a node").rest;
        let mut sum = 0;
        for account in accounts {
            sum += rest.balance(*account).await;
        }
        sum
    }
}

/// The account of validator `i`, which earns its fees.
pub fn validator(i: usize) -> Wallet {
    wallet(&format!("validator {i}"))
}

/// The consensus key of validator `i`.
pub fn consensus_key(i: usize) -> Wallet {
    wallet(&format!("consensus {i}"))
}

fn consensus_seed(i: usize) -> String {
    hex::encode(consensus_key(i).actor.key.seed())
}

fn write_genesis(setup: &Setup, path: &PathBuf) {
    let mut command = Command::new(binaries::ait());
    command.args(["genesis", "--chain-id", CHAIN_ID, "--out"]);
    command.arg(path);
    command.args(["--admin", &wallet("admin").address.to_string()]);
    for i in 0..setup.validators {
        let key = consensus_key(i).actor.pubkey();
        command.args(["--authority", &format!("{}={key}:10", validator(i).address)]);
    }
    for coordinator in &setup.coordinators {
        let key = coordinator.actor.pubkey();
        command.args(["--coordinator", &format!("{}={key}", coordinator.address)]);
    }
    // New accounts may begin with a single uait: few tests are about that.
    command.args(["--param", "min_account_balance=0"]);
    for (name, value) in &setup.params {
        command.args(["--param", &format!("{name}={value}")]);
    }
    super::node::run(&mut command);
    // Too many for a command line, in some tests.
    let text = std::fs::read(path).expect("the genesis was written");
    let mut genesis: Value = serde_json::from_slice(&text).expect("a genesis is JSON");
    for (address, balance) in &setup.accounts {
        genesis["app_state"]["accounts"][address.to_string()] = json!(balance);
    }
    let text = serde_json::to_vec(&genesis).expect("JSON");
    std::fs::write(path, text).expect("the genesis can be written");
}
