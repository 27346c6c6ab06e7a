//! Opening a store: every refusal, in an order that touches nothing of a store it refuses where that can be.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::{
    SledStore, Target,
    changes::Changes,
    contain::{corrupt, read},
    writer::{FILL_PART, Writer},
};
use crate::{
    StoreError, disk,
    layout::{self, FORMAT, HEAD, Head, HeadError},
    marker::{self, HeightFile},
};

/// The folder of sled's files within the store's.
const DATABASE_FOLDER: &str = "sled";
/// The file in it that holds the data.
const DATABASE_FILE: &str = "db";
/// Memory for sled's pages, in bytes. The state is kept in memory by its owner, so few pages are read again.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// The longest chain id in bytes (CometBFT, `MaxChainIDLen`).
const MAX_CHAIN_ID_BYTES: usize = 50;
/// How long to wait for a lock: a process that was just stopped may still be closing its files.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);
const LOCK_RETRY: Duration = Duration::from_millis(20);

impl SledStore {
    /// Opens the store of a chain in a folder, which is created with those above it if need be.
    ///
    /// # Errors
    /// [`StoreError::NotAFolder`], [`StoreError::NotWritable`], [`StoreError::Locked`],
    /// [`StoreError::InvalidChainId`], [`StoreError::OtherChain`], [`StoreError::NewerFormat`],
    /// [`StoreError::Corrupt`], [`StoreError::Lost`], [`StoreError::RolledBack`], [`StoreError::Io`]: each
    /// says what to do. Damage may also show later, from reading.
    pub fn open(path: &Path, chain_id: &str) -> Result<Self, StoreError> {
        check_chain_id(chain_id)?;
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_dir()) {
            return Err(StoreError::NotAFolder {
                path: path.to_owned(),
            });
        }
        disk::create_folder(path)?;
        let database_folder = path.join(DATABASE_FOLDER);
        let database_file = database_folder.join(DATABASE_FILE);
        // Before sled makes new files where old ones are missing, or changes those of another store.
        if marker::check_marker(path, chain_id)? && !database_file.exists() {
            return Err(StoreError::Lost {
                path: path.to_owned(),
                height: HeightFile::read(path)?,
            });
        }
        let database = open_database(path, &database_folder)?;
        disk::sync_tree(&database_folder)?;

        // Again, as the lock is held from here on.
        let marked = marker::check_marker(path, chain_id)?;
        let stored = HeightFile::read(path)?;
        let head = read_head(path, &database)?;
        check_head(path, chain_id, head.as_ref(), marked, stored)?;
        let file = File::open(&database_file)
            .map_err(|error| StoreError::io("open", &database_file, error))?;
        if head.is_none() {
            remove_cut_short_fill(
                Target {
                    path,
                    chain_id,
                    database: &database,
                },
                &file,
            )?;
        } else if !marked {
            marker::write_marker(path, chain_id)?;
        }
        let writer = Writer {
            file,
            height_file: HeightFile::open(path)?,
            height: head.as_ref().map(|head| head.height),
            meta_chunks: head.map_or(0, |head| layout::chunk_count(u64::from(head.meta_length))),
            further_chunks: further_chunks(path, &database)?,
            failure: None,
        };
        Ok(Self::new(
            path.to_owned(),
            chain_id.to_owned(),
            database,
            writer,
        ))
    }
}

fn check_chain_id(chain_id: &str) -> Result<(), StoreError> {
    let length_fits = (1..=MAX_CHAIN_ID_BYTES).contains(&chain_id.len());
    if length_fits && chain_id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(StoreError::InvalidChainId {
        chain_id: chain_id.to_owned(),
        limit: MAX_CHAIN_ID_BYTES,
    })
}

fn open_database(path: &Path, database_folder: &Path) -> Result<sled::Db, StoreError> {
    let config = || {
        sled::Config::new()
            .path(database_folder)
            .cache_capacity(CACHE_BYTES)
            .use_compression(false)
            // Every commit flushes by itself, and a flush in between might free what a power loss still needs.
            .flush_every_ms(None)
    };
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        // The flag is taken out of the closure because sled names a lock held elsewhere only in a message.
        let mut locked = false;
        let opened = read(path, || {
            config()
                .open()
                .inspect_err(|error| locked = is_lock_error(error))
        });
        match opened {
            Err(_) if locked && Instant::now() < deadline => thread::sleep(LOCK_RETRY),
            Err(_) if locked => {
                return Err(StoreError::Locked {
                    path: path.to_owned(),
                });
            }
            other => return other,
        }
    }
}

fn is_lock_error(error: &sled::Error) -> bool {
    match error {
        sled::Error::Io(source) => source.to_string().starts_with("could not acquire lock"),
        _ => false,
    }
}

pub(super) fn read_head(path: &Path, database: &sled::Db) -> Result<Option<Head>, StoreError> {
    let Some(bytes) = read(path, || database.get(HEAD))? else {
        return Ok(None);
    };
    Head::decode(&bytes).map(Some).map_err(|error| match error {
        HeadError::Newer(found) => StoreError::NewerFormat {
            path: path.to_owned(),
            found,
            supported: FORMAT,
        },
        HeadError::Undecodable => corrupt(path, "its head record cannot be understood"),
    })
}

/// Compares what the database holds with what the files beside it know.
fn check_head(
    path: &Path,
    chain_id: &str,
    head: Option<&Head>,
    marked: bool,
    stored: Option<u64>,
) -> Result<(), StoreError> {
    let path = || path.to_owned();
    match (head, stored) {
        (None, None) if !marked => Ok(()),
        (None, height) => Err(StoreError::Lost {
            path: path(),
            height,
        }),
        (Some(head), _) if head.chain_id != chain_id => Err(StoreError::OtherChain {
            path: path(),
            found: head.chain_id.clone(),
            expected: chain_id.to_owned(),
        }),
        (Some(head), Some(stored)) if head.height < stored => Err(StoreError::RolledBack {
            path: path(),
            found: head.height,
            stored,
        }),
        (Some(_), _) => Ok(()),
    }
}

/// The number of further chunks of every state value that has some. Few values are that long.
fn further_chunks(path: &Path, database: &sled::Db) -> Result<BTreeMap<Vec<u8>, u32>, StoreError> {
    let mut counts = BTreeMap::new();
    let mut keys = database.scan_prefix([layout::STATE_CHUNK]).keys();
    while let Some(chunk_key) = read(path, || keys.next().transpose())? {
        let key = layout::state_key_of_chunk(&chunk_key)
            .ok_or_else(|| corrupt(path, "a key of the state cannot be understood"))?;
        let count: &mut u32 = counts.entry(key.to_vec()).or_default();
        *count = count.saturating_add(1);
    }
    Ok(counts)
}

/// Removes state entries that a first block left behind when it was cut short before its head.
fn remove_cut_short_fill(target: Target<'_>, file: &File) -> Result<(), StoreError> {
    for prefix in [layout::STATE, layout::STATE_CHUNK] {
        loop {
            let mut keys = target.database.scan_prefix([prefix]).keys().take(FILL_PART);
            let mut changes = Changes::default();
            while let Some(key) = read(target.path, || keys.next().transpose())? {
                changes.remove(key);
            }
            if changes.is_empty() {
                break;
            }
            changes.apply(target, file)?;
        }
    }
    Ok(())
}
