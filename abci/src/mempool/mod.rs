//! Owns the node's mempool (PROTOCOL section 3): what CheckTx answers, what PrepareProposal takes, and
//! what everybody else asks of transactions on their way. `pool` holds them, judged on the last
//! committed state; `envelope` is how many travel as one, `lines` what becomes of them; `saved` has it last
//! across stops, `journal` across any end of the process. Nothing here executes a block.

pub mod envelope;
mod journal;
mod lines;
pub mod pool;
mod saved;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ait_app::{
    Code, InvariantViolation, Refusal,
    address::Address,
    block::Entry,
    identifiers::ChainId,
    quantity::Nonce,
    receipts::attestation::Attestation,
    state::{Changed, View},
    tx::{TxHash, VerifiedTx},
};
use ait_store::Store;
use bytes::Bytes;
use envelope::is_envelope;
use journal::PoolJournal;
use pool::{Bench, Keeping, Kept, Pool};
use tokio::sync::Notify;

use crate::{
    committed::Committed,
    fatal::{Fatal, Stopper, Stopping},
    metrics::Metrics,
    records::{Arrival, CommittedState, PendingTx, PoolStats, Verdict, WantedAttestation},
    signatures::SignatureMemo,
    verified::VerifiedCache,
};

/// The transactions that wait for a block, and the claims that wait for their coordinator. Cloning is
/// cheap: every clone is of the same mempool.
#[derive(Clone)]
pub struct Mempool {
    inner: Arc<Inner>,
}

/// What a mempool is made of, besides what it holds.
pub(crate) struct Parts {
    pub chain_id: Arc<ChainId>,
    pub committed: Arc<Committed>,
    pub store: Arc<dyn Store>,
    pub verified: Arc<VerifiedCache>,
    pub signatures: Arc<SignatureMemo>,
    pub metrics: Arc<Metrics>,
    pub stopper: Stopper,
}

struct Inner {
    parts: Parts,
    /// Locked before `committed` is changed, so that it is never judged on two states.
    pool: Mutex<Pool>,
    keeping: Keeping,
    wanted: Arc<Notify>,
    /// What a stop saved, until there is a state to judge it on.
    saved: Mutex<Vec<Vec<u8>>>,
    /// Of what a stop saved, what was pending when that was looked at last.
    restored: Mutex<HashSet<TxHash>>,
    /// Locked after the pool.
    journal: Mutex<Option<PoolJournal>>,
}

impl Mempool {
    /// An empty one, with what the last stop saved still to be judged.
    pub(crate) fn new(parts: Parts, saved: Vec<Vec<u8>>) -> Self {
        let keeping = Keeping::default();
        Self {
            inner: Arc::new(Inner {
                parts,
                pool: Mutex::new(Pool::new(keeping.clone())),
                keeping,
                wanted: Arc::new(Notify::new()),
                saved: Mutex::new(saved),
                restored: Mutex::default(),
                journal: Mutex::default(),
            }),
        }
    }

    /// CheckTx of a transaction or an envelope that CometBFT presents for the first time: keeps it, or says
    /// why not.
    ///
    /// # Errors
    /// [`Fatal`].
    pub fn check_tx(&self, wire: &[u8]) -> Result<Verdict, Fatal> {
        if is_envelope(wire) {
            return Ok(self.check_envelope(wire)?);
        }
        let verdict = self.keep(wire)?;
        self.inner.parts.metrics.count_check(&verdict);
        Ok(verdict)
    }

    /// CheckTx of what CometBFT presents again after a block: what the block's commit decided.
    ///
    /// # Errors
    /// [`Fatal`].
    pub fn recheck_tx(&self, wire: &[u8]) -> Result<Verdict, Fatal> {
        if is_envelope(wire) {
            let known = self.pool().recheck_envelope(&TxHash::of(wire));
            return known.map_or_else(|| Ok(self.check_envelope(wire)?), Ok);
        }
        let known = self.pool().recheck(&TxHash::of(wire));
        known.map_or_else(|| Ok(self.keep(wire)?), Ok)
    }

