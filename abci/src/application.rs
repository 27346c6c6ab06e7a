//! Owns the node's application as a whole: its parts, made on a store, and which of them answers each
//! request of CometBFT. Times the answers; decides nothing.

use std::{
    sync::{Arc, Mutex, atomic::AtomicU64},
    thread,
    time::{Duration, Instant},
};

use ait_app::{identifiers::ChainId, state::AppHash, upgrades::record::ProtocolVersion};
use ait_store::Store;
use prometheus::Registry;
use tendermint_proto::v0_38::abci::{
    CheckTxType, RequestCheckTx, ResponseCheckTx, ResponseInfo, request::Value as Request,
    response::Value as Response,
};
use tokio::sync::broadcast;

use crate::{
    OnFatal, OpenError,
    committed::Committed,
    consensus::{Consensus, Making},
    convert,
    fatal::{Fatal, Stopper},
    halt,
    mempool::{self, Mempool},
    metrics::Metrics,
    query,
    reader::Reader,
    records::{Origin, Verdict},
    signatures::{MAX_VERDICTS, SignatureMemo},
    snapshots::{Snapshots, StateSync},
    stored::{self, Scrubber},
    transport,
    verified::VerifiedCache,
};

/// Blocks that a slow subscriber may lag behind before it misses some.
const SUBSCRIPTION_BLOCKS: usize = 256;

/// How long a node whose last block is committed goes on passing it to peers that lack it, where nothing asks for
/// another before.
const LAST_BLOCK_IS_SERVED: Duration = Duration::from_secs(3);

/// What CometBFT is served. Cloning is cheap: every clone is of the same node.
#[derive(Clone)]
pub struct Application {
    consensus: Arc<Consensus>,
    mempool: Mempool,
    reader: Reader,
    snapshots: Arc<Snapshots>,
    state_sync: Arc<StateSync>,
    metrics: Arc<Metrics>,
    stopper: Stopper,
}

impl Application {
    /// Opens a node on its store: finds the state's tree, checks its app hash against the one that was
    /// stored with it, and judges the transactions that the last graceful stop saved, so that
    /// they are known before anybody can ask.
    ///
    /// About `state_cache_bytes` of memory are for records that were read from disk.
    ///
    /// `on_fatal` hears of an invariant violation that is met outside of ABCI; what is met inside ends
    /// with ABCI's exception.
    ///
    /// # Errors
    /// [`OpenError`], each with what to do.
    pub fn open(
        store: Arc<dyn Store>,
        chain_id: ChainId,
        state_cache_bytes: usize,
        on_fatal: OnFatal,
    ) -> Result<Self, OpenError> {
        let (stored, newest) = stored::open(store.clone(), &chain_id, state_cache_bytes)?;
        let limits = halt::Limits::default();
        if let Some(newest) = &newest {
            limits.check(&newest.state)?;
        }
        let stored = Arc::new(stored);
        let saved = store.saved_pool()?;
        let making = Making::new(!saved.is_empty());
        let metrics = Arc::new(Metrics::new()?);
        if let Some(newest) = &newest {
            metrics.show_head(&newest.block);
        }
        let chain_id = Arc::new(chain_id);
        let committed = Arc::new(Committed::new(newest));
        let verified = Arc::new(VerifiedCache::default());
        let judged = metrics.judged_signatures.clone();
        let signatures = Arc::new(SignatureMemo::new(MAX_VERDICTS, judged));
        let (blocks, _) = broadcast::channel(SUBSCRIPTION_BLOCKS);
        let stopper = Stopper::new(on_fatal);
        let parts = mempool::Parts {
            chain_id: chain_id.clone(),
            committed: committed.clone(),
            store,
            verified: verified.clone(),
            signatures: signatures.clone(),
            metrics: metrics.clone(),
            stopper: stopper.clone(),
        };
        let mempool = Mempool::new(parts, saved);
        mempool.restore()?;
        let reader = Reader {
            chain_id: chain_id.clone(),
            committed: committed.clone(),
            stored: stored.clone(),
            blocks: blocks.clone(),
        };
        let newest_height = metrics.snapshot_height.clone();
        let snapshots = Snapshots::new(committed.clone(), newest_height, stopper.clone());
        let snapshots = Arc::new(snapshots);
        let state_sync = StateSync {
            chain_id: chain_id.clone(),
            committed: committed.clone(),
            stored: stored.clone(),
            mempool: mempool.clone(),
            current: Mutex::default(),
        };
        let consensus = Consensus {
            chain_id,
            committed,
            stored,
            mempool: mempool.clone(),
            verified,
            signatures,
            metrics: metrics.clone(),
            blocks,
            making: Mutex::new(making),
            kept_blocks: AtomicU64::new(0),
            snapshots: snapshots.clone(),
            limits,
        };
        Ok(Self {
            consensus: Arc::new(consensus),
            mempool,
            reader,
            snapshots,
            state_sync: Arc::new(state_sync),
            metrics,
            stopper,
        })
    }

