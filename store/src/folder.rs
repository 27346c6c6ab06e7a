//! Opening a store's folder: every refusal that is no database's own, in an order that touches nothing of a
//! store it refuses where that can be.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    StoreError, disk,
    head::ChainHead,
    marker::{self, HeightFile},
};

/// The longest chain id in bytes (CometBFT, `MaxChainIDLen`).
const MAX_CHAIN_ID_BYTES: usize = 50;

/// The database in which a store lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A log-structured merge tree: [`crate::FjallStore`].
    Fjall,
    /// A B-tree on a log: [`crate::SledStore`].
    Sled,
}

impl Engine {
    /// The name of its folder within the store's.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fjall => "fjall",
            Self::Sled => "sled",
        }
    }

    /// The database of the store in a folder; `None` where there is none yet.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        [Self::Fjall, Self::Sled]
            .into_iter()
            .find(|engine| path.join(engine.name()).is_dir())
    }
}

/// Looks at a folder before its database is opened, and creates it with those above it if need be. `files`
/// are within the database's folder, and are there whenever the database is. Gives the database's folder.
pub(crate) fn prepare(
    path: &Path,
    chain_id: &str,
    engine: Engine,
    files: &str,
) -> Result<PathBuf, StoreError> {
    check_chain_id(chain_id)?;
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_dir()) {
        return Err(StoreError::NotAFolder {
            path: path.to_owned(),
        });
    }
    disk::create_folder(path)?;
    let database = path.join(engine.name());
    // Before the database makes new files where old ones are missing, or changes those of another store.
    if marker::check_marker(path, chain_id)? && !database.join(files).exists() {
        return Err(StoreError::Lost {
            path: path.to_owned(),
            height: HeightFile::read(path)?,
        });
    }
    Ok(database)
}

/// Compares what the database holds with what the files beside it know, once its lock is held.
pub(crate) fn check_head(
    path: &Path,
    chain_id: &str,
    head: Option<&ChainHead>,
) -> Result<(), StoreError> {
    let is_marked = marker::check_marker(path, chain_id)?;
    let stored = HeightFile::read(path)?;
    let path = path.to_owned();
    let Some(ChainHead {
        chain_id: found,
        head,
    }) = head
    else {
        if is_marked || stored.is_some() {
            let height = stored;
            return Err(StoreError::Lost { path, height });
        }
        return Ok(());
    };
    if found != chain_id {
        return Err(StoreError::OtherChain {
            path,
            found: found.clone(),
            expected: chain_id.to_owned(),
        });
    }
    if let Some(stored) = stored.filter(|stored| head.height < *stored) {
        return Err(StoreError::RolledBack {
            path,
            found: head.height,
            stored,
        });
    }
    if !is_marked {
        marker::write_marker(&path, chain_id)?;
    }
    Ok(())
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
