//! Owns snapshots as files, for a node that is stopped: taking, copying, checking and restoring one.

use std::{path::Path, sync::Arc};

use ait_app::{
    identifiers::ChainId,
    state::{AppHash, indexed_in},
};
use ait_store::Store;

use super::{
    Restoring, SnapshotError, SnapshotFiles, SnapshotsFolder,
    folder::{NewSnapshot, list},
    format::Manifest,
    state_sync::check,
    taking::Taking,
};
use crate::{
    records::{CommittedState, Origin},
    stored,
};

/// The snapshots in the folder of a node's, the newest first; none where there is no folder. What can't be
/// read is left out.
///
/// # Errors
/// [`SnapshotError::Io`].
pub fn snapshots_in(path: &Path) -> Result<Vec<SnapshotFiles>, SnapshotError> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    Ok(list(path)?.into_values().rev().collect())
}

/// Takes a snapshot of the last block's state in a store, into the folder of a node's snapshots, of which
/// the last `keep` stay.
///
/// # Errors
/// [`SnapshotError`].
pub fn take(
    store: Arc<dyn Store>,
    chain_id: &ChainId,
    path: &Path,
    keep: usize,
) -> Result<SnapshotFiles, SnapshotError> {
    let committed = Arc::new(open(store, chain_id)?.1.ok_or(SnapshotError::NoBlock)?);
    let height = committed.block.height;
    let folder = SnapshotsFolder::open(path, keep)?;
    let mut taking = Taking::of(committed, folder.begin()?);
    while taking.step()? {}
    let (new, manifest) = taking.finish()?;
    folder.add(new, manifest)?;
    folder.at(height).ok_or(SnapshotError::NoBlock)
}

/// Copies a snapshot into a folder that is not there yet, and checks every chunk on the way.
///
/// # Errors
/// [`SnapshotError`].
pub fn export(files: &SnapshotFiles, to: &Path) -> Result<SnapshotFiles, SnapshotError> {
    let manifest = files.manifest();
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let mut new = NewSnapshot::begin(&to.with_file_name(name))?;
    for index in 0..manifest.chunks() {
        let chunk = files.chunk(index)?;
        manifest.open(index, &chunk)?;
        new.push(&chunk)?;
    }
    new.finish(manifest.clone(), to)
}

/// Reads every chunk of a snapshot, and every record in it.
///
/// # Errors
/// [`SnapshotError`] names the first chunk that is wrong.
pub fn verify(files: &SnapshotFiles) -> Result<(), SnapshotError> {
    let manifest = files.manifest();
    for index in 0..manifest.chunks() {
        let bucket = manifest.open(index, &files.chunk(index)?)?;
        indexed_in(&bucket).map_err(|error| SnapshotError::Chunk {
            index,
            why: error.to_string(),
        })?;
    }
    Ok(())
}

/// Restores a snapshot into a store without blocks. With `app_hash`, only the state that has it.
///
/// # Errors
/// [`SnapshotError`]. The store is empty then.
pub fn import(
    files: &SnapshotFiles,
    store: Arc<dyn Store>,
    chain_id: &ChainId,
    app_hash: Option<AppHash>,
) -> Result<Manifest, SnapshotError> {
    let manifest = files.manifest();
    check(
        manifest,
        chain_id,
        app_hash.as_ref().map(|hash| &hash.0[..]),
    )?;
    let (stored, newest) = open(store, chain_id)?;
    match newest {
        Some(newest) if newest.block.origin == Origin::Block => {
            return Err(SnapshotError::NotEmpty {
                height: newest.block.height,
            });
        }
        _ => {}
    }
    let mut restoring = Restoring::begin(manifest.clone(), &stored)?;
    for index in 0..manifest.chunks() {
        restoring.apply(index, &files.chunk(index)?, &stored)?;
    }
    restoring.finish(chain_id, &stored)?;
    Ok(manifest.clone())
}

fn open(
    store: Arc<dyn Store>,
    chain_id: &ChainId,
) -> Result<(stored::Stored, Option<CommittedState>), SnapshotError> {
    Ok(stored::open(store, chain_id, 0)?)
}
