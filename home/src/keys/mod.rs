//! Owns key files: JSON `{"seed","pubkey","address"}`, readable by their owner alone, written whole,
//! never overwritten. `read` is how every command gets a key that it is given,
//! `turn` how those that send with one wait for each other.

mod read;
mod turn;

use std::path::Path;

use ait_app::{
    address::Address,
    crypto::{PublicKey, SecretKey, lower_hex},
    identifiers::ChainId,
    params::values::{Authority, possession_bytes},
    quantity::Ranged,
};
use anyhow::{Result, anyhow};
use read::KeyFile;
pub use read::{Form, KeyError, Source, open};
use serde::Serialize;
pub use turn::KeyLock;

use crate::{exit::Usage, files};

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

/// An authority, proven by its consensus key (PROTOCOL section 5).
pub fn authority(
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
