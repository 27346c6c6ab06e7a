//! Owns what REST, proofs and queries get of the committed chain. Cannot commit.

use std::{collections::BTreeMap, sync::Arc};

use ait_app::{identifiers::ChainId, tx::TxHash};
use ait_store::{Store, StoreError};
use tokio::sync::broadcast;

use crate::{
    committed::Committed,
    records::{CommittedBlock, Snapshot, TxRecord},
};

/// Reads committed states and transactions. Cloning is cheap, and nobody is blocked by a reader.
#[derive(Clone)]
pub struct Reader {
    pub(crate) chain_id: Arc<ChainId>,
    pub(crate) committed: Arc<Committed>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) blocks: broadcast::Sender<Arc<CommittedBlock>>,
}

impl Reader {
    pub fn chain_id(&self) -> &ChainId {
        &self.chain_id
    }

    /// The state after the last block; `None` before the first.
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.committed.newest()
    }

    /// The state after an earlier block: the last 100 since the process started.
    pub fn snapshot_at(&self, height: u64) -> Option<Arc<Snapshot>> {
        self.committed.at(height)
    }

    /// The height of the last block; 0 before the first.
    pub fn height(&self) -> u64 {
        self.snapshot().map_or(0, |snapshot| snapshot.block.height)
    }

    /// Every block from now on, as it is committed. Who lags too far behind misses some.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<CommittedBlock>> {
        self.blocks.subscribe()
    }

    /// A transaction of the last block or an earlier one. It is in the mempool until the last block is
    /// the one that it is in: who asks [`crate::Mempool::pending`] first, and then here, never misses it.
    ///
    /// # Errors
    /// [`StoreError`] when the disk can't be read.
    pub fn transaction(&self, hash: &TxHash) -> Result<Option<TxRecord>, StoreError> {
        // Before the record: a block that is on disk is not published yet, and balances don't show it.
        let height = self.height();
        let bytes = self.store.transaction(&hash.0)?;
        let record = bytes.as_deref().and_then(TxRecord::decode);
        Ok(record.filter(|record| record.height <= height))
    }

    /// The entries of a committed block by their place in it, as far as the index has them: those that were
    /// pruned, or stand in a later block again, are missing. Reads the whole block: megabytes.
    ///
    /// # Errors
    /// [`StoreError`] when the disk can't be read.
    pub fn entries_of(&self, height: u64) -> Result<BTreeMap<u32, Vec<u8>>, StoreError> {
        let records = self.store.transactions_of(height)?;
        let entries = records.iter().filter_map(|bytes| TxRecord::place(bytes));
        Ok(entries
            .filter(|place| place.height == height)
            .map(|place| (place.index, place.wire.to_vec()))
            .collect())
    }
}
