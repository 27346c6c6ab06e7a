//! Owns how a devnet's programs are started, in which order, and what each waits for.

use std::{path::PathBuf, time::Duration};

use ait_api::node::Health;
use ait_app::address::Address;
use ait_client::{Client, http::Trust};
use ait_home::comet::{Home, recovery};
use anyhow::Context as _;

use super::{
    UpArgs,
    console::Console,
    first_blocks,
    fleet::{Fleet, Stage},
    manifest::Manifest,
    plan,
    ports::Ports,
    process::{POLL, Program},
};

/// What is the same for every start of a process in this devnet.
pub struct Launch {
    ait: PathBuf,
    cometbft: PathBuf,
    ports: Ports,
    coordinator_urls: String,
    own_coordinator_url: Option<String>,
    environment: Vec<(String, String)>,
    miner: bool,
    coordinator: bool,
    known_jobs: bool,
    /// How long the first blocks may take.
    patience: Duration,
}

impl Launch {
    /// From the flags and settings of this start.
    ///
    /// # Errors
    /// When the manifest does not read.
    pub fn new(cometbft: PathBuf, args: &UpArgs, manifest: &Manifest) -> anyhow::Result<Self> {
        let ports = Ports::plan(manifest.base_port, u16::try_from(manifest.nodes.len())?)?;
        let mut urls = args.chain.coordinator_urls.clone().unwrap_or_default();
        let own: Address = manifest.coordinator.address.parse()?;
        if !args.no_coordinator {
            urls.insert(own, format!("http://{}", ports.coordinator()));
        }
        let own_coordinator_url = urls.get(&own).cloned();
        let urls: Vec<String> = urls
            .into_iter()
            .map(|(address, url)| format!("{address}={url}"))
            .collect();
        Ok(Self {
            ait: std::env::current_exe()?,
            cometbft,
            ports,
            own_coordinator_url,
            coordinator_urls: urls.join(","),
            // It has nobody to ask otherwise.
            miner: !args.no_miner && !urls.is_empty(),
            environment: plan::settings_in_force(&args.chain),
            coordinator: !args.no_coordinator,
            known_jobs: args.known_jobs,
            patience: args.timeout,
        })
    }

    /// Whether the mock miner is on.
    pub fn runs_miner(&self) -> bool {
        self.miner
    }

    /// Whether the mock coordinator is on.
    pub fn runs_coordinator(&self) -> bool {
        self.coordinator
    }

    fn app(&self, manifest: &Manifest, node: u16) -> anyhow::Result<Program> {
        let entry = &manifest.nodes.get(usize::from(node)).context("a node")?;
        let key_file = |path: &PathBuf| path.display().to_string();
        let arguments = [
            ("--chain-id", manifest.chain_id.clone()),
            (
                "--db-path",
                entry.home.join("chain.db").display().to_string(),
            ),
            ("--rpc-bind", self.ports.rest(node).to_string()),
            (
                "--abci-bind",
                plan::abci(&entry.home, node, &self.ports).to_string(),
            ),
            ("--comet-rpc", entry.rpc.clone()),
            ("--faucet-key", key_file(&manifest.faucet.key_file)),
            ("--admin-key", key_file(&manifest.admin.key_file)),
        ];
        let mut list = vec!["start".to_owned(), "--devnet".to_owned()];
        for (flag, value) in arguments {
            list.extend([flag.to_owned(), value]);
        }
        if !self.coordinator_urls.is_empty() {
            list.extend([
                "--coordinator-urls".to_owned(),
                self.coordinator_urls.clone(),
            ]);
        }
        Ok(Program {
            name: format!("node {node}: application"),
            binary: self.ait.clone(),
            arguments: list,
            environment: self.environment.clone(),
            folder: entry.home.clone(),
            log: entry.home.join("app.log"),
            stage: Stage::App as u8,
        })
    }

    fn comet(&self, manifest: &Manifest, node: u16) -> anyhow::Result<Program> {
        let entry = manifest.nodes.get(usize::from(node)).context("a node")?;
        let peers: Vec<&str> = (0..)
            .zip(&manifest.nodes)
            .filter(|(other, _)| *other != node)
            .map(|(_, peer)| peer.p2p.as_str())
            .collect();
        // Those that depend on the ports of this start win over config.toml.
        let arguments = [
            ("--home", entry.home.join("cometbft").display().to_string()),
            (
                "--proxy_app",
                plan::abci(&entry.home, node, &self.ports).to_string(),
            ),
            ("--rpc.laddr", format!("tcp://{}", self.ports.rpc(node))),
            ("--p2p.laddr", format!("tcp://{}", self.ports.p2p(node))),
            ("--p2p.persistent_peers", peers.join(",")),
        ];
        let mut list = vec!["node".to_owned()];
        for (flag, value) in arguments {
            list.extend([flag.to_owned(), value]);
        }
        Ok(Program {
            name: format!("node {node}: CometBFT"),
            binary: self.cometbft.clone(),
            arguments: list,
            environment: Vec::new(),
            folder: entry.home.clone(),
            log: entry.home.join("cometbft.log"),
            stage: Stage::Comet as u8,
        })
    }

