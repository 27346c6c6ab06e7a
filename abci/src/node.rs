//! Owns the node: the committed states that readers hold, the pool, and the block in the making.
//! Everything here is shared by CometBFT's four connections and by REST; only Commit writes.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
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
    pool::{Bench, Keeping, Kept, Pool},
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
    pub keeping: Keeping,
    pub committed: RwLock<Committed>,
    pub blocks: broadcast::Sender<Arc<CommittedBlock>>,
    pub wanted: Arc<Notify>,
    /// What a stop saved, until there is a state to judge it on.
    pub saved: Mutex<Vec<Vec<u8>>>,
    /// Whether the pool may hold what CometBFT must be offered.
    pub unoffered: AtomicBool,
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
    /// Whether the store still holds the pool that a stop saved: until the first commit, so that a
    /// start that fails loses nothing.
    pub pool_stored: bool,
}

/// A decided block that Commit will write.
pub(crate) struct Finalized {
    pub head: Head,
    pub txs: Vec<bytes::Bytes>,
    pub entries: Vec<Entry>,
    pub outcome: Box<BlockOutcome>,
    /// How long FinalizeBlock took.
    pub took: Duration,
}

/// The committed states, the newest last.
#[derive(Default)]
pub(crate) struct Committed {
    pub history: VecDeque<Arc<Snapshot>>,
}

impl Node {
    /// Opens a node on its store: rebuilds the state in memory, checks its app hash against the one
    /// that was stored with it, and judges the transactions that the last graceful stop saved, so that
    /// they are known before anybody can ask.
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
        let saved = store.take_pool()?;
        if !saved.is_empty() {
            store.save_pool(&saved)?;
        }
        let making = Making {
            stored: stored.is_some(),
            pool_stored: !saved.is_empty(),
            ..Making::default()
        };
        let keeping = Keeping::default();
        let (blocks, _) = broadcast::channel(SUBSCRIPTION_BLOCKS);
        let metrics = Metrics::new()?;
        if let Some(snapshot) = &stored {
            metrics.show_head(&snapshot.head);
        }
        committed.history.extend(stored.map(Arc::new));
        let signatures = SignatureMemo::new(MAX_VERDICTS, metrics.judged_signatures.clone());
        let node = Self {
            inner: Arc::new(Inner {
                chain_id,
                store,
                on_fatal,
                verified: VerifiedCache::default(),
                signatures,
                metrics,
                making: Mutex::new(making),
                pool: Mutex::new(Pool::new(keeping.clone())),
                keeping,
                committed: RwLock::new(committed),
                blocks,
                wanted: Arc::new(Notify::new()),
                saved: Mutex::new(saved),
                unoffered: AtomicBool::new(false),
                kept_blocks: AtomicU64::new(0),
            }),
        };
        node.restore_pool();
        Ok(node)
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

    /// The entries of a committed block by their place in it, as far as the index has them: those that were
    /// pruned, or stand in a later block again, are missing. Reads the whole block: megabytes.
    ///
    /// # Errors
    /// [`StoreError`] when the disk can't be read.
    pub fn entries_of(&self, height: u64) -> Result<BTreeMap<u32, Vec<u8>>, StoreError> {
        let records = self.inner.store.transactions_of(height)?;
        let entries = records.iter().filter_map(|bytes| TxRecord::place(bytes));
        Ok(entries
            .filter(|place| place.height == height)
            .map(|place| (place.index, place.wire.to_vec()))
            .collect())
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

    /// Until the answer is dropped, CheckTx and [`Node::preview`] refuse this transaction as `nonce_pending`
    /// where another pending one of its sender has its nonce, whatever its fee.
    pub fn replace_nothing(&self, hash: TxHash) -> Kept {
        self.inner.keeping.begin(hash)
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

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
