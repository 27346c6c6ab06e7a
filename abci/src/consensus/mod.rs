//! Owns the life of a chain and of a block in this node, by ABCI's method names: InitChain,
//! PrepareProposal, ProcessProposal, FinalizeBlock, Commit. All of them execute on the one state after
//! the block before; FinalizeBlock needs none of the others to have run, and only Commit writes.
//!
//! `proposals` has the two of proposals, `settings` what an operator decides, `written` what those who watch get.

mod proposals;
mod settings;
mod written;

pub(crate) use proposals::LEAST_ENTRY_BYTES;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
    time::{Duration, Instant},
};

use ait_app::{
    Failure,
    address::Address,
    block::{self, BlockOutcome, Entry},
    genesis::Genesis,
    identifiers::ChainId,
    state::Key,
    tx::TxHash,
    upgrades::record::Plan,
};
use bytes::Bytes;
use tendermint_proto::v0_38::abci::{
    RequestFinalizeBlock, RequestInitChain, ResponseCommit, ResponseFinalizeBlock,
    ResponseInitChain, ValidatorUpdate,
};
use tokio::sync::broadcast;

use crate::{
    committed::Committed,
    convert,
    fatal::Fatal,
    genesis,
    halt::Limits,
    mempool::Mempool,
    metrics::Metrics,
    records::{BlockInfo, CommittedBlock, CommittedState, Origin},
    report,
    signatures::SignatureMemo,
    snapshots::Snapshots,
    stored::{self, Stored, Written},
    verified::VerifiedCache,
};

/// Makes blocks as CometBFT decides them, and is alone in committing them.
pub struct Consensus {
    pub(crate) chain_id: Arc<ChainId>,
    pub(crate) committed: Arc<Committed>,
    pub(crate) stored: Arc<Stored>,
    pub(crate) mempool: Mempool,
    pub(crate) verified: Arc<VerifiedCache>,
    pub(crate) signatures: Arc<SignatureMemo>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) blocks: broadcast::Sender<Arc<CommittedBlock>>,
    /// Locked before the mempool.
    pub(crate) making: Mutex<Making>,
    /// Blocks whose transactions stay in the index and in CometBFT; 0 for all.
    pub(crate) kept_blocks: AtomicU64,
    pub(crate) snapshots: Arc<Snapshots>,
    pub(crate) limits: Limits,
}

/// What is between two commits.
#[derive(Default)]
pub(crate) struct Making {
    /// Proposals of this height that were executed already.
    judged: Vec<Judged>,
    /// The decided block, executed and not committed.
    finalized: Option<Finalized>,
    /// Whether the store still holds the transactions that a stop saved: until none of them is pending, so
    /// that a crash before loses nothing.
    is_mempool_stored: bool,
}

impl Making {
    /// Nothing yet, on a store that holds saved transactions or not.
    pub(crate) fn new(is_mempool_stored: bool) -> Self {
        Self {
            is_mempool_stored,
            ..Self::default()
        }
    }
}

/// A proposal that was accepted, and what it does.
struct Judged {
    block_hash: Bytes,
    txs: Vec<Bytes>,
    entries: Vec<Entry>,
    outcome: Box<BlockOutcome>,
}

/// A decided block that Commit will write.
struct Finalized {
    info: BlockInfo,
    txs: Vec<Bytes>,
    entries: Vec<Entry>,
    outcome: Box<BlockOutcome>,
    /// How long FinalizeBlock took.
    took: Duration,
}

impl Finalized {
    /// The hash of each entry, in block order.
    fn hashes(&self) -> Vec<TxHash> {
        let entries = self.txs.iter().zip(&self.entries);
        entries
            .map(|(wire, entry)| match entry {
                Entry::Transaction(verified) => verified.hash,
                Entry::Attestations(_) | Entry::Invalid(_) => TxHash::of(wire),
            })
            .collect()
    }
}

