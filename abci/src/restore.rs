//! Owns the pool across stops: saved at a graceful one, judged again at the next start, and offered to
//! CometBFT, which keeps nothing across its own.

use std::sync::{Arc, atomic::Ordering};

use ait_app::{Broken, block::Entry, tx::TxHash};
use ait_store::StoreError;
use bytes::Bytes;

use crate::{Node, node::lock, pool::Bench};

impl Node {
    /// What CometBFT does not hold and must be offered, in the order in which it takes them all. Tell
    /// [`Node::offered`] of each that it was offered.
    pub fn unoffered(&self) -> Vec<(TxHash, Arc<[u8]>)> {
        if !self.inner.unoffered.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let pool = self.pool();
        let unoffered = pool.unoffered();
        // Under the pool's lock, as whoever sets it: nothing is missed.
        self.inner
            .unoffered
            .store(!unoffered.is_empty(), Ordering::Relaxed);
        unoffered
    }

    /// CometBFT took a transaction, or refused it.
    pub fn offered(&self, hash: &TxHash) {
        self.pool().offered(hash);
    }

    /// Saves the pool for the next start. Call it when CometBFT is no longer served.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn save_pool(&self) -> Result<usize, StoreError> {
        // Before the chain's beginning nothing could be judged, and nothing came.
        let mut wires = lock(&self.inner.saved).clone();
        wires.extend(self.pool().wires());
        self.inner.store.save_pool(&wires)?;
        Ok(wires.len())
    }

    /// CometBFT shakes hands: a new one knows nothing of the pool's transactions.
    pub(crate) fn offer_pool_again(&self) {
        let mut pool = self.pool();
        pool.offer_again();
        self.inner.unoffered.store(true, Ordering::Relaxed);
    }

    /// Judges what a stop saved on the committed state, once there is one.
    pub(crate) fn restore_pool(&self) {
        let Some(base) = self.base() else {
            return;
        };
        let saved = std::mem::take(&mut *lock(&self.inner.saved));
        if saved.is_empty() {
            return;
        }
        let wires: Vec<Bytes> = saved.into_iter().map(Bytes::from).collect();
        let entries = self.inner.verified.read_all(&wires, &self.inner.chain_id);
        let restored = Bench::new(&base.state, &self.inner.signatures)
            .and_then(|bench| self.restore_into_pool(&bench, &wires, entries));
        match restored {
            Ok(transactions) => tracing::info!(
                component = "abci",
                event = "pool_restored",
                transactions,
                refused = wires.len().saturating_sub(transactions),
            ),
            Err(broken) => self.fatal(&broken),
        }
    }

    fn restore_into_pool(
        &self,
        bench: &Bench<'_>,
        wires: &[Bytes],
        entries: Vec<Entry>,
    ) -> Result<usize, Broken> {
        let mut pool = self.pool();
        let mut restored = 0_usize;
        for (wire, entry) in wires.iter().zip(entries) {
            let Entry::Transaction(verified) = entry else {
                continue;
            };
            let hash = verified.hash;
            match pool.restore(bench, verified, wire.as_ref().into())? {
                Ok(()) => restored = restored.saturating_add(1),
                Err(reason) => tracing::info!(
                    component = "abci",
                    event = "saved_transaction_refused",
                    %hash,
                    %reason,
                ),
            }
        }
        self.inner.unoffered.store(true, Ordering::Relaxed);
        self.inner.metrics.show_pool(&pool.stats());
        Ok(restored)
    }
}
