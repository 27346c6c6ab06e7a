//! Owns `ait init`: makes the home of one CometBFT node, whole or not at all, never over another.

use std::{
    fs::{self, Permissions},
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use ait_app::crypto::{PublicKey, SecretKey};
use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use crate::{
    comet::{
        Home,
        config::{NodeConfig, config_toml, parse_peers},
        keys::{fresh_validator_state_json, node_id, node_key_json, validator_key_json},
    },
    config::Environment,
    files, genesis, keys, output, settings,
};

/// `ait init`
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The folder of the CometBFT home; its config/ and data/ must not exist yet
    #[arg(long, value_name = "DIR")]
    home: PathBuf,
    /// A genesis file to take over; without it, put one at config/genesis.json before the start
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
    /// The chain that --genesis must be of [env: CHAIN_ID]
    #[arg(long, value_name = "CHAIN_ID")]
    chain_id: Option<String>,
    /// Ports in a row: P for peers, P+1 for CometBFT's RPC, P+2 for ABCI (both on loopback); the
    /// flags below win
    #[arg(long, value_name = "P")]
    base_port: Option<u16>,
    /// Where to listen for peers [env: P2P_BIND] [default: 0.0.0.0:7070]
    #[arg(long, value_name = "IP:PORT")]
    p2p_bind: Option<String>,
    /// Where CometBFT serves its RPC [env: COMETBFT_RPC] [default: http://127.0.0.1:26657]
    #[arg(long, value_name = "URL")]
    comet_rpc: Option<String>,
    /// Where the application listens [env: ABCI_BIND] [default: tcp://127.0.0.1:26658]
    #[arg(long, value_name = "unix:///PATH|tcp://IP:PORT")]
    abci_bind: Option<String>,
    /// Peers to keep connections to [env: BOOTSTRAP_PEERS]
    #[arg(long, value_name = "ID@HOST:PORT,…")]
    peers: Option<String>,
    /// The validator's consensus key: CometBFT's priv_validator_key.json, a key file, a PEM, a seed in hex, or
    /// - for standard input [env: PROPOSER_KEY]; random if not given
    #[arg(long, value_name = "FILE|HEX|-")]
    validator_seed: Option<String>,
    /// The pause after each block [env: BLOCK_INTERVAL] [default: 1s]
    #[arg(long, value_name = "DURATION")]
    block_interval: Option<String>,
    /// The name that peers see
    #[arg(long, default_value = "ait", value_parser = parse_moniker)]
    moniker: String,
    /// For networks on one machine: allows loopback peers and dialling peers over CometBFT's RPC
    #[arg(long)]
    devnet: bool,
}

/// A home to be made.
#[derive(Debug)]
pub struct InitPlan {
    /// Where.
    pub home: Home,
    /// Its settings.
    pub node: NodeConfig,
    /// The consensus key; random if none.
    pub validator_key: Option<SecretKey>,
    /// The text of its genesis file, checked already.
    pub genesis: Option<String>,
}

/// What others must know of a home.
#[derive(Debug, Clone, Serialize)]
pub struct InitReport {
    /// Its folder.
    pub home: PathBuf,
    /// The id in `id@host:port`.
    pub node_id: String,
    /// The consensus key, for `ait genesis --authority`.
    pub consensus_pubkey: PublicKey,
    /// Where it listens for peers.
    pub p2p: SocketAddr,
    /// Where it serves its RPC.
    pub rpc: SocketAddr,
    /// Where it finds the application.
    pub abci: String,
}

/// Runs `ait init`.
///
/// # Errors
/// What went wrong, for people; then nothing was made.
pub fn run(args: &InitArgs, environment: &Environment) -> Result<()> {
    let genesis = match &args.genesis {
        Some(path) => Some(genesis_text(args, environment, path)?),
        None => None,
    };
    let validator_key = settings::PROPOSER_KEY.optional(
        environment,
        args.validator_seed.as_deref(),
        keys::secret,
    )?;
    let plan = InitPlan {
        home: Home::new(&args.home),
        node: node_config(args, environment)?,
        validator_key,
        genesis,
    };
    let report = create(&plan)?;
    output::done(&report)?;
    if plan.genesis.is_none() {
        eprintln!(
            "Put the chain's genesis file at {} before you start CometBFT.",
            output::shell_word(&plan.home.genesis())
        );
    }
    Ok(())
}

