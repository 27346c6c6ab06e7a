//! Owns what REST, proofs and queries get of the committed chain. Cannot commit.

use std::sync::Arc;

use ait_app::{InvariantViolation, identifiers::ChainId, state::Key, tx::TxHash};
use ait_store::StoreError;
use tokio::sync::broadcast;

use crate::{
    committed::Committed,
    records::{CommittedBlock, CommittedState, TxRecord},
    stored::Stored,
};

/// Reads committed states and transactions. Cloning is cheap, and nobody is blocked by a reader.
#[derive(Clone)]
pub struct Reader {
    pub(crate) chain_id: Arc<ChainId>,
    pub(crate) committed: Arc<Committed>,
    pub(crate) stored: Arc<Stored>,
    pub(crate) blocks: broadcast::Sender<Arc<CommittedBlock>>,
}

impl Reader {
    pub fn chain_id(&self) -> &ChainId {
        &self.chain_id
    }

    /// The state after the last block; `None` before the first.
    pub fn newest(&self) -> Option<Arc<CommittedState>> {
        self.committed.newest()
    }

    /// The state after an earlier block: the last 100 since the process started.
    pub fn at(&self, height: u64) -> Option<Arc<CommittedState>> {
        self.committed.at(height)
    }

    /// A record's value after an earlier block whose state is not here any more; `None` where its height is not kept
    /// on disk.
    ///
    /// # Errors
    /// [`InvariantViolation`] when it can't be read.
    pub fn value_at(
        &self,
        key: &Key,
        height: u64,
    ) -> Result<Option<Option<Vec<u8>>>, InvariantViolation> {
        match self.newest() {
            Some(newest) => self.stored.value_at(key, height, &newest.state),
            None => Ok(None),
        }
    }

    /// The height of the last block; 0 before the first.
    pub fn height(&self) -> u64 {
        self.newest().map_or(0, |newest| newest.block.height)
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
        let store = self.stored.store.as_ref();
        let record = self.stored.blocks.transaction(store, hash)?;
        Ok(record.filter(|record| record.height <= height))
    }

    /// The entries of a committed block, in order; none of a block that was pruned. Reads the whole block:
    /// megabytes.
    ///
    /// # Errors
    /// [`StoreError`] when the disk can't be read.
    pub fn entries_of(&self, height: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        let store = self.stored.store.as_ref();
        self.stored.blocks.entries_of(store, height)
    }

    /// The hashes of a block's entries, and the code that each ended with, as [`Reader::entries_of`] reads them.
    ///
    /// # Errors
    /// [`StoreError`] when the disk can't be read.
    pub fn codes_of(&self, height: u64) -> Result<Vec<(TxHash, u32)>, StoreError> {
        let store = self.stored.store.as_ref();
        self.stored.blocks.codes_of(store, height)
    }
}
