//! Owns the settings of who may use a node's REST, and how much of it, and whether this process has as many files
//! and sockets as they need.

use std::num::NonZeroU32;

use ait_rest::Config;
use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use ait_home::{
    config::{BadSetting, Environment, Setting},
    exit::Usage,
    settings,
};

/// Who may use REST, and how much of it.
#[derive(Debug, Args)]
pub struct LimitArgs {
    /// Transactions and faucet calls a second and client address [env: RATE_PER_SECOND] [default: 100]
    #[arg(long, value_name = "N")]
    rate_per_second: Option<String>,
    /// How many of them may come at once [env: RATE_BURST] [default: 1000]
    #[arg(long, value_name = "N")]
    rate_burst: Option<String>,
    /// Whole blocks, proofs and simulations a second and client address [env: READS_PER_SECOND] [default: 50]
    #[arg(long, value_name = "N")]
    reads_per_second: Option<String>,
    /// How many of them may come at once [env: READS_BURST] [default: 500]
    #[arg(long, value_name = "N")]
    reads_burst: Option<String>,
    /// Open connections [env: MAX_CONNECTIONS] [default: 2000]
    #[arg(long, value_name = "N")]
    max_connections: Option<String>,
    /// Of them a client address's; of one behind a trusted proxy, requests under way
    /// [env: MAX_CONNECTIONS_PER_ADDRESS] [default: 100]
    #[arg(long, value_name = "N")]
    max_connections_per_address: Option<String>,
    /// Open WebSockets, besides the connections [env: MAX_WEBSOCKETS] [default: 500]
    #[arg(long, value_name = "N")]
    max_websockets: Option<String>,
    /// Of them a client address's [env: MAX_WEBSOCKETS_PER_ADDRESS] [default: 20]
    #[arg(long, value_name = "N")]
    max_websockets_per_address: Option<String>,
    /// Where /health and /rpc/metrics are served besides, whatever happens elsewhere [env: OPS_BIND]
    #[arg(long, value_name = "IP:PORT")]
    ops_bind: Option<String>,
    /// Origins whose pages may use this node from a browser, never its admin routes; * for any
    /// [env: CORS_ORIGINS] [default: none, on a devnet *]
    #[arg(long, value_name = "ORIGIN,…")]
    cors_origins: Option<String>,
}

impl LimitArgs {
    /// Puts them into what REST is told.
    ///
    /// # Errors
    /// [`BadSetting`].
    pub fn apply(&self, environment: &Environment, config: &mut Config) -> Result<(), BadSetting> {
        let number = |setting: Setting, flag: &Option<String>| {
            setting.optional(environment, flag.as_deref(), settings::parse_rate)
        };
        let rates = [
            (
                settings::RATE_PER_SECOND,
                &self.rate_per_second,
                &mut config.rate_per_second,
            ),
            (
                settings::RATE_BURST,
                &self.rate_burst,
                &mut config.rate_burst,
            ),
            (
                settings::READS_PER_SECOND,
                &self.reads_per_second,
                &mut config.reads_per_second,
            ),
            (
                settings::READS_BURST,
                &self.reads_burst,
                &mut config.reads_burst,
            ),
        ];
        for (setting, flag, rate) in rates {
            *rate = number(setting, flag)?.unwrap_or(*rate);
        }
        let (connections, per_address) = (
            &mut config.max_connections,
            &mut config.max_connections_per_address,
        );
        let (websockets, websockets_per_address) = (
            &mut config.max_websockets,
            &mut config.max_websockets_per_address,
        );
        for (setting, flag, most) in [
            (
                settings::MAX_CONNECTIONS,
                &self.max_connections,
                connections,
            ),
            (
                settings::MAX_CONNECTIONS_PER_ADDRESS,
                &self.max_connections_per_address,
                per_address,
            ),
            (settings::MAX_WEBSOCKETS, &self.max_websockets, websockets),
            (
                settings::MAX_WEBSOCKETS_PER_ADDRESS,
                &self.max_websockets_per_address,
                websockets_per_address,
            ),
        ] {
            *most = number(setting, flag)?.map_or(*most, NonZeroU32::get);
        }
        self.apply_places(environment, config)
    }

    fn apply_places(
        &self,
        environment: &Environment,
        config: &mut Config,
    ) -> Result<(), BadSetting> {
        config.ops_bind = settings::OPS_BIND.optional(
            environment,
            self.ops_bind.as_deref(),
            settings::parse_socket_address,
        )?;
        let origins = settings::CORS_ORIGINS.optional(
            environment,
            self.cors_origins.as_deref(),
            parse_origins,
        )?;
        let any = || config.devnet.then(|| "*".to_owned());
        config.cors_origins = origins.unwrap_or_else(|| any().into_iter().collect());
        Ok(())
    }
}

/// `ORIGIN,…`, or `*`.
///
/// # Errors
/// The rule it breaks.
fn parse_origins(text: &str) -> Result<Vec<String>, String> {
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
            "this process may open {allowed} files and sockets, and MAX_CONNECTIONS and MAX_WEBSOCKETS need \
             {needed}: allow more (`ulimit -n {needed}` in the shell, LimitNOFILE={needed} in a systemd unit, nofile \
             in /etc/security/limits.conf), or set them lower"
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
