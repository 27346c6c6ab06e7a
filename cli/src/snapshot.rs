//! Owns `ait snapshot`: the snapshots of a node as files. `list` is for a node that runs as well; all others
//! need its store, which a running node holds.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use ait_abci::{SNAPSHOT_FORMAT, SnapshotFiles, export, import, snapshots_in, take, verify};
use ait_app::state::AppHash;
use ait_home::output;
use ait_store::{Engine, Store};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::{
    place::{StoreArgs, StorePlace},
    values::parse_engine,
};

/// `ait snapshot`
#[derive(Debug, Subcommand)]
pub enum SnapshotCommand {
    /// Show the snapshots that the node has
    List(StoreArgs),
    /// Take a snapshot of the last block's state of a node that is stopped
    Create(CreateArgs),
    /// Copy a snapshot into a new folder, checked on the way
    Export(ExportArgs),
    /// Restore a snapshot into the empty store of a node that is stopped
    Import(ImportArgs),
    /// Read every record of a snapshot, and show the app hash that they have
    Verify(VerifyArgs),
}

/// `ait snapshot create`
#[derive(Debug, Args)]
pub struct CreateArgs {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    keep: KeepArgs,
}

/// How many are kept.
#[derive(Debug, Clone, Copy, Args)]
pub struct KeepArgs {
    /// Snapshots that are kept, the newest; older ones are removed
    #[arg(long, env = "SNAPSHOT_KEEP", default_value = "2", value_parser = parse_keep)]
    pub snapshot_keep: usize,
}

/// `ait snapshot export`
#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// The snapshot's height
    height: u64,
    /// The folder to make
    folder: PathBuf,
}

/// `ait snapshot import`
#[derive(Debug, Args)]
pub struct ImportArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// The database of the store: fjall or sled
    #[arg(long, env = "STORE_ENGINE", default_value = "fjall", value_parser = parse_engine)]
    store_engine: Engine,
    /// The app hash that it must have, in hex: that of the header of the block behind its height
    #[arg(long, value_name = "HEX", value_parser = parse_app_hash)]
    app_hash: Option<AppHash>,
    /// The snapshot's folder
    folder: PathBuf,
}

/// `ait snapshot verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The app hash that it must have, in hex: that of the header of the block behind its height
    #[arg(long, value_name = "HEX", value_parser = parse_app_hash)]
    app_hash: Option<AppHash>,
    /// The snapshot's folder
    folder: PathBuf,
}

/// A snapshot, as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    path: PathBuf,
    chain_id: String,
    height: u64,
    format: u32,
    /// Upper-case hex, as in CometBFT's headers.
    app_hash: String,
    records: usize,
    chunks: u32,
    bytes: u64,
}

/// Runs the command.
///
/// # Errors
/// What is wrong, for people.
pub fn run(command: SnapshotCommand) -> Result<()> {
    match command {
        SnapshotCommand::List(store) => {
            let found = snapshots_in(&folder_of(&store.place()?.db_path))?;
            let shown: Result<Vec<Shown>> = found.iter().map(show).collect();
            output::json(&shown?)
        }
        SnapshotCommand::Create(args) => {
            let (place, keep) = (args.store.place()?, args.keep.snapshot_keep);
            let Some(engine) = Engine::of(&place.db_path) else {
                bail!("{} holds no store", place.db_path.display());
            };
            let (store, folder) = (open(&place, engine)?, folder_of(&place.db_path));
            let files = take(store, &place.chain_id, &folder, keep)?;
            output::done(&show(&files)?)
        }
        SnapshotCommand::Export(args) => {
            let folder = folder_of(&args.store.place()?.db_path);
            let (files, to) = (at(&folder.join(args.height.to_string()))?, &args.folder);
            if to.exists() {
                bail!("{} is there already: name a folder to make", to.display());
            }
            output::done(&show(&export(&files, to)?)?)
        }
        SnapshotCommand::Import(args) => {
            let (files, place) = (at(&args.folder)?, args.store.place()?);
            let engine = Engine::of(&place.db_path).unwrap_or(args.store_engine);
            let store = open(&place, engine)?;
            import(&files, store, &place.chain_id, args.app_hash)?;
            output::done(&show(&files)?)
        }
        SnapshotCommand::Verify(args) => {
            let files = at(&args.folder)?;
            let found = files.manifest().app_hash();
            if let Some(expected) = args.app_hash.filter(|expected| *expected != found) {
                bail!("it is the state with app hash {found}, not {expected}");
            }
            verify(&files)?;
            output::json(&show(&files)?)
        }
    }
}

/// Where a node with this store keeps its snapshots.
pub fn folder_of(db_path: &Path) -> PathBuf {
    db_path.join("snapshots")
}

fn open(place: &StorePlace, engine: Engine) -> Result<Arc<dyn Store>> {
    let store = ait_store::open(&place.db_path, place.chain_id.as_str(), engine)?;
    Ok(Arc::from(store))
}

fn at(path: &Path) -> Result<SnapshotFiles> {
    SnapshotFiles::open(path).with_context(|| format!("no snapshot in {}", path.display()))
}

fn show(files: &SnapshotFiles) -> Result<Shown> {
    let manifest = files.manifest();
    Ok(Shown {
        path: files.path().to_owned(),
        chain_id: manifest.chain_id().to_string(),
        height: manifest.height().get(),
        format: SNAPSHOT_FORMAT,
        app_hash: manifest.app_hash().to_string(),
        records: manifest.records(),
        chunks: manifest.chunks(),
        bytes: files.bytes()?,
    })
}

/// Reads an app hash: 64 hex characters.
///
/// # Errors
/// For anything else.
pub fn parse_app_hash(text: &str) -> Result<AppHash, String> {
    let bytes = hex::decode(text).ok();
    let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
    bytes
        .map(AppHash)
        .ok_or_else(|| "must be 64 hex characters".to_owned())
}

fn parse_keep(text: &str) -> Result<usize, String> {
    let keep = text.parse().ok();
    keep.filter(|keep| (1..=10).contains(keep))
        .ok_or_else(|| "must be 1 to 10".to_owned())
}
