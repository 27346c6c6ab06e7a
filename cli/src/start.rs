//! Owns `ait start`: opens the store, and serves ABCI to CometBFT and REST to users until it is asked
//! to stop. An invariant violation ends the process at once, with one message.

use std::{
    net::SocketAddr,
    num::NonZeroU64,
    panic,
    sync::{Arc, Once},
    thread,
};

use ait_abci::{Application, HistoryKept, OnFatal, recording::Recorded, transport};
use ait_app::{crypto::SecretKey, upgrades::record::ProtocolVersion};
use ait_home::{
    comet::config::AbciAddress,
    exit,
    genesis::parse_protocol,
    keys, logs,
    settings::{
        CoordinatorUrls, IpAddresses, Secret, TrustArgs, parse_blocks, parse_coordinator_urls,
        parse_http_url, parse_ip_addresses, parse_socket_address, parse_token,
    },
    signals,
};
use ait_node::Node;
use ait_store::Engine;
use anyhow::{Context, Result};
use clap::{ArgAction, Args};

use crate::{
    comet::{CometPlan, Supervisor},
    limits::{LimitArgs, raise_descriptors},
    place::{NodePlace, NodePlaceArgs, StorePlace},
    record::RecordArgs,
    snapshot::{self, KeepArgs},
    values::{parse_engine, parse_history, parse_state_cache, parse_switch},
};

/// `ait start`
#[derive(Debug, Args)]
pub struct StartArgs {
    #[command(flatten)]
    place: NodePlaceArgs,
    /// Run CometBFT in the home too, as a child: COMETBFT of the environment, or the one on PATH
    #[arg(long, requires = "home")]
    with_comet: bool,
    /// The database of a store that is begun: fjall or sled; one that was begun keeps its own
    #[arg(long, env = "STORE_ENGINE", default_value = "fjall", value_parser = parse_engine)]
    store_engine: Engine,
    /// Memory for records of the state that were read from disk, MiB; the rest of the node needs up to 512 more
    #[arg(long, env = "STATE_CACHE_MB", default_value = "512", value_parser = parse_state_cache)]
    state_cache_mb: usize,
    /// Where REST and the web page listen
    #[arg(long, env = "RPC_BIND", default_value = "0.0.0.0:8080", value_parser = parse_socket_address)]
    rpc_bind: SocketAddr,
    /// Where each coordinator is asked, ADDRESS=URL,…; no other host ever is
    #[arg(long, env = "COORDINATOR_URLS", value_parser = parse_coordinator_urls)]
    coordinator_urls: Option<CoordinatorUrls>,
    #[command(flatten)]
    trust: TrustArgs,
    /// The token that admin routes ask for; better set it in the environment: other users of the machine can see
    /// flags
    #[arg(long, env = "ADMIN_TOKEN", hide_env_values = true, value_parser = Secret(parse_token))]
    admin_token: Option<String>,
    /// The admin account's key, for /admin/paramSet: a key file, a PEM, a seed in hex, or - for standard input
    #[arg(long, env = "ADMIN_KEY", hide_env_values = true, value_parser = Secret(keys::secret))]
    admin_key: Option<SecretKey>,
    /// The faucet account's key, for /admin/mintFaucet: likewise
    #[arg(long, env = "FAUCET_KEY", hide_env_values = true, value_parser = Secret(keys::secret))]
    faucet_key: Option<SecretKey>,
    /// Proxies whose X-Forwarded-For counts: IP,…
    #[arg(long, env = "TRUSTED_PROXIES", value_parser = parse_ip_addresses)]
    trusted_proxies: Option<IpAddresses>,
    #[command(flatten)]
    limits: LimitArgs,
    /// Blocks whose transactions are kept; older ones are pruned, of CometBFT's too, but never those that
    /// evidence may still name; 0 keeps all
    #[arg(long, env = "KEEP_BLOCKS", default_value = "0", value_parser = parse_blocks)]
    keep_blocks: u64,
    /// Heights of which abci_query still gives values, without proofs, besides the last 100: so many of the last, or
    /// all; 0 for none
    #[arg(long, env = "STATE_HISTORY", default_value = "0", value_parser = parse_history)]
    state_history: HistoryKept,
    /// From one snapshot of the state to the next, blocks; 0 takes and offers none. Nodes that join by state sync
    /// restore them; blocks behind the oldest one are never pruned
    #[arg(long, env = "SNAPSHOT_INTERVAL", default_value = "1000", value_parser = parse_blocks)]
    snapshot_interval: u64,
    #[command(flatten)]
    keep: KeepArgs,
    /// 1 writes every transaction down before it is acknowledged, so that those without a block yet outlive kill -9 of
    /// the application; 0 saves them at a graceful stop alone
    #[arg(long, env = "POOL_JOURNAL", default_value = "0", value_parser = parse_switch, action = ArgAction::Set)]
    pool_journal: bool,
    /// Halt after this block: the moment at which a network changes its programs together
    #[arg(long, value_name = "HEIGHT")]
    halt_height: Option<NonZeroU64>,
    /// Halt before an upgrade to a version of the protocol after this one, as a program does that does not have it
    #[arg(long, value_name = "VERSION", default_value_t = ProtocolVersion::NEWEST, value_parser = parse_protocol)]
    protocol_at_most: ProtocolVersion,
    #[command(flatten)]
    record: RecordArgs,
    /// Serve no REST and no page: for a validator that nobody asks. It asks coordinators all the same
    #[arg(long, conflicts_with_all = ["devnet", "ops_bind"])]
    no_rest: bool,
    /// A development network: admin routes answer to loopback without a token, loopback is not
    /// rate-limited, and /rpc/attest is there
    #[arg(long)]
    devnet: bool,
    /// The mock coordinator behind /rpc/attest on a devnet; the first of COORDINATOR_URLS if not given
    #[arg(long, value_name = "URL", requires = "devnet", value_parser = parse_http_url)]
    mock_coordinator_url: Option<String>,
    #[command(flatten)]
    logs: logs::LogArgs,
}