fn genesis_text(args: &InitArgs, environment: &Environment, path: &Path) -> Result<String> {
    let text = files::read_text(path, genesis::MAX_FILE_BYTES)?;
    let found = genesis::check(&text).with_context(|| path.display().to_string())?;
    let expected = settings::CHAIN_ID.optional(
        environment,
        args.chain_id.as_deref(),
        settings::parse_chain_id,
    )?;
    match expected {
        Some(expected) if expected != found => bail!(
            "{} is of chain {found}, not of {expected}: take the genesis file of that chain, or \
             another CHAIN_ID",
            path.display()
        ),
        _ => Ok(text),
    }
}

fn node_config(args: &InitArgs, environment: &Environment) -> Result<NodeConfig> {
    let port = |offset: u16| {
        args.base_port
            .map(|base| {
                base.checked_add(offset)
                    .with_context(|| format!("--base-port {base}: it and the next two are needed"))
            })
            .transpose()
    };
    let flag = |given: &Option<String>, base: Option<u16>, form: fn(u16) -> String| {
        given.clone().or(base.map(form))
    };
    let p2p = flag(&args.p2p_bind, port(0)?, |port| format!("0.0.0.0:{port}"));
    let rpc = flag(&args.comet_rpc, port(1)?, |port| {
        format!("http://127.0.0.1:{port}")
    });
    let abci = flag(&args.abci_bind, port(2)?, |port| {
        format!("tcp://127.0.0.1:{port}")
    });
    let peers =
        settings::BOOTSTRAP_PEERS.optional(environment, args.peers.as_deref(), parse_peers)?;
    Ok(NodeConfig {
        abci: settings::abci_bind(environment, abci.as_deref())?,
        moniker: args.moniker.clone(),
        rpc: settings::COMETBFT_RPC.or(
            environment,
            rpc.as_deref(),
            settings::DEFAULT_COMETBFT_RPC,
            settings::parse_http_address,
        )?,
        p2p: settings::P2P_BIND.or(
            environment,
            p2p.as_deref(),
            settings::DEFAULT_P2P_BIND,
            settings::parse_socket_address,
        )?,
        peers: peers.unwrap_or_default(),
        block_interval: settings::block_interval(environment, args.block_interval.as_deref())?,
        devnet: args.devnet,
    })
}

/// A name that CometBFT takes for a node.
fn parse_moniker(text: &str) -> Result<String, String> {
    let is_printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if is_printable && (1..=70).contains(&text.len()) && text.trim() == text {
        return Ok(text.to_owned());
    }
    Err("must be 1 to 70 printable ASCII characters, without spaces around them".to_owned())
}

/// Makes a home.
///
/// # Errors
/// When its `config/` or `data/` exists already, or it can't be written. A home is made aside and
/// moved into its place when it is whole.
pub fn create(plan: &InitPlan) -> Result<InitReport> {
    let home = &plan.home;
    for existing in [home.config(), home.data()] {
        if existing.exists() {
            bail!(
                "{} exists already: a home is never made over another, its keys and votes would \
                 be lost. Choose another --home, or move that one away",
                existing.display()
            );
        }
    }
    let validator_key = match &plan.validator_key {
        Some(key) => key.clone(),
        None => keys::random()?,
    };
    let node_key = keys::random()?;
    fs::create_dir_all(home.folder())
        .with_context(|| format!("cannot create the folder {}", home.folder().display()))?;
    let aside = tempfile::Builder::new()
        .prefix(".init-")
        .tempdir_in(home.folder())
        .with_context(|| format!("cannot write to the folder {}", home.folder().display()))?;
    let draft = Home::new(aside.path());
    write_files(&draft, plan, &validator_key, &node_key)?;
    for (from, to) in [(draft.data(), home.data()), (draft.config(), home.config())] {
        fs::rename(&from, &to).with_context(|| format!("cannot create {}", to.display()))?;
    }
    Ok(InitReport {
        home: home.folder().to_owned(),
        node_id: node_id(&node_key),
        consensus_pubkey: validator_key.public_key(),
        p2p: plan.node.p2p,
        rpc: plan.node.rpc,
        abci: plan.node.abci.to_string(),
    })
}

