//! Owns `ait start`: opens the store, and serves ABCI to CometBFT and REST to users until it is asked
//! to stop. A broken invariant ends the process at once, with one message.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    panic,
    path::PathBuf,
    sync::{Arc, Once},
    thread,
};

use ait_abci::{Application, OnFatal, transport};
use ait_app::{address::Address, crypto::SecretKey, identifiers::ChainId};
use ait_node::Node;
use ait_store::SledStore;
use anyhow::{Context, Result};
use clap::Args;

use crate::limits::{LimitArgs, raise_descriptors};
use ait_home::{
    comet::config::AbciAddress, config::Environment, exit, keys, logs, settings, signals,
};

/// `ait start`
#[derive(Debug, Args)]
pub struct StartArgs {
    /// The chain's name [env: CHAIN_ID] [default: ait-devnet]
    #[arg(long, value_name = "CHAIN_ID")]
    chain_id: Option<String>,
    /// The folder of the store [env: DB_PATH] [default: ./data/chain.db]
    #[arg(long, value_name = "DIR")]
    db_path: Option<String>,
    /// Where REST and the web page listen [env: RPC_BIND] [default: 0.0.0.0:8080]
    #[arg(long, value_name = "IP:PORT")]
    rpc_bind: Option<String>,
    /// Where to listen for CometBFT [env: ABCI_BIND] [default: tcp://127.0.0.1:26658]
    #[arg(long, value_name = "unix:///PATH|tcp://IP:PORT")]
    abci_bind: Option<String>,
    /// CometBFT's RPC [env: COMETBFT_RPC] [default: http://127.0.0.1:26657]
    #[arg(long, value_name = "URL")]
    comet_rpc: Option<String>,
    /// Where each coordinator is asked; no other host ever is [env: COORDINATOR_URLS]
    #[arg(long, value_name = "ADDRESS=URL,…")]
    coordinator_urls: Option<String>,
    /// The token that admin routes ask for [env: ADMIN_TOKEN]; better set it in the environment:
    /// other users of the machine can see flags
    #[arg(long, value_name = "TOKEN")]
    admin_token: Option<String>,
    /// The admin account's key, for /admin/paramSet: a key file, a PEM, a seed in hex, or - for standard input
    /// [env: ADMIN_KEY]
    #[arg(long, value_name = "FILE|HEX|-")]
    admin_key: Option<String>,
    /// The faucet account's key, for /admin/mintFaucet: likewise [env: FAUCET_KEY]
    #[arg(long, value_name = "FILE|HEX|-")]
    faucet_key: Option<String>,
    /// Proxies whose X-Forwarded-For counts [env: TRUSTED_PROXIES]
    #[arg(long, value_name = "IP,…")]
    trusted_proxies: Option<String>,
    #[command(flatten)]
    limits: LimitArgs,
    /// Blocks whose transactions are kept; older ones are pruned, of CometBFT's too, but never those that
    /// evidence may still name; 0 keeps all [env: KEEP_BLOCKS] [default: 0]
    #[arg(long, value_name = "N")]
    keep_blocks: Option<String>,
    /// A development network: admin routes answer to loopback without a token, loopback is not
    /// rate-limited, and /rpc/attest is there
    #[arg(long)]
    devnet: bool,
    /// The mock coordinator behind /rpc/attest on a devnet; the first of COORDINATOR_URLS if not given
    #[arg(long, value_name = "URL", requires = "devnet", value_parser = settings::parse_http_url)]
    mock_coordinator_url: Option<String>,
    #[command(flatten)]
    logs: logs::LogArgs,
}

/// Everything that a node is told.
struct Settings {
    chain_id: ChainId,
    db_path: PathBuf,
    abci: AbciAddress,
    keep_blocks: u64,
    node: ait_node::Config,
    rest: ait_rest::Config,
}

