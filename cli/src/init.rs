//! Owns the command `ait init`: its flags, and what it prints.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use ait_app::{crypto::SecretKey, identifiers::ChainId};
use ait_home::{
    comet::{
        Home,
        config::{AbciAddress, NodeConfig, Peer, parse_abci_address, parse_peers},
    },
    exit::Usage,
    files, genesis,
    init::{InitPlan, check_absent, create},
    keys, output,
    settings::{
        DEFAULT_BLOCK_INTERVAL, DEFAULT_COMETBFT_RPC, DEFAULT_P2P_BIND, Secret, parse_chain_id,
        parse_http_address, parse_interval, parse_socket_address,
    },
};
use anyhow::{Context, Result, bail};
use clap::{ArgMatches, Args, parser::ValueSource};

use crate::join::{self, JoinArgs, Told};

type Peers = Vec<Peer>;

/// `ait init`
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The folder of the node's home; its config/ and data/ must not exist yet
    #[arg(long, value_name = "DIR", env = "AIT_HOME")]
    home: PathBuf,
    /// A genesis file to take over; without it, put one at config/genesis.json before the start
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
    #[command(flatten)]
    join: JoinArgs,
    /// The chain that --genesis or --join must be of
    #[arg(long, env = "CHAIN_ID", value_parser = parse_chain_id)]
    chain_id: Option<ChainId>,
    /// Ports in a row: P for peers, P+1 for CometBFT's RPC on loopback; the flags below win
    #[arg(long, value_name = "P")]
    base_port: Option<u16>,
    /// Where to listen for peers
    #[arg(long, env = "P2P_BIND", default_value = DEFAULT_P2P_BIND, value_parser = parse_socket_address)]
    p2p_bind: SocketAddr,
    /// Where CometBFT serves its RPC
    #[arg(long, value_name = "COMETBFT_RPC", env = "COMETBFT_RPC", default_value = DEFAULT_COMETBFT_RPC, value_parser = parse_http_address)]
    comet_rpc: SocketAddr,
    /// Where the application listens: unix:///PATH, or tcp://IP:PORT, where every user of the machine can speak for
    /// CometBFT [default: the socket app.sock in the home]
    #[arg(long, env = "ABCI_BIND", value_parser = parse_abci_address)]
    abci_bind: Option<AbciAddress>,
    /// Peers to keep connections to: ID@HOST:PORT,…
    #[arg(long, value_name = "BOOTSTRAP_PEERS", env = "BOOTSTRAP_PEERS", value_parser = parse_peers)]
    peers: Option<Peers>,
    /// The validator's consensus key: CometBFT's priv_validator_key.json, a key file, a PEM, a seed in hex, or
    /// - for standard input; random if not given
    #[arg(long, value_name = "PROPOSER_KEY", env = "PROPOSER_KEY", hide_env_values = true, value_parser = Secret(keys::secret))]
    validator_seed: Option<SecretKey>,
    /// The pause after each block
    #[arg(long, env = "BLOCK_INTERVAL", default_value = DEFAULT_BLOCK_INTERVAL, value_parser = parse_interval)]
    block_interval: Duration,
    /// The name that peers see
    #[arg(long, default_value = "ait", value_parser = parse_moniker)]
    moniker: String,
    /// For networks on one machine: allows loopback peers and dialling peers over CometBFT's RPC
    #[arg(long)]
    devnet: bool,
}

/// Runs `ait init`; the matches say which of its values are flags.
///
/// # Errors
/// What went wrong, for people; then nothing was made.
pub async fn run(args: InitArgs, matches: &ArgMatches) -> Result<()> {
    let home = Home::new(&args.home);
    check_absent(&home)?;
    let mut node = node_config(&args, matches)?;
    let mut genesis = match &args.genesis {
        Some(path) => Some(genesis_text(path, args.chain_id.as_ref())?),
        None => None,
    };
    let told = Told {
        chain_id: args.chain_id.as_ref(),
        peers: &node.peers,
        block_interval: node.block_interval,
        devnet: node.devnet,
    };
    if let Some(joined) = join::run(&args.join, told).await? {
        genesis = Some(joined.genesis);
        node.peers = joined.peers;
        node.state_sync = Some(joined.state_sync);
    }
    let plan = InitPlan {
        home,
        node,
        validator_key: args.validator_seed,
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

fn genesis_text(path: &Path, expected: Option<&ChainId>) -> Result<String> {
    let text = files::read_text(path, genesis::MAX_FILE_BYTES)?;
    let found = genesis::check(&text).with_context(|| path.display().to_string())?;
    match expected {
        Some(expected) if *expected != found => bail!(
            "{} is of chain {found}, not of {expected}: take the genesis file of that chain, or \
             another CHAIN_ID",
            path.display()
        ),
        _ => Ok(text),
    }
}

/// Blocks that come faster than a node executes old ones are never caught up with; a devnet's are nobody's to join.
const LEAST_BLOCK_INTERVAL: Duration = Duration::from_millis(20);

fn check_interval(interval: Duration, devnet: bool) -> Result<(), Usage> {
    if devnet || interval >= LEAST_BLOCK_INTERVAL {
        return Ok(());
    }
    Err(Usage(format!(
        "BLOCK_INTERVAL is {}, below {}: a node that joins would never catch up with such blocks; --devnet takes it",
        humantime::format_duration(interval),
        humantime::format_duration(LEAST_BLOCK_INTERVAL)
    )))
}

fn node_config(args: &InitArgs, matches: &ArgMatches) -> Result<NodeConfig> {
    check_interval(args.block_interval, args.devnet)?;
    let port = |id: &str, offset: u16| match args.base_port {
        // It stands above the environment, and below the flag itself.
        Some(base) if matches.value_source(id) != Some(ValueSource::CommandLine) => {
            let port = base.checked_add(offset);
            let needed = || format!("--base-port {base}: it and the next one are needed");
            Ok(Some(port.ok_or_else(|| Usage(needed()))?))
        }
        _ => anyhow::Ok(None),
    };
    let on = |host: Ipv4Addr, port: u16| SocketAddr::from((host, port));
    let (p2p, rpc) = (port("p2p_bind", 0)?, port("comet_rpc", 1)?);
    let abci = args.abci_bind.clone();
    Ok(NodeConfig {
        abci: abci.map_or_else(|| Home::new(&args.home).socket(), Ok)?,
        moniker: args.moniker.clone(),
        rpc: rpc.map_or(args.comet_rpc, |port| on(Ipv4Addr::LOCALHOST, port)),
        p2p: p2p.map_or(args.p2p_bind, |port| on(Ipv4Addr::UNSPECIFIED, port)),
        peers: args.peers.clone().unwrap_or_default(),
        block_interval: args.block_interval,
        devnet: args.devnet,
        state_sync: None,
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
    fn only_a_devnet_makes_blocks_faster_than_others_can_follow() {
        let told = check_interval(Duration::ZERO, false)
            .unwrap_err()
            .to_string();
        assert!(told.contains("BLOCK_INTERVAL is 0s, below 20ms"), "{told}");
        assert!(check_interval(Duration::from_millis(19), false).is_err());
        assert!(check_interval(LEAST_BLOCK_INTERVAL, false).is_ok());
        assert!(check_interval(Duration::ZERO, true).is_ok());
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