impl Consensus {
    /// InitChain: the genesis becomes the state that the first block builds on.
    ///
    /// # Errors
    /// [`Fatal::Genesis`] names what no chain may begin with.
    pub fn init_chain(&self, request: &RequestInitChain) -> Result<ResponseInitChain, Fatal> {
        let chain_id = self.chain_id.as_ref();
        if request.chain_id != chain_id.as_str() {
            return Err(Fatal::Genesis(format!(
                "it is of chain {:?}, but this node is configured for {chain_id} (CHAIN_ID)",
                request.chain_id
            )));
        }
        if self.committed.newest().is_some() {
            return Err(Fatal::OutOfStep(
                "it begins the chain anew, but this node holds blocks of it".into(),
            ));
        }
        let refused = |why: String| Fatal::Genesis(why);
        let limits = genesis::limits(request.consensus_params.as_ref()).map_err(refused)?;
        let (age, protocol) = (limits.evidence_blocks, limits.protocol);
        let genesis = Genesis::parse(&request.app_state_bytes, age, protocol)
            .map_err(|refusal| refused(refusal.to_string()))?;
        let initial_height = u64::try_from(request.initial_height).unwrap_or(1).max(1);
        let state =
            genesis
                .state(chain_id.clone(), initial_height)
                .map_err(|failure| match failure {
                    Failure::Refused(refusal) | Failure::Offence(refusal) => {
                        refused(refusal.to_string())
                    }
                    Failure::Violation(violation) => Fatal::Violation(violation),
                })?;
        let authorities = state.sent_validators();
        genesis::check_validators(&request.validators, authorities).map_err(refused)?;
        let validators = authorities
            .iter()
            .map(|(key, validator)| convert::validator_update(key, validator.power))
            .collect();
        let app_hash = state.app_hash().0;
        let info = BlockInfo {
            height: state.height().get(),
            origin: Origin::Genesis,
            block_hash: String::new(),
            time: request.time.as_ref().map_or(0, |time| time.seconds),
            proposer: Address::treasury(),
            app_hash: hex::encode(app_hash),
            max_block_bytes: limits.block_bytes,
        };
        self.committed
            .publish(Arc::new(CommittedState { state, block: info }));
        self.mempool.restore()?;
        Ok(ResponseInitChain {
            consensus_params: Some(genesis::version(protocol)),
            validators,
            app_hash: app_hash.to_vec().into(),
        })
    }

    /// FinalizeBlock: the decided block's results. Writes nothing.
    ///
    /// # Errors
    /// [`Fatal`].
    pub fn finalize_block(
        &self,
        request: RequestFinalizeBlock,
    ) -> Result<ResponseFinalizeBlock, Fatal> {
        let begun = Instant::now();
        let base = self.base_for(request.height)?;
        let mut making = self.making();
        let input = convert::block_input(
            &request.proposer_address,
            request.decided_last_commit.as_ref(),
            &request.misbehavior,
        );
        let judged = making.judged.iter().position(|judged| {
            !request.hash.is_empty()
                && judged.block_hash == request.hash
                && judged.txs == request.txs
        });
        let (entries, outcome) = match judged.map(|index| making.judged.swap_remove(index)) {
            Some(judged) => (judged.entries, judged.outcome),
            None => {
                let entries = self.read(&request.txs, &base)?;
                let signatures = self.signatures.as_ref();
                let outcome = block::execute(&base.state, &entries, &input, signatures)?;
                (entries, Box::new(outcome))
            }
        };
        let app_hash = outcome.state.app_hash().0;
        let version = outcome.state.protocol().version;
        let info = BlockInfo {
            height: outcome.state.height().get(),
            origin: Origin::Block,
            block_hash: hex::encode_upper(&request.hash),
            time: request.time.as_ref().map_or(0, |time| time.seconds),
            proposer: block::fee_collector(&base.state, input.proposer),
            app_hash: hex::encode(app_hash),
            max_block_bytes: base.block.max_block_bytes,
        };
        let response = ResponseFinalizeBlock {
            events: convert::events(&outcome.events),
            tx_results: outcome.results.iter().map(convert::tx_result).collect(),
            validator_updates: convert::validator_updates(&outcome.validator_updates),
            consensus_param_updates: (version != base.state.protocol().version)
                .then(|| genesis::version(version)),
            app_hash: app_hash.to_vec().into(),
        };
        making.finalized = Some(Finalized {
            info,
            txs: request.txs,
            entries,
            outcome,
            took: begun.elapsed(),
        });
        Ok(response)
    }

