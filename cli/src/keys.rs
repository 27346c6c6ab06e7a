//! Owns the commands `ait keys`: they make and show keys.

use std::path::{Path, PathBuf};

use ait_app::{address::Address, quantity::Ranged};
use ait_home::{
    comet,
    exit::Usage,
    genesis::parse_power,
    keys::{self, PublicParts},
    output,
};
use anyhow::{Result, anyhow};
use clap::{Args, Subcommand};

use crate::place::ChainArgs;

/// `ait keys`
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a key file; one that exists is never overwritten
    New(NewArgs),
    /// Show the public key and address of a key file, or the consensus key of a CometBFT home's
    /// priv_validator_key.json; the seed is not shown
    Show {
        /// The key file
        file: PathBuf,
    },
    /// Show an authority as the param authorities names it, with the proof that its consensus key
    /// agrees
    Authority(AuthorityArgs),
}

/// `ait keys authority`
#[derive(Debug, Args)]
pub struct AuthorityArgs {
    /// The consensus key: CometBFT's priv_validator_key.json, a key file, a PEM, a seed in hex, or - for
    /// standard input
    #[arg(value_name = "FILE|HEX|-")]
    key: String,
    /// The account that earns its fees; the key is this account's for ever
    #[arg(long, value_name = "ADDRESS")]
    address: Address,
    /// Its voting power
    #[arg(long, value_name = "N", default_value = "1", value_parser = parse_power)]
    power: Ranged<1, 1_000_000_000>,
    // The chain that the proof is for.
    #[command(flatten)]
    chain: ChainArgs,
}

/// `ait keys new`
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Where to write it
    file: PathBuf,
    /// The seed, 64 lower-case hex characters; random if not given. Other users of the machine can
    /// see flags: for real keys leave it out
    #[arg(long, value_name = "HEX")]
    seed: Option<String>,
}

/// Runs `ait keys …`.
///
/// # Errors
/// What went wrong, for people.
pub fn run(command: KeysCommand) -> Result<()> {
    match command {
        KeysCommand::New(args) => {
            let key = match &args.seed {
                Some(seed) => keys::parse_seed(seed).map_err(|rule| anyhow!("--seed: {rule}"))?,
                None => keys::random()?,
            };
            keys::write(&args.file, &key)?;
            output::done(&PublicParts::of(&key))
        }
        KeysCommand::Show { file } => show(&file),
        KeysCommand::Authority(args) => {
            let key = keys::secret(&args.key).map_err(Usage)?;
            output::json(&keys::authority(
                &args.chain.chain_id()?,
                &key,
                args.address,
                args.power,
            ))
        }
    }
}

fn show(file: &Path) -> Result<()> {
    let (_, text) = keys::open(file)?;
    match comet::keys::consensus_key_of(&text) {
        Some(pubkey) => output::json(&serde_json::json!({ "consensus_pubkey": pubkey })),
        None => output::json(&PublicParts::of(&keys::read(file)?)),
    }
}
