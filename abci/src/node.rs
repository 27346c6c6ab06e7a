//! Owns the node: the committed states that readers hold, the pool, and the block in the making.
//! Everything here is shared by CometBFT's four connections and by REST; only Commit writes.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use ait_app::{
    Broken, Code, Refusal,
    address::Address,
    block::{BlockOutcome, Entry},
    identifiers::ChainId,
    quantity::Nonce,
    receipts::attestation::Attestation,
    state::View,
    tx::{TxHash, VerifiedTx},
};
use ait_store::{Store, StoreError};
use tokio::sync::{Notify, broadcast};

use crate::{
    OpenError,
    metrics::Metrics,
    pool::{Bench, Pool},
    records::{
        CommittedBlock, Head, PendingTx, PoolStats, Snapshot, TxRecord, Verdict, WantedAttestation,
    },
    signatures::{MAX_VERDICTS, SignatureMemo},
    stored,
    verified::VerifiedCache,
};

/// Heights whose states stay readable, the last one included: PROTOCOL section 7 asks for 100.
const HISTORY: usize = 101;

/// Blocks that a slow subscriber may lag behind before it misses some.
const SUBSCRIPTION_BLOCKS: usize = 256;

/// Ends the process with one message, since going on would be wrong. Tests record it instead.
pub type OnFatal = Arc<dyn Fn(String) + Send + Sync>;

/// A node's application: serves CometBFT, and those who read.
#[derive(Clone)]
pub struct Node {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub chain_id: ChainId,
    pub store: Arc<dyn Store>,
    pub on_fatal: OnFatal,
    pub verified: VerifiedCache,
    pub signatures: SignatureMemo,
    pub metrics: Metrics,
    /// Lock order: `making`, then `pool`, then `committed`.
    pub making: Mutex<Making>,
    pub pool: Mutex<Pool>,
    pub committed: RwLock<Committed>,
    pub blocks: broadcast::Sender<Arc<CommittedBlock>>,
    pub wanted: Arc<Notify>,
    offers: Mutex<Vec<Vec<u8>>>,
    /// Blocks whose transactions stay in the index and in CometBFT; 0 for all.
    kept_blocks: AtomicU64,
}

/// What is between two commits.
#[derive(Default)]
pub(crate) struct Making {
    /// Proposals of this height that were executed already, by block hash.
    pub judged: Vec<(bytes::Bytes, Box<BlockOutcome>)>,
    /// The decided block, executed and not committed.
    pub finalized: Option<Finalized>,
    /// Whether the store holds the state; the first commit writes all of it.
    pub stored: bool,
}

/// A decided block that Commit will write.
pub(crate) struct Finalized {
    pub head: Head,
    pub txs: Vec<bytes::Bytes>,
    pub entries: Vec<Entry>,
    pub outcome: Box<BlockOutcome>,
}

/// The committed states, the newest last.
#[derive(Default)]
pub(crate) struct Committed {
    pub history: VecDeque<Arc<Snapshot>>,
}

impl Node {
    /// Opens a node on its store: rebuilds the state in memory and checks its app hash against the
    /// one that was stored with it.
    ///
    /// # Errors
    /// [`OpenError`], each with what to do.
    pub fn open(
        store: Arc<dyn Store>,
        chain_id: ChainId,
        on_fatal: OnFatal,
    ) -> Result<Self, OpenError> {
        let mut committed = Committed::default();
        let stored = stored::load(store.as_ref(), &chain_id)?;
        let making = Making {
            stored: stored.is_some(),
            ..Making::default()
        };
        committed.history.extend(stored.map(Arc::new));
        let offers = store.take_pool()?;
        let (blocks, _) = broadcast::channel(SUBSCRIPTION_BLOCKS);
        let metrics = Metrics::new()?;
        let signatures = SignatureMemo::new(MAX_VERDICTS, metrics.judged_signatures.clone());
        Ok(Self {
            inner: Arc::new(Inner {
                chain_id,
                store,
                on_fatal,
                verified: VerifiedCache::default(),
                signatures,
                metrics,
                making: Mutex::new(making),
                pool: Mutex::new(Pool::default()),
                committed: RwLock::new(committed),
                blocks,
                wanted: Arc::new(Notify::new()),
                offers: Mutex::new(offers),
                kept_blocks: AtomicU64::new(0),
            }),
        })
    }