/// Runs `ait start` until it is asked to stop.
///
/// # Errors
/// What went wrong, for people.
pub async fn run(args: StartArgs) -> Result<()> {
    let place = args.place.place()?;
    logs::start(&args.logs)?;
    warn_of(&place);
    let comet = args.comet_plan(&place)?;
    let config = args.rest_config();
    raise_descriptors(match args.no_rest {
        false => config.descriptors(),
        true => ait_rest::config::OWN_DESCRIPTORS,
    })?;
    let on_fatal = on_fatal();
    stop_on_lost_store_thread(on_fatal.clone());

    let application = args.open(&place.store, on_fatal.clone())?;
    let (abci, abci_address) = listen(&place)?;
    let node = Node::start(&application, &args.node_config(&place))?;
    let rest = match args.no_rest {
        false => Some(ait_rest::Server::bind(&node, config).await?),
        true => None,
    };
    tracing::info!(
        component = "node",
        event = "started",
        chain_id = %place.store.chain_id,
        height = node.reader.height(),
        db_path = %place.store.db_path.display(),
        abci = %abci_address,
        rest = rest.as_ref().map(|rest| rest.address().to_string()),
    );
    let recorder = args
        .record
        .begin(&application, args.keep_blocks, args.snapshot_interval)?;
    let abci = match recorder.clone() {
        Some(recorder) => abci.serve(Recorded::new(application, recorder), on_fatal),
        None => abci.serve(application, on_fatal),
    };
    let abci = abci.context("cannot serve ABCI")?;
    let reader = node.reader.clone();
    let comet = comet.map(|plan| Supervisor::start(plan, move || reader.height()));
    let comet = comet.transpose()?;
    let mut gave_up = None;
    let until = async { gave_up = until_end(comet).await };
    match rest {
        Some(rest) => rest.run(until).await,
        None => until.await,
    }
    let mempool = node.mempool.clone();
    node.end().await;
    // Joins threads that may be committing a block.
    let saved = tokio::task::spawn_blocking(move || {
        abci.stop();
        if let Some(recorder) = recorder {
            recorder.end();
        }
        mempool.save()
    })
    .await
    .context("the node did not stop cleanly")?
    .context("the pending transactions cannot be saved for the next start")?;
    tracing::info!(
        component = "node",
        event = "stopped",
        saved_transactions = saved
    );
    gave_up.map_or(Ok(()), Err)
}

