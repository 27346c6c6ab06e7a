//! Owns the settings of PROTOCOL section 10 by name: their flags, defaults and rules.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    path::Path,
    time::Duration,
};

use ait_app::{address::Address, identifiers::ChainId};
use ait_client::{Client, http::Trust};

use crate::{
    comet::config::{AbciAddress, parse_abci_address},
    config::{BadSetting, Environment},
};

pub use crate::config::Setting;

/// The chain's name.
pub const CHAIN_ID: Setting = Setting::new("CHAIN_ID", "--chain-id");
/// CometBFT's `timeout_commit`.
pub const BLOCK_INTERVAL: Setting = Setting::new("BLOCK_INTERVAL", "--block-interval");
/// The folder of the application's store.
pub const DB_PATH: Setting = Setting::new("DB_PATH", "--db-path");
/// Where CometBFT listens for peers.
pub const P2P_BIND: Setting = Setting::new("P2P_BIND", "--p2p-bind");
/// Where REST listens.
pub const RPC_BIND: Setting = Setting::new("RPC_BIND", "--rpc-bind");
/// Peers to keep connections to.
pub const BOOTSTRAP_PEERS: Setting = Setting::new("BOOTSTRAP_PEERS", "--peers");
/// The validator's consensus key.
pub const PROPOSER_KEY: Setting = Setting::secret("PROPOSER_KEY", "--validator-seed");
/// The genesis param `mint_per_unit`.
pub const MINT_PER_UNIT: Setting = Setting::new("MINT_PER_UNIT", "--mint-per-unit");
/// The genesis param `coordinator_bps`, as a ratio.
pub const COORDINATOR_RATIO: Setting = Setting::new("COORDINATOR_RATIO", "--coordinator-ratio");
/// Where the application listens for CometBFT.
pub const ABCI_BIND: Setting = Setting::new("ABCI_BIND", "--abci-bind");
/// CometBFT's RPC.
pub const COMETBFT_RPC: Setting = Setting::new("COMETBFT_RPC", "--comet-rpc");
/// The coordinators that may be asked, `address=url,…`.
pub const COORDINATOR_URLS: Setting = Setting::new("COORDINATOR_URLS", "--coordinator-urls");
/// What admin routes ask for.
pub const ADMIN_TOKEN: Setting = Setting::secret("ADMIN_TOKEN", "--admin-token");
/// The admin account's key.
pub const ADMIN_KEY: Setting = Setting::secret("ADMIN_KEY", "--admin-key");
/// The faucet account's key.
pub const FAUCET_KEY: Setting = Setting::secret("FAUCET_KEY", "--faucet-key");
/// Proxies whose forwarded header counts.
pub const TRUSTED_PROXIES: Setting = Setting::new("TRUSTED_PROXIES", "--trusted-proxies");
/// Transactions and faucet calls a second and client address.
pub const RATE_PER_SECOND: Setting = Setting::new("RATE_PER_SECOND", "--rate-per-second");
/// How many of them may come at once.
pub const RATE_BURST: Setting = Setting::new("RATE_BURST", "--rate-burst");
/// Whole blocks, proofs and simulations a second and client address.
pub const READS_PER_SECOND: Setting = Setting::new("READS_PER_SECOND", "--reads-per-second");
/// How many of them may come at once.
pub const READS_BURST: Setting = Setting::new("READS_BURST", "--reads-burst");
/// Open connections to REST.
pub const MAX_CONNECTIONS: Setting = Setting::new("MAX_CONNECTIONS", "--max-connections");
/// Of them a client address's.
pub const MAX_CONNECTIONS_PER_ADDRESS: Setting = Setting::new(
    "MAX_CONNECTIONS_PER_ADDRESS",
    "--max-connections-per-address",
);
/// Open WebSockets.
pub const MAX_WEBSOCKETS: Setting = Setting::new("MAX_WEBSOCKETS", "--max-websockets");
/// Of them a client address's.
pub const MAX_WEBSOCKETS_PER_ADDRESS: Setting =
    Setting::new("MAX_WEBSOCKETS_PER_ADDRESS", "--max-websockets-per-address");
/// Where `/health` and `/rpc/metrics` are served besides.
pub const OPS_BIND: Setting = Setting::new("OPS_BIND", "--ops-bind");
/// The origins whose pages may use REST.
pub const CORS_ORIGINS: Setting = Setting::new("CORS_ORIGINS", "--cors-origins");
/// Blocks whose transactions are kept.
pub const KEEP_BLOCKS: Setting = Setting::new("KEEP_BLOCKS", "--keep-blocks");
/// Authorities that https is trusted by, besides the system's.
pub const CA_FILE: Setting = Setting::new("CA_FILE", "--ca-file");
/// `json` or `text`.
pub const LOG_FORMAT: Setting = Setting::new("LOG_FORMAT", "--log-format");
/// What is logged.
pub const LOG_LEVEL: Setting = Setting::new("LOG_LEVEL", "--log-level");
/// The REST address of a node, for clients.
pub const AIT_NODE: Setting = Setting::new("AIT_NODE", "--node");

