//! Owns one node of a test's chain: its home, its two processes, its two doors.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::Value;

use super::{
    binaries,
    http::{Rest, Rpc},
    process::Process,
    wait::eventually,
};

/// The file that names every setting of `ait`, any of which a developer's shell may have set.
const SETTINGS: &str = include_str!("../../../.env.example");

/// Crash points that a lone validator's CometBFT passes in a block: its two votes, before storing the block, after it,
/// after noting its end, and six more.
pub const CRASH_POINTS: u64 = 11;

/// What a node is made from.
pub struct NodePlan<'a> {
    /// Its folder, which does not exist yet.
    pub home: PathBuf,
    /// The chain's genesis file.
    pub genesis: &'a Path,
    /// The seed of its consensus key, in hex, if it validates.
    pub consensus_seed: Option<String>,
    /// The pause after each block.
    pub block_interval: &'a str,
    /// `COORDINATOR_URLS`.
    pub coordinator_urls: &'a str,
    /// The program of its CometBFT.
    pub cometbft: &'a Path,
}

pub struct Node {
    /// Its folder.
    pub home: PathBuf,
    /// Its REST routes.
    pub rest: Rest,
    /// Its CometBFT's RPC.
    pub rpc: Rpc,
    /// The application, while it runs.
    pub app: Option<Process>,
    /// CometBFT, while it runs.
    pub comet: Option<Process>,
    /// The chain id that the application is started with.
    pub chain_id: String,
    /// More arguments of `ait start`.
    pub app_arguments: Vec<String>,
    /// More arguments of `cometbft node`, where it is started beside the application.
    pub comet_arguments: Vec<String>,
    /// The program of its CometBFT, from its next start on.
    pub cometbft: PathBuf,
    id: String,
    p2p: u16,
    peers: Vec<String>,
}

impl Node {
    /// Makes a node's home with `ait init`.
    ///
    /// # Panics
    /// When `ait` refuses to.
    pub fn make(plan: NodePlan<'_>) -> Self {
        let (rest, rpc, p2p) = (free_port(), free_port(), free_port());
        std::fs::create_dir_all(&plan.home).expect("a folder");
        let socket = plan.home.join("app.sock");
        let mut command = ait(&plan.home);
        command
            .args(["init", "--devnet", "--block-interval", plan.block_interval])
            .arg("--home")
            .arg(plan.home.join("cometbft"))
            .arg("--genesis")
            .arg(plan.genesis)
            .args(["--p2p-bind", &format!("127.0.0.1:{p2p}")])
            .args(["--comet-rpc", &format!("http://127.0.0.1:{rpc}")])
            .args(["--abci-bind", &format!("unix://{}", socket.display())]);
        if let Some(seed) = &plan.consensus_seed {
            command.args(["--validator-seed", seed]);
        }
        let report: Value = serde_json::from_str(&run(&mut command)).expect("a report in JSON");
        let mut app_arguments = Vec::new();
        if !plan.coordinator_urls.is_empty() {
            app_arguments.push("--coordinator-urls".to_owned());
            app_arguments.push(plan.coordinator_urls.to_owned());
        }
        Self {
            rest: Rest::new(&format!("http://127.0.0.1:{rest}")),
            rpc: Rpc::new(&format!("http://127.0.0.1:{rpc}")),
            app: None,
            comet: None,
            chain_id: super::network::CHAIN_ID.to_owned(),
            app_arguments,
            comet_arguments: Vec::new(),
            cometbft: plan.cometbft.to_path_buf(),
            id: report["node_id"].as_str().expect("a node id").to_owned(),
            p2p,
            peers: Vec::new(),
            home: plan.home,
        }
    }

    /// How peers name it.
    pub fn peer(&self) -> String {
        self.peer_at(self.p2p)
    }

    /// How peers name it that reach it at another port of this machine.
    pub fn peer_at(&self, port: u16) -> String {
        format!("{}@127.0.0.1:{port}", self.id)
    }