/// Where CometBFT is served the application.
fn listen(place: &NodePlace) -> Result<(transport::Server, transport::Address)> {
    let address: transport::Address = place.abci.to_string().parse()?;
    let server = transport::Server::bind(&address).with_context(|| {
        format!(
            "cannot listen for CometBFT on {address}: is this node running already? ABCI_BIND, or proxy_app in the \
             home's config.toml, names another address"
        )
    })?;
    Ok((server, address))
}

/// Waits until the node is to stop, and stops CometBFT, which goes before its application. Gives why CometBFT was given
/// up, if that is the reason.
async fn until_end(comet: Option<Supervisor>) -> Option<anyhow::Error> {
    let Some(mut comet) = comet else {
        stop_requested().await;
        return None;
    };
    let gave_up = tokio::select! {
        () = stop_requested() => None,
        error = comet.gave_up() => Some(error),
    };
    comet.stop().await;
    gave_up
}

/// What is allowed and seldom meant.
fn warn_of(place: &NodePlace) {
    if !place.overridden.is_empty() {
        tracing::warn!(
            component = "node",
            event = "home_overridden",
            settings = place.overridden.join(","),
            message = "flags or variables say other than the home does; they are taken",
        );
    }
    if let AbciAddress::Tcp(address) = place.abci {
        tracing::warn!(
            component = "node",
            event = "abci_over_tcp",
            %address,
            message = "whoever reaches this address can speak for CometBFT, every user of this machine among them; \
                       unset ABCI_BIND for a socket of the owner alone",
        );
    }
}

async fn stop_requested() {
    if let Err(error) = signals::stop_requested().await {
        tracing::error!(component = "node", event = "no_signals", %error);
    }
    end_on_second_signal();
}

/// Whoever asks twice will not wait.
fn end_on_second_signal() {
    tokio::spawn(async {
        if signals::stop_requested().await.is_ok() {
            eprintln!("ait: asked to stop again: ended at once");
            std::process::exit(i32::from(exit::FAILED));
        }
    });
}

/// Ends the process with one message, whichever thread finds the fault first. Who finds it logs it.
fn on_fatal() -> OnFatal {
    static ONCE: Once = Once::new();
    Arc::new(|message: String| {
        ONCE.call_once(|| {
            eprintln!("ait: the node stops: {message}");
            std::process::exit(i32::from(exit::FATAL));
        });
    })
}

/// A panic on one of the database's own threads would leave a commit waiting for ever.
fn stop_on_lost_store_thread(on_fatal: OnFatal) {
    let default = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        default(info);
        let current = thread::current();
        if current.name().is_some_and(ait_store::is_background_thread) {
            let message = format!("the database failed inside: {info}");
            tracing::error!(component = "store", event = "fatal", %message);
            on_fatal(message);
        }
    }));
}

impl StartArgs {
    /// The CometBFT that the node is to run, if it is to run one.
    fn comet_plan(&self, place: &NodePlace) -> Result<Option<CometPlan>> {
        match (self.with_comet, &place.home) {
            (true, Some(home)) => {
                let (home, abci) = (home.clone(), place.abci.clone());
                Ok(Some(CometPlan::find(home, abci, self.logs.is_json())?))
            }
            _ => Ok(None),
        }
    }

