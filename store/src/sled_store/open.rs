//! Opening sled's files.

use std::{fs::File, path::Path, sync::Mutex};

use super::{FILL_PART, SledStore, Target, changes::Changes, contain::read, layout, value_of};
use crate::{Engine, StoreError, Table, disk, folder, head, writer::Writer};

/// The file in sled's folder that holds the data.
const DATABASE_FILE: &str = "db";
/// Memory for sled's pages, in bytes. The state has a cache of its own above it.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;

impl SledStore {
    /// Opens the store of a chain in a folder, which is created with those above it if need be.
    ///
    /// # Errors
    /// [`StoreError::NotAFolder`], [`StoreError::NotWritable`], [`StoreError::Locked`],
    /// [`StoreError::InvalidChainId`], [`StoreError::OtherChain`], [`StoreError::NewerFormat`],
    /// [`StoreError::OlderFormat`], [`StoreError::Corrupt`], [`StoreError::Lost`],
    /// [`StoreError::RolledBack`], [`StoreError::Io`]: each says what to do. Damage may also show later, from
    /// reading.
    pub fn open(path: &Path, chain_id: &str) -> Result<Self, StoreError> {
        let make = |new: &Path| open_database(path, new).map(drop);
        let files = folder::prepare(path, chain_id, Engine::Sled, DATABASE_FILE, make)?;
        let database = open_database(path, &files)?;
        disk::sync_tree(&files)?;
        let data = files.join(DATABASE_FILE);
        let file = File::open(&data).map_err(|error| StoreError::io("open", &data, error))?;
        let target = Target {
            path,
            database: &database,
            file: &file,
        };
        // A head of the first format is no longer than one chunk, and begins with its format.
        let stored = match read(path, || database.get(layout::HEAD))? {
            Some(bytes) if bytes.starts_with(&[0, 0, 0, 1]) => Some(bytes.to_vec()),
            _ => value_of(target, layout::HEAD)?,
        };
        let found = head::read(path, stored.as_deref())?;
        folder::check_head(path, chain_id, found.as_ref())?;
        if found.is_none() {
            // Of a first block that was cut short before its head.
            remove_all_entries(target)?;
        }
        let writer = Writer::open(path, found.map(|found| found.head.height))?;
        Ok(Self {
            path: path.to_owned(),
            chain_id: chain_id.to_owned(),
            database,
            file,
            writer: Mutex::new(writer),
        })
    }
}

pub(super) fn open_database(path: &Path, database_folder: &Path) -> Result<sled::Db, StoreError> {
    let config = || {
        sled::Config::new()
            .path(database_folder)
            .cache_capacity(CACHE_BYTES)
            .use_compression(false)
            // Every commit flushes by itself, and a flush in between might free what a power loss still needs.
            .flush_every_ms(None)
    };
    folder::wait_for_lock(path, || {
        // The flag is taken out of the closure because sled names a lock held elsewhere only in a message.
        let mut locked = false;
        let opened = read(path, || {
            config()
                .open()
                .inspect_err(|error| locked = is_lock_error(error))
        });
        (!locked).then_some(opened)
    })?
}

fn is_lock_error(error: &sled::Error) -> bool {
    match error {
        sled::Error::Io(source) => source.to_string().starts_with("could not acquire lock"),
        _ => false,
    }
}

/// Removes what is in the tables.
pub(super) fn remove_all_entries(target: Target<'_>) -> Result<(), StoreError> {
    let letters = Table::ALL.iter().map(|table| layout::letter(*table));
    for prefix in letters.flat_map(|letter| [vec![letter], vec![layout::CHUNK, letter]]) {
        loop {
            let mut keys = target.database.scan_prefix(&prefix).keys().take(FILL_PART);
            let mut changes = Changes::default();
            while let Some(key) = read(target.path, || keys.next().transpose())? {
                changes.remove(key);
            }
            if changes.is_empty() {
                break;
            }
            changes.apply(target)?;
        }
    }
    Ok(())
}
