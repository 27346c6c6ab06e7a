//! Owns a devnet's folder: what state it is in, making it whole, and removing it with `--fresh`.
//! It removes only what a devnet makes, and only from a folder that a devnet made.

use std::{
    fs::{self, File, OpenOptions},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use rustix::fs::{FlockOperation, flock};

use super::{
    manifest::{self, Manifest},
    process::Identity,
};
use ait_home::output::shell_word;

/// Held while an `ait devnet up` watches over the home; also tells a devnet's home from any other folder.
const LOCK: &str = ".devnet.lock";
/// What a detached devnet says.
pub const LOG: &str = "devnet.log";
/// How the names of files begin that were being written when the program was killed.
const DRAFT: &str = ".tmp";
/// The accounts whose keys lie in `keys/`.
pub const ACCOUNTS: [&str; 5] = ["admin", "faucet", "client", "miner", "coordinator"];

/// What a folder holds.
pub enum State {
    /// Nothing yet.
    New,
    /// A whole devnet, stopped.
    Stopped(Box<Manifest>),
}

/// The absolute path of a home that may not exist yet.
///
/// # Errors
/// When the working folder is gone.
pub fn absolute(home: &Path) -> anyhow::Result<PathBuf> {
    let absolute = std::path::absolute(home)?;
    // Two spellings of one folder are one home.
    Ok(absolute.canonicalize().unwrap_or(absolute))
}

/// The `ait devnet up` that watches over a devnet, if it still does.
pub fn supervisor(manifest: &Manifest) -> Option<Identity> {
    let identity = Identity {
        pid: manifest.supervisor_pid?,
        started: manifest.supervisor_started.clone()?,
    };
    identity.is_running().then_some(identity)
}

/// Takes a home for this process, and says what it holds. With `fresh` it holds nothing afterwards.
///
/// # Errors
/// When a devnet runs in it, when it is half-made, or when it is no devnet's.
pub fn take(home: &Path, fresh: bool) -> anyhow::Result<(File, State)> {
    check_is_ours(home)?;
    fs::create_dir_all(home).with_context(|| format!("creating {}", home.display()))?;
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(home.join(LOCK))
        .with_context(|| format!("{} can't be written to", home.display()))?;
    let shown = home.display();
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        bail!("{}", already_runs(home));
    }
    let found = Manifest::read(home);
    check_nothing_runs(home, found.as_ref().ok().and_then(Option::as_ref))?;
    if fresh {
        remove(home)?;
        return Ok((lock, State::New));
    }
    let manifest = found.with_context(|| half_made(home, "its devnet.json does not read"))?;
    let Some(manifest) = manifest else {
        if let Some(left) = first_entry(home)? {
            bail!(
                "{}",
                half_made(home, &format!("it holds {left} but no devnet.json"))
            );
        }
        return Ok((lock, State::New));
    };
    if let Some(missing) = missing_part(home, &manifest) {
        bail!(
            "{}",
            half_made(home, &format!("{} is missing", missing.display()))
        );
    }
    if manifest.home != home {
        bail!(
            "the devnet in {shown} was made at {}: move it back, or begin anew with --fresh",
            manifest.home.display()
        );
    }
    Ok((lock, State::Stopped(Box::new(manifest))))
}

/// Refuses a home of which something runs.
///
/// # Errors
/// Says whether somebody watches over it, and how to stop it.
pub fn check_nothing_runs(home: &Path, manifest: Option<&Manifest>) -> anyhow::Result<()> {
    let Some(manifest) = manifest else {
        return Ok(());
    };
    if supervisor(manifest).is_some() {
        bail!("{}", already_runs(home));
    }
    let processes = manifest.processes.iter();
    let left: Vec<String> = processes
        .filter(|process| process.identity.is_running())
        .map(|process| format!("{} (process {})", process.name, process.identity.pid))
        .collect();
    if left.is_empty() {
        return Ok(());
    }
    bail!(
        "of the devnet in {} there still run {}, though its `ait devnet up` is gone. Stop them with: {}",
        home.display(),
        left.join(", "),
        down_command(home)
    )
}

/// The command that stops the devnet of a home, as a shell takes it.
pub fn down_command(home: &Path) -> String {
    let ait = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("ait"));
    format!(
        "{} devnet down --home {}",
        shell_word(&ait),
        shell_word(home)
    )
}