    /// What makes and commits blocks.
    pub fn consensus(&self) -> &Consensus {
        &self.consensus
    }

    /// What waits for a block.
    pub fn mempool(&self) -> &Mempool {
        &self.mempool
    }

    /// What was committed.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Snapshots, which are taken and offered once they have a folder.
    pub fn snapshots(&self) -> &Arc<Snapshots> {
        &self.snapshots
    }

    /// What reads the whole state from disk, slowly.
    pub fn scrubber(&self) -> Scrubber {
        let consensus = &self.consensus;
        Scrubber::new(
            consensus.committed.clone(),
            consensus.stored.clone(),
            self.stopper.clone(),
        )
    }

    /// The process's metrics; those of others may join.
    pub fn registry(&self) -> &Registry {
        &self.metrics.registry
    }

    /// The height of the last block that is on disk, executed here or restored from a snapshot, and the app hash
    /// after it; none before the first.
    pub fn last_block(&self) -> Option<(u64, AppHash)> {
        let last = self.state_sync.committed.base()?;
        let is_one = last.block.origin != Origin::Genesis;
        is_one.then(|| (last.block.height, last.state.app_hash()))
    }

    /// Info: the last block that is on disk, from which CometBFT replays what it has beyond, and the version of
    /// the protocol that the next header has: state sync compares the two.
    pub fn info(&self) -> ResponseInfo {
        self.mempool.offer_again();
        let base = self.state_sync.committed.base();
        let version = base.map(|base| base.state.protocol().version);
        let version = version.unwrap_or(ProtocolVersion::V2);
        let (height, hash) = self.last_block().unzip();
        ResponseInfo {
            data: "ait".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            app_version: version.number(),
            last_block_height: height.map_or(0, |height| i64::try_from(height).unwrap_or(0)),
            last_block_app_hash: hash.map_or_else(Default::default, |hash| hash.0.to_vec().into()),
        }
    }

    /// CheckTx, of a new transaction or of one that CometBFT still holds after a block.
    ///
    /// # Errors
    /// [`Fatal`].
    pub fn check_tx(&self, request: &RequestCheckTx) -> Result<ResponseCheckTx, Fatal> {
        let verdict = if request.r#type == CheckTxType::Recheck as i32 {
            self.mempool.recheck_tx(&request.tx)?
        } else {
            self.mempool.check_tx(&request.tx)?
        };
        Ok(match &verdict {
            Verdict::Ready => convert::accepted(""),
            Verdict::WaitsForAttestation => {
                convert::accepted("waits for its coordinator's attestation")
            }
            Verdict::Parked(refusal) => convert::accepted(&refusal.message),
            Verdict::Refused(refusal) => convert::refused(refusal),
        })
    }

    fn timed<T>(&self, method: &str, answer: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let answer = answer();
        let seconds = begun.elapsed().as_secs_f64();
        let histogram = &self.metrics.abci_seconds;
        histogram.with_label_values(&[method]).observe(seconds);
        answer
    }
}

impl transport::Application for Application {
    type Fatal = Fatal;