    /// Commit: one batch to the disk, then the new state is what everyone reads. Answers the height
    /// below which CometBFT may prune.
    ///
    /// # Errors
    /// [`Fatal`].
    pub fn commit(&self) -> Result<ResponseCommit, Fatal> {
        let begun = Instant::now();
        let mut making = self.making();
        making.judged.clear();
        let Some(block) = making.finalized.take() else {
            return Err(Fatal::OutOfStep("Commit without FinalizeBlock".into()));
        };
        let planned = self.newly_planned(&block);
        let age = block.outcome.state.params().evidence_max_age_num_blocks;
        let retain_height = self.retain_height(block.info.height, age.get());
        let hashes = block.hashes();
        let state = self.stored.commit(&Written {
            info: &block.info,
            txs: &block.txs,
            hashes: &hashes,
            results: &block.outcome.results,
            state: &block.outcome.state,
            delta: &block.outcome.delta,
            retain_height,
        })?;
        let (info, entries) = (&block.info, &block.entries);
        self.metrics.count_block(info, entries, &block.outcome);
        let info = info.clone();
        let committed: HashSet<TxHash> = hashes.iter().copied().collect();
        let changed = &block.outcome.delta.changed;
        self.mempool.commit(
            &Arc::new(CommittedState { state, block: info }),
            &committed,
            changed,
        )?;
        if making.is_mempool_stored && !self.mempool.has_saved() {
            self.stored.store.save_pool(&[])?;
            making.is_mempool_stored = false;
        }
        drop(making);
        let took = block.took.saturating_add(begun.elapsed());
        let updates = block.outcome.validator_updates.len();
        let block = written::committed_block(block, hashes);
        report::log(&block, updates, took);
        if let Some(plan) = planned {
            report::log_plan(&plan, self.limits.newest());
        }
        // Nobody listening is no error.
        let _ = self.blocks.send(Arc::new(block));
        Ok(ResponseCommit {
            retain_height: i64::try_from(retain_height).unwrap_or(0),
        })
    }

    /// The upgrade that a block plans.
    fn newly_planned(&self, block: &Finalized) -> Option<Plan> {
        let before = self.committed.base();
        let before = before
            .as_ref()
            .and_then(|base| base.state.protocol().planned.as_ref());
        let after = block.outcome.state.protocol().planned.as_ref();
        after.filter(|plan| before != Some(*plan)).cloned()
    }

    /// The records that a block changes which FinalizeBlock executed and Commit did not write yet, by key
    /// ascending; none without such a block.
    pub fn uncommitted_changes(&self) -> Vec<Key> {
        let making = self.making();
        let finalized = making.finalized.iter();
        let changed = finalized.flat_map(|block| &block.outcome.delta.changed);
        changed.map(|(key, _)| key.clone()).collect()
    }

    /// The validators that CometBFT was told of, as the state has them that the next block builds on: those of the
    /// block after the next. None before InitChain and without a restored snapshot.
    pub fn sent_validators(&self) -> Vec<ValidatorUpdate> {
        let base = self.committed.base();
        let sent = base
            .iter()
            .flat_map(|base| base.state.sent_validators().iter());
        sent.map(|(key, validator)| convert::validator_update(key, validator.power))
            .collect()
    }

    /// Reads a block's entries, and the records that they need, on all cores.
    fn read(&self, txs: &[Bytes], base: &CommittedState) -> Result<Vec<Entry>, Fatal> {
        let entries = self.verified.read_all(txs, &self.chain_id);
        let verified = entries.iter().filter_map(|entry| match entry {
            Entry::Transaction(verified) => Some(verified.as_ref()),
            _ => None,
        });
        stored::prefetch(&base.state, verified)?;
        Ok(entries)
    }

    /// The state that block `height` builds on.
    fn base_for(&self, height: i64) -> Result<Arc<CommittedState>, Fatal> {
        let base = self
            .committed
            .base()
            .ok_or_else(|| Fatal::OutOfStep("a block before InitChain".into()))?;
        let next = base.state.height().get().saturating_add(1);
        if u64::try_from(height) != Ok(next) {
            return Err(Fatal::OutOfStep(format!(
                "it is at block {height}, but this node's next is {next}"
            )));
        }
        self.limits.check(&base.state)?;
        Ok(base)
    }

    fn making(&self) -> MutexGuard<'_, Making> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
