//! Owns the settings that several commands have, as flags with a variable, and the rules of the values of all settings
//! of PROTOCOL section 10. clap finds the values and names what breaks a rule.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    path::Path,
    time::Duration,
};

use ait_app::{address::Address, identifiers::ChainId};
use ait_client::{Client, ClientError, http::Trust};
use clap::{Arg, Args, Command, builder::TypedValueParser, error::ErrorKind};

/// Where each coordinator is asked.
pub type CoordinatorUrls = BTreeMap<Address, String>;
/// Addresses of machines.
pub type IpAddresses = Vec<IpAddr>;

/// The chain where none is named.
pub const DEFAULT_CHAIN_ID: &str = "ait-devnet";
/// The pause between blocks where none is named.
pub const DEFAULT_BLOCK_INTERVAL: &str = "1s";
/// Where CometBFT listens for peers where nothing is named.
pub const DEFAULT_P2P_BIND: &str = "0.0.0.0:7070";
/// Where CometBFT has its RPC where nothing is named.
pub const DEFAULT_COMETBFT_RPC: &str = "http://127.0.0.1:26657";
/// The application's store where nothing is named.
pub const DEFAULT_DB_PATH: &str = "./data/chain.db";

const MAX_BLOCK_INTERVAL: Duration = Duration::from_secs(3600);

/// Whom https is trusted by.
#[derive(Debug, Clone, Args)]
pub struct TrustArgs {
    /// A file of certificates in PEM: authorities that https is trusted by besides the system's
    #[arg(long, env = "CA_FILE", value_parser = parse_trust, global = true)]
    ca_file: Option<Trust>,
}

impl TrustArgs {
    /// The system's authorities, and those of the file.
    pub fn trust(&self) -> Trust {
        self.ca_file.clone().unwrap_or_default()
    }
}

/// Which node is asked.
#[derive(Debug, Clone, Args)]
pub struct NodeArgs {
    /// The node's REST address
    #[arg(long, value_name = "AIT_NODE", env = "AIT_NODE", default_value = "http://127.0.0.1:8080", value_parser = parse_http_url, global = true)]
    node: String,
    /// Whom https is trusted by.
    #[command(flatten)]
    pub trust: TrustArgs,
}

impl NodeArgs {
    /// A client of the node.
    ///
    /// # Errors
    /// When the system gives no sockets.
    pub fn client(&self) -> Result<Client, ClientError> {
        Client::new(&self.node, &self.trust.trust())
    }
}

/// Reads what no message may show: a refusal names the flag, its variable and the rule.
#[derive(Clone)]
pub struct Secret<T>(pub fn(&str) -> Result<T, String>);

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Secret<T> {
    type Value = T;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        let text = value.to_str().ok_or_else(|| "must be text".to_owned());
        text.and_then(self.0).map_err(|rule| {
            let name = arg.map(ToString::to_string).unwrap_or_default();
            let message = format!("invalid value for '{name}': {rule}\n");
            clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }
}

fn parse_trust(path: &str) -> Result<Trust, String> {
    Trust::with_file(Path::new(path)).map_err(|error| error.to_string())
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
pub fn parse_coordinator_urls(text: &str) -> Result<CoordinatorUrls, String> {
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
pub fn parse_ip_addresses(text: &str) -> Result<IpAddresses, String> {
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

/// A pause between blocks.
///
/// # Errors
/// The rule it breaks.
pub fn parse_interval(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .ok()
        .filter(|interval| *interval <= MAX_BLOCK_INTERVAL)
        .ok_or_else(|| "must be a duration 0s..=1h, such as 1s or 500ms".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

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
