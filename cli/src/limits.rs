//! Owns the settings of who may use a node's REST, and how much of it, and whether this process has as many files
//! and sockets as they need.

use std::{net::SocketAddr, num::NonZeroU32};

use ait_home::{
    exit::Usage,
    settings::{parse_rate, parse_socket_address},
};
use ait_rest::{Config, config::defaults};
use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Who may use REST, and how much of it.
#[derive(Debug, Args)]
pub struct LimitArgs {
    /// Transactions and faucet calls a second and client address
    #[arg(long, env = "RATE_PER_SECOND", default_value_t = defaults::RATE_PER_SECOND, value_parser = parse_rate)]
    rate_per_second: NonZeroU32,
    /// How many of them may come at once
    #[arg(long, env = "RATE_BURST", default_value_t = defaults::RATE_BURST, value_parser = parse_rate)]
    rate_burst: NonZeroU32,
    /// Whole blocks, proofs and simulations a second and client address
    #[arg(long, env = "READS_PER_SECOND", default_value_t = defaults::READS_PER_SECOND, value_parser = parse_rate)]
    reads_per_second: NonZeroU32,
    /// How many of them may come at once
    #[arg(long, env = "READS_BURST", default_value_t = defaults::READS_BURST, value_parser = parse_rate)]
    reads_burst: NonZeroU32,
    /// Open connections
    #[arg(long, env = "MAX_CONNECTIONS", default_value_t = defaults::MAX_CONNECTIONS, value_parser = parse_rate)]
    max_connections: NonZeroU32,
    /// Of them a client address's; of one behind a trusted proxy, requests under way
    #[arg(long, env = "MAX_CONNECTIONS_PER_ADDRESS", default_value_t = defaults::MAX_CONNECTIONS_PER_ADDRESS, value_parser = parse_rate)]
    max_connections_per_address: NonZeroU32,
    /// Open WebSockets, besides the connections
    #[arg(long, env = "MAX_WEBSOCKETS", default_value_t = defaults::MAX_WEBSOCKETS, value_parser = parse_rate)]
    max_websockets: NonZeroU32,
    /// Of them a client address's
    #[arg(long, env = "MAX_WEBSOCKETS_PER_ADDRESS", default_value_t = defaults::MAX_WEBSOCKETS_PER_ADDRESS, value_parser = parse_rate)]
    max_websockets_per_address: NonZeroU32,
    /// Where /health and /rpc/metrics are served besides, whatever happens elsewhere
    #[arg(long, env = "OPS_BIND", value_parser = parse_socket_address)]
    ops_bind: Option<SocketAddr>,
    /// Origins whose pages may use this node from a browser, never its admin routes: https://HOST:PORT,…, or * for
    /// any [default: none, on a devnet *]
    #[arg(long, env = "CORS_ORIGINS", value_parser = parse_origins)]
    cors_origins: Option<Origins>,
}

type Origins = Vec<String>;

impl LimitArgs {
    /// Puts them into what REST is told.
    pub fn apply(&self, config: &mut Config) {
        config.rate_per_second = self.rate_per_second;
        config.rate_burst = self.rate_burst;
        config.reads_per_second = self.reads_per_second;
        config.reads_burst = self.reads_burst;
        config.max_connections = self.max_connections.get();
        config.max_connections_per_address = self.max_connections_per_address.get();
        config.max_websockets = self.max_websockets.get();
        config.max_websockets_per_address = self.max_websockets_per_address.get();
        config.ops_bind = self.ops_bind;
        let any = || config.devnet.then(|| "*".to_owned());
        let origins = self.cors_origins.clone();
        config.cors_origins = origins.unwrap_or_else(|| any().into_iter().collect());
    }
}

/// `ORIGIN,…`, or `*`.
///
/// # Errors
/// The rule it breaks.
fn parse_origins(text: &str) -> Result<Origins, String> {
    let origins = text.split(',').map(str::trim);
    let origins = origins.filter(|origin| !origin.is_empty());
    let origins: Vec<String> = origins.map(str::to_owned).collect();
    ait_rest::check_origins(&origins).map_err(|error| error.reason)?;
    Ok(origins)
}

/// Raises how many files and sockets this process may have open as far as it may.
///
/// # Errors
/// [`Usage`] where that is less than `needed`.
pub fn raise_descriptors(needed: u64) -> Result<(), Usage> {
    let limit = getrlimit(Resource::Nofile);
    // No limit at all is none.
    let (soft, hard) = (limit.current, limit.maximum);
    let raise = |to| {
        let raised = Rlimit {
            current: to,
            maximum: hard,
        };
        setrlimit(Resource::Nofile, raised).is_ok()
    };
    if soft != hard && !raise(hard) && soft.is_some_and(|soft| soft < needed) {
        // A system may allow less than the limit says.
        raise(Some(needed));
    }
    check_descriptors(getrlimit(Resource::Nofile).current, needed)
}

fn check_descriptors(allowed: Option<u64>, needed: u64) -> Result<(), Usage> {
    match allowed {
        Some(allowed) if allowed < needed => Err(Usage(format!(
            "this process may open {allowed} files and sockets, and needs {needed}: allow more (`ulimit -n {needed}` in \
             the shell, LimitNOFILE={needed} in a systemd unit, nofile in /etc/security/limits.conf), or set \
             MAX_CONNECTIONS and MAX_WEBSOCKETS lower"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_descriptors_are_refused_with_the_need_and_the_way_out() {
        let error = check_descriptors(Some(1_024), 3_200)
            .unwrap_err()
            .to_string();
        for part in [
            "1024",
            "ulimit -n 3200",
            "LimitNOFILE=3200",
            "MAX_CONNECTIONS",
        ] {
            assert!(error.contains(part), "{error}");
        }
        for enough in [Some(3_200), Some(1_000_000), None] {
            assert!(check_descriptors(enough, 3_200).is_ok());
        }
    }

    #[test]
    fn what_may_be_had_is_taken() {
        raise_descriptors(0).unwrap();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
        assert!(raise_descriptors(u64::MAX).is_err() || limit.maximum.is_none());
    }
}
