//! Owns what is set from outside (PROTOCOL section 10) and its checks. Reads no environment: the binary does.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    time::Duration,
};

use ait_app::{address::Address, crypto::SecretKey};
use ait_client::http::Trust;
use reqwest::Url;

/// Files and sockets that are no client's: CometBFT's connections in both directions, the store, coordinators, and
/// the connections of the reserve and of `OPS_BIND`.
const OWN_DESCRIPTORS: u64 = 700;

/// Everything that REST and the attester can be told. Begin with [`Config::new`] and set what differs.
#[derive(Clone)]
pub struct Config {
    /// Where REST listens (`RPC_BIND`). Port 0 takes a free one.
    pub bind: SocketAddr,
    /// CometBFT's JSON-RPC, `http://host:port` (`COMETBFT_RPC`).
    pub comet_rpc: String,
    /// Where each coordinator is asked, and the allowlist of hosts that ever are (`COORDINATOR_URLS`).
    pub coordinator_urls: BTreeMap<Address, String>,
    /// Whom coordinators' and CometBFT's https is trusted by (`CA_FILE`).
    pub trust: Trust,
    /// What admin routes ask for as a bearer token (`ADMIN_TOKEN`). An empty one counts as none.
    pub admin_token: Option<String>,
    /// The key of the `admin` account, for `/admin/paramSet`.
    pub admin_key: Option<SecretKey>,
    /// The key of the genesis account that `/admin/mintFaucet` pays from (`FAUCET_KEY`).
    pub faucet_key: Option<SecretKey>,
    /// Whether this is a development network: admin routes answer to loopback without a token,
    /// loopback is not rate-limited, and `/rpc/attest` is there.
    pub devnet: bool,
    /// The mock coordinator behind `/rpc/attest`.
    pub mock_coordinator_url: Option<String>,
    /// Peers whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpAddr>,
    /// Transactions, each of a batch counted, and faucet calls a second and client address.
    pub rate_per_second: NonZeroU32,
    /// How many of them may come at once.
    pub rate_burst: NonZeroU32,
    /// Whole blocks, proofs and simulations a second and client address.
    pub reads_per_second: NonZeroU32,
    /// How many of them may come at once.
    pub reads_burst: NonZeroU32,
    /// Open connections, at most; more are refused (`MAX_CONNECTIONS`).
    pub max_connections: u32,
    /// Of them a client address's; behind a trusted proxy, requests under way.
    pub max_connections_per_address: u32,
    /// Open WebSockets, at most; more are refused (`MAX_WEBSOCKETS`).
    pub max_websockets: u32,
    /// Of them a client address's.
    pub max_websockets_per_address: u32,
    /// Where `/health` and `/rpc/metrics` are served besides, whatever happens elsewhere (`OPS_BIND`).
    pub ops_bind: Option<SocketAddr>,
    /// The origins whose pages may use this node from a browser, or `*` alone (`CORS_ORIGINS`).
    pub cors_origins: Vec<String>,
    /// How long an answer may wait to be read.
    pub answer_patience: Duration,
    /// How long `?wait=commit` waits.
    pub commit_wait: Duration,
    /// From which age of the last block on `/health` says that the node is not ready; from ten times the
    /// pause between its last blocks on, where that is longer.
    pub max_block_age: Duration,
}

impl Config {
    /// The defaults of PROTOCOL sections 9 and 10.
    pub fn new(bind: SocketAddr, comet_rpc: impl Into<String>) -> Self {
        Self {
            bind,
            comet_rpc: comet_rpc.into(),
            coordinator_urls: BTreeMap::new(),
            trust: Trust::default(),
            admin_token: None,
            admin_key: None,
            faucet_key: None,
            devnet: false,
            mock_coordinator_url: None,
            trusted_proxies: Vec::new(),
            rate_per_second: NonZeroU32::MIN.saturating_add(99),
            rate_burst: NonZeroU32::MIN.saturating_add(999),
            reads_per_second: NonZeroU32::MIN.saturating_add(49),
            reads_burst: NonZeroU32::MIN.saturating_add(499),
            max_connections: 2_000,
            max_connections_per_address: 100,
            max_websockets: 500,
            max_websockets_per_address: 20,
            ops_bind: None,
            cors_origins: Vec::new(),
            answer_patience: Duration::from_secs(20),
            commit_wait: Duration::from_secs(60),
            max_block_age: Duration::from_secs(30),
        }
    }
}

impl Config {
    /// How many files and sockets the process may have open at once while REST keeps to these limits: those of
    /// clients, of the reserve, and what the node itself needs.
    pub fn descriptors(&self) -> u64 {
        let clients = u64::from(self.max_connections).saturating_add(self.max_websockets.into());
        clients.saturating_add(OWN_DESCRIPTORS)
    }
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting} {value:?}: {reason}")]
pub struct ConfigError {
    /// Its name.
    pub setting: String,
    /// What it was set to.
    pub value: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Reads the base URL of a service that this node calls.
pub(crate) fn base_url(setting: &str, text: &str) -> Result<Url, ConfigError> {
    let refuse = |reason: &str| ConfigError {
        setting: setting.to_owned(),
        value: text.chars().take(200).collect(),
        reason: reason.to_owned(),
    };
    let mut url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse("must begin with http:// or https://"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(refuse("must name a host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("must not hold a user name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("must not have a query or fragment"));
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

/// The address of a coordinator's one route (PROTOCOL section 4) under its base URL.
pub(crate) fn attest_url(setting: &str, text: &str) -> Result<Url, ConfigError> {
    let base = base_url(setting, text)?;
    base.join("attest/receipt").map_err(|error| ConfigError {
        setting: setting.to_owned(),
        value: text.to_owned(),
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_addresses_are_plain_http_bases() {
        for (text, joined) in [
            (
                "http://127.0.0.1:9000",
                "http://127.0.0.1:9000/attest/receipt",
            ),
            ("http://host:1/base", "http://host:1/base/attest/receipt"),
            ("https://host", "https://host/attest/receipt"),
            ("http://[::1]:9000/", "http://[::1]:9000/attest/receipt"),
        ] {
            assert_eq!(attest_url("X", text).unwrap().as_str(), joined);
        }
        for bad in [
            "",
            "127.0.0.1:9000",
            "ftp://host",
            "host",
            "http://",
            "http://user:secret@host",
            "http://host/?a=b",
            "http://host/#a",
        ] {
            let error = attest_url("COORDINATOR_URLS", bad).unwrap_err();
            assert_eq!(error.setting, "COORDINATOR_URLS", "{bad}");
        }
    }
}
