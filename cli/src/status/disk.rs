//! Owns what a node takes of its disk, and what is left there.

use std::{
    fs,
    path::{Path, PathBuf},
};

use ait_abci::snapshots_in;
use ait_home::comet::Home;
use rustix::fs::statvfs;
use serde::Serialize;

use crate::{place::NodePlace, snapshot::folder_of};

/// The part of a disk that has to be free, one of so many.
const FREE: u64 = 20;

/// A node's disk.
#[derive(Debug, Serialize)]
pub struct Disk {
    /// The folder of the store.
    pub store: PathBuf,
    /// Bytes of the store and its snapshots.
    pub store_bytes: u64,
    /// Bytes of CometBFT's blocks and state; null without a home.
    pub comet_bytes: Option<u64>,
    /// Bytes that this user may still write there.
    pub free_bytes: u64,
    /// Bytes of the whole disk.
    pub disk_bytes: u64,
    /// Heights of the snapshots that it has, the newest first.
    pub snapshots: Vec<u64>,
}

impl Disk {
    /// The disk of the node's store; `None` where there is no store yet.
    pub fn of(place: &NodePlace) -> Option<Self> {
        let store = &place.store.db_path;
        let disk = statvfs(store).ok()?;
        let found = snapshots_in(&folder_of(store)).unwrap_or_default();
        let data = place.home.as_ref().map(|home| Home::new(home).data());
        Some(Self {
            store: store.clone(),
            store_bytes: bytes_below(store),
            comet_bytes: data.map(|data| bytes_below(&data)),
            free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
            disk_bytes: disk.f_blocks.saturating_mul(disk.f_frsize),
            snapshots: found
                .iter()
                .map(|files| files.manifest().height().get())
                .collect(),
        })
    }

    /// Whether less is free than a node needs to go on for long.
    pub fn is_nearly_full(&self) -> bool {
        self.free_bytes < self.disk_bytes / FREE
    }
}

/// The bytes of all files below a folder; of those that go meanwhile, none.
fn bytes_below(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.fold(0, u64::saturating_add)
}
