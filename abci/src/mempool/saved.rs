//! Owns the mempool across stops: saved at a graceful one, judged again at the next start, and offered to
//! CometBFT, which keeps nothing across its own.

use std::sync::Arc;

use ait_app::{InvariantViolation, block::Entry, tx::TxHash};
use ait_store::StoreError;
use bytes::Bytes;

use super::{Mempool, lock, pool::Bench};
use crate::records::Verdict;

impl Mempool {
    /// What CometBFT does not hold and must be offered, in the order in which it takes them all. Tell
    /// [`Mempool::offered`] of each that it was offered.
    pub fn unoffered(&self) -> Vec<(TxHash, Arc<[u8]>)> {
        self.pool().unoffered()
    }

    /// Whether a transaction is still to be offered.
    pub fn is_unoffered(&self, hash: &TxHash) -> bool {
        self.pool().is_unoffered(hash)
    }

    /// CometBFT took a transaction, or refused it.
    pub fn offered(&self, hash: &TxHash) {
        self.pool().offered(hash);
    }

    /// Saves it for the next start, and says how many transactions that were. Call it when CometBFT is no
    /// longer served.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn save(&self) -> Result<usize, StoreError> {
        // Before the chain's beginning nothing could be judged, and nothing came.
        let mut wires = lock(&self.inner.saved).clone();
        wires.extend(self.pool().wires());
        self.inner.parts.store.save_pool(&wires)?;
        Ok(wires.len())
    }

    /// Whether anything that the last stop saved is still pending: until then the store has to keep it, since a
    /// crash leaves nothing else of it.
    pub(crate) fn has_saved(&self) -> bool {
        let pool = self.pool();
        let mut restored = lock(&self.inner.restored);
        restored.retain(|hash| pool.has(hash));
        !restored.is_empty() || !lock(&self.inner.saved).is_empty()
    }

    /// CometBFT shakes hands: a new one knows nothing of what is pending.
    pub(crate) fn offer_again(&self) {
        self.pool().offer_again();
    }

    /// Judges what a stop saved on the committed state, once there is one.
    pub(crate) fn restore(&self) -> Result<(), InvariantViolation> {
        let parts = &self.inner.parts;
        let Some(base) = parts.committed.base() else {
            return Ok(());
        };
        let saved = std::mem::take(&mut *lock(&self.inner.saved));
        if saved.is_empty() {
            return Ok(());
        }
        let wires: Vec<Bytes> = saved.into_iter().map(Bytes::from).collect();
        let entries = parts.verified.read_all(&wires, &parts.chain_id);
        let transactions = self.restore_all(&self.bench(&base)?, &wires, entries)?;
        tracing::info!(
            component = "abci",
            event = "pool_restored",
            transactions,
            refused = wires.len().saturating_sub(transactions),
        );
        Ok(())
    }

    fn restore_all(
        &self,
        bench: &Bench<'_>,
        wires: &[Bytes],
        entries: Vec<Entry>,
    ) -> Result<usize, InvariantViolation> {
        let mut pool = self.pool();
        let mut restored = lock(&self.inner.restored);
        for (wire, entry) in wires.iter().zip(entries) {
            let Entry::Transaction(verified) = entry else {
                continue;
            };
            let hash = verified.hash;
            match pool.restore(bench, verified, wire.as_ref().into())? {
                Verdict::Refused(reason) => tracing::info!(
                    component = "abci",
                    event = "saved_transaction_refused",
                    %hash,
                    %reason,
                ),
                _ => {
                    restored.insert(hash);
                }
            }
        }
        self.inner.parts.metrics.show_pool(&pool.stats());
        Ok(restored.len())
    }
}
