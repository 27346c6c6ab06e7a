//! Owns `ait repair`: what crashes left of a node that is stopped, mended where that is provably safe.

use ait_home::{comet::Home, output};
use ait_store::Engine;
use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;

use crate::{
    comet::{self, wal},
    place::NodePlaceArgs,
};

/// `ait repair`
#[derive(Debug, Args)]
pub struct RepairArgs {
    #[command(flatten)]
    place: NodePlaceArgs,
}

#[derive(Debug, Serialize)]
struct Report {
    /// The last block of the node's store.
    height: u64,
    /// What was done to CometBFT's write-ahead log.
    write_ahead_log: wal::Outcome,
}

/// Runs the command.
///
/// # Errors
/// What is wrong, for people.
pub fn run(args: RepairArgs) -> Result<()> {
    let place = args.place.place()?;
    let home = place.home.as_ref().map(Home::new);
    let home = home.context("--home names the node, with its CometBFT")?;
    let path = &place.store.db_path;
    let Some(engine) = Engine::of(path) else {
        bail!("{} holds no store", path.display());
    };
    // Held until the end, as a sign to the application.
    let store = ait_store::open(path, place.store.chain_id.as_str(), engine)?;
    let _stopped = comet::hold_stopped(&home)?;
    let head = store.head()?.context("the store holds no block")?;
    output::done(&Report {
        height: head.height,
        write_ahead_log: wal::mend(&home, head.height)?,
    })
}