    fn open(&self, place: &StorePlace, on_fatal: OnFatal) -> Result<Application> {
        let (chain_id, engine) = (place.chain_id.clone(), self.store_engine);
        let store = ait_store::open(&place.db_path, chain_id.as_str(), engine)?;
        let state_cache = self.state_cache_mb.saturating_mul(1024 * 1024);
        let application = Application::open(Arc::from(store), chain_id, state_cache, on_fatal)?;
        let consensus = application.consensus();
        consensus.keep_blocks(self.keep_blocks);
        consensus.keep_history(self.state_history)?;
        consensus.halt_before(self.protocol_at_most, self.halt_height)?;
        if self.snapshot_interval > 0 {
            let folder = snapshot::folder_of(&place.db_path);
            let kept = application
                .snapshots()
                .keep_in(&folder, self.keep.snapshot_keep);
            kept.context("the folder of snapshots (SNAPSHOT_INTERVAL=0 does without)")?;
        }
        if self.pool_journal {
            application.mempool().keep_journal_in(&place.db_path)?;
        }
        Ok(application)
    }

    fn node_config(&self, place: &NodePlace) -> ait_node::Config {
        let mut config = ait_node::Config::new(place.comet_rpc.clone());
        config.coordinator_urls = self.coordinator_urls.clone().unwrap_or_default();
        config.trust = self.trust.trust();
        config.snapshot_interval = NonZeroU64::new(self.snapshot_interval);
        config
    }

    fn rest_config(&self) -> ait_rest::Config {
        let mut config = ait_rest::Config::new(self.rpc_bind);
        config.trust = self.trust.trust();
        config.admin_token.clone_from(&self.admin_token);
        config.admin_key.clone_from(&self.admin_key);
        config.faucet_key.clone_from(&self.faucet_key);
        config.trusted_proxies = self.trusted_proxies.clone().unwrap_or_default();
        config.devnet = self.devnet;
        if self.devnet {
            let urls = self.coordinator_urls.as_ref();
            let first = || urls?.values().next().cloned();
            config.mock_coordinator_url = self.mock_coordinator_url.clone().or_else(first);
        }
        self.limits.apply(&mut config);
        config
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches, Parser, builder::Resettable};

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        start: StartArgs,
    }

    const COORDINATOR: &str = "ait1cy9l5sxvcs64vcpnk9hgfpap7vr60wxypt9ajj=http://127.0.0.1:9100";

    fn start(flags: &[&str]) -> StartArgs {
        // What the environment of the tests has is not meant.
        let command = Command::command().mut_args(|arg| arg.env(Resettable::Reset));
        let matches = command.get_matches_from([&["ait"], flags].concat());
        Command::from_arg_matches(&matches).unwrap().start
    }

    #[test]
    fn a_node_without_settings_has_the_documented_defaults() {
        let rest = start(&[]).rest_config();
        assert_eq!(rest.bind.to_string(), "0.0.0.0:8080");
        assert_eq!(rest.rate_per_second.get(), 100);
        assert_eq!(rest.rate_burst.get(), 1_000);
        assert!(!rest.devnet && rest.admin_token.is_none());
        assert!(rest.cors_origins.is_empty() && rest.ops_bind.is_none());
    }

    #[test]
    fn the_mock_coordinator_is_there_on_a_devnet_alone() {
        let mock = |flags: &[&str]| {
            let flags = [&["--coordinator-urls", COORDINATOR], flags].concat();
            start(&flags).rest_config().mock_coordinator_url
        };
        assert_eq!(mock(&[]), None);
        let found = mock(&["--devnet"]);
        assert_eq!(found.as_deref(), Some("http://127.0.0.1:9100"));
        let given = mock(&["--devnet", "--mock-coordinator-url", "http://127.0.0.1:1"]);
        assert_eq!(given.as_deref(), Some("http://127.0.0.1:1"));
    }

    #[test]
    fn pages_of_other_sites_may_use_a_devnet_or_where_they_are_named() {
        let origins = |flags: &[&str]| start(flags).rest_config().cors_origins;
        assert_eq!(origins(&["--devnet"]), ["*"]);
        let named = ["--cors-origins", "https://a.example, http://127.0.0.1:3000"];
        for flags in [&[][..], &["--devnet"]] {
            let found = origins(&[&named, flags].concat());
            assert_eq!(found, ["https://a.example", "http://127.0.0.1:3000"]);
        }
    }
}
