//! Snapshots of the state after a block, as ABCI calls them: a node that joins restores one instead of
//! executing every block since the genesis.
//!
//! Owns taking them, keeping them on disk, offering them to other nodes, and restoring one into an empty
//! store. `format` has their bytes, `folder` their files, `taking` and `restoring` the two ways, `state_sync`
//! what CometBFT asks of a node that joins.

mod error;
mod files;
mod folder;
mod format;
mod restoring;
mod state_sync;
mod taking;

use std::{
    path::Path,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use prometheus::IntGauge;
use sha2::{Digest as _, Sha256};
use tendermint_proto::v0_38::abci::{
    RequestLoadSnapshotChunk, ResponseListSnapshots, ResponseLoadSnapshotChunk, Snapshot,
};

pub use error::SnapshotError;
pub use files::{export, import, snapshots_in, take, verify};
pub use folder::SnapshotFiles;
use folder::SnapshotsFolder;
pub use format::{FORMAT, Manifest};
use restoring::Restoring;
pub(crate) use state_sync::StateSync;
use taking::Taking;

use crate::{committed::Committed, fatal::Stopper, records::CommittedState};

/// Snapshots that a node offers: CometBFT takes no more of one peer.
const OFFERED: usize = 10;

/// The snapshots of a node: takes them and offers them.
pub struct Snapshots {
    committed: Arc<Committed>,
    folder: OnceLock<SnapshotsFolder>,
    /// The height of the one that is being taken; 0 for none.
    taking: AtomicU64,
    /// One at a time.
    turn: Mutex<()>,
    newest_height: IntGauge,
    stopper: Stopper,
}

impl Snapshots {
    pub(crate) fn new(
        committed: Arc<Committed>,
        newest_height: IntGauge,
        stopper: Stopper,
    ) -> Self {
        Self {
            committed,
            stopper,
            folder: OnceLock::new(),
            taking: AtomicU64::new(0),
            turn: Mutex::default(),
            newest_height,
        }
    }

    /// Keeps the last `keep` in a folder from now on, and older ones as long as somebody fetches them, and offers those that are there. Until then there
    /// are none. A second call changes nothing.
    ///
    /// # Errors
    /// [`SnapshotError::Io`] when the folder can't be used.
    pub fn keep_in(&self, path: &Path, keep: usize) -> Result<(), SnapshotError> {
        if self.folder.get().is_none() {
            let folder = SnapshotsFolder::open(path, keep)?;
            let _ = self.folder.set(folder);
            self.show();
        }
        Ok(())
    }

    /// Takes one of the last block's state, which is held meanwhile. Rests as long as it works, so that blocks
    /// and reads have the machine. Gives up, without an error, when `goes_on` says no.
    ///
    /// # Errors
    /// [`SnapshotError`]. A state that can't be read also stops the node.
    pub fn take(&self, goes_on: &dyn Fn() -> bool) -> Result<Option<u64>, SnapshotError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(folder) = self.folder.get() else {
            return Ok(None);
        };
        let committed = self.committed.newest().ok_or(SnapshotError::NoBlock)?;
        let height = committed.block.height;
        if folder.at(height).is_some() {
            return Ok(Some(height));
        }
        self.taking.store(height, Ordering::Relaxed);
        let taken = take_into(folder, committed, goes_on);
        self.taking.store(0, Ordering::Relaxed);
        self.show();
        if let Err(SnapshotError::Violation(violation)) = &taken {
            let _ = self.stopper.stop(violation);
        }
        taken.map(|is_whole| is_whole.then_some(height))
    }

    /// The height of the oldest that is offered or being taken: who restores it needs the blocks behind it.
    pub(crate) fn oldest(&self) -> Option<u64> {
        let taking = self.taking.load(Ordering::Relaxed);
        let oldest = self.folder.get().and_then(SnapshotsFolder::oldest);
        oldest
            .into_iter()
            .chain((taking > 0).then_some(taking))
            .min()
    }

    /// ListSnapshots.
    pub(crate) fn list(&self) -> ResponseListSnapshots {
        let all = self.folder.get().map(SnapshotsFolder::all);
        let offered = all.into_iter().flatten().take(OFFERED);
        ResponseListSnapshots {
            snapshots: offered.map(|files| offer_of(files.manifest())).collect(),
        }
    }

    /// LoadSnapshotChunk: nothing where there is none.
    pub(crate) fn load(&self, request: &RequestLoadSnapshotChunk) -> ResponseLoadSnapshotChunk {
        let folder = self.folder.get().filter(|_| request.format == FORMAT);
        let Some(files) = folder.and_then(|folder| folder.fetch(request.height)) else {
            return ResponseLoadSnapshotChunk::default();
        };
        let chunk = files.chunk(request.chunk).unwrap_or_else(|error| {
            let height = request.height;
            tracing::warn!(component = "abci", event = "snapshot_unreadable", height, %error);
            Vec::new()
        });
        ResponseLoadSnapshotChunk {
            chunk: chunk.into(),
        }
    }

    fn show(&self) {
        let newest = self
            .folder
            .get()
            .and_then(|folder| folder.all().into_iter().next());
        let height = newest.map_or(0, |files| files.manifest().height().get());
        self.newest_height
            .set(i64::try_from(height).unwrap_or(i64::MAX));
    }
}

/// Says whether it went on to the end.
fn take_into(
    folder: &SnapshotsFolder,
    committed: Arc<CommittedState>,
    goes_on: &dyn Fn() -> bool,
) -> Result<bool, SnapshotError> {
    let (begun, height) = (Instant::now(), committed.block.height);
    let mut taking = Taking::of(committed, folder.begin()?);
    loop {
        let step = Instant::now();
        if !taking.step()? {
            break;
        }
        if !goes_on() {
            return Ok(false);
        }
        thread::sleep(step.elapsed());
    }
    let (new, manifest) = taking.finish()?;
    let (chunks, records) = (manifest.chunks(), manifest.records());
    folder.add(new, manifest)?;
    let seconds = begun.elapsed().as_secs_f64();
    tracing::info!(
        component = "abci",
        event = "snapshot_taken",
        height,
        chunks,
        records,
        seconds
    );
    Ok(true)
}

/// What others are told of a snapshot: its hash is the manifest's, which is all of its metadata.
pub fn offer_of(manifest: &Manifest) -> Snapshot {
    let metadata = manifest.encode();
    Snapshot {
        height: manifest.height().get(),
        format: FORMAT,
        chunks: manifest.chunks(),
        hash: Sha256::digest(&metadata).to_vec().into(),
        metadata: metadata.into(),
    }
}
