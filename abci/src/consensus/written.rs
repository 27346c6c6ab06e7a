//! Owns what Commit hands on of a block to those who watch.

use ait_app::tx::TxHash;

use super::Finalized;
use crate::records::{CommittedBlock, CommittedTx};

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