    /// Keeps only the last `blocks` blocks' transactions in the index, and lets CometBFT prune its
    /// blocks likewise, but never those that evidence may still name; 0 keeps all.
    pub fn keep_blocks(&self, blocks: u64) {
        self.inner.kept_blocks.store(blocks, Ordering::Relaxed);
    }

    /// The chain.
    pub fn chain_id(&self) -> &ChainId {
        &self.inner.chain_id
    }

    /// The committed head; `None` before the first block.
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.base()
            .filter(|snapshot| !snapshot.head.block_hash.is_empty())
    }

    /// The state after an earlier block: the last 100 since the process started.
    pub fn snapshot_at(&self, height: u64) -> Option<Arc<Snapshot>> {
        let committed = self.committed();
        let newest = committed.history.back()?.head.height;
        let back = usize::try_from(newest.checked_sub(height)?).ok()?;
        let index = committed.history.len().checked_sub(back.checked_add(1)?)?;
        let snapshot = committed.history.get(index)?;
        (!snapshot.head.block_hash.is_empty()).then(|| snapshot.clone())
    }

    /// Every block from now on, as it is committed.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<CommittedBlock>> {
        self.inner.blocks.subscribe()
    }

    /// A transaction of the committed head or below. It is still in the pool until the head names its
    /// block: who asks [`Node::pending`] first, and then here, never misses it.
    ///
    /// # Errors
    /// [`StoreError`] when the disk can't be read.
    pub fn transaction(&self, hash: &TxHash) -> Result<Option<TxRecord>, StoreError> {
        // Before the record: a block that is on disk is no head yet, and balances don't show it.
        let head = self.snapshot().map_or(0, |snapshot| snapshot.head.height);
        let bytes = self.inner.store.transaction(&hash.0)?;
        let record = bytes.as_deref().and_then(TxRecord::decode);
        Ok(record.filter(|record| record.height <= head))
    }

    /// A transaction in the pool.
    pub fn pending(&self, hash: &TxHash) -> Option<PendingTx> {
        self.pool().pending(hash)
    }

    /// Why a transaction that this node had accepted left its pool without being committed; of the last
    /// 100,000 that did. Ask [`Node::transaction`] first: another node may have proposed it since.
    pub fn dropped(&self, hash: &TxHash) -> Option<Refusal> {
        self.pool().dropped(hash).cloned()
    }

    /// What CheckTx would say of wire bytes; keeps nothing.
    pub fn preview(&self, wire: &[u8]) -> Verdict {
        self.judge_new(wire, |pool, bench, verified| {
            pool.preview(bench, verified, wire.into())
        })
    }

    /// The nonce after an account's own and those it has pending in sequence.
    pub fn next_nonce(&self, sender: &Address) -> Nonce {
        let pool = self.pool();
        let account = self.base().map(|base| base.state.account(sender));
        let committed = match account {
            Some(Ok(account)) => account.nonce,
            Some(Err(broken)) => self.fatal(&broken),
            None => Nonce::ZERO,
        };
        pool.next_nonce(sender, committed)
    }

    /// How full the pool is.
    pub fn pool_stats(&self) -> PoolStats {
        self.pool().stats()
    }

    /// The process's metrics; those of others may join.
    pub fn registry(&self) -> &prometheus::Registry {
        &self.inner.metrics.registry
    }

    /// Every claim whose coordinator shall be asked now.
    pub fn attestations_wanted(&self) -> Vec<WantedAttestation> {
        let pool = self.pool();
        let Some(base) = self.base() else {
            return Vec::new();
        };
        pool.attestations_wanted(&base.state)
            .unwrap_or_else(|broken| self.fatal(&broken))
    }

    /// Notified when a claim begins to wait.
    pub fn attestation_wanted_notify(&self) -> Arc<Notify> {
        self.inner.wanted.clone()
    }

    /// Takes a coordinator's answer for a waiting claim, good or negative.
    ///
    /// # Errors
    /// A refusal when the claim is gone, or the answer is not rightly signed for it.
    pub fn attestation_arrived(
        &self,
        hash: &TxHash,
        attestation: Attestation,
    ) -> Result<(), Refusal> {
        let mut pool = self.pool();
        let Some(base) = self.base() else {
            return Ok(());
        };
        Bench::new(&base.state, &self.inner.signatures)
            .and_then(|bench| pool.attestation_arrived(&bench, hash, attestation))
            .unwrap_or_else(|broken| {
                self.fatal::<()>(&broken);
                Ok(())
            })
    }

    /// Takes the transactions that shall be offered to CometBFT again: those saved at the last
    /// graceful stop, or the pool's own after CometBFT alone was restarted.
    pub fn saved_transactions(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *lock(&self.inner.offers))
    }

    /// Gives back what was taken by [`Node::saved_transactions`] and could not be offered.
    pub fn offer_again(&self, wires: Vec<Vec<u8>>) {
        lock(&self.inner.offers).extend(wires);
    }

    /// CometBFT shakes hands: a new one knows nothing of the pool's transactions.
    pub(crate) fn offer_pool(&self) {
        let mut offers = lock(&self.inner.offers);
        if offers.is_empty() {
            *offers = self.pool().wires();
        }
    }

    /// Saves the pool for the next start. Call it when CometBFT is no longer served.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn save_pool(&self) -> Result<usize, StoreError> {
        let mut wires = self.saved_transactions();
        wires.extend(self.pool().wires());
        self.inner.store.save_pool(&wires)?;
        Ok(wires.len())
    }

    /// The state that the next block builds on: the head, or the genesis.
    pub(crate) fn base(&self) -> Option<Arc<Snapshot>> {
        self.committed().history.back().cloned()
    }

    pub(crate) fn committed(&self) -> std::sync::RwLockReadGuard<'_, Committed> {
        self.inner
            .committed
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn replace_history(&self, change: impl FnOnce(&mut Committed)) {
        let mut committed = self
            .inner
            .committed
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        change(&mut committed);
        while committed.history.len() > HISTORY {
            committed.history.pop_front();
        }
    }

    pub(crate) fn pool(&self) -> MutexGuard<'_, Pool> {
        lock(&self.inner.pool)
    }

    pub(crate) fn making(&self) -> MutexGuard<'_, Making> {
        lock(&self.inner.making)
    }

    /// The oldest block worth keeping after `height`, 0 for all: evidence may still name those of
    /// its age.
    pub(crate) fn retain_height(&self, height: u64, evidence_age: u64) -> u64 {
        let kept = self.inner.kept_blocks.load(Ordering::Relaxed);
        if kept == 0 {
            return 0;
        }
        let oldest = height.saturating_sub(kept.max(evidence_age));
        oldest.saturating_add(1).min(height)
    }

    /// Verifies wire bytes outside of all locks, then lets the pool judge them.
    pub(crate) fn judge_new(
        &self,
        wire: &[u8],
        judge: impl FnOnce(&mut Pool, &Bench<'_>, Arc<VerifiedTx>) -> Result<Verdict, Broken>,
    ) -> Verdict {
        let refused = |code, message| Verdict::Refused(Refusal::new(code, message));
        let verified = match self.inner.verified.read(wire, &self.inner.chain_id) {
            Entry::Transaction(verified) => verified,
            Entry::Invalid(refusal) => return Verdict::Refused(refusal),
            Entry::Attestations(_) => {
                return refused(
                    Code::UnexpectedAttestations,
                    "ATTESTATIONS entries are written by proposers alone",
                );
            }
        };
        let mut pool = self.pool();
        let Some(base) = self.base() else {
            return refused(Code::Dropped, "the chain has not begun yet");
        };
        Bench::new(&base.state, &self.inner.signatures)
            .and_then(|bench| judge(&mut pool, &bench, verified))
            .unwrap_or_else(|broken| {
                self.fatal::<()>(&broken);
                refused(Code::Dropped, "the node is stopping")
            })
    }

    /// Stops the node with one message. The default is for the caller to answer with where the
    /// handler returns, as in tests.
    pub(crate) fn fatal<T: Default>(&self, why: &dyn std::fmt::Display) -> T {
        tracing::error!(component = "abci", event = "fatal", "{why}");
        (self.inner.on_fatal)(why.to_string());
        T::default()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
