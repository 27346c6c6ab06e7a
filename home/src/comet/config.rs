//! Owns CometBFT's `config.toml`: the template in `cometbft-config/`, and the values of one node.

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context, Result, anyhow};
use toml_edit::{DocumentMut, Item, value};

use super::state_sync::StateSync;

const TEMPLATE: &str = include_str!("../../../cometbft-config/config.toml");

/// The longest path of a unix socket in bytes: the system's 108 less the final zero.
pub const MAX_SOCKET_PATH_BYTES: usize = 107;
const NODE_ID_CHARACTERS: usize = 40;

/// Where the application listens for CometBFT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AbciAddress {
    /// A unix socket.
    Unix(PathBuf),
    Tcp(SocketAddr),
}

impl fmt::Display for AbciAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AbciAddress::Unix(path) => write!(f, "unix://{}", path.display()),
            AbciAddress::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

/// Reads `unix:///path`, `tcp://host:port` or `host:port`.
///
/// # Errors
/// The rule it breaks.
pub fn parse_abci_address(text: &str) -> Result<AbciAddress, String> {
    if let Some(path) = text.strip_prefix("unix://") {
        if path.is_empty() || path.len() > MAX_SOCKET_PATH_BYTES {
            return Err(format!(
                "the path of a unix socket has 1 to {MAX_SOCKET_PATH_BYTES} bytes, this one has {}; \
                 use a shorter one, or tcp://127.0.0.1:26658",
                path.len()
            ));
        }
        return Ok(AbciAddress::Unix(PathBuf::from(path)));
    }
    let address = text.strip_prefix("tcp://").unwrap_or(text);
    address.parse().map(AbciAddress::Tcp).map_err(|_| {
        "must be unix:///path or tcp://IP:PORT, such as tcp://127.0.0.1:26658".to_owned()
    })
}

/// A peer as CometBFT names it: `id@host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer(String);

impl Peer {
    /// The id of its node key.
    pub fn id(&self) -> &str {
        self.0.split('@').next().unwrap_or_default()
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads `id@host:port,…`, the ids of 40 lower-case hex characters.
///
/// # Errors
/// The rule it breaks.
pub fn parse_peers(text: &str) -> Result<Vec<Peer>, String> {
    text.split(',')
        .map(str::trim)
        .filter(|peer| !peer.is_empty())
        .map(parse_peer)
        .collect()
}

fn parse_peer(text: &str) -> Result<Peer, String> {
    let is_id = |id: &str| {
        id.len() == NODE_ID_CHARACTERS
            && id
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let is_address = |address: &str| {
        address.rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty() && port.parse::<u16>().is_ok_and(|p| p > 0)
        })
    };
    match text.split_once('@') {
        Some((id, address)) if is_id(id) && is_address(address) => Ok(Peer(text.to_owned())),
        _ => Err(format!(
            "peers are id@host:port, separated by commas, each id {NODE_ID_CHARACTERS} lower-case \
             hex characters; {text:?} is none"
        )),
    }
}

/// What differs from node to node.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// Where the application listens.
    pub abci: AbciAddress,
    /// The name that peers see.
    pub moniker: String,
    /// Where CometBFT serves its RPC.
    pub rpc: SocketAddr,
    /// Where it listens for peers.
    pub p2p: SocketAddr,
    /// Whom it keeps connections to.
    pub peers: Vec<Peer>,
    /// The pause after a commit.
    pub block_interval: Duration,
    /// For networks on one machine: loopback peers and `dial_peers` are allowed.
    pub devnet: bool,
    /// How it begins, if not with the first block.
    pub state_sync: Option<StateSync>,
}

/// `config/config.toml` of a node.
///
/// # Errors
/// When the template built into this program lacks a key.
pub fn config_toml(node: &NodeConfig) -> Result<String> {
    let mut document: DocumentMut = TEMPLATE
        .parse()
        .context("the built-in config.toml template is no TOML")?;
    let peers: Vec<&str> = node.peers.iter().map(|peer| peer.0.as_str()).collect();
    let interval = format!("{}ms", node.block_interval.as_millis());
    let values = [
        ("", "proxy_app", value(node.abci.to_string())),
        ("", "moniker", value(node.moniker.as_str())),
        ("rpc", "laddr", value(format!("tcp://{}", node.rpc))),
        ("rpc", "unsafe", value(node.devnet)),
        ("p2p", "laddr", value(format!("tcp://{}", node.p2p))),
        ("p2p", "persistent_peers", value(peers.join(","))),
        ("p2p", "addr_book_strict", value(!node.devnet)),
        ("p2p", "allow_duplicate_ip", value(node.devnet)),
        ("consensus", "timeout_commit", value(interval)),
    ];
    for (table, key, value) in values {
        set(&mut document, table, key, value)?;
    }
    for (key, value) in node.state_sync.iter().flat_map(StateSync::values) {
        set(&mut document, "statesync", key, value)?;
    }
    Ok(document.to_string())
}

