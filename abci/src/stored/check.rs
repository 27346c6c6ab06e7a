//! Owns the reading of everything: whether each record on disk is what the last block's app hash says.

use std::sync::Arc;

use ait_app::{identifiers::ChainId, state::Value};
use ait_store::{Store, Table, for_each};

use super::{OpenError, buckets::StateReader, open::load};

/// What a check read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// The last block.
    pub height: u64,
    /// Records of the state, all of which have the app hash of that block.
    pub records: usize,
    /// Transactions of kept blocks.
    pub transactions: usize,
}

/// Reads every record of a store, and looks whether it is what the app hash of the last block says;
/// `progress` hears of the records read so far. `None` of a store without a block.
///
/// # Errors
/// [`OpenError`] names what is damaged.
pub fn check(
    store: Arc<dyn Store>,
    chain_id: &ChainId,
    mut progress: impl FnMut(usize),
) -> Result<Option<Checked>, OpenError> {
    let reader = Arc::new(StateReader::new(store.clone(), 0)?);
    let Some((newest, _)) = load(&reader, store.as_ref(), chain_id)? else {
        return Ok(None);
    };
    let mut records = 0_usize;
    for leaf in newest.state.entries() {
        let leaf = leaf?;
        let path = String::from_utf8_lossy(leaf.key());
        let key = ait_app::state::Key::parse(&path)
            .map_err(|refusal| OpenError::Corrupt(format!("the record {path}: {refusal}")))?;
        Value::decode(&key, leaf.value())?;
        records = records.saturating_add(1);
        if records.is_multiple_of(100_000) {
            progress(records);
        }
    }
    let mut stored = 0_usize;
    for_each(store.as_ref(), Table::Records, |_| {
        stored = stored.saturating_add(1);
    })?;
    if stored != records {
        return Err(OpenError::Corrupt(format!(
            "it holds {stored} records, and the state has {records}"
        )));
    }
    let mut transactions = 0_usize;
    for_each(store.as_ref(), Table::Transactions, |_| {
        transactions = transactions.saturating_add(1);
    })?;
    Ok(Some(Checked {
        height: newest.block.height,
        records,
        transactions,
    }))
}
