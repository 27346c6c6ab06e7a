//! Owns how a secret key is given to a command, the same wherever one is: the path of our key file, of a
//! PKCS#8 PEM or of CometBFT's `priv_validator_key.json`, a seed in hex, or `-` for standard input, which may
//! hold any of them.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use ait_app::{
    address::Address,
    crypto::{PublicKey, SecretKey, lower_hex},
};
use ed25519_dalek::pkcs8::{DecodePrivateKey, KeypairBytes};
use serde::{Deserialize, Serialize};

use super::{KeyLock, PublicParts};
use crate::{comet, output::shell_word};

const MAX_BYTES: u64 = 4096;
/// Bits of a file's mode that let others than its owner near it.
const OTHERS: u32 = 0o077;
/// What stands in the first line of a PKCS#8 PEM.
const PEM: &str = "PRIVATE KEY";
/// What is taken, for messages.
const TAKEN: &str = "a key file of `ait keys new`, a PKCS#8 PEM of an ed25519 key, CometBFT's \
                     priv_validator_key.json, or a seed of 64 lower-case hex characters";

/// What a key file holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyFile {
    pub seed: String,
    pub pubkey: PublicKey,
    pub address: Address,
}

/// Why no key could be read. Names files, never what stands in them.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It is missing, or may not be read.
    #[error("cannot read the key file {}: {reason}", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        reason: io::Error,
    },
    /// Others could take the key.
    #[error(
        "the key file {} can be read or written by others than its owner (mode {mode:04o}): run \
         `chmod 600 {}` first, and change the key if somebody may have taken it",
        .path.display(), shell_word(.path)
    )]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// What was read is no key.
    #[error("{place} {rule}")]
    NoKey {
        /// The file, or standard input.
        place: String,
        /// What is wrong with it.
        rule: String,
    },
    /// What was given is neither a seed nor a path.
    #[error("{0}")]
    NoSeed(&'static str),
}

/// In which form a key came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// 64 hex characters.
    Seed,
    /// Our own file.
    KeyFile,
    /// PKCS#8.
    Pem,
    /// `priv_validator_key.json`.
    Consensus,
}

/// A secret key, and where it was read from.
pub struct Source {
    pub key: SecretKey,
    /// In which form it came.
    pub form: Form,
    /// Keeps two commands from sending with it at once.
    pub lock: KeyLock,
    path: Option<PathBuf>,
}

impl Source {
    fn new(key: SecretKey, form: Form, file: Option<File>, path: Option<PathBuf>) -> Self {
        let address = Address::of(&key.public_key());
        Self {
            lock: KeyLock::of(&address, file),
            key,
            form,
            path,
        }
    }

    /// The account of the key.
    pub fn address(&self) -> Address {
        Address::of(&self.key.public_key())
    }

    /// Where what belongs to the key is kept unless somebody says: beside its file, else in the working folder
    /// under the account's name.
    pub fn beside(&self, extension: &str) -> PathBuf {
        match &self.path {
            Some(path) => path.with_extension(extension),
            None => PathBuf::from(format!("{}.{extension}", self.address())),
        }
    }
}

/// Reads a key as a flag or a setting gives it.
///
/// # Errors
/// [`KeyError`].
pub fn read(given: &str) -> Result<Source, KeyError> {
    if given == "-" {
        let text = limited(io::stdin(), "standard input")?;
        return source(&text, "standard input", None, None);
    }
    if let Some(key) = lower_hex(given).map(SecretKey::from_seed) {
        return Ok(Source::new(key, Form::Seed, None, None));
    }
    if given.is_empty() {
        return Err(KeyError::NoSeed(
            "is empty: name a key file, or give a seed",
        ));
    }
    // A seed that was mistyped is not to stand in messages as if it were a path.
    if given.len() >= 32 && given.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(KeyError::NoSeed(
            "a seed is 64 lower-case hex characters; anything else is the path of a key file",
        ));
    }
    read_file(Path::new(given))
}

/// Reads a key from a file of any of the forms.
///
/// # Errors
/// [`KeyError`].
pub fn read_file(path: &Path) -> Result<Source, KeyError> {
    let (file, text) = open(path)?;
    let place = format!("the key file {}", path.display());
    source(&text, &place, Some(file), Some(path.to_owned()))
}

