//! Owns how a node finds its chain again: head, tree and indexes, checked against each other. No record is
//! read but those that the indexes need.

use std::sync::{Arc, Mutex, atomic::AtomicBool};

use ait_app::{
    InvariantViolation,
    identifiers::ChainId,
    quantity::Height,
    state::{AppHash, State, merkle::Hash},
};
use ait_store::{Store, StoreError, Table, for_each};

use super::{
    Blocks, Stored,
    buckets::StateReader,
    past::Past,
    shape::{Shape, ShapeError},
};
use crate::{
    halt::Halt,
    records::{BlockInfo, CommittedState},
};

/// Why a node can't start on its store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The disk.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is stored contradicts itself.
    #[error(
        "the stored state is corrupt: {0}; restore it from a backup, or move the store away and let the node build its state again: from the chain's blocks, or from a snapshot where these are pruned (`ait snapshot import`)"
    )]
    Corrupt(String),
    /// The transactions that a stop saved can't be judged on it.
    #[error(
        "the stored state is corrupt: {0}; restore it from a backup, or move the store away and let the node build its state again: from the chain's blocks, or from a snapshot where these are pruned (`ait snapshot import`)"
    )]
    Violation(#[from] InvariantViolation),
    /// The node has nothing to do with this chain any more, or not yet.
    #[error(transparent)]
    Halt(#[from] Halt),
    /// Two metrics of one name.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// The chain in a store, and the state and head of its last block; `None` where there is none yet.
///
/// # Errors
/// [`OpenError`].
pub(crate) fn open(
    store: Arc<dyn Store>,
    chain_id: &ChainId,
    cache_bytes: usize,
) -> Result<(Stored, Option<CommittedState>), OpenError> {
    let reader = Arc::new(StateReader::new(store.clone(), cache_bytes)?);
    let loaded = load(&reader, store.as_ref(), chain_id)?;
    let (newest, shape) = loaded.map_or((None, Shape::none()), |(newest, shape)| {
        (Some(newest), shape)
    });
    let stored = Stored {
        store,
        blocks: Blocks::default(),
        reader,
        shape: Mutex::new(shape),
        past: Past::default(),
        has_state: AtomicBool::new(newest.is_some()),
    };
    Ok((stored, newest))
}

pub(super) fn load(
    reader: &Arc<StateReader>,
    store: &dyn Store,
    chain_id: &ChainId,
) -> Result<Option<(CommittedState, Shape)>, OpenError> {
    let Some(head) = store.head()? else {
        return Ok(None);
    };
    let block: BlockInfo = serde_json::from_slice(&head.meta)
        .map_err(|error| OpenError::Corrupt(format!("its head record is unreadable ({error})")))?;
    if block.height != head.height {
        return Err(OpenError::Corrupt(format!(
            "its head record names height {}, the store {}",
            block.height, head.height
        )));
    }
    let corrupt = |why: &dyn std::fmt::Display| OpenError::Corrupt(why.to_string());
    let height = Height::new(block.height).ok_or_else(|| corrupt(&"its height is above 2^53-1"))?;
    let (shape, tree) = Shape::read(store).map_err(|error| match error {
        ShapeError::Store(error) => OpenError::Store(error),
        ShapeError::Unreadable => corrupt(&error),
    })?;
    let app_hash = hex::encode(AppHash::of_root(&tree.root()).0);
    if app_hash != block.app_hash {
        return Err(corrupt(&format!(
            "its records have the app hash {app_hash}, but block {} left {}",
            block.height, block.app_hash
        )));
    }
    let mut indexed = Vec::new();
    let mut unreadable = false;
    for_each(store, Table::Indexed, |(key, _)| {
        match Hash::try_from(key) {
            Ok(key_hash) => indexed.push(key_hash),
            Err(_) => unreadable = true,
        }
    })?;
    if unreadable {
        return Err(corrupt(&"the index of its records can't be understood"));
    }
    let source = Arc::new(reader.at(block.height));
    let state = State::restored(chain_id.clone(), height, tree, source, indexed)
        .map_err(|violation| corrupt(&violation))?;
    Ok(Some((CommittedState { state, block }, shape)))
}
