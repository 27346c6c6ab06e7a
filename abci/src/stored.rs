//! Owns how a node finds its chain again: the stored state and head, checked against each other.

use ait_app::{InvariantViolation, identifiers::ChainId, quantity::Height, state::State};
use ait_store::{Store, StoreError};

use crate::records::{BlockInfo, Snapshot};

/// Why a node can't start on its store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The disk.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is stored contradicts itself.
    #[error(
        "the stored state is corrupt: {0}; restore it from a backup, or remove the store to replay the chain from its blocks"
    )]
    Corrupt(String),
    /// The transactions that a stop saved can't be judged on it.
    #[error(
        "the stored state is corrupt: {0}; restore it from a backup, or remove the store to replay the chain from its blocks"
    )]
    Violation(#[from] InvariantViolation),
    /// Two metrics of one name.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// The state and head of the last committed block; `None` where there is none yet.
///
/// # Errors
/// [`OpenError`].
pub(crate) fn load(store: &dyn Store, chain_id: &ChainId) -> Result<Option<Snapshot>, OpenError> {
    let Some(loaded) = store.load()? else {
        return Ok(None);
    };
    let block: BlockInfo = serde_json::from_slice(&loaded.meta)
        .map_err(|error| OpenError::Corrupt(format!("its head record is unreadable ({error})")))?;
    if block.height != loaded.height {
        return Err(OpenError::Corrupt(format!(
            "its head record names height {}, the store {}",
            block.height, loaded.height
        )));
    }
    let corrupt = |why: &dyn std::fmt::Display| OpenError::Corrupt(why.to_string());
    let height = Height::new(block.height).ok_or_else(|| corrupt(&"its height is above 2^53-1"))?;
    let entries = loaded.state.collect::<Result<Vec<_>, _>>()?;
    let state = State::from_entries(chain_id.clone(), height, entries)
        .map_err(|violation| corrupt(&violation))?;
    let app_hash = hex::encode(state.app_hash().0);
    if app_hash != block.app_hash {
        return Err(corrupt(&format!(
            "its records have the app hash {app_hash}, but block {} left {}",
            block.height, block.app_hash
        )));
    }
    Ok(Some(Snapshot { state, block }))
}
