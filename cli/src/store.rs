//! Owns `ait store`: looking at a node's store, and bringing it over to another database, while the node is
//! stopped.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use ait_abci::Checked;
use ait_store::{Engine, FirstFormat, Store};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::{
    place::{StoreArgs, StorePlace},
    snapshot::folder_of,
    values::parse_engine,
};

/// `ait store`
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Read every record, and compare it with the app hash of the last block
    Check(StoreArgs),
    /// Bring a store of the first format, or of another database, over; the old one is kept beside it
    Migrate(MigrateArgs),
}

/// `ait store migrate`
#[derive(Debug, Args)]
pub struct MigrateArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// The database to bring it over to: fjall or sled
    #[arg(long, default_value = "fjall", value_parser = parse_engine)]
    to: Engine,
}

/// Runs the command.
///
/// # Errors
/// What is wrong, for people.
pub fn run(command: StoreCommand) -> Result<()> {
    match command {
        StoreCommand::Check(args) => check(&args.place()?),
        StoreCommand::Migrate(args) => migrate(&args.store.place()?, args.to),
    }
}

fn check(place: &StorePlace) -> Result<()> {
    let StorePlace {
        chain_id,
        db_path: path,
    } = place;
    let Some(engine) = Engine::of(path) else {
        bail!("{} holds no store", path.display());
    };
    let store: Arc<dyn Store> = Arc::from(ait_store::open(path, chain_id.as_str(), engine)?);
    let progress = |records| eprintln!("{records} records");
    match ait_abci::check(store, chain_id, progress)? {
        Some(checked) => println!("{}", summary(&checked)),
        None => println!("{} holds no block", path.display()),
    }
    Ok(())
}

fn migrate(place: &StorePlace, to_engine: Engine) -> Result<()> {
    let StorePlace {
        chain_id,
        db_path: path,
    } = place;
    let Some(engine) = Engine::of(path) else {
        bail!("{} holds no store", path.display());
    };
    let (new, old) = (beside(path, "new")?, beside(path, "old")?);
    if old.exists() {
        bail!("{} is there already: move it away first", old.display());
    }
    let to = || {
        // Of a migration that was cut short. One that was cut after the exchange never comes here: there is
        // nothing left to bring over, and the old store may stand in this place.
        if new.exists() {
            fs::remove_dir_all(&new).with_context(|| format!("cannot remove {}", new.display()))?;
        }
        let store = ait_store::open(&new, chain_id.as_str(), to_engine)?;
        anyhow::Ok(Arc::from(store))
    };
    let checked = match FirstFormat::open(path)? {
        Some(first) if first.chain_id() != chain_id.as_str() => bail!(
            "the store is of chain {:?}, not of {chain_id} (CHAIN_ID)",
            first.chain_id()
        ),
        Some(first) => ait_abci::bring_over(&first, to()?, chain_id)?,
        None if engine == to_engine => bail!("the store is in {} already", engine.name()),
        None => {
            let from = ait_store::open(path, chain_id.as_str(), engine)?;
            ait_abci::copy(from.as_ref(), to()?, chain_id)?
        }
    };
    let Some(checked) = checked else {
        bail!(
            "{} holds no block: a node begins a new store by itself",
            path.display()
        );
    };
    // At no moment is there no store: a node would begin anew.
    renameat_with(CWD, &new, CWD, path, RenameFlags::EXCHANGE).with_context(|| {
        format!(
            "cannot put the new store in the place of {}",
            path.display()
        )
    })?;
    fs::rename(&new, &old).with_context(|| format!("cannot rename {}", new.display()))?;
    let snapshots = folder_of(&old);
    if snapshots.exists() {
        fs::rename(&snapshots, folder_of(path))
            .with_context(|| format!("cannot move {}", snapshots.display()))?;
    }
    println!("{}", summary(&checked));
    println!(
        "The store in {} is in {} now.",
        path.display(),
        to_engine.name()
    );
    println!(
        "The old one is in {}: remove it once the node runs.",
        old.display()
    );
    Ok(())
}

fn summary(checked: &Checked) -> String {
    format!(
        "Block {}: all {} records are as its app hash says; {} transactions are kept.",
        checked.height, checked.records, checked.transactions
    )
}

/// A folder of the same name with an ending.
fn beside(path: &Path, ending: &str) -> Result<PathBuf> {
    let Some(name) = path.file_name() else {
        bail!("{} is no folder's name", path.display());
    };
    let mut name = name.to_owned();
    name.push(".");
    name.push(ending);
    Ok(path.with_file_name(name))
}
