//! Owns `HOME/devnet.json`: where everything of a devnet listens, lies and runs. Programs read it,
//! and `ait devnet down` stops exactly the processes it names.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::process::Identity;
use ait_home::files;

/// The file's name in a devnet's home.
pub const FILE: &str = "devnet.json";

/// A devnet, as `devnet.json` says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// CometBFT's chain id.
    pub chain_id: String,
    /// The absolute path of the home.
    pub home: PathBuf,
    /// Whether the first flow is through and everything runs.
    pub ready: bool,
    /// The first port; node i has REST at +10i, CometBFT's RPC at +1 and P2P at +2.
    pub base_port: u16,
    /// The nodes, each a validator.
    pub nodes: Vec<NodeEntry>,
    /// The genesis account that `mintFaucet` pays from.
    pub faucet: AccountEntry,
    /// The account that may send `PARAM_UPDATE`.
    pub admin: AccountEntry,
    /// The account that pays for the jobs of the flow.
    pub client: AccountEntry,
    /// The registered coordinator.
    pub coordinator: CoordinatorEntry,
    /// The mock miner.
    pub miner: MinerEntry,
    /// The `ait devnet up` that watches over the processes; null when stopped.
    pub supervisor_pid: Option<u32>,
    /// When that one started, to tell it from a later process of the same number.
    pub supervisor_started: Option<String>,
    /// Every process that runs for this devnet, in the order in which they are to be stopped.
    pub processes: Vec<ProcessEntry>,
}

/// One node: application and CometBFT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeEntry {
    /// `http://host:port` of the REST routes and the page.
    pub rest: String,
    /// `http://host:port` of CometBFT's RPC.
    pub rpc: String,
    /// `id@host:port`, as persistent peers are named.
    pub p2p: String,
    /// The node's folder.
    pub home: PathBuf,
    /// Its processes.
    pub pids: NodePids,
}

/// A node's process ids; null when stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodePids {
    /// `ait start`.
    pub app: Option<u32>,
    /// `cometbft node`.
    pub cometbft: Option<u32>,
}

/// An account whose key the devnet holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountEntry {
    pub address: String,
    /// The file with its seed.
    pub key_file: PathBuf,
}

/// The coordinator whose key the genesis registers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoordinatorEntry {
    pub address: String,
    /// Where it is asked; null when the nodes know no URL for it.
    pub url: Option<String>,
    /// The mock's process; null with `--no-coordinator` and when stopped.
    pub pid: Option<u32>,
    /// The file with its seed.
    pub key_file: PathBuf,
}

/// The mock miner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinerEntry {
    pub address: String,
    /// Its process; null with `--no-miner` and when stopped.
    pub pid: Option<u32>,
    /// The file with its seed.
    pub key_file: PathBuf,
}

/// A process of the devnet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessEntry {
    /// What it is, for people: `node 0: application`.
    pub name: String,
    /// Which process, for sure.
    #[serde(flatten)]
    pub identity: Identity,
    /// When it is stopped: lower ones first.
    pub stage: u8,
    /// Where it writes.
    pub log: PathBuf,
}

impl Manifest {
    /// Reads a home's `devnet.json`; `None` when there is none.
    ///
    /// # Errors
    /// When the file can't be read or is no manifest.
    pub fn read(home: &Path) -> anyhow::Result<Option<Self>> {
        let path = home.join(FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        let manifest = serde_json::from_slice(&text)
            .with_context(|| format!("{} is not a devnet's", path.display()))?;
        Ok(Some(manifest))
    }

    /// Writes it into its home, whole or not at all.
    ///
    /// # Errors
    /// When the home can't be written to.
    pub fn write(&self) -> anyhow::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        files::replace(&self.home.join(FILE), &text, files::PUBLIC)
    }

    /// Takes a process that died out of the fields that name it; its entry stays, for `status`.
    pub fn forget(&mut self, pid: u32) {
        let nodes = self.nodes.iter_mut();
        let pids = nodes.flat_map(|node| [&mut node.pids.app, &mut node.pids.cometbft]);
        let others = [&mut self.coordinator.pid, &mut self.miner.pid];
        for field in pids.chain(others) {
            if *field == Some(pid) {
                *field = None;
            }
        }
    }

    /// Forgets every process: nothing runs any more.
    pub fn clear_processes(&mut self) {
        self.ready = false;
        self.supervisor_pid = None;
        self.supervisor_started = None;
        self.processes.clear();
        self.coordinator.pid = None;
        self.miner.pid = None;
        for node in &mut self.nodes {
            node.pids = NodePids::default();
        }
    }
}