    /// Verifies transactions that arrived together on all cores, and reads the records that they need from
    /// disk; they are judged in their order then.
    fn look_ahead(&self, requests: &[Request]) {
        let new = |request: &'_ RequestCheckTx| request.r#type == CheckTxType::New as i32;
        let wires: Vec<&[u8]> = requests
            .iter()
            .filter_map(|request| match request {
                Request::CheckTx(request) if new(request) => Some(request.tx.as_ref()),
                _ => None,
            })
            .collect();
        let consensus = &self.consensus;
        let verified = consensus.verified.read_ahead(&wires, &consensus.chain_id);
        if let Some(base) = consensus.committed.base() {
            // Whoever judges them meets what can't be read.
            let _ = stored::prefetch(&base.state, verified.iter().map(AsRef::as_ref));
        }
    }

    fn answer(&self, request: Request) -> Result<Response, Fatal> {
        let answer = self.answer_to(request);
        match &answer {
            // Meant, unlike other ends: what waits for a block goes on waiting.
            Err(Fatal::Halt(_)) => _ = self.mempool.save()?,
            Ok(Response::Commit(_)) => self.halt_behind_the_last_block(),
            _ => {}
        }
        answer
    }
}

impl Application {
    /// Where the block just committed is this node's last one, the call that would begin the next one may never come:
    /// whoever was to propose it has halted as well.
    fn halt_behind_the_last_block(&self) {
        let Err(halt) = self.consensus.may_make_next() else {
            return;
        };
        let (mempool, stopper) = (self.mempool.clone(), self.stopper.clone());
        let halting = thread::Builder::new().name("halt".into());
        let spawned = halting.spawn(move || {
            thread::sleep(LAST_BLOCK_IS_SERVED);
            match mempool.save() {
                Ok(_) => stopper.stop(&halt),
                Err(error) => stopper.stop(&error),
            };
        });
        if let Err(error) = spawned {
            tracing::warn!(component = "abci", event = "halt_waits", %error);
        }
    }

    fn answer_to(&self, request: Request) -> Result<Response, Fatal> {
        let consensus = &self.consensus;
        match request {
            Request::InitChain(request) => self.timed("init_chain", || {
                consensus.init_chain(&request).map(Response::InitChain)
            }),
            Request::CheckTx(request) => self.timed("check_tx", || {
                self.check_tx(&request).map(Response::CheckTx)
            }),
            Request::PrepareProposal(request) => self.timed("prepare_proposal", || {
                let answer = consensus.prepare_proposal(&request);
                answer.map(Response::PrepareProposal)
            }),
            Request::ProcessProposal(request) => self.timed("process_proposal", || {
                let answer = consensus.process_proposal(&request);
                answer.map(Response::ProcessProposal)
            }),
            Request::FinalizeBlock(request) => self.timed("finalize_block", || {
                consensus
                    .finalize_block(request)
                    .map(Response::FinalizeBlock)
            }),
            Request::Commit(_) => self.timed("commit", || consensus.commit().map(Response::Commit)),
            Request::Query(request) => self.timed("query", || {
                let answer = query::answer(&self.reader, &request)?;
                Ok(Response::Query(answer))
            }),
            Request::Info(_) => Ok(Response::Info(self.info())),
            Request::ListSnapshots(_) => Ok(Response::ListSnapshots(self.snapshots.list())),
            Request::LoadSnapshotChunk(request) => self.timed("load_snapshot_chunk", || {
                Ok(Response::LoadSnapshotChunk(self.snapshots.load(&request)))
            }),
            Request::OfferSnapshot(request) => self.timed("offer_snapshot", || {
                self.state_sync.offer(&request).map(Response::OfferSnapshot)
            }),
            Request::ApplySnapshotChunk(request) => self.timed("apply_snapshot_chunk", || {
                let answer = self.state_sync.apply(&request);
                answer.map(Response::ApplySnapshotChunk)
            }),
            // This chain extends no votes.
            other => Ok(transport::default_answer(other)),
        }
    }
}
