//! Owns what a new devnet consists of: keys, genesis, node homes; and the settings it is made with.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, SystemTime},
};

use ait_app::{
    address::Address,
    crypto::SecretKey,
    identifiers::ChainId,
    params::values::Authority,
    quantity::{Ranged, UAIT_PER_AIT, Uait},
};
use anyhow::Context as _;

use super::{
    ChainArgs, UpArgs,
    console::Console,
    home::{self, ACCOUNTS, key_file},
    manifest::{AccountEntry, CoordinatorEntry, Manifest, MinerEntry, NodeEntry, NodePids},
    ports::Ports,
};
use ait_home::{
    comet::{
        Home,
        config::{AbciAddress, MAX_SOCKET_PATH_BYTES, NodeConfig},
    },
    exit::Usage,
    genesis::{self, GenesisPlan},
    init::{self, InitPlan},
    keys, misspelt, settings,
};

/// What the genesis gives the faucet: enough for any test, and far from the supply's limit.
const FAUCET_BALANCE: Uait = Uait::constant(1_000_000_000 * UAIT_PER_AIT);
/// What the genesis gives the admin, to pay the fees of `PARAM_UPDATE`.
const ADMIN_BALANCE: Uait = Uait::constant(1_000 * UAIT_PER_AIT);
/// What the genesis gives the coordinator, for its bond and the fees of its assignments.
const COORDINATOR_BALANCE: Uait = Uait::constant(1_000 * UAIT_PER_AIT);
/// Voting power of each authority.
const POWER: u64 = 10;

/// Makes a new devnet in its home; the manifest is written last, when all of it is there.
///
/// # Errors
/// When a setting is wrong or the home can't be written to.
pub fn make(home: &Path, args: &UpArgs, ports: &Ports) -> anyhow::Result<Manifest> {
    let nodes = args.nodes.unwrap_or(1);
    let chain_id = chain_id(args)?;
    let mut accounts = BTreeMap::new();
    for name in ACCOUNTS {
        accounts.insert(name, make_key(home, name)?);
    }
    let mut consensus_keys = Vec::new();
    let mut authorities = Vec::new();
    for node in 0..nodes {
        let account = make_key(home, &format!("validator{node}"))?;
        let consensus_key = keys::random()?;
        authorities.push(Authority {
            address: address(&account),
            power: Ranged::new(POWER).context("a power in its range")?,
            proof: None,
            pubkey: consensus_key.public_key(),
        });
        consensus_keys.push(consensus_key);
    }
    let genesis = genesis_text(chain_id.clone(), &accounts, authorities, args)?;
    let interval = match args.chain.block_interval {
        Some(interval) => interval,
        None => settings::parse_interval(settings::DEFAULT_BLOCK_INTERVAL).map_err(Usage)?,
    };
    let mut entries = Vec::new();
    for (node, key) in (0..nodes).zip(consensus_keys) {
        entries.push(make_node(home, node, key, &genesis, ports, interval)?);
    }
    let manifest = manifest(home, &chain_id, ports, entries, &accounts)?;
    manifest.write()?;
    Ok(manifest)
}

/// The keys of [`ACCOUNTS`] by their names.
type Accounts = BTreeMap<&'static str, SecretKey>;

fn key_of<'a>(accounts: &'a Accounts, name: &str) -> anyhow::Result<&'a SecretKey> {
    accounts.get(name).context("every account has a key")
}

fn genesis_text(
    chain_id: ChainId,
    accounts: &Accounts,
    authorities: Vec<Authority>,
    args: &UpArgs,
) -> anyhow::Result<String> {
    let admin = address(key_of(accounts, "admin")?);
    let faucet = address(key_of(accounts, "faucet")?);
    let coordinator = key_of(accounts, "coordinator")?;
    genesis::build(&GenesisPlan {
        chain_id,
        time: SystemTime::now(),
        admin,
        authorities,
        coordinators: BTreeMap::from([(address(coordinator), coordinator.public_key())]),
        accounts: BTreeMap::from([
            (faucet, FAUCET_BALANCE),
            (admin, ADMIN_BALANCE),
            (address(coordinator), COORDINATOR_BALANCE),
        ]),
        evidence_age: genesis::DEFAULT_EVIDENCE_AGE,
        block_bytes: args.chain.params.block_bytes,
        protocol: args.chain.params.protocol,
        params: args.chain.params.params(),
    })
}