fn write_files(
    draft: &Home,
    plan: &InitPlan,
    validator_key: &SecretKey,
    node_key: &SecretKey,
) -> Result<()> {
    let (config, data) = (draft.config(), draft.data());
    let json = |path: PathBuf, value: Value, mode: u32| {
        let text = serde_json::to_vec_pretty(&value)?;
        files::write_new(&path, &text, mode)
    };
    json(
        config.join("priv_validator_key.json"),
        validator_key_json(validator_key),
        files::SECRET,
    )?;
    json(
        config.join("node_key.json"),
        node_key_json(node_key),
        files::SECRET,
    )?;
    json(
        data.join("priv_validator_state.json"),
        fresh_validator_state_json(),
        files::SECRET,
    )?;
    let toml = config_toml(&plan.node)?;
    files::write_new(&config.join("config.toml"), toml.as_bytes(), files::PUBLIC)?;
    if let Some(genesis) = &plan.genesis {
        files::write_new(&draft.genesis(), genesis.as_bytes(), files::PUBLIC)?;
    }
    for folder in [config, data] {
        fs::set_permissions(&folder, Permissions::from_mode(0o700))
            .with_context(|| format!("cannot write to {}", folder.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::comet::config::AbciAddress;

    fn plan(folder: &Path, seed: u8) -> InitPlan {
        InitPlan {
            home: Home::new(folder.join("comet")),
            node: NodeConfig {
                abci: AbciAddress::Tcp("127.0.0.1:3".parse().unwrap()),
                moniker: "test".into(),
                rpc: "127.0.0.1:2".parse().unwrap(),
                p2p: "127.0.0.1:1".parse().unwrap(),
                peers: Vec::new(),
                block_interval: Duration::from_secs(1),
                devnet: true,
            },
            validator_key: Some(SecretKey::from_seed([seed; 32])),
            genesis: None,
        }
    }

    #[test]
    fn a_home_holds_the_validator_s_key_and_nothing_is_readable_by_others() {
        let folder = tempfile::tempdir().unwrap();
        let plan = plan(folder.path(), 5);
        let report = create(&plan).unwrap();
        let expected = SecretKey::from_seed([5; 32]).public_key();
        assert_eq!(report.consensus_pubkey, expected);
        let config = plan.home.config();
        let text = fs::read_to_string(config.join("priv_validator_key.json")).unwrap();
        assert_eq!(crate::comet::keys::consensus_key_of(&text), Some(expected));
        for secret in ["priv_validator_key.json", "node_key.json"] {
            let mode = fs::metadata(config.join(secret))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o077, 0, "{secret}");
        }
        let left: Vec<_> = fs::read_dir(plan.home.folder()).unwrap().collect();
        assert_eq!(left.len(), 2, "config and data alone");
    }

    #[test]
    fn a_home_is_never_made_over_another() {
        let folder = tempfile::tempdir().unwrap();
        create(&plan(folder.path(), 5)).unwrap();
        let again = plan(folder.path(), 6);
        let error = create(&again).unwrap_err();
        assert!(error.to_string().contains("exists already"), "{error}");
        let text = fs::read_to_string(again.home.config().join("priv_validator_key.json")).unwrap();
        let kept = SecretKey::from_seed([5; 32]).public_key();
        assert_eq!(crate::comet::keys::consensus_key_of(&text), Some(kept));
    }

    #[test]
    fn a_name_that_peers_would_refuse_is_refused_before_anything_is_written() {
        for good in ["ait", "node 1", &"x".repeat(70)] {
            assert_eq!(parse_moniker(good), Ok(good.to_owned()));
        }
        for bad in ["", "kn\u{f6}del", "a\tb", " a", &"x".repeat(71)] {
            assert!(parse_moniker(bad).is_err(), "{bad:?}");
        }
    }
}