/// Keys of the template that each node has its own values for.
const OWN: [&str; 15] = [
    "proxy_app",
    "moniker",
    "log_format",
    "rpc.laddr",
    "rpc.unsafe",
    "p2p.laddr",
    "p2p.persistent_peers",
    "p2p.addr_book_strict",
    "p2p.allow_duplicate_ip",
    "statesync.enable",
    "statesync.rpc_servers",
    "statesync.trust_height",
    "statesync.trust_hash",
    "statesync.trust_period",
    "consensus.timeout_commit",
];

/// In what a `config.toml` differs from what this program writes, where that is the same for every node: a text for
/// each key, with both values.
///
/// # Errors
/// When it is no TOML.
pub fn drift(text: &str) -> Result<Vec<String>> {
    let found: DocumentMut = text.parse().context("config.toml is no TOML")?;
    let template: DocumentMut = TEMPLATE
        .parse()
        .context("the built-in config.toml template is no TOML")?;
    let mut differing = Vec::new();
    for (table, items) in template.iter() {
        let items: Vec<(String, &Item)> = match items.as_table() {
            Some(items) => items
                .iter()
                .map(|(key, item)| (format!("{table}.{key}"), item))
                .collect(),
            None => vec![(table.to_owned(), items)],
        };
        for (path, wanted) in items {
            if OWN.contains(&path.as_str()) {
                continue;
            }
            let (wanted, has) = (shown(Some(wanted)), shown(at(&found, &path)));
            if wanted != has {
                differing.push(format!("{path} is {has}, not {wanted}"));
            }
        }
    }
    Ok(differing)
}

/// Where a `config.toml` makes CometBFT listen: the names of the keys, and addresses of this machine.
///
/// # Errors
/// When it is no TOML, or names no address.
pub fn listens(text: &str) -> Result<Vec<(&'static str, SocketAddr)>> {
    let found: DocumentMut = text.parse().context("config.toml is no TOML")?;
    let mut addresses = Vec::new();
    for path in ["rpc.laddr", "p2p.laddr"] {
        let address = at(&found, path).and_then(Item::as_str).unwrap_or_default();
        let bare = address.strip_prefix("tcp://").unwrap_or(address);
        let parsed = bare.parse().with_context(|| {
            format!("{path} of config.toml is {address:?}, not such as tcp://127.0.0.1:26657")
        })?;
        addresses.push((path, parsed));
    }
    Ok(addresses)
}

fn at<'a>(document: &'a DocumentMut, path: &str) -> Option<&'a Item> {
    match path.split_once('.') {
        Some((table, key)) => document.get(table)?.get(key),
        None => document.get(path),
    }
}

/// A value as it is meant, without comments and ways of writing.
fn shown(item: Option<&Item>) -> String {
    let Some(value) = item.and_then(Item::as_value) else {
        return "not there".to_owned();
    };
    match (value.as_str(), value.as_integer()) {
        (Some(text), _) => format!("{text:?}"),
        (None, Some(number)) => number.to_string(),
        (None, None) => value.clone().decorated("", "").to_string(),
    }
}