/// The manifest of a devnet that never ran.
fn manifest(
    home: &Path,
    chain_id: &ChainId,
    ports: &Ports,
    nodes: Vec<NodeEntry>,
    accounts: &Accounts,
) -> anyhow::Result<Manifest> {
    let account = |name: &str| {
        anyhow::Ok(AccountEntry {
            address: address(key_of(accounts, name)?).to_string(),
            key_file: key_file(home, name),
        })
    };
    let (coordinator, miner) = (account("coordinator")?, account("miner")?);
    Ok(Manifest {
        chain_id: chain_id.to_string(),
        home: home.to_path_buf(),
        ready: false,
        base_port: ports.base(),
        nodes,
        faucet: account("faucet")?,
        admin: account("admin")?,
        client: account("client")?,
        coordinator: CoordinatorEntry {
            address: coordinator.address,
            url: None,
            pid: None,
            key_file: coordinator.key_file,
        },
        miner: MinerEntry {
            address: miner.address,
            pid: None,
            key_file: miner.key_file,
        },
        supervisor_pid: None,
        supervisor_started: None,
        processes: Vec::new(),
    })
}

/// `CHAIN_ID`; where it is not set the default, with a random suffix when everything is new, so
/// that signatures for an earlier devnet are worth nothing on this one.
fn chain_id(args: &UpArgs) -> anyhow::Result<ChainId> {
    match &args.chain.chain_id {
        Some(chain_id) => Ok(chain_id.clone()),
        None if args.fresh => {
            let random = hex::encode(keys::random()?.seed());
            let suffix: String = random.chars().take(6).collect();
            Ok(format!("{}-{suffix}", settings::DEFAULT_CHAIN_ID).parse()?)
        }
        None => Ok(settings::DEFAULT_CHAIN_ID.parse()?),
    }
}

fn make_key(home: &Path, name: &str) -> anyhow::Result<SecretKey> {
    let key = keys::random()?;
    keys::write(&key_file(home, name), &key)?;
    Ok(key)
}

fn address(key: &SecretKey) -> Address {
    Address::of(&key.public_key())
}

fn make_node(
    home: &Path,
    node: u16,
    key: SecretKey,
    genesis: &str,
    ports: &Ports,
    block_interval: Duration,
) -> anyhow::Result<NodeEntry> {
    let folder = home.join(format!("node{node}"));
    let report = init::create(&InitPlan {
        home: Home::new(folder.join("cometbft")),
        node: NodeConfig {
            abci: abci(&folder, node, ports),
            moniker: format!("devnet-{node}"),
            rpc: ports.rpc(node),
            p2p: ports.p2p(node),
            // Named when it starts: the ports may be others then.
            peers: Vec::new(),
            block_interval,
            devnet: true,
            state_sync: None,
        },
        validator_key: Some(key),
        genesis: Some(genesis.to_owned()),
    })?;
    let mut entry = NodeEntry {
        rest: String::new(),
        rpc: String::new(),
        p2p: format!("{}@", report.node_id),
        home: folder,
        pids: NodePids::default(),
    };
    name_ports(&mut entry, node, ports);
    Ok(entry)
}

/// Writes where a node listens into its entry.
pub fn name_ports(entry: &mut NodeEntry, node: u16, ports: &Ports) {
    let id = entry.p2p.split('@').next().unwrap_or_default();
    entry.p2p = format!("{id}@{}", ports.p2p(node));
    entry.rest = format!("http://{}", ports.rest(node));
    entry.rpc = format!("http://{}", ports.rpc(node));
}

