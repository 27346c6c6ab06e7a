//! Owns taking the last block back: what it changed is as before, and what it brought is gone, in one write.
//! The block may be executed again then, by a program that does it otherwise.

use std::sync::Arc;

use ait_app::{
    identifiers::ChainId,
    state::{
        AppHash, is_indexed,
        merkle::{Changes, Leaf},
    },
};
use ait_store::{Store, StoreError, Table, WriteBatch};

use super::{
    OpenError,
    blocks::remove_block,
    buckets::StateReader,
    history::{Before, read_undo, remove_undo},
    open::load,
    past,
};
use crate::records::BlockInfo;

/// Why the last block can't be taken back.
#[derive(Debug, thiserror::Error)]
pub enum RollBackError {
    /// The store is not in order.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is no block.
    #[error("the store holds no block")]
    NoBlock,
    /// What it changed is not known.
    #[error(
        "the store does not know what was before block {height}: it is the first one here, the one that a snapshot was \
         restored to, or one that was made before the node's last start"
    )]
    NothingBefore {
        /// The last block.
        height: u64,
    },
}

impl From<StoreError> for RollBackError {
    fn from(error: StoreError) -> Self {
        Self::Open(error.into())
    }
}

/// Takes back the last block of a store that no node runs on; gives the block before it, which is the last one
/// from now on. Whatever interrupts it, the store has the one or the other.
///
/// # Errors
/// [`RollBackError`]; then nothing was changed, or only that nobody knows whether it was.
pub fn roll_back(store: &Arc<dyn Store>, chain_id: &ChainId) -> Result<BlockInfo, RollBackError> {
    let reader = Arc::new(StateReader::new(store.clone(), 0)?);
    let loaded = load(&reader, store.as_ref(), chain_id)?;
    let (newest, mut shape) = loaded.ok_or(RollBackError::NoBlock)?;
    let height = newest.block.height;
    let undo = read_undo(store.as_ref(), height).map_err(OpenError::from)?;
    let before = undo.ok_or(RollBackError::NothingBefore { height })?;
    let info: BlockInfo = serde_json::from_slice(&before.head)
        .map_err(|error| OpenError::Corrupt(format!("what was before is unreadable ({error})")))?;
    let mut batch = WriteBatch {
        height: info.height,
        meta: before.head,
        ..WriteBatch::default()
    };
    let mut changes = Changes::new();
    for record in before.records {
        put_back(store.as_ref(), record, &mut changes, &mut batch)?;
    }
    let state = &newest.state;
    let (tree, _) = state
        .tree()
        .updated(&changes, state.buckets())
        .map_err(OpenError::from)?;
    let app_hash = hex::encode(AppHash::of_root(&tree.root()).0);
    if app_hash != info.app_hash {
        return Err(RollBackError::Open(OpenError::Corrupt(format!(
            "without block {height} its records have the app hash {app_hash}, but block {} left {}",
            info.height, info.app_hash
        ))));
    }
    shape.write_back(&tree, info.height, &mut batch);
    remove_block(store.as_ref(), height, &mut batch)?;
    remove_undo(store.as_ref(), height, &mut batch)?;
    past::roll_back(store.as_ref(), height, &mut batch)?;
    store.roll_back(&batch)?;
    Ok(info)
}

/// Makes a record what it was.
fn put_back(
    store: &dyn Store,
    (key_hash, leaf): Before,
    changes: &mut Changes,
    batch: &mut WriteBatch,
) -> Result<(), RollBackError> {
    let Some(leaf) = leaf else {
        let record = store.get(Table::Records, &key_hash)?;
        let made = record.and_then(|record| Leaf::of_record(Arc::<[u8]>::from(record)));
        let made = made.ok_or_else(|| {
            OpenError::Corrupt("a record that the last block made is not there".to_owned())
        })?;
        changes.insert(made.key().to_vec(), None);
        batch.remove(Table::Records, key_hash);
        batch.remove(Table::Indexed, key_hash);
        return Ok(());
    };
    changes.insert(leaf.key().to_vec(), Some(leaf.value().into()));
    match is_indexed(&leaf).map_err(OpenError::from)? {
        true => batch.put(Table::Indexed, key_hash, []),
        false => batch.remove(Table::Indexed, key_hash),
    }
    batch.put(Table::Records, key_hash, leaf.shared_record());
    Ok(())
}
