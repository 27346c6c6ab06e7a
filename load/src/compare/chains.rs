//! Owns the chains of a comparison: devnets of this project, and CometBFT with an application of somebody else.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use ait_devnet::network::manifest::{Manifest, NodeEntry};
use ait_home::comet::config::{AbciAddress, NodeConfig, Peer, config_toml, parse_peers};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    args::CompareArgs,
    process::{self, Running},
};
use crate::{LoadError, Processes, args::Through, chain::Chain};

/// How long a chain may take to its first block.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

fn failed(what: &str, error: impl std::fmt::Display) -> LoadError {
    LoadError::Internal(format!("{what}: {error}"))
}

/// This program, which starts devnets too.
fn own_program() -> Result<PathBuf, LoadError> {
    std::env::current_exe().map_err(|error| failed("this program's own path", error))
}

/// A devnet of this project.
pub(super) struct Devnet {
    home: PathBuf,
    stopped: bool,
}

impl Devnet {
    /// Starts one with so many validators and this pause after each block.
    pub async fn start(
        args: &CompareArgs,
        folder: &Path,
        nodes: u16,
        pause: &str,
    ) -> Result<Self, LoadError> {
        let home = folder.join("devnet");
        let shown = home.to_string_lossy();
        let nodes = nodes.to_string();
        let devnet = Self {
            home: home.clone(),
            stopped: false,
        };
        let bytes = args.block_bytes.to_string();
        let words = [
            "devnet",
            "up",
            "--detach",
            "--fresh",
            "--home",
            &shown,
            "--base-port",
            "0",
            "--nodes",
            &nodes,
            "--no-miner",
            "--no-coordinator",
            "--block-interval",
            pause,
            "--block-bytes",
            &bytes,
        ];
        let mut command = process::command(&own_program()?, &words);
        command.env("COMETBFT", &args.cometbft);
        let output = command
            .output()
            .await
            .map_err(|error| failed("ait devnet up", error))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(failed("ait devnet up", said));
        }
        Ok(devnet)
    }

    /// Its folder.
    pub fn home(&self) -> &Path {
        &self.home
    }

    fn manifest(&self) -> Option<Manifest> {
        Manifest::read(&self.home).ok().flatten()
    }

    fn first_node(&self) -> Result<NodeEntry, LoadError> {
        let manifest = self.manifest();
        let node = manifest.and_then(|manifest| manifest.nodes.into_iter().next());
        node.ok_or_else(|| failed("devnet.json", "it names no node"))
    }

    /// Its first CometBFT's RPC.
    pub fn rpc(&self) -> Result<String, LoadError> {
        Ok(self.first_node()?.rpc)
    }

    /// Its first node's REST.
    pub fn rest(&self) -> Result<String, LoadError> {
        Ok(self.first_node()?.rest)
    }

    /// The genesis account that pays.
    pub fn payer(&self) -> Result<String, LoadError> {
        let manifest = self.manifest();
        let manifest = manifest.ok_or_else(|| failed("devnet.json", "it can't be read"))?;
        Ok(manifest.faucet.address)
    }

    /// What another node joins.
    pub fn first(&self) -> Result<First, LoadError> {
        let node = self.first_node()?;
        let manifest = self.manifest();
        let chain_id = manifest.map(|manifest| manifest.chain_id);
        Ok(First {
            kind: Kind::Own {
                chain_id: chain_id.unwrap_or_default(),
            },
            genesis: node.home.join("cometbft/config/genesis.json"),
            peer: node.p2p,
            rpc: node.rpc,
        })
    }

    /// Stops it.
    pub async fn stop(mut self) -> Result<(), LoadError> {
        self.stopped = true;
        let home = self.home.to_string_lossy();
        let words = ["devnet", "down", "--home", &home];
        process::run(&own_program()?, &words).await.map(|_| ())
    }
}

impl Drop for Devnet {
    fn drop(&mut self) {
        if self.stopped {
            return;
        }
        // Where a comparison was cut short, nothing else ends it: it runs in a session of its own.
        if let Ok(program) = own_program() {
            let mut command = Command::new(program);
            let _ = command
                .args(["devnet", "down", "--home"])
                .arg(&self.home)
                .output();
        }
    }
}

/// The node of a chain that another one joins.
pub(super) struct First {
    pub kind: Kind,
    genesis: PathBuf,
    /// `id@host:port`
    peer: String,
    pub rpc: String,
}

/// The application beside CometBFT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// This chain's.
    Own { chain_id: String },
    /// CometBFT's kvstore in CometBFT's process.
    KvstoreInProcess,
    /// CometBFT's kvstore over a unix socket.
    KvstoreSocket,
    /// One that does nothing, on this project's transport.
    Nothing,
}

/// CometBFT with an application of somebody else, set as a node of this project's is.
pub(super) struct Engine {
    comet: Running,
    application: Option<Running>,
    kind: Kind,
    home: PathBuf,
    rpc: SocketAddr,
    p2p: SocketAddr,
}

impl Engine {
    pub async fn start(
        args: &CompareArgs,
        folder: &Path,
        kind: Kind,
        pause: &str,
    ) -> Result<Self, LoadError> {
        let engine = Self::begin(args, folder, kind, pause, None).await?;
        engine.wait_for_blocks().await?;
        Ok(engine)
    }

    /// A node that begins at the genesis of another one's chain; returns before it has any block.
    pub async fn join(args: &CompareArgs, folder: &Path, first: &First) -> Result<Self, LoadError> {
        Self::begin(args, folder, first.kind.clone(), "1s", Some(first)).await
    }

