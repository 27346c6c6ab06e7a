//! Owns what a node is told from outside (PROTOCOL section 10) about those whom it calls and what it
//! does by itself, and its checks.
//! Reads no environment: the binary does.

use std::{collections::BTreeMap, num::NonZeroU64, time::Duration};

use ait_app::address::Address;
use ait_client::http::Trust;
use reqwest::Url;

/// Whom a node calls, and what it does by itself. Begin with [`Config::new`] and set what differs.
#[derive(Clone)]
pub struct Config {
    /// CometBFT's JSON-RPC, `http://host:port` (`COMETBFT_RPC`).
    pub comet_rpc: String,
    /// Where each coordinator is asked, and the allowlist of hosts that ever are (`COORDINATOR_URLS`).
    pub coordinator_urls: BTreeMap<Address, String>,
    /// Whom coordinators' and CometBFT's https is trusted by (`CA_FILE`).
    pub trust: Trust,
    /// From which age of the last block on the chain counts as standing still; from ten times the pause
    /// between its last blocks on, where that is longer.
    pub max_block_age: Duration,
    /// From one snapshot to the next, blocks; `None` for no snapshots (`SNAPSHOT_INTERVAL`).
    pub snapshot_interval: Option<NonZeroU64>,
}

impl Config {
    /// The defaults of PROTOCOL section 10.
    pub fn new(comet_rpc: impl Into<String>) -> Self {
        Self {
            comet_rpc: comet_rpc.into(),
            coordinator_urls: BTreeMap::new(),
            trust: Trust::default(),
            max_block_age: Duration::from_secs(30),
            snapshot_interval: None,
        }
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
///
/// # Errors
/// [`ConfigError`] names the setting and what is wrong with it.
pub fn base_url(setting: &str, text: &str) -> Result<Url, ConfigError> {
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
///
/// # Errors
/// As [`base_url`].
pub fn attest_url(setting: &str, text: &str) -> Result<Url, ConfigError> {
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