    /// Where its CometBFT listens for peers.
    pub fn p2p(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.p2p).into()
    }

    /// Whom it dials from its next start on.
    pub fn set_peers(&mut self, peers: Vec<String>) {
        self.peers = peers;
    }

    /// The application's store.
    pub fn store(&self) -> PathBuf {
        self.home.join("chain.db")
    }

    /// Starts the application and CometBFT.
    pub fn start(&mut self) {
        self.start_app();
        self.start_comet();
    }

    /// Starts CometBFT once the application listens: one that comes first tries again only after 3 s.
    pub async fn start_in_order(&mut self) {
        self.start_app();
        self.listens().await;
        self.start_comet();
    }

    /// Waits until the application listens for CometBFT.
    pub async fn listens(&self) {
        let socket = self.home.join("app.sock");
        eventually("the application listens", async || {
            UnixStream::connect(&socket).ok()
        })
        .await;
    }

    /// Starts the application.
    pub fn start_app(&mut self) {
        let mut command = self.app_command();
        let log = self.home.join("app.log");
        self.app = Some(Process::start("ait start", &mut command, &log));
    }

    /// The command that starts the application.
    pub fn app_command(&self) -> Command {
        let socket = self.home.join("app.sock");
        let mut command = ait(&self.home);
        command
            .args(["start", "--devnet", "--chain-id", &self.chain_id])
            .arg("--db-path")
            .arg(self.store())
            .args(["--rpc-bind", self.rest.url.trim_start_matches("http://")])
            .args(["--abci-bind", &format!("unix://{}", socket.display())])
            .args(["--comet-rpc", &self.rpc.url])
            .args(&self.app_arguments);
        command
    }

    /// The command that starts the application and CometBFT as one unit.
    pub fn unit_command(&self) -> Command {
        let mut command = ait(&self.home);
        command
            .args(["start", "--devnet", "--with-comet", "--home"])
            .arg(self.home.join("cometbft"))
            .args(["--rpc-bind", self.rest.url.trim_start_matches("http://")])
            .env("COMETBFT", &self.cometbft);
        command
    }

    /// The command that makes its home from these nodes, to begin with a snapshot; nobody is there to answer its
    /// question. CometBFT's home must not exist.
    pub fn join_command(&self, nodes: &[&Self], more: &[&str]) -> Command {
        let urls: Vec<&str> = nodes.iter().map(|node| node.rpc.url.as_str()).collect();
        let socket = self.home.join("app.sock");
        let mut command = ait(&self.home);
        command
            .args(["init", "--devnet", "--home", "cometbft"])
            .args(["--chain-id", &self.chain_id, "--join", &urls.join(",")])
            .args(["--p2p-bind", &self.p2p().to_string()])
            .args(["--comet-rpc", &self.rpc.url])
            .args(["--abci-bind", &format!("unix://{}", socket.display())])
            .args(more);
        command
    }

    /// The command that takes the node's last block back.
    pub fn rollback_command(&self) -> Command {
        self.offline_command("rollback")
    }

    /// The command that mends what crashes left.
    pub fn repair_command(&self) -> Command {
        self.offline_command("repair")
    }

    /// A command about the home and the store.
    pub fn offline_command(&self, name: &str) -> Command {
        let mut command = ait(&self.home);
        command
            .args([name, "--home"])
            .arg(self.home.join("cometbft"))
            .arg("--db-path")
            .arg(self.store())
            .env("COMETBFT", &self.cometbft);
        command
    }

    /// Starts CometBFT.
    pub fn start_comet(&mut self) {
        self.start_comet_with(&[]);
    }

    /// Starts CometBFT, which ends itself at its n-th crash point.
    pub fn start_comet_failing_at(&mut self, point: u64) {
        self.start_comet_with(&[("FAIL_TEST_INDEX", point.to_string())]);
    }

    /// Starts the node in order; CometBFT ends itself at its n-th crash point, and the application is killed with it.
    pub async fn crashes_at(&mut self, point: u64) {
        self.start_app();
        self.listens().await;
        self.start_comet_failing_at(point);
        eventually("CometBFT crashes at that point", async || {
            self.comet.as_mut().and_then(Process::ended)
        })
        .await;
        self.kill_comet();
        self.kill_app();
    }

    fn start_comet_with(&mut self, variables: &[(&str, String)]) {
        let mut command = cometbft(&self.cometbft, &self.home);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command
            .args(["node", "--home"])
            .arg(self.home.join("cometbft"))
            .args(["--p2p.persistent_peers", &self.peers.join(",")])
            .args(&self.comet_arguments);
        let log = self.home.join("cometbft.log");
        self.comet = Some(Process::start("cometbft", &mut command, &log));
    }

    /// `kill -9` of the application.
    pub fn kill_app(&mut self) {
        self.app = None;
    }

    /// `kill -9` of CometBFT.
    pub fn kill_comet(&mut self) {
        self.comet = None;
    }

    /// Stops CometBFT and then the application, as an operator does; gives the application's end.
    ///
    /// # Panics
    /// When one does not stop.
    pub fn stop(&mut self) -> ExitStatus {
        if let Some(mut comet) = self.comet.take() {
            comet.stop();
        }
        let mut app = self.app.take().expect("the application runs");
        app.stop()
    }

    /// Waits until both processes have ended by themselves; gives the application's exit code, none where a signal
    /// ended it.
    pub async fn halted(&mut self) -> Option<i32> {
        let status = eventually("the application ends", async || {
            self.app.as_mut().and_then(Process::ended)
        })
        .await;
        eventually("CometBFT stops without its application", async || {
            self.comet.as_mut().and_then(Process::ended)
        })
        .await;
        self.app = None;
        self.comet = None;
        status.code()
    }

    /// What the application logged in all its runs.
    pub fn app_log(&self) -> String {
        let bytes = std::fs::read(self.home.join("app.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Whether CometBFT reads a variable as a setting.
fn is_comets(name: &str) -> bool {
    let prefixes = ["CMT_", "TM_"];
    ["CMTHOME", "TMHOME"].contains(&name) || prefixes.iter().any(|prefix| name.starts_with(prefix))
}

/// `ait` with nothing of the developer's shell or working folder in its settings.
pub fn ait(folder: &Path) -> Command {
    let mut command = Command::new(binaries::ait());
    command.current_dir(folder);
    let lines = SETTINGS.lines().filter(|line| !line.starts_with('#'));
    for (name, _) in lines.filter_map(|line| line.split_once('=')) {
        command.env_remove(name);
    }
    command
}

/// `cometbft` with nothing of the developer's shell in its settings: those would win over a node's own config.toml.
pub fn cometbft(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    let of_the_shell = std::env::vars_os().map(|(name, _)| name);
    for name in of_the_shell.filter(|name| is_comets(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command
}

/// Runs a command to its end; gives what it printed.
///
/// # Panics
/// When it fails.
pub fn run(command: &mut Command) -> String {
    let output = command.output().expect("the command starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A port nobody listens on, never the same one twice. Below the range that systems take the ports of
/// outgoing connections from: a node that is killed finds its port free when it starts again.
///
/// # Panics
/// When there is none left.
pub fn free_port() -> u16 {
    const CANDIDATES: std::ops::Range<u32> = 12_000..31_000;
    static TRIED: AtomicU32 = AtomicU32::new(0);
    let count = CANDIDATES.end - CANDIDATES.start;
    // Test programs run one after the other: each begins elsewhere.
    let first = std::process::id().wrapping_mul(97) % count;
    loop {
        let tried = TRIED.fetch_add(1, Ordering::Relaxed);
        assert!(tried < count, "no free port");
        let candidate = CANDIDATES.start + (first + tried) % count;
        let port = u16::try_from(candidate).expect("below 65536");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
