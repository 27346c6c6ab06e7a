//! Owns `ait repair`: what crashes left of a node that is stopped, mended where that is provably safe.

use ait_home::{
    comet::{
        Home,
        recovery::{self, Recovery},
    },
    output,
};
use ait_store::Engine;
use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;

use crate::{comet, place::NodePlaceArgs};

/// `ait repair`
#[derive(Debug, Args)]
pub struct RepairArgs {
    #[command(flatten)]
    place: NodePlaceArgs,
}

#[derive(Debug, Serialize)]
struct Report {
    /// The last block of the node's store; 0 before the first.
    height: u64,
    #[serde(flatten)]
    recovery: Recovery,
}

/// Runs the command.
///
/// # Errors
/// What is wrong, for people.
pub fn run(args: RepairArgs) -> Result<()> {
    let place = args.place.place()?;
    let home = place.home.as_ref().map(Home::new);
    let home = home.context("--home names the node, with its CometBFT")?;
    if !home.data().is_dir() {
        bail!("{} is no node's home", home.folder().display());
    }
    let path = &place.store.db_path;
    let store = match Engine::of(path) {
        Some(engine) => Some(ait_store::open(
            path,
            place.store.chain_id.as_str(),
            engine,
        )?),
        // A node that was killed in its first start may have made none.
        None => None,
    };
    // Both are held until the end, as a sign to the application and to CometBFT.
    let _stopped = comet::hold_stopped(&home)?;
    let head = match &store {
        Some(store) => store.head()?,
        None => None,
    };
    let height = head.map_or(0, |head| head.height);
    output::done(&Report {
        height,
        recovery: recovery::recover(&home, height)?,
    })
}