fn already_runs(home: &Path) -> String {
    format!(
        "a devnet runs in {} already. Stop it with: {}",
        home.display(),
        down_command(home)
    )
}

fn half_made(home: &Path, why: &str) -> String {
    format!(
        "the devnet in {} is half-made ({why}): an earlier start was cut short. Begin anew with \
         --fresh, which removes it, or choose another --home",
        home.display()
    )
}

/// Refuses a folder that has something in it and was no devnet's home before.
fn check_is_ours(home: &Path) -> anyhow::Result<()> {
    if home.join(LOCK).exists() || home.join(manifest::FILE).exists() {
        return Ok(());
    }
    match fs::read_dir(home) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                bail!(
                    "{} is not empty and is no devnet's home: choose an empty or new folder with --home",
                    home.display()
                );
            }
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("{} is no folder", home.display())),
    }
}

/// Whether a devnet makes an entry of that name, other than its lock and its own log.
fn is_made_here(name: &str) -> bool {
    let node = name.strip_prefix("node");
    let is_node = node.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let others = ["keys", manifest::FILE, "coordinator.log", "miner.log"];
    is_node || others.contains(&name)
}

/// A name in the home that is there only after a devnet was begun.
fn first_entry(home: &Path) -> anyhow::Result<Option<String>> {
    for entry in fs::read_dir(home)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name != LOCK && name != LOG {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn missing_part(home: &Path, manifest: &Manifest) -> Option<PathBuf> {
    let keys = ACCOUNTS.iter().map(|name| key_file(home, name));
    let nodes = manifest.nodes.iter().enumerate().flat_map(|(i, node)| {
        let comet = node.home.join("cometbft/config");
        [
            key_file(home, &format!("validator{i}")),
            comet.join("genesis.json"),
            comet.join("config.toml"),
            comet.join("priv_validator_key.json"),
            comet.join("node_key.json"),
        ]
    });
    keys.chain(nodes).find(|path| !path.exists())
}

/// Removes what a devnet made.
fn remove(home: &Path) -> anyhow::Result<()> {
    let mut ours = Vec::new();
    for entry in fs::read_dir(home)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == LOCK || name == LOG {
            continue;
        }
        if !is_made_here(&name) && !name.starts_with(DRAFT) {
            bail!(
                "--fresh would remove {}, but it holds {name}, which no devnet made: move that away",
                home.display()
            );
        }
        ours.push(entry.path());
    }
    for path in ours {
        let removed = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.with_context(|| format!("removing {}", path.display()))?;
    }
    Ok(())
}

/// Where an account's key lies.
pub fn key_file(home: &Path, name: &str) -> PathBuf {
    home.join("keys").join(format!("{name}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_somebody_else_is_never_taken() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("keys")).unwrap();
        for fresh in [false, true] {
            let error = take(folder.path(), fresh).err().unwrap().to_string();
            assert!(error.contains("is no devnet's home"), "{error}");
        }
        assert!(folder.path().join("keys").exists());
    }

    #[test]
    fn a_half_made_home_says_what_to_do_and_fresh_does_it() {
        let folder = tempfile::tempdir().unwrap();
        drop(take(folder.path(), false).unwrap());
        fs::create_dir(folder.path().join("keys")).unwrap();
        let error = take(folder.path(), false).err().unwrap().to_string();
        assert!(
            error.contains("half-made") && error.contains("--fresh"),
            "{error}"
        );
        assert!(matches!(take(folder.path(), true).unwrap().1, State::New));
        assert!(!folder.path().join("keys").exists());
    }

    #[test]
    fn fresh_removes_nothing_that_no_devnet_made() {
        let folder = tempfile::tempdir().unwrap();
        drop(take(folder.path(), false).unwrap());
        for name in ["keys", "thesis.txt"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let error = take(folder.path(), true).err().unwrap().to_string();
        assert!(error.contains("thesis.txt"), "{error}");
        assert!(folder.path().join("keys").exists());
    }

    #[test]
    fn two_devnets_never_share_a_home() {
        let folder = tempfile::tempdir().unwrap();
        let _first = take(folder.path(), false).unwrap();
        let error = take(folder.path(), false).err().unwrap().to_string();
        assert!(error.contains("runs in"), "{error}");
    }
}
