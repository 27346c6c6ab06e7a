//! Owns `ait audit abci`: the calls of a recording, executed again, and each answer compared with the recorded one.
//!
//! Reading order: `calls` (what a call is named), `listing` (the calls, shown), `execution` (a node of its own that is
//! asked the same), `runs` (the files, one after the other), `compare` (where two answers differ), `offered` (snapshots
//! of its own), `report` (what it came to). Trusts nothing of a recording.

mod calls;
mod compare;
mod execution;
mod listing;
mod offered;
mod report;
mod runs;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use ait_abci::recording::files_in;
use ait_app::state::AppHash;
use ait_home::output;
use anyhow::{Result, bail, ensure};
use clap::Args;

use crate::snapshot::parse_app_hash;
use runs::{Beginning, execute};

/// `ait audit abci`
#[derive(Debug, Args)]
pub struct AbciArgs {
    /// Files of a recording in their order, or the folder of AIT_ABCI_RECORD, which stands for all in it
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Begin with the snapshot in this folder, where the recording begins behind the first block; calls of blocks
    /// before its height are passed over
    #[arg(long, value_name = "DIR")]
    from_snapshot: Option<PathBuf>,
    /// The app hash that the snapshot must have, in hex
    #[arg(long, value_name = "HEX", requires = "from_snapshot", value_parser = parse_app_hash)]
    app_hash: Option<AppHash>,
    /// Show the calls, a JSON object a line, and execute nothing
    #[arg(long, conflicts_with = "from_snapshot")]
    list: bool,
}

/// Runs the command.
///
/// # Errors
/// What differs, or what kept it from being found out, for people.
pub fn run(args: &AbciArgs) -> Result<()> {
    let files = files(&args.paths)?;
    if args.list {
        return listing::list(&files);
    }
    let beginning = Beginning {
        snapshot: args.from_snapshot.clone(),
        app_hash: args.app_hash,
    };
    let report = execute(&files, &beginning)?;
    output::json(&report)?;
    match &report.difference {
        None => Ok(()),
        Some(difference) => bail!("{difference}"),
    }
}

/// The files that the paths name.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        found.extend(if path.is_dir() {
            in_folder(path)?
        } else {
            vec![path.clone()]
        });
    }
    Ok(found)
}

fn in_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let files = files_in(folder)?;
    ensure!(
        !files.is_empty(),
        "{} has no recording: a file NUMBER.abci for each run",
        folder.display()
    );
    Ok(files)
}
