//! Owns the mempool across stops: saved at a graceful one, judged again at the next start, and offered to
//! CometBFT, which keeps nothing across its own.

use std::{collections::HashSet, io, path::Path, sync::Arc};

use ait_app::{InvariantViolation, block::Entry, tx::TxHash};
use ait_store::StoreError;
use bytes::Bytes;

use super::{Mempool, journal::PoolJournal, lock, pool::Bench};
use crate::{fatal::Fatal, records::Verdict};

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
        let wires = self.known();
        self.inner.parts.store.save_pool(&wires)?;
        Ok(wires.len())
    }

    /// Takes in what the last process wrote down in this folder, and writes down all that is pending there from now
    /// on, each transaction before it is acknowledged. Call it before anybody is served.
    ///
    /// # Errors
    /// When the journal can't be read or written; [`InvariantViolation`] as a start's.
    pub fn keep_journal_in(&self, folder: &Path) -> Result<(), Fatal> {
        let failed = |error: io::Error| {
            let path = folder.join("pool.journal");
            Fatal::Journal(format!("{}: {error}", path.display()))
        };
        let left = PoolJournal::left_in(folder).map_err(failed)?;
        let known: HashSet<TxHash> = self.known().iter().map(|wire| TxHash::of(wire)).collect();
        let new = left
            .into_iter()
            .filter(|wire| !known.contains(&TxHash::of(wire)));
        lock(&self.inner.saved).extend(new);
        self.restore()?;
        let begun = PoolJournal::begin(folder, &self.known()).map_err(failed)?;
        *lock(&self.inner.journal) = Some(begun);
        Ok(())
    }

    /// What is pending, and what the chain's beginning will show to be.
    fn known(&self) -> Vec<Vec<u8>> {
        let mut wires = lock(&self.inner.saved).clone();
        wires.extend(self.pool().wires());
        wires
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
