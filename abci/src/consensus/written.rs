//! Owns what Commit hands on of a block: to the disk, and to those who watch.

use std::sync::Arc;

use ait_app::{block::BlockOutcome, state::State, tx::TxHash};
use ait_store::WriteBatch;

use super::Finalized;
use crate::{
    fatal::Fatal,
    records::{CommittedBlock, CommittedTx, TxRecord},
};

/// Everything that a block writes, the whole state where the store has none of it yet.
pub(super) fn batch(
    block: &Finalized,
    hashes: &[TxHash],
    whole: bool,
    retain_height: u64,
) -> Result<WriteBatch, Fatal> {
    let BlockOutcome {
        changes,
        state,
        results,
        ..
    } = block.outcome.as_ref();
    let records = if whole {
        whole_state(state)
    } else {
        let owned = |value: &Option<Arc<[u8]>>| value.as_ref().map(|bytes| bytes.to_vec());
        changes
            .iter()
            .map(|(key, value)| (key.clone(), owned(value)))
            .collect()
    };
    let mut transactions = Vec::with_capacity(block.txs.len());
    let entries = block.txs.iter().zip(hashes).zip(results);
    for (index, ((wire, hash), result)) in (0_u32..).zip(entries) {
        let record = TxRecord::encode(block.info.height, index, result, wire)?;
        transactions.push((hash.0, record));
    }
    Ok(WriteBatch {
        height: block.info.height,
        meta: serde_json::to_vec(&block.info)?,
        state: records,
        transactions,
        prune_transactions_below: (retain_height > 0).then_some(retain_height),
    })
}

fn whole_state(state: &State) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    state
        .entries()
        .map(|(key, value)| (key.to_vec(), Some(value.to_vec())))
        .collect()
}

/// The block as those who watch get it.
pub(super) fn committed_block(block: Finalized, hashes: Vec<TxHash>) -> CommittedBlock {
    let txs = block.txs.iter().zip(hashes).zip(block.outcome.results);
    CommittedBlock {
        info: block.info,
        txs: txs
            .map(|((wire, hash), result)| CommittedTx {
                hash,
                wire: wire.as_ref().into(),
                result,
            })
            .collect(),
        events: block.outcome.events,
    }
}