/// Opens a file that nobody but its owner can read, and reads it.
///
/// # Errors
/// [`KeyError`].
pub fn open(path: &Path) -> Result<(File, String), KeyError> {
    let unreadable = |reason| KeyError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let file = File::open(path).map_err(unreadable)?;
    // Of the file that is open: no other can come in its place.
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(unreadable(io::ErrorKind::IsADirectory.into()));
    }
    let mode = metadata.permissions().mode() & 0o7777;
    // Pipes and devices, as of `<(…)`, have no mode that says anything.
    if metadata.is_file() && mode & OTHERS != 0 {
        return Err(KeyError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    let text = limited(&file, &format!("the key file {}", path.display()))?;
    Ok((file, text))
}

fn limited(from: impl Read, place: &str) -> Result<String, KeyError> {
    let no_key = |rule: String| KeyError::NoKey {
        place: place.to_owned(),
        rule,
    };
    let mut text = String::new();
    from.take(MAX_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|error| no_key(format!("does not read as text: {error}")))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(no_key(format!(
            "has more than {MAX_BYTES} bytes, no key has"
        )));
    }
    Ok(text)
}

fn source(
    text: &str,
    place: &str,
    file: Option<File>,
    path: Option<PathBuf>,
) -> Result<Source, KeyError> {
    let (key, form) = parse(text).map_err(|rule| KeyError::NoKey {
        place: place.to_owned(),
        rule,
    })?;
    Ok(Source::new(key, form, file, path))
}

/// The key in a text, whichever form it has.
fn parse(text: &str) -> Result<(SecretKey, Form), String> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(format!("is empty: it shall hold {TAKEN}"));
    }
    if trimmed.starts_with("-----BEGIN") {
        return Ok((of_pem(trimmed)?, Form::Pem));
    }
    if let Some(key) = lower_hex(trimmed).map(SecretKey::from_seed) {
        return Ok((key, Form::Seed));
    }
    if comet::keys::is_consensus_file(text) {
        let key = comet::keys::consensus_secret_of(text).ok_or(
            "is CometBFT's and contradicts itself: its pub_key is not that of an ed25519 priv_key in it",
        )?;
        return Ok((key, Form::Consensus));
    }
    if !trimmed.starts_with('{') {
        return Err(format!("holds no secret key: it shall be {TAKEN}"));
    }
    Ok((of_key_file(text)?, Form::KeyFile))
}

fn of_key_file(text: &str) -> Result<SecretKey, String> {
    let file: KeyFile = serde_json::from_str(text).map_err(|error| {
        format!(
            "is no key file {{\"seed\",\"pubkey\",\"address\"}} as `ait keys new` writes it: {error}"
        )
    })?;
    let key = super::parse_seed(&file.seed).map_err(|rule| format!("has no seed: {rule}"))?;
    let parts = PublicParts::of(&key);
    if parts.pubkey != file.pubkey || parts.address != file.address {
        return Err(format!(
            "contradicts itself: its seed is that of {}, not of {}",
            parts.address, file.address
        ));
    }
    Ok(key)
}

/// PKCS#8, as `openssl genpkey -algorithm ed25519` writes it; a public key in it must be that of the secret one.
fn of_pem(text: &str) -> Result<SecretKey, String> {
    let first = text.lines().next().unwrap_or_default();
    let label = first.trim_start_matches("-----BEGIN ").trim_end();
    let label = label.trim_end_matches("-----");
    if label != PEM {
        let advice = if label.contains("ENCRYPTED") {
            "decrypt it first, by `openssl pkey -in FILE -out PLAIN`"
        } else {
            "a secret key is labelled PRIVATE KEY, in PKCS#8"
        };
        return Err(format!("is a PEM labelled {label:?}: {advice}"));
    }
    let read = KeypairBytes::from_pkcs8_pem(text);
    let pair = read.map_err(|error| {
        format!("is a PEM of no ed25519 key, or a damaged one ({error}): this chain has ed25519 keys alone")
    })?;
    let key = SecretKey::from_seed(pair.secret_key);
    match pair.public_key {
        Some(public) if public.as_ref() != key.public_key().as_bytes().as_slice() => {
            Err("contradicts itself: its public key is not that of its secret key".to_owned())
        }
        _ => Ok(key),
    }
}