/// Runs `ait start` until it is asked to stop.
///
/// # Errors
/// What went wrong, for people.
pub async fn run(args: StartArgs, environment: &Environment) -> Result<()> {
    let settings = read_settings(&args, environment)?;
    logs::start(&args.logs, environment)?;
    raise_descriptors(settings.rest.descriptors())?;
    let on_fatal = on_fatal();
    stop_on_lost_store_thread(on_fatal.clone());

    let store = SledStore::open(&settings.db_path, settings.chain_id.as_str())?;
    let (store, chain_id) = (Arc::new(store), settings.chain_id.clone());
    let application = Application::open(store, chain_id, on_fatal.clone())?;
    application.consensus().keep_blocks(settings.keep_blocks);
    let abci_address: transport::Address = settings.abci.to_string().parse()?;
    let abci = transport::Server::bind(&abci_address).with_context(|| {
        format!(
            "cannot listen for CometBFT on {abci_address}: is this node running already? ABCI_BIND \
             names another address"
        )
    })?;
    let node = Node::start(&application, &settings.node)?;
    let rest = ait_rest::Server::bind(&node, settings.rest).await?;
    tracing::info!(
        component = "node",
        event = "started",
        chain_id = %settings.chain_id,
        height = node.reader.height(),
        db_path = %settings.db_path.display(),
        abci = %abci_address,
        rest = %rest.address(),
    );
    let abci = abci
        .serve(application, on_fatal)
        .context("cannot serve ABCI")?;
    rest.run(async {
        if let Err(error) = signals::stop_requested().await {
            tracing::error!(component = "node", event = "no_signals", %error);
        }
        end_on_second_signal();
    })
    .await;
    let mempool = node.mempool.clone();
    node.end().await;
    // Joins threads that may be committing a block.
    let saved = tokio::task::spawn_blocking(move || {
        abci.stop();
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
    Ok(())
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

fn read_settings(args: &StartArgs, environment: &Environment) -> Result<Settings> {
    let db_path = settings::DB_PATH.or(
        environment,
        args.db_path.as_deref(),
        settings::DEFAULT_DB_PATH,
        |path| Ok(PathBuf::from(path)),
    )?;
    let node = node_config(args, environment)?;
    Ok(Settings {
        chain_id: settings::chain_id(environment, args.chain_id.as_deref())?,
        db_path,
        abci: settings::abci_bind(environment, args.abci_bind.as_deref())?,
        keep_blocks: settings::KEEP_BLOCKS.or(
            environment,
            args.keep_blocks.as_deref(),
            "0",
            settings::parse_blocks,
        )?,
        rest: rest_config(args, environment, &node.coordinator_urls)?,
        node,
    })
}

fn node_config(args: &StartArgs, environment: &Environment) -> Result<ait_node::Config> {
    let comet_rpc = settings::COMETBFT_RPC.or(
        environment,
        args.comet_rpc.as_deref(),
        settings::DEFAULT_COMETBFT_RPC,
        settings::parse_http_url,
    )?;
    let urls: Option<BTreeMap<Address, String>> = settings::COORDINATOR_URLS.optional(
        environment,
        args.coordinator_urls.as_deref(),
        settings::parse_coordinator_urls,
    )?;
    let mut config = ait_node::Config::new(comet_rpc);
    config.coordinator_urls = urls.unwrap_or_default();
    config.trust = settings::trust(environment)?;
    Ok(config)
}

fn rest_config(
    args: &StartArgs,
    environment: &Environment,
    coordinator_urls: &BTreeMap<Address, String>,
) -> Result<ait_rest::Config> {
    let bind: SocketAddr = settings::RPC_BIND.or(
        environment,
        args.rpc_bind.as_deref(),
        settings::DEFAULT_RPC_BIND,
        settings::parse_socket_address,
    )?;
    let proxies: Option<Vec<IpAddr>> = settings::TRUSTED_PROXIES.optional(
        environment,
        args.trusted_proxies.as_deref(),
        settings::parse_ip_addresses,
    )?;
    let key = |setting: settings::Setting, flag: Option<&str>| {
        setting.optional(environment, flag, keys::secret)
    };
    let faucet_key: Option<SecretKey> = key(settings::FAUCET_KEY, args.faucet_key.as_deref())?;
    let mut config = ait_rest::Config::new(bind);
    config.trust = settings::trust(environment)?;
    config.admin_token = settings::ADMIN_TOKEN.optional(
        environment,
        args.admin_token.as_deref(),
        settings::parse_token,
    )?;
    config.admin_key = key(settings::ADMIN_KEY, args.admin_key.as_deref())?;
    config.faucet_key = faucet_key;
    config.trusted_proxies = proxies.unwrap_or_default();
    config.devnet = args.devnet;
    if args.devnet {
        let first = || coordinator_urls.values().next().cloned();
        config.mock_coordinator_url = args.mock_coordinator_url.clone().or_else(first);
    }
    args.limits.apply(environment, &mut config)?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        start: StartArgs,
    }

    const COORDINATOR: &str = "ait1cy9l5sxvcs64vcpnk9hgfpap7vr60wxypt9ajj=http://127.0.0.1:9100";

    fn settings(flags: &[&str], variables: &[(&str, &str)]) -> Result<Settings> {
        let command = Command::parse_from([&["ait"], flags].concat());
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        read_settings(
            &command.start,
            &Environment::new(variables, BTreeMap::new(), ".env"),
        )
    }

    #[test]
    fn a_node_without_settings_has_the_documented_defaults() {
        let settings = settings(&[], &[]).unwrap();
        assert_eq!(settings.chain_id.as_str(), "ait-devnet");
        assert_eq!(settings.db_path, PathBuf::from("./data/chain.db"));
        assert_eq!(settings.rest.bind.to_string(), "0.0.0.0:8080");
        assert_eq!(settings.node.comet_rpc, "http://127.0.0.1:26657");
        assert_eq!(settings.rest.rate_per_second.get(), 100);
        assert_eq!(settings.rest.rate_burst.get(), 1_000);
        assert!(!settings.rest.devnet && settings.rest.admin_token.is_none());
        assert!(settings.rest.cors_origins.is_empty() && settings.rest.ops_bind.is_none());
    }

    #[test]
    fn the_mock_coordinator_is_there_on_a_devnet_alone() {
        let mock = |flags: &[&str]| {
            let settings = settings(flags, &[("COORDINATOR_URLS", COORDINATOR)]).unwrap();
            settings.rest.mock_coordinator_url
        };
        assert_eq!(mock(&[]), None);
        let found = mock(&["--devnet"]);
        assert_eq!(found.as_deref(), Some("http://127.0.0.1:9100"));
        let given = mock(&["--devnet", "--mock-coordinator-url", "http://127.0.0.1:1"]);
        assert_eq!(given.as_deref(), Some("http://127.0.0.1:1"));
    }

    #[test]
    fn pages_of_other_sites_may_use_a_devnet_or_where_they_are_named() {
        let origins = |flags: &[&str], variables: &[(&str, &str)]| {
            settings(flags, variables).unwrap().rest.cors_origins
        };
        assert_eq!(origins(&["--devnet"], &[]), ["*"]);
        let named = [("CORS_ORIGINS", "https://a.example, http://127.0.0.1:3000")];
        for flags in [&[][..], &["--devnet"]] {
            let found = origins(flags, &named);
            assert_eq!(found, ["https://a.example", "http://127.0.0.1:3000"]);
        }
    }

    #[test]
    fn every_bad_setting_is_refused_by_its_name() {
        for (name, value) in [
            ("CHAIN_ID", "Has Spaces"),
            ("RPC_BIND", "localhost"),
            ("ABCI_BIND", "http://127.0.0.1:1"),
            ("COMETBFT_RPC", "127.0.0.1:26657"),
            ("COORDINATOR_URLS", "http://127.0.0.1:9100"),
            ("ADMIN_TOKEN", "two words"),
            ("ADMIN_KEY", "00"),
            ("FAUCET_KEY", "no such file"),
            ("TRUSTED_PROXIES", "10.0.0.0/8"),
            ("RATE_PER_SECOND", "0"),
            ("RATE_BURST", "many"),
            ("KEEP_BLOCKS", "-1"),
            ("MAX_CONNECTIONS", "0"),
            ("MAX_WEBSOCKETS_PER_ADDRESS", "-1"),
            ("READS_BURST", "4294967296"),
            ("OPS_BIND", "8081"),
            ("CORS_ORIGINS", "example.org"),
            ("CORS_ORIGINS", "https://example.org/path"),
            ("CORS_ORIGINS", "*,https://example.org"),
        ] {
            let error = settings(&[], &[(name, value)]).map(|_| ()).unwrap_err();
            assert!(error.to_string().starts_with(name), "{error}");
            assert_eq!(exit::code_of(&error), exit::USAGE, "{name}");
        }
    }
}