    fn coordinator(&self, manifest: &Manifest) -> Program {
        let mut arguments = vec![
            "coordinator".to_owned(),
            "--bind".to_owned(),
            self.ports.coordinator().to_string(),
            "--node".to_owned(),
            format!("http://{}", self.ports.rest(0)),
            "--key".to_owned(),
            manifest.coordinator.key_file.display().to_string(),
            "--chain-id".to_owned(),
            manifest.chain_id.clone(),
        ];
        if self.known_jobs {
            arguments.push("--known-jobs".to_owned());
        }
        Program {
            name: "coordinator (mock)".to_owned(),
            binary: self.ait.clone(),
            arguments,
            environment: self.environment.clone(),
            folder: manifest.home.clone(),
            log: manifest.home.join("coordinator.log"),
            stage: Stage::Coordinator as u8,
        }
    }

    fn miner(&self, manifest: &Manifest) -> Program {
        let arguments = [
            "miner".to_owned(),
            "--node".to_owned(),
            format!("http://{}", self.ports.rest(0)),
            "--key".to_owned(),
            manifest.miner.key_file.display().to_string(),
            "--coordinator-urls".to_owned(),
            self.coordinator_urls.clone(),
        ];
        Program {
            name: "miner (mock)".to_owned(),
            binary: self.ait.clone(),
            arguments: arguments.into(),
            environment: self.environment.clone(),
            folder: manifest.home.clone(),
            log: manifest.home.join("miner.log"),
            stage: Stage::Miner as u8,
        }
    }
}

/// Starts everything and waits until every node makes the same blocks.
///
/// # Errors
/// When a process can't be started, or dies.
pub async fn start(
    launch: &Launch,
    manifest: &mut Manifest,
    fleet: &mut Fleet,
    console: &Console,
) -> anyhow::Result<()> {
    let count = u16::try_from(manifest.nodes.len())?;
    manifest
        .coordinator
        .url
        .clone_from(&launch.own_coordinator_url);
    for node in 0..count {
        let app = fleet.start(launch.app(manifest, node)?)?;
        record(manifest, fleet, |manifest| {
            if let Some(entry) = manifest.nodes.get_mut(usize::from(node)) {
                entry.pids.app = Some(app);
            }
        })?;
        let client = Client::new(
            &format!("http://{}", launch.ports.rest(node)),
            &Trust::default(),
        )?;
        let answers = async {
            loop {
                match client.health::<Health>().await {
                    Ok(health) => break Ok(health.height),
                    Err(_) => tokio::time::sleep(POLL).await,
                }
            }
        };
        let named = format!("node {node}: application");
        let height = console.step(&named, fleet.alive_while(answers)).await?;
        recover(manifest, node, height, console)?;
        let comet = fleet.start(launch.comet(manifest, node)?)?;
        record(manifest, fleet, |manifest| {
            if let Some(entry) = manifest.nodes.get_mut(usize::from(node)) {
                entry.pids.cometbft = Some(comet);
            }
        })?;
    }
    let named = match count {
        1 => "node 0: CometBFT, and the first block".to_owned(),
        _ => format!("CometBFT of {count} nodes, and the first blocks, the same on all"),
    };
    let blocks = first_blocks::wait(manifest, launch.patience);
    console.step(&named, fleet.alive_while(blocks)).await?;
    start_mocks(launch, manifest, fleet, console).await
}

/// A devnet that was killed may have left a CometBFT that would never go on by itself.
fn recover(manifest: &Manifest, node: u16, height: u64, console: &Console) -> anyhow::Result<()> {
    let entry = manifest.nodes.get(usize::from(node)).context("a node")?;
    match recovery::recover(&Home::new(entry.home.join("cometbft")), height) {
        Ok(recovery) if recovery.is_empty() => {}
        Ok(_) => console.notice(&format!(
            "node {node}: mended what a crash left of CometBFT's files"
        )),
        // CometBFT says by itself what it can't go on with.
        Err(error) => console.notice(&format!("node {node}: {error}")),
    }
    Ok(())
}

async fn start_mocks(
    launch: &Launch,
    manifest: &mut Manifest,
    fleet: &mut Fleet,
    console: &Console,
) -> anyhow::Result<()> {
    if launch.coordinator {
        let pid = fleet.start(launch.coordinator(manifest))?;
        record(manifest, fleet, |manifest| {
            manifest.coordinator.pid = Some(pid)
        })?;
        let listens = async {
            while tokio::net::TcpStream::connect(launch.ports.coordinator())
                .await
                .is_err()
            {
                tokio::time::sleep(POLL).await;
            }
            Ok(())
        };
        console
            .step("coordinator (mock)", fleet.alive_while(listens))
            .await?;
    }
    if launch.miner {
        let pid = fleet.start(launch.miner(manifest))?;
        record(manifest, fleet, |manifest| manifest.miner.pid = Some(pid))?;
        console.step("miner (mock)", async { Ok(()) }).await?;
    }
    Ok(())
}

/// Notes a process that was just started, so that `ait devnet down` knows it whatever happens next.
fn record(
    manifest: &mut Manifest,
    fleet: &Fleet,
    change: impl FnOnce(&mut Manifest),
) -> anyhow::Result<()> {
    change(manifest);
    manifest.processes = fleet.entries();
    manifest.write()
}
