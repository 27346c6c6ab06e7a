//! Owns key files: JSON `{"seed","pubkey","address"}`, readable by their owner alone, written whole,
//! never overwritten; and the commands `ait keys`.

use std::path::{Path, PathBuf};

use ait_app::{
    address::Address,
    crypto::{PublicKey, SecretKey, lower_hex},
    identifiers::ChainId,
    params::values::{Authority, possession_bytes},
    quantity::Ranged,
};
use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};

use crate::{
    comet, config::Environment, exit::Usage, files, genesis::parse_power, output, settings,
};

const MAX_FILE_BYTES: u64 = 4096;

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
    /// The consensus key: CometBFT's priv_validator_key.json, a key file, or a seed in hex
    #[arg(value_name = "FILE|HEX")]
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

/// What a key file holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    seed: String,
    pubkey: PublicKey,
    address: Address,
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
            output::json(&PublicParts::of(&key))
        }
        KeysCommand::Show { file } => show(&file),
        KeysCommand::Authority(args) => {
            let chain_id = settings::chain_id(environment, args.chain_id.as_deref())?;
            let key = parse_consensus_key(&args.key).map_err(Usage)?;
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
    let text = files::read_text(file, MAX_FILE_BYTES)?;
    match comet::keys::consensus_key_of(&text) {
        Some(pubkey) => output::json(&serde_json::json!({ "consensus_pubkey": pubkey })),
        None => output::json(&PublicParts::of(&parse(&text, file)?)),
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

/// A key from its seed in hex, or from the path of a key file.
///
/// # Errors
/// The rule it breaks.
pub fn parse_seed_or_file(text: &str) -> Result<SecretKey, String> {
    if let Ok(key) = parse_seed(text) {
        return Ok(key);
    }
    let path = Path::new(text);
    if !path.exists() {
        return Err(
            "must be a seed of 64 lower-case hex characters, or the path of a key file".to_owned(),
        );
    }
    read(path).map_err(|error| format!("{error:#}"))
}

/// A validator's consensus key: from CometBFT's `priv_validator_key.json`, or as
/// [`parse_seed_or_file`].
///
/// # Errors
/// The rule it breaks.
pub fn parse_consensus_key(text: &str) -> Result<SecretKey, String> {
    let path = Path::new(text);
    if !path.is_file() {
        return parse_seed_or_file(text).map_err(|_| {
            "must be the path of CometBFT's priv_validator_key.json or of a key file, or a seed of \
             64 lower-case hex characters"
                .to_owned()
        });
    }
    let contents = files::read_text(path, MAX_FILE_BYTES).map_err(|error| format!("{error:#}"))?;
    if comet::keys::consensus_key_of(&contents).is_none() {
        return parse(&contents, path).map_err(|error| format!("{error:#}"));
    }
    comet::keys::consensus_secret_of(&contents).ok_or_else(|| {
        format!("{text} contradicts itself: its pub_key is not that of an ed25519 priv_key in it")
    })
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
/// When it can't be read, is no key file, or contradicts itself.
pub fn read(path: &Path) -> Result<SecretKey> {
    parse(&files::read_text(path, MAX_FILE_BYTES)?, path)
}

fn parse(text: &str, path: &Path) -> Result<SecretKey> {
    let file: KeyFile = serde_json::from_str(text).with_context(|| {
        format!(
            "{} is no key file {{\"seed\",\"pubkey\",\"address\"}} as `ait keys new` writes it",
            path.display()
        )
    })?;
    let key = parse_seed(&file.seed).map_err(|rule| anyhow!("{}: {rule}", path.display()))?;
    let parts = PublicParts::of(&key);
    if parts.pubkey != file.pubkey || parts.address != file.address {
        bail!(
            "{} contradicts itself: its seed is that of {}, not of {}",
            path.display(),
            parts.address,
            file.address
        );
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const SEED: &str = "2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90";
    const ADDRESS: &str = "ait1rsxyjrcm255ds9euthjx6yc3vrjt9sxr7lv9kh";

    #[test]
    fn a_key_file_gives_back_its_key_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/alice.json");
        write(&path, &parse_seed(SEED).unwrap()).unwrap();
        let key = read(&path).unwrap();
        assert_eq!(PublicParts::of(&key).address.to_string(), ADDRESS);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let json: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(json["seed"], SEED);
        assert_eq!(json["address"], ADDRESS);
    }

    #[test]
    fn a_key_file_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        write(&path, &parse_seed(SEED).unwrap()).unwrap();
        let error = write(&path, &random().unwrap()).unwrap_err();
        assert!(error.to_string().contains("never overwritten"), "{error}");
        assert_eq!(
            PublicParts::of(&read(&path).unwrap()).address.to_string(),
            ADDRESS
        );
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "no temporary file stays");
    }

    #[test]
    fn a_key_file_that_was_tampered_with_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        write(&path, &parse_seed(SEED).unwrap()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        for (from, to) in [("2bd8", "2bd9"), ("\"seed\"", "\"sead\""), ("}", "")] {
            std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
            assert!(read(&path).is_err(), "{from} -> {to}");
        }
    }

    #[test]
    fn an_authority_is_proven_by_its_own_key_for_one_chain_and_account() {
        let (key, other) = (parse_seed(SEED).unwrap(), SecretKey::from_seed([9; 32]));
        let chain_id: ChainId = "ait-devnet".parse().unwrap();
        let address = Address::of(&other.public_key());
        let power = parse_power("10").unwrap();
        let authority = authority(&chain_id, &key, address, power);
        let proof = authority.proof.unwrap();
        let signed = possession_bytes(&chain_id, &address, &authority.pubkey);
        assert!(key.public_key().verifies(&signed, &proof));
        let json = serde_json::to_value(&authority).unwrap();
        let mut names: Vec<&str> = json
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["address", "power", "proof", "pubkey"]);
    }

    #[test]
    fn seeds_keep_to_their_form() {
        for bad in ["", "2bd8", &SEED.to_uppercase(), &format!("{SEED}00")] {
            assert!(parse_seed(bad).is_err(), "{bad}");
            assert!(parse_seed_or_file(bad).is_err(), "{bad}");
        }
    }
}