/// Default of [`CHAIN_ID`].
pub const DEFAULT_CHAIN_ID: &str = "ait-devnet";
/// Default of [`DB_PATH`].
pub const DEFAULT_DB_PATH: &str = "./data/chain.db";
/// Default of [`P2P_BIND`].
pub const DEFAULT_P2P_BIND: &str = "0.0.0.0:7070";
/// Default of [`RPC_BIND`].
pub const DEFAULT_RPC_BIND: &str = "0.0.0.0:8080";
/// Default of [`COMETBFT_RPC`].
pub const DEFAULT_COMETBFT_RPC: &str = "http://127.0.0.1:26657";
/// Default of [`AIT_NODE`].
pub const DEFAULT_NODE: &str = "http://127.0.0.1:8080";

const DEFAULT_ABCI_BIND: &str = "tcp://127.0.0.1:26658";
const DEFAULT_BLOCK_INTERVAL: &str = "1s";
const MAX_BLOCK_INTERVAL: Duration = Duration::from_secs(3600);

/// [`CHAIN_ID`], or its default.
///
/// # Errors
/// [`BadSetting`].
pub fn chain_id(environment: &Environment, flag: Option<&str>) -> Result<ChainId, BadSetting> {
    CHAIN_ID.or(environment, flag, DEFAULT_CHAIN_ID, parse_chain_id)
}

/// [`ABCI_BIND`], or its default.
///
/// # Errors
/// [`BadSetting`].
pub fn abci_bind(environment: &Environment, flag: Option<&str>) -> Result<AbciAddress, BadSetting> {
    ABCI_BIND.or(environment, flag, DEFAULT_ABCI_BIND, parse_abci_address)
}

/// [`BLOCK_INTERVAL`], or its default.
///
/// # Errors
/// [`BadSetting`].
pub fn block_interval(
    environment: &Environment,
    flag: Option<&str>,
) -> Result<Duration, BadSetting> {
    BLOCK_INTERVAL.or(environment, flag, DEFAULT_BLOCK_INTERVAL, parse_interval)
}

/// [`AIT_NODE`], or its default.
///
/// # Errors
/// [`BadSetting`].
pub fn node(environment: &Environment, flag: Option<&str>) -> Result<String, BadSetting> {
    AIT_NODE.or(environment, flag, DEFAULT_NODE, parse_http_url)
}

/// Whom https is trusted by: the system's authorities, and those of [`CA_FILE`].
///
/// # Errors
/// [`BadSetting`].
pub fn trust(environment: &Environment) -> Result<Trust, BadSetting> {
    let read = |path: &str| Trust::with_file(Path::new(path)).map_err(|error| error.to_string());
    let trust = CA_FILE.optional(environment, None, read)?;
    Ok(trust.unwrap_or_default())
}

/// A client of [`AIT_NODE`].
///
/// # Errors
/// [`BadSetting`], or the system gives no sockets.
pub fn node_client(environment: &Environment, flag: Option<&str>) -> anyhow::Result<Client> {
    Ok(Client::new(
        &node(environment, flag)?,
        &trust(environment)?,
    )?)
}

/// A chain id.
///
/// # Errors
/// The rule it breaks.
pub fn parse_chain_id(text: &str) -> Result<ChainId, String> {
    text.parse()
        .map_err(|_| "a chain id is 1 to 50 characters of a-z 0-9 -".to_owned())
}

/// `IP:PORT`.
///
/// # Errors
/// The rule it breaks.
pub fn parse_socket_address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "must be IP:PORT, such as 0.0.0.0:8080 or [::1]:8080".to_owned())
}

/// `http://IP:PORT` as an address to listen on.
///
/// # Errors
/// The rule it breaks.
pub fn parse_http_address(text: &str) -> Result<SocketAddr, String> {
    let address = text.strip_prefix("http://").unwrap_or(text);
    let address = address.trim_end_matches('/');
    address
        .replacen("localhost:", "127.0.0.1:", 1)
        .parse()
        .map_err(|_| "must be http://IP:PORT, such as http://127.0.0.1:26657".to_owned())
}

/// An `http` or `https` URL, its final slashes removed.
///
/// # Errors
/// The rule it breaks.
pub fn parse_http_url(text: &str) -> Result<String, String> {
    let rule = || "must be an http:// or https:// URL, such as http://127.0.0.1:8080".to_owned();
    let url = ait_client::http::Url::parse(text).map_err(|_| rule())?;
    let is_http = matches!(url.scheme(), "http" | "https");
    if !is_http || url.host_str().is_none() || url.query().is_some() {
        return Err(rule());
    }
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(format!(
            "{}, without user name, password or fragment",
            rule()
        ));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// `address=url,…`, each address once.
///
/// # Errors
/// The rule it breaks.
pub fn parse_coordinator_urls(text: &str) -> Result<BTreeMap<Address, String>, String> {
    let mut urls = BTreeMap::new();
    for entry in text
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
    {
        let (address, url) = entry
            .split_once('=')
            .ok_or("entries are ADDRESS=URL, separated by commas")?;
        let address: Address = address
            .parse()
            .map_err(|refusal: ait_app::Refusal| refusal.message)?;
        let url = parse_http_url(url).map_err(|rule| format!("the URL of {address} {rule}"))?;
        if urls.insert(address, url).is_some() {
            return Err(format!("{address} stands there twice"));
        }
    }
    Ok(urls)
}

/// `IP,…`
///
/// # Errors
/// The rule it breaks.
pub fn parse_ip_addresses(text: &str) -> Result<Vec<IpAddr>, String> {
    text.split(',')
        .map(str::trim)
        .filter(|address| !address.is_empty())
        .map(|address| {
            address
                .parse()
                .map_err(|_| "must be IP addresses, separated by commas".to_owned())
        })
        .collect()
}

/// A bearer token: visible ASCII, as it travels in a header.
///
/// # Errors
/// The rule it breaks.
pub fn parse_token(text: &str) -> Result<String, String> {
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err("must be visible ASCII without spaces".to_owned())
    }
}

