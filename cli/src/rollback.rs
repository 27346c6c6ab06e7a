//! Owns `ait rollback`: taking a node's last block back, in its store and in its CometBFT, so that the next start
//! executes it again.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use ait_abci::{BlockInfo, roll_back, snapshots_in};
use ait_home::{comet::program, output, surroundings::passed_on};
use ait_store::{Engine, Store};
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use serde::Serialize;

use crate::{
    place::{NodePlace, NodePlaceArgs},
    snapshot::folder_of,
};

/// `ait rollback`
#[derive(Debug, Args)]
pub struct RollbackArgs {
    #[command(flatten)]
    place: NodePlaceArgs,
}

#[derive(Debug, Serialize)]
struct Report {
    /// The last block from now on.
    height: u64,
    /// The app hash after it, upper-case hex.
    app_hash: String,
    /// Whether the store was behind it already.
    was_rolled_back: bool,
    removed_snapshots: Vec<u64>,
}

/// Runs the command. CometBFT goes first: run again after whatever interrupted it, it ends with the same block.
///
/// # Errors
/// What is wrong, for people.
pub fn run(args: RollbackArgs) -> Result<()> {
    let place = args.place.place()?;
    let home = place.home.clone();
    let home = home.context("--home names the node, with its CometBFT")?;
    let store = open(&place)?;
    let head = head_of(store.as_ref())?;
    let height = roll_back_comet(&home)?;
    let info = match head.checked_sub(height) {
        Some(0) => None,
        Some(1) => Some(roll_back(&store, &place.store.chain_id)?),
        _ => bail!(
            "CometBFT is at block {height} now, and the store at block {head}: start both, so that they meet, and try \
             again"
        ),
    };
    let removed = remove_snapshots(&place, height)?;
    output::done(&Report {
        height,
        app_hash: app_hash_of(store.as_ref())?,
        was_rolled_back: info.is_none(),
        removed_snapshots: removed,
    })
}

fn open(place: &NodePlace) -> Result<Arc<dyn Store>> {
    let path = &place.store.db_path;
    let Some(engine) = Engine::of(path) else {
        bail!("{} holds no store", path.display());
    };
    let store = ait_store::open(path, place.store.chain_id.as_str(), engine)?;
    Ok(Arc::from(store))
}

fn head_of(store: &dyn Store) -> Result<u64> {
    let head = store.head()?.context("the store holds no block")?;
    Ok(head.height)
}

fn app_hash_of(store: &dyn Store) -> Result<String> {
    let head = store.head()?.context("the store holds no block")?;
    let info: BlockInfo = serde_json::from_slice(&head.meta)?;
    Ok(info.app_hash.to_uppercase())
}

/// Takes the last block out of CometBFT's state, and leaves it among its blocks; gives the height that it is at then,
/// one below its last block. Where it is there already, that changes nothing.
fn roll_back_comet(home: &Path) -> Result<u64> {
    let program = program::find()?;
    let output = Command::new(&program)
        .args(["rollback", "--home"])
        .arg(home)
        .env_clear()
        .envs(passed_on())
        .output()
        .with_context(|| format!("{} does not start", program.display()))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let why = complaint.lines().next().unwrap_or_default();
        bail!("CometBFT does not roll back, so nothing was changed: {why}");
    }
    height_in(&said).ok_or_else(|| {
        anyhow!(
            "CometBFT does not say at which block it is now ({:?})",
            said.trim()
        )
    })
}

/// The height in `Rolled back state to height 41 and hash …`.
fn height_in(said: &str) -> Option<u64> {
    let (_, behind) = said.split_once("state to height ")?;
    behind.split_whitespace().next()?.parse().ok()
}

/// Snapshots of blocks that are not there any more are of states that nobody shall restore.
fn remove_snapshots(place: &NodePlace, height: u64) -> Result<Vec<u64>> {
    let mut removed = Vec::new();
    for files in snapshots_in(&folder_of(&place.store.db_path))? {
        let of = files.manifest().height().get();
        if of > height {
            let path: PathBuf = files.path().to_owned();
            std::fs::remove_dir_all(&path)
                .with_context(|| format!("cannot remove {}", path.display()))?;
            removed.push(of);
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_height_is_read_from_what_cometbft_says() {
        let said = "Rolled back state to height 41 and hash 0123ABCD";
        assert_eq!(height_in(said), Some(41));
        let hard = "Rolled back both state and block to height 41 and hash 01";
        assert_eq!(height_in(hard), None);
        assert_eq!(height_in(""), None);
    }
}