    async fn begin(
        args: &CompareArgs,
        folder: &Path,
        kind: Kind,
        pause: &str,
        first: Option<&First>,
    ) -> Result<Self, LoadError> {
        let home = folder.join("cometbft");
        let shown = home.to_string_lossy();
        process::run(&args.cometbft, &["init", "--home", &shown]).await?;
        let (rpc, p2p) = (free_address()?, free_address()?);
        let socket = folder.join("app.sock");
        let peers = first.map_or("", |first| &first.peer);
        let peers = parse_peers(peers).map_err(|error| failed("the peer", error))?;
        set(&home, &socket, (rpc, p2p), peers, pause)?;
        let genesis = home.join("config/genesis.json");
        match first {
            Some(first) => copy(&first.genesis, &genesis)?,
            None => set_block_bytes(args, &genesis)?,
        }
        let address = format!("unix://{}", socket.display());
        let log = folder.join("application.log");
        let application = match &kind {
            Kind::Own { chain_id } => {
                let store = folder.join("chain.db");
                let store = store.to_string_lossy();
                let words = [
                    "start",
                    "--no-rest",
                    "--chain-id",
                    chain_id,
                    "--db-path",
                    &store,
                    "--abci-bind",
                    &address,
                    "--comet-rpc",
                    &format!("http://{rpc}"),
                ];
                Some(Running::start(&own_program()?, &words, &log)?)
            }
            Kind::KvstoreInProcess => None,
            Kind::KvstoreSocket => {
                let words = ["kvstore", "--address", &address, "--log_level", "error"];
                Some(Running::start(&args.abci_cli, &words, &log)?)
            }
            Kind::Nothing => Some(Running::start(&args.idle_app, &[&address], &log)?),
        };
        let proxy = match kind {
            Kind::KvstoreInProcess => "kvstore",
            Kind::Own { .. } | Kind::KvstoreSocket | Kind::Nothing => &address,
        };
        let words = ["node", "--home", &shown, "--proxy_app", proxy];
        let comet = Running::start(&args.cometbft, &words, &folder.join("cometbft.log"))?;
        Ok(Self {
            comet,
            application,
            kind,
            home: home.clone(),
            rpc,
            p2p,
        })
    }

    /// What another node joins.
    pub async fn first(&self, args: &CompareArgs) -> Result<First, LoadError> {
        let home = self.home.to_string_lossy();
        let id = process::run(&args.cometbft, &["show-node-id", "--home", &home]).await?;
        Ok(First {
            kind: self.kind.clone(),
            genesis: self.home.join("config/genesis.json"),
            peer: format!("{}@{}", id.trim(), self.p2p),
            rpc: self.rpc(),
        })
    }

    async fn wait_for_blocks(&self) -> Result<(), LoadError> {
        let mut chain = Chain::new(&self.rpc(), Through::Comet)?;
        let begun = Instant::now();
        while chain.stored_height().await.unwrap_or(0) == 0 {
            if begun.elapsed() > PATIENCE {
                return Err(LoadError::connection(&self.rpc(), "it makes no blocks"));
            }
            sleep(LOOK_INTERVAL).await;
        }
        Ok(())
    }

    /// CometBFT's RPC.
    pub fn rpc(&self) -> String {
        format!("http://{}", self.rpc)
    }

    /// Its processes.
    pub fn processes(&self) -> Processes {
        Processes {
            application: self.application.iter().filter_map(Running::pid).collect(),
            cometbft: self.comet.pid().into_iter().collect(),
        }
    }

    /// Stops CometBFT, then the application: CometBFT never ends that has lost it.
    pub async fn stop(self) {
        self.comet.stop().await;
        if let Some(application) = self.application {
            application.stop().await;
        }
    }
}

/// Gives a home of `cometbft init` the settings that this project's nodes have.
fn set(
    home: &Path,
    socket: &Path,
    (rpc, p2p): (SocketAddr, SocketAddr),
    peers: Vec<Peer>,
    pause: &str,
) -> Result<(), LoadError> {
    let config = config_toml(&NodeConfig {
        abci: AbciAddress::Unix(socket.to_owned()),
        moniker: "bench".to_owned(),
        rpc,
        p2p,
        peers,
        block_interval: humantime::parse_duration(pause)
            .map_err(|error| failed("the pause", error))?,
        devnet: true,
        state_sync: None,
    });
    let config = config.map_err(|error| failed("config.toml", error))?;
    fs::write(home.join("config/config.toml"), config).map_err(|error| failed("config.toml", error))
}

/// Gives a genesis of `cometbft init` the size of blocks that was asked for.
fn set_block_bytes(args: &CompareArgs, path: &Path) -> Result<(), LoadError> {
    let text = fs::read(path).map_err(|error| failed("genesis.json", error))?;
    let mut genesis: Value =
        serde_json::from_slice(&text).map_err(|error| failed("genesis.json", error))?;
    if let Some(size) = genesis.pointer_mut("/consensus_params/block/max_bytes") {
        *size = json!(args.block_bytes.to_string());
    }
    fs::write(path, genesis.to_string()).map_err(|error| failed("genesis.json", error))
}

fn copy(from: &Path, to: &Path) -> Result<(), LoadError> {
    fs::copy(from, to)
        .map(|_| ())
        .map_err(|error| failed("genesis.json", error))
}

/// An address on loopback that nobody listens on at present.
fn free_address() -> Result<SocketAddr, LoadError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = listener.and_then(|listener| listener.local_addr());
    address.map_err(|error| failed("a free port", error))
}