/// Gives a key of the template its value, keeping the comment above it.
fn set(document: &mut DocumentMut, table: &str, key: &str, new: Item) -> Result<()> {
    let parent = if table.is_empty() {
        document.as_table_mut()
    } else {
        document
            .get_mut(table)
            .and_then(Item::as_table_mut)
            .ok_or_else(|| anyhow!("the built-in config.toml template has no [{table}]"))?
    };
    let item = parent
        .get_mut(key)
        .ok_or_else(|| anyhow!("the built-in config.toml template has no {table}.{key}"))?;
    *item = new;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node() -> NodeConfig {
        NodeConfig {
            abci: AbciAddress::Unix("/run/ait/app.sock".into()),
            moniker: "quote \" and \\".into(),
            rpc: "127.0.0.1:9001".parse().unwrap(),
            p2p: "127.0.0.1:9000".parse().unwrap(),
            peers: Vec::new(),
            block_interval: Duration::from_millis(1500),
            devnet: true,
            state_sync: None,
        }
    }

    #[test]
    fn a_node_gets_its_own_values_and_the_protocol_s() {
        let text = config_toml(&node()).unwrap();
        let toml: DocumentMut = text.parse().unwrap();
        assert_eq!(toml["proxy_app"].as_str(), Some("unix:///run/ait/app.sock"));
        assert_eq!(toml["moniker"].as_str(), Some("quote \" and \\"));
        assert_eq!(toml["rpc"]["laddr"].as_str(), Some("tcp://127.0.0.1:9001"));
        assert_eq!(toml["rpc"]["unsafe"].as_bool(), Some(true));
        assert_eq!(toml["consensus"]["timeout_commit"].as_str(), Some("1500ms"));
        let mempool = &toml["mempool"];
        assert_eq!(mempool["size"].as_integer(), Some(40_000));
        assert_eq!(mempool["max_txs_bytes"].as_integer(), Some(128 << 20));
        assert_eq!(mempool["type"].as_str(), Some("flood"));
        assert_eq!(mempool["recheck"].as_bool(), Some(true));
        let keeps = &mempool["keep-invalid-txs-in-cache"];
        assert_eq!(keeps.as_bool(), Some(false));
        // An envelope travels as one transaction of the mempool (PROTOCOL section 3.26).
        assert!(mempool["max_tx_bytes"].as_integer() >= Some(512 << 10));
        assert!(text.contains("# PROTOCOL section 6: 40,000 transactions, 128 MiB"));
    }

    #[test]
    fn what_differs_from_what_is_written_is_named_with_both_values() {
        let own = config_toml(&node()).unwrap();
        assert_eq!(drift(&own).unwrap(), [""; 0]);
        let changed = own
            .replace("recheck = true", "recheck = false")
            .replace("flush_throttle_timeout = \"2ms\"", "")
            .replace("size = 40000", "size = 40_000 # as it was");
        assert_eq!(
            drift(&changed).unwrap(),
            [
                "p2p.flush_throttle_timeout is not there, not \"2ms\"",
                "mempool.recheck is false, not true",
            ]
        );
        assert!(drift("no = [toml").is_err());
        let listening = listens(&own).unwrap();
        assert_eq!(
            listening[1],
            ("p2p.laddr", "127.0.0.1:9000".parse().unwrap())
        );
        assert!(listens("").is_err());
    }

    #[test]
    fn consensus_waits_little_and_results_are_written_once() {
        let toml: DocumentMut = config_toml(&node()).unwrap().parse().unwrap();
        let consensus = &toml["consensus"];
        assert_eq!(
            consensus["peer_gossip_sleep_duration"].as_str(),
            Some("5ms")
        );
        assert_eq!(toml["p2p"]["flush_throttle_timeout"].as_str(), Some("2ms"));
        assert_eq!(consensus["timeout_propose"].as_str(), Some("1500ms"));
        assert_eq!(consensus["timeout_precommit"].as_str(), Some("500ms"));
        assert_eq!(
            toml["storage"]["discard_abci_responses"].as_bool(),
            Some(true)
        );
    }

    #[test]
    fn a_node_begins_with_a_snapshot_only_where_it_is_told_which_block_to_trust() {
        let alone: DocumentMut = config_toml(&node()).unwrap().parse().unwrap();
        assert_eq!(alone["statesync"]["enable"].as_bool(), Some(false));
        let joining = NodeConfig {
            state_sync: Some(StateSync {
                rpc_servers: vec!["http://a:1".into(), "https://b.example/rpc".into()],
                trusted: format!("1200:{}", "ab".repeat(32)).parse().unwrap(),
                trust_period: Duration::from_secs(3600),
            }),
            ..node()
        };
        let toml: DocumentMut = config_toml(&joining).unwrap().parse().unwrap();
        let sync = &toml["statesync"];
        assert_eq!(sync["enable"].as_bool(), Some(true));
        let servers = Some("http://a:1,https://b.example/rpc");
        assert_eq!(sync["rpc_servers"].as_str(), servers);
        assert_eq!(sync["trust_height"].as_integer(), Some(1200));
        assert_eq!(
            sync["trust_hash"].as_str(),
            Some("AB".repeat(32)).as_deref()
        );
        assert_eq!(sync["trust_period"].as_str(), Some("3600s"));
        assert_eq!(sync["discovery_time"].as_str(), Some("5s"));
    }

    #[test]
    fn outside_of_devnets_nothing_is_unsafe() {
        let public = NodeConfig {
            devnet: false,
            ..node()
        };
        let toml: DocumentMut = config_toml(&public).unwrap().parse().unwrap();
        assert_eq!(toml["rpc"]["unsafe"].as_bool(), Some(false));
        assert_eq!(toml["p2p"]["addr_book_strict"].as_bool(), Some(true));
        assert_eq!(toml["p2p"]["allow_duplicate_ip"].as_bool(), Some(false));
    }

    #[test]
    fn peers_and_addresses_keep_to_their_form() {
        let id = "ab".repeat(20);
        let peers = parse_peers(&format!("{id}@127.0.0.1:7070, {id}@node.example:1")).unwrap();
        assert_eq!(peers.len(), 2);
        assert_eq!(parse_peers(""), Ok(Vec::new()));
        for bad in [
            "127.0.0.1:7070",
            &format!("{id}@127.0.0.1"),
            &format!("{id}@127.0.0.1:0"),
            &format!("{id}@:7070"),
            &format!("{}@h:1", id.to_uppercase()),
        ] {
            assert!(parse_peers(bad).is_err(), "{bad}");
        }
        let long = format!("unix:///{}", "x".repeat(107));
        for bad in ["", "unix://", &long, "localhost", "tcp://x:1", "127.0.0.1"] {
            assert!(parse_abci_address(bad).is_err(), "{bad}");
        }
        for good in ["unix:///a/b.sock", "tcp://127.0.0.1:26658", "[::1]:1"] {
            assert!(parse_abci_address(good).is_ok(), "{good}");
        }
    }
}