    /// What CheckTx would say of wire bytes; keeps nothing.
    ///
    /// # Errors
    /// [`Stopping`].
    pub fn preview(&self, wire: &[u8]) -> Result<Verdict, Stopping> {
        let verdict = self.judge(wire, |pool, bench, verified| {
            pool.preview(bench, verified, wire.into())
        });
        verdict.map_err(|violation| self.stop(&violation))
    }

    /// Until the answer is dropped, CheckTx and [`Mempool::preview`] refuse this transaction as
    /// `nonce_pending` where another pending one of its sender has its nonce, whatever its fee.
    pub fn replace_nothing(&self, hash: TxHash) -> Kept {
        self.inner.keeping.begin(hash)
    }

    /// A pending transaction.
    pub fn pending(&self, hash: &TxHash) -> Option<PendingTx> {
        self.pool().pending(hash)
    }

    /// Why a transaction that this node had accepted left its mempool without being committed; of the
    /// last 100,000 that did. Ask [`crate::Reader::transaction`] first: another node may have proposed it
    /// since.
    pub fn dropped(&self, hash: &TxHash) -> Option<Refusal> {
        self.pool().dropped(hash).cloned()
    }

    /// The nonce after an account's own and those it has pending in sequence.
    ///
    /// # Errors
    /// [`Stopping`].
    pub fn next_nonce(&self, sender: &Address) -> Result<Nonce, Stopping> {
        let pool = self.pool();
        let base = self.inner.parts.committed.base();
        let committed = match base.map(|base| base.state.account(sender)) {
            Some(account) => account.map_err(|violation| self.stop(&violation))?.nonce,
            None => Nonce::ZERO,
        };
        Ok(pool.next_nonce(sender, committed))
    }

    /// How full it is.
    pub fn stats(&self) -> PoolStats {
        self.pool().stats()
    }

    /// Every claim whose coordinator shall be asked now.
    ///
    /// # Errors
    /// [`Stopping`].
    pub fn attestations_wanted(&self) -> Result<Vec<WantedAttestation>, Stopping> {
        let pool = self.pool();
        let Some(base) = self.inner.parts.committed.base() else {
            return Ok(Vec::new());
        };
        pool.attestations_wanted(&base.state)
            .map_err(|violation| self.stop(&violation))
    }

    /// Notified when a claim begins to wait.
    pub fn attestation_wanted_notify(&self) -> Arc<Notify> {
        self.inner.wanted.clone()
    }

    /// Takes a coordinator's answer for a waiting claim, good or negative; refuses one that is not
    /// rightly signed for it, or whose claim is gone.
    ///
    /// # Errors
    /// [`Stopping`].
    pub fn attestation_arrived(
        &self,
        hash: &TxHash,
        attestation: Attestation,
    ) -> Result<Arrival, Stopping> {
        let mut pool = self.pool();
        let Some(base) = self.inner.parts.committed.base() else {
            return Ok(Arrival::Refused(not_begun()));
        };
        let arrived = self
            .bench(&base)
            .and_then(|bench| pool.attestation_arrived(&bench, hash, attestation));
        arrived.map_err(|violation| self.stop(&violation))
    }

    /// What PrepareProposal takes: the dearest of it that may be executed next, up to so many bytes by
    /// protobuf size, and no more than a block may have. `base` is read once nothing can change it.
    pub(crate) fn propose(
        &self,
        base: impl FnOnce() -> Result<Arc<CommittedState>, Fatal>,
        max_bytes: usize,
    ) -> Result<Vec<Bytes>, Fatal> {
        let mut pool = self.pool();
        let base = base()?;
        let max_bytes = max_bytes.min(base.block.max_block_bytes);
        let signatures = self.inner.parts.signatures.as_ref();
        let txs = pool.propose(&base.state, signatures, max_bytes)?;
        Ok(txs.into_iter().map(Bytes::from).collect())
    }