/// Where a node's application listens: a unix socket, or TCP where its path would be too long.
pub fn abci(folder: &Path, node: u16, ports: &Ports) -> AbciAddress {
    let socket = folder.join("app.sock");
    if socket.as_os_str().len() <= MAX_SOCKET_PATH_BYTES {
        AbciAddress::Unix(socket)
    } else {
        AbciAddress::Tcp(ports.abci(node))
    }
}

/// Refuses flags and settings that an existing devnet contradicts, and gives it its ports.
///
/// # Errors
/// When it has another number of nodes or another chain id than asked for.
pub fn reopen(
    mut manifest: Manifest,
    args: &UpArgs,
    ports: &Ports,
    console: &Console,
) -> anyhow::Result<Manifest> {
    let has = manifest.nodes.len();
    if let Some(nodes) = args.nodes {
        anyhow::ensure!(
            usize::from(nodes) == has,
            "the devnet in {} was made with --nodes {has}, not {nodes}: leave that flag out, begin anew with \
             --fresh, or choose another --home",
            manifest.home.display()
        );
    }
    if let Some(asked) = &args.chain.chain_id {
        anyhow::ensure!(
            asked.as_str() == manifest.chain_id,
            "the devnet in {} is of chain {}, but CHAIN_ID is {asked}: unset it, begin anew with \
             --fresh, or choose another --home",
            manifest.home.display(),
            manifest.chain_id
        );
    }
    if args.chain.block_interval.is_some() {
        console.notice(
            "BLOCK_INTERVAL holds for new devnets: this one keeps the interval it was made with",
        );
    }
    manifest.clear_processes();
    manifest.base_port = ports.base();
    for (node, entry) in (0..).zip(&mut manifest.nodes) {
        name_ports(entry, node, ports);
    }
    Ok(manifest)
}

/// The ports of this start: as asked for, as the home had them, or the default.
///
/// # Errors
/// When they don't fit, or one of them is taken.
pub fn ports(args: &UpArgs, existing: Option<&Manifest>) -> anyhow::Result<Ports> {
    let base = args
        .base_port
        .or(existing.map(|manifest| manifest.base_port))
        .unwrap_or(super::DEFAULT_BASE_PORT);
    let nodes = match existing {
        Some(manifest) => u16::try_from(manifest.nodes.len())?,
        None => args.nodes.unwrap_or(1),
    };
    let ports = Ports::plan(base, nodes)?;
    if let Some((address, purpose)) = ports.taken() {
        anyhow::bail!(
            "{address}, meant for {purpose}, is taken by another program. Stop that one, or \
             choose other ports: --base-port P takes P to P+{}, --base-port 0 finds free ones",
            u32::from(nodes) * 10 - 1
        );
    }
    Ok(ports)
}

/// The secret key of one of the devnet's accounts.
///
/// # Errors
/// When its file does not read.
pub fn key(manifest: &Manifest, name: &str) -> anyhow::Result<SecretKey> {
    Ok(keys::read(&home::key_file(&manifest.home, name))?)
}

/// Settings that each node of a devnet is given its own value of.
const DECIDED_HERE: [&str; 13] = [
    "ABCI_BIND",
    "ADMIN_KEY",
    "AIT_ABCI_RECORD",
    "AIT_HOME",
    "AIT_NODE",
    "BOOTSTRAP_PEERS",
    "COMETBFT_RPC",
    "DB_PATH",
    "FAUCET_KEY",
    "OPS_BIND",
    "P2P_BIND",
    "PROPOSER_KEY",
    "RPC_BIND",
];

/// The settings that the programs of a devnet take over from its own environment, by name.
pub fn settings_in_force(chain: &ChainArgs) -> Vec<(String, String)> {
    let names = misspelt::known().filter(|name| !DECIDED_HERE.contains(name));
    let mut found: Vec<(String, String)> = names
        .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    // It may have come as a flag, and goes on as none: other users of the machine can see flags.
    let token = chain.admin_token.clone();
    found.extend(token.map(|token| ("ADMIN_TOKEN".to_owned(), token)));
    found
}
