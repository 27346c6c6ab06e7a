//! Owns the command `ait init`: its flags, and what it prints.

use std::path::{Path, PathBuf};

use ait_home::{
    comet::{
        Home,
        config::{NodeConfig, parse_peers},
    },
    config::Environment,
    files, genesis,
    init::{InitPlan, create},
    keys, output, settings,
};
use anyhow::{Context, Result, bail};
use clap::Args;

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

#[cfg(test)]
mod tests {
    use super::*;

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