/// A rate.
///
/// # Errors
/// The rule it breaks.
pub fn parse_rate(text: &str) -> Result<NonZeroU32, String> {
    text.parse()
        .map_err(|_| format!("must be a number 1..={}", u32::MAX))
}

/// A number of blocks.
///
/// # Errors
/// The rule it breaks.
pub fn parse_blocks(text: &str) -> Result<u64, String> {
    text.parse()
        .ok()
        .filter(|blocks| *blocks <= ait_app::quantity::MAX)
        .ok_or_else(|| "must be a number of blocks 0..=2^53-1".to_owned())
}

fn parse_interval(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .ok()
        .filter(|interval| *interval <= MAX_BLOCK_INTERVAL)
        .ok_or_else(|| "must be a duration 0s..=1h, such as 1s or 500ms".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_keep_their_own_rules() {
        let nothing = Environment::default();
        assert_eq!(chain_id(&nothing, None).unwrap().as_str(), "ait-devnet");
        assert_eq!(
            abci_bind(&nothing, None).unwrap().to_string(),
            "tcp://127.0.0.1:26658"
        );
        let interval = block_interval(&nothing, None).unwrap();
        assert_eq!(interval, Duration::from_secs(1));
        assert_eq!(node(&nothing, None).unwrap(), "http://127.0.0.1:8080");
        assert!(parse_socket_address(DEFAULT_RPC_BIND).is_ok());
        assert!(parse_socket_address(DEFAULT_P2P_BIND).is_ok());
        assert!(parse_http_address(DEFAULT_COMETBFT_RPC).is_ok());
    }

    #[test]
    fn every_setting_is_explained_in_the_example_file() {
        let example = include_str!("../../.env.example");
        for setting in [
            CHAIN_ID,
            BLOCK_INTERVAL,
            DB_PATH,
            P2P_BIND,
            RPC_BIND,
            BOOTSTRAP_PEERS,
            PROPOSER_KEY,
            MINT_PER_UNIT,
            COORDINATOR_RATIO,
            ABCI_BIND,
            COMETBFT_RPC,
            COORDINATOR_URLS,
            ADMIN_TOKEN,
            ADMIN_KEY,
            FAUCET_KEY,
            TRUSTED_PROXIES,
            RATE_PER_SECOND,
            RATE_BURST,
            READS_PER_SECOND,
            READS_BURST,
            MAX_CONNECTIONS,
            MAX_CONNECTIONS_PER_ADDRESS,
            MAX_WEBSOCKETS,
            MAX_WEBSOCKETS_PER_ADDRESS,
            OPS_BIND,
            CORS_ORIGINS,
            KEEP_BLOCKS,
            LOG_FORMAT,
            LOG_LEVEL,
            AIT_NODE,
            CA_FILE,
        ] {
            let line = format!("\n{}=", setting.name);
            assert!(example.contains(&line), "{}", setting.name);
        }
    }

    #[test]
    fn coordinators_are_addresses_with_urls() {
        let coordinator = "ait1cy9l5sxvcs64vcpnk9hgfpap7vr60wxypt9ajj";
        let urls =
            parse_coordinator_urls(&format!("{coordinator}=http://127.0.0.1:9100/")).unwrap();
        assert_eq!(urls.values().collect::<Vec<_>>(), ["http://127.0.0.1:9100"]);
        for bad in [
            coordinator.to_owned(),
            format!("{coordinator}=ftp://x"),
            format!("{coordinator}=http://user:secret@x"),
            "ait1x=http://127.0.0.1:1".to_owned(),
            format!("{coordinator}=http://a,{coordinator}=http://b"),
        ] {
            assert!(parse_coordinator_urls(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn intervals_and_urls_keep_to_their_limits() {
        for bad in ["", "1", "-1s", "2h", "soon"] {
            assert!(parse_interval(bad).is_err(), "{bad}");
        }
        assert_eq!(parse_interval("500ms"), Ok(Duration::from_millis(500)));
        for bad in [
            "",
            "127.0.0.1:8080",
            "ftp://x",
            "http://",
            "http://x?y=1",
            "http://u:p@x",
            "http://x#y",
        ] {
            assert!(parse_http_url(bad).is_err(), "{bad}");
        }
    }
}
