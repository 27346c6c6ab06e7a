//! Owns key files: JSON `{"seed","pubkey","address"}`, readable by their owner alone, written whole,
//! never overwritten; and the commands `ait keys`. `read` is how every command gets a key that it is given,
//! `turn` how those that send with one wait for each other.

mod read;
mod turn;

use std::path::{Path, PathBuf};

use ait_app::{
    address::Address,
    crypto::{PublicKey, SecretKey, lower_hex},
    identifiers::ChainId,
    params::values::{Authority, possession_bytes},
    quantity::Ranged,
};
use anyhow::{Result, anyhow};
use clap::{Args, Subcommand};
use read::{Form, KeyFile};
pub use read::{KeyError, Source};
use serde::Serialize;
pub use turn::KeyLock;

use crate::{
    comet, config::Environment, exit::Usage, files, genesis::parse_power, output, settings,
};

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
    /// The chain that the proof is for [env: CHAIN_ID] [default: ait-devnet]
    #[arg(long, value_name = "CHAIN_ID")]
    chain_id: Option<String>,
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

/// What may be shown of a key.
#[derive(Debug, Clone, Serialize)]
pub struct PublicParts {
    /// The public key.
    pub pubkey: PublicKey,
    /// Its account.
    pub address: Address,
}

impl PublicParts {
    /// Of a key.
    pub fn of(key: &SecretKey) -> Self {
        let pubkey = key.public_key();
        Self {
            pubkey,
            address: Address::of(&pubkey),
        }
    }
}

/// Runs `ait keys …`.
///
/// # Errors
/// What went wrong, for people.
pub fn run(command: KeysCommand, environment: &Environment) -> Result<()> {
    match command {
        KeysCommand::New(args) => {
            let key = match &args.seed {
                Some(seed) => parse_seed(seed).map_err(|rule| anyhow!("--seed: {rule}"))?,
                None => random()?,
            };
            write(&args.file, &key)?;
            output::done(&PublicParts::of(&key))
        }
        KeysCommand::Show { file } => show(&file),
        KeysCommand::Authority(args) => {
            let chain_id = settings::chain_id(environment, args.chain_id.as_deref())?;
            let key = secret(&args.key).map_err(Usage)?;
            output::json(&authority(&chain_id, &key, args.address, args.power))
        }
    }
}

/// An authority, proven by its consensus key (PROTOCOL section 5).
fn authority(
    chain_id: &ChainId,
    key: &SecretKey,
    address: Address,
    power: Ranged<1, 1_000_000_000>,
) -> Authority {
    let pubkey = key.public_key();
    Authority {
        address,
        power,
        proof: Some(key.sign(&possession_bytes(chain_id, &address, &pubkey))),
        pubkey,
    }
}

fn show(file: &Path) -> Result<()> {
    let (_, text) = read::open(file)?;
    match comet::keys::consensus_key_of(&text) {
        Some(pubkey) => output::json(&serde_json::json!({ "consensus_pubkey": pubkey })),
        None => output::json(&PublicParts::of(&read(file)?)),
    }
}

/// A key from the operating system's randomness.
///
/// # Errors
/// When the system has none to give.
pub fn random() -> Result<SecretKey> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)
        .map_err(|error| anyhow!("the operating system gives no randomness: {error}"))?;
    Ok(SecretKey::from_seed(seed))
}

/// A key from its seed in hex.
///
/// # Errors
/// The rule it breaks.
pub fn parse_seed(text: &str) -> Result<SecretKey, String> {
    lower_hex(text)
        .map(SecretKey::from_seed)
        .ok_or_else(|| "a seed is 64 lower-case hex characters".to_owned())
}

/// The key that a flag or a setting names, in any of the forms that are taken.
///
/// # Errors
/// The rule it breaks.
pub fn secret(given: &str) -> Result<SecretKey, String> {
    match read::read(given) {
        Ok(source) => Ok(source.key),
        Err(error) => Err(error.to_string()),
    }
}

/// The key of an account, as `--key` names it.
///
/// # Errors
/// When there is none, or others could read it.
pub fn account(given: &str) -> Result<Source> {
    let source = read::read(given).map_err(|error| Usage(format!("--key: {error}")))?;
    if source.form == Form::Consensus {
        eprintln!(
            "ait: note: {given} is CometBFT's consensus key file; here it is taken as the key of the account {}",
            source.address()
        );
    }
    Ok(source)
}

/// Writes a key file that must not exist yet.
///
/// # Errors
/// When it exists, or can't be written.
pub fn write(path: &Path, key: &SecretKey) -> Result<()> {
    let parts = PublicParts::of(key);
    let contents = KeyFile {
        seed: hex::encode(key.seed()),
        pubkey: parts.pubkey,
        address: parts.address,
    };
    let mut text = serde_json::to_vec_pretty(&contents)?;
    text.push(b'\n');
    files::write_new(path, &text, files::SECRET)
}

/// Reads a key file.
///
/// # Errors
/// When it can't be read, others could read it, it is no key file, or it contradicts itself.
pub fn read(path: &Path) -> Result<SecretKey, KeyError> {
    Ok(read::read_file(path)?.key)
}

#[cfg(test)]
mod tests;