    /// Brings it to the state of a block that was just written, of which these are the transactions and
    /// these the records that it changed, and publishes that state: nobody finds a transaction neither here
    /// nor there.
    pub(crate) fn commit(
        &self,
        newest: &Arc<CommittedState>,
        committed: &HashSet<TxHash>,
        changed: &[Changed],
    ) -> Result<(), Fatal> {
        let parts = &self.inner.parts;
        let stats = {
            let mut pool = self.pool();
            parts.committed.publish(newest.clone());
            let block = pool::Block {
                txs: committed,
                changed,
            };
            pool.commit(&newest.state, parts.signatures.as_ref(), block)?;
            if let Some(journal) = lock(&self.inner.journal).as_mut() {
                tidy(journal, &pool);
            }
            pool.stats()
        };
        if stats.waiting_for_attestation > 0 {
            self.inner.wanted.notify_one();
        }
        parts.metrics.show_pool(&stats);
        Ok(())
    }

    /// Takes the published state back: its records are about to be removed, and nobody judges on it then.
    pub(crate) fn withdraw(&self) {
        let _pool = self.pool();
        self.inner.parts.committed.clear();
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        lock(&self.inner.pool)
    }

    fn stop(&self, why: &InvariantViolation) -> Stopping {
        self.inner.parts.stopper.stop(why)
    }

    fn keep(&self, wire: &[u8]) -> Result<Verdict, InvariantViolation> {
        let verdict = self.judge(wire, |pool, bench, verified| {
            let verdict = pool.check(bench, verified, wire.into())?;
            self.note(pool, [(wire, &verdict)]);
            Ok(verdict)
        })?;
        if verdict == Verdict::WaitsForAttestation {
            self.inner.wanted.notify_one();
        }
        Ok(verdict)
    }

    /// Writes down what is about to be acknowledged, while the pool is locked.
    fn note<'a>(&self, pool: &Pool, kept: impl IntoIterator<Item = (&'a [u8], &'a Verdict)>) {
        let mut journal = lock(&self.inner.journal);
        let Some(journal) = journal.as_mut() else {
            return;
        };
        for (wire, verdict) in kept {
            if !matches!(verdict, Verdict::Refused(_)) {
                journal.note(wire);
            }
        }
        // Also where no block comes for long: what is replaced or dropped meanwhile would fill the disk.
        tidy(journal, pool);
    }

    /// Verifies wire bytes outside of all locks, then lets the pool judge them.
    fn judge(
        &self,
        wire: &[u8],
        judge: impl FnOnce(
            &mut Pool,
            &Bench<'_>,
            Arc<VerifiedTx>,
        ) -> Result<Verdict, InvariantViolation>,
    ) -> Result<Verdict, InvariantViolation> {
        let parts = &self.inner.parts;
        let verified = match transaction(parts.verified.read(wire, &parts.chain_id)) {
            Ok(verified) => verified,
            Err(refusal) => return Ok(Verdict::Refused(refusal)),
        };
        let mut pool = self.pool();
        let Some(base) = parts.committed.base() else {
            return Ok(Verdict::Refused(not_begun()));
        };
        judge(&mut pool, &self.bench(&base)?, verified)
    }

    fn bench<'a>(&'a self, base: &'a CommittedState) -> Result<Bench<'a>, InvariantViolation> {
        Bench::new(&base.state, self.inner.parts.signatures.as_ref())
    }
}

/// The transaction that wire bytes are.
fn transaction(entry: Entry) -> Result<Arc<VerifiedTx>, Refusal> {
    match entry {
        Entry::Transaction(verified) => Ok(verified),
        Entry::Invalid(refusal) => Err(refusal),
        Entry::Attestations(_) => Err(Refusal::new(
            Code::UnexpectedAttestations,
            "ATTESTATIONS entries are written by proposers alone",
        )),
    }
}

fn tidy(journal: &mut PoolJournal, pool: &Pool) {
    let pending_bytes = u64::try_from(pool.stats().bytes).unwrap_or(u64::MAX);
    journal.tidy(pending_bytes, || pool.wires());
}

fn not_begun() -> Refusal {
    Refusal::new(Code::Dropped, "the chain has not begun yet")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
