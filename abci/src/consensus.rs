//! Owns the life of a block in this node: propose, judge, finalise, commit. All of them execute on
//! the one state after the block before; FinalizeBlock needs none of the others to have run, and
//! only Commit writes.

use ait_app::{
    Broken, Failure,
    address::Address,
    block::{self, BlockOutcome, Judgement},
    genesis::Genesis,
    state::State,
    tx::TxHash,
};
use ait_store::{Batch, StoreError};
use bytes::Bytes;
use std::{collections::HashSet, sync::Arc, time::Instant};
use tendermint_proto::v0_38::abci::{
    RequestFinalizeBlock, RequestInitChain, RequestPrepareProposal, RequestProcessProposal,
    ResponseFinalizeBlock, ResponseInitChain,
};

use crate::{
    Node, convert, genesis,
    node::Finalized,
    records::{CommittedBlock, CommittedTx, Head, Snapshot, TxRecord},
    report,
};

/// Proposals of one height that are remembered once executed: a few rounds' worth.
const JUDGED_PROPOSALS: usize = 4;

/// Every transaction's fields have more bytes than this, so a proposal can't hold more entries than its
/// bytes by this. Checked first, since reading a million one-byte entries takes memory for each.
const LEAST_ENTRY_BYTES: usize = 256;

/// Why the node must stop.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fatal {
    #[error(transparent)]
    Broken(#[from] Broken),
    #[error("the block could not be stored: {0}")]
    Store(#[from] StoreError),
    #[error("the genesis is refused: {0}")]
    Genesis(String),
    #[error("CometBFT is out of step: {0}")]
    OutOfStep(String),
    #[error("a record does not serialise: {0}")]
    Record(#[from] serde_json::Error),
}

impl Node {
    /// InitChain: the genesis becomes the state that the first block builds on.
    pub(crate) fn begin_chain(
        &self,
        request: &RequestInitChain,
    ) -> Result<ResponseInitChain, Fatal> {
        let chain_id = &self.inner.chain_id;
        if request.chain_id != chain_id.as_str() {
            return Err(Fatal::Genesis(format!(
                "it is of chain {:?}, but this node is configured for {chain_id} (CHAIN_ID)",
                request.chain_id
            )));
        }
        if self.snapshot().is_some() {
            return Err(Fatal::OutOfStep(
                "it begins the chain anew, but this node holds blocks of it".into(),
            ));
        }
        let refused = |why: String| Fatal::Genesis(why);
        let limits = genesis::limits(request.consensus_params.as_ref()).map_err(refused)?;
        let genesis = Genesis::parse(&request.app_state_bytes, limits.evidence_blocks)
            .map_err(|refusal| refused(refusal.to_string()))?;
        let initial_height = u64::try_from(request.initial_height).unwrap_or(1).max(1);
        let state =
            genesis
                .state(chain_id.clone(), initial_height)
                .map_err(|failure| match failure {
                    Failure::Refused(refusal) | Failure::Offence(refusal) => {
                        refused(refusal.to_string())
                    }
                    Failure::Broken(broken) => Fatal::Broken(broken),
                })?;
        let authorities = state.sent_validators();
        genesis::check_validators(&request.validators, authorities).map_err(refused)?;
        let validators = authorities
            .iter()
            .map(|(key, validator)| convert::validator_update(key, validator.power))
            .collect();
        let app_hash = state.app_hash().0;
        let head = Head {
            height: state.height().get(),
            block_hash: String::new(),
            time: request.time.as_ref().map_or(0, |time| time.seconds),
            proposer: Address::treasury(),
            app_hash: hex::encode(app_hash),
            max_block_bytes: limits.block_bytes,
        };
        self.replace_history(|committed| {
            committed.history.clear();
            committed
                .history
                .push_back(Arc::new(Snapshot { state, head }));
        });
        self.restore_pool();
        Ok(ResponseInitChain {
            consensus_params: Some(genesis::version()),
            validators,
            app_hash: app_hash.to_vec().into(),
        })
    }

    /// PrepareProposal: from the node's own pool. CometBFT's list is in order of arrival, which
    /// waiting claims and cheap spam could fill.
    pub(crate) fn propose(&self, request: &RequestPrepareProposal) -> Result<Vec<Bytes>, Fatal> {
        let max_bytes = usize::try_from(request.max_tx_bytes).unwrap_or(0);
        let pool = self.pool();
        let base = self.base_for(request.height)?;
        let max_bytes = max_bytes.min(base.head.max_block_bytes);
        let txs = pool.propose(&base.state, &self.inner.signatures, max_bytes)?;
        Ok(txs.into_iter().map(Bytes::from).collect())
    }

    /// ProcessProposal: executes the block from its bytes and the committed state alone.
    pub(crate) fn judge_proposal(&self, request: &RequestProcessProposal) -> Result<bool, Fatal> {
        let base = self.base_for(request.height)?;
        let max_bytes = base.head.max_block_bytes;
        let (count, most) = (request.txs.len(), max_bytes / LEAST_ENTRY_BYTES);
        if count > most {
            self.note_rejected(request, &format!("{count} entries, more than {most}"));
            return Ok(false);
        }
        let entries = self
            .inner
            .verified
            .read_all(&request.txs, &self.inner.chain_id);
        let sizes = request.txs.iter().map(Bytes::len);
        let input = convert::block_input(
            &request.proposer_address,
            request.proposed_last_commit.as_ref(),
            &request.misbehavior,
        );
        let signatures = &self.inner.signatures;
        match block::judge(&base.state, &entries, sizes, max_bytes, &input, signatures)? {
            Judgement::Accepted(outcome) => {
                let mut making = self.making();
                if making.judged.len() >= JUDGED_PROPOSALS {
                    making.judged.remove(0);
                }
                making.judged.push((request.hash.clone(), outcome));
                Ok(true)
            }
            Judgement::Rejected(refusal) => {
                self.note_rejected(request, &refusal.message);
                Ok(false)
            }
        }
    }

    fn note_rejected(&self, request: &RequestProcessProposal, why: &str) {
        self.inner.metrics.rejected_proposals.inc();
        let height = request.height;
        tracing::warn!(
            component = "abci",
            event = "proposal_rejected",
            height,
            "{why}"
        );
    }

    /// FinalizeBlock: the decided block's results. Writes nothing.
    pub(crate) fn finalize(
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
        let judged = making
            .judged
            .iter()
            .position(|(hash, _)| *hash == request.hash && !hash.is_empty());
        let entries = self
            .inner
            .verified
            .read_all(&request.txs, &self.inner.chain_id);
        let outcome = match judged {
            Some(index) => making.judged.swap_remove(index).1,
            None => {
                let signatures = &self.inner.signatures;
                Box::new(block::execute(&base.state, &entries, &input, signatures)?)
            }
        };
        let app_hash = outcome.state.app_hash().0;
        let head = Head {
            height: outcome.state.height().get(),
            block_hash: hex::encode_upper(&request.hash),
            time: request.time.as_ref().map_or(0, |time| time.seconds),
            proposer: block::fee_collector(&base.state, input.proposer),
            app_hash: hex::encode(app_hash),
            max_block_bytes: base.head.max_block_bytes,
        };
        let response = ResponseFinalizeBlock {
            events: convert::events(&outcome.events),
            tx_results: outcome.results.iter().map(convert::tx_result).collect(),
            validator_updates: convert::validator_updates(&outcome.validator_updates),
            consensus_param_updates: None,
            app_hash: app_hash.to_vec().into(),
        };
        making.finalized = Some(Finalized {
            head,
            txs: request.txs,
            entries,
            outcome,
            took: begun.elapsed(),
        });
        Ok(response)
    }

    /// Commit: one batch to the disk, then the new state is what everyone reads. Gives the height
    /// below which CometBFT may prune.
    pub(crate) fn commit_block(&self) -> Result<i64, Fatal> {
        let begun = Instant::now();
        let mut making = self.making();
        making.judged.clear();
        let Some(block) = making.finalized.take() else {
            return Err(Fatal::OutOfStep("Commit without FinalizeBlock".into()));
        };
        let state = block.outcome.state.clone();
        let age = state.params().evidence_max_age_num_blocks.get();
        let retain_height = self.retain_height(block.head.height, age);
        let hashes: Vec<TxHash> = block.txs.iter().map(|wire| TxHash::of(wire)).collect();
        let batch = batch(&block, &hashes, !making.stored, retain_height)?;
        self.inner.store.commit(&batch)?;
        making.stored = true;
        if std::mem::take(&mut making.pool_stored) {
            self.inner.store.save_pool(&[])?;
        }
        self.count(&block);
        let snapshot = Arc::new(Snapshot {
            state,
            head: block.head.clone(),
        });
        let pending = {
            let mut pool = self.pool();
            self.replace_history(|committed| committed.history.push_back(snapshot.clone()));
            let committed: HashSet<TxHash> = hashes.iter().copied().collect();
            pool.commit(&snapshot.state, &self.inner.signatures, &committed)?;
            pool.stats()
        };
        if pending.waiting_for_attestation > 0 {
            self.inner.wanted.notify_one();
        }
        self.inner.metrics.show_pool(&pending);
        drop(making);
        let took = block.took.saturating_add(begun.elapsed());
        let updates = block.outcome.validator_updates.len();
        let block = committed_block(block, hashes);
        report::log(&block, updates, took);
        // Nobody listening is no error.
        let _ = self.inner.blocks.send(Arc::new(block));
        Ok(i64::try_from(retain_height).unwrap_or(0))
    }

    /// The state that block `height` builds on.
    fn base_for(&self, height: i64) -> Result<Arc<Snapshot>, Fatal> {
        let base = self
            .base()
            .ok_or_else(|| Fatal::OutOfStep("a block before InitChain".into()))?;
        let next = base.state.height().get().saturating_add(1);
        if u64::try_from(height) != Ok(next) {
            return Err(Fatal::OutOfStep(format!(
                "it is at block {height}, but this node's next is {next}"
            )));
        }
        Ok(base)
    }
}

/// Everything that a block writes, the whole state where the store has none of it yet.
fn batch(
    block: &Finalized,
    hashes: &[TxHash],
    whole: bool,
    retain_height: u64,
) -> Result<Batch, Fatal> {
    let BlockOutcome {
        changes,
        state,
        results,
        ..
    } = block.outcome.as_ref();
    let records = if whole {
        whole_state(state)
    } else {
        let owned = |value: &Option<Arc<[u8]>>| value.as_ref().map(|bytes| bytes.to_vec());
        changes
            .iter()
            .map(|(key, value)| (key.clone(), owned(value)))
            .collect()
    };
    let mut transactions = Vec::with_capacity(block.txs.len());
    let entries = block.txs.iter().zip(hashes).zip(results);
    for (index, ((wire, hash), result)) in (0_u32..).zip(entries) {
        let record = TxRecord::encode(block.head.height, index, result, wire)?;
        transactions.push((hash.0, record));
    }
    Ok(Batch {
        height: block.head.height,
        meta: serde_json::to_vec(&block.head)?,
        state: records,
        transactions,
        prune_transactions_below: (retain_height > 0).then_some(retain_height),
    })
}

fn whole_state(state: &State) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    state
        .entries()
        .map(|(key, value)| (key.to_vec(), Some(value.to_vec())))
        .collect()
}

fn committed_block(block: Finalized, hashes: Vec<TxHash>) -> CommittedBlock {
    let txs = block.txs.iter().zip(hashes).zip(block.outcome.results);
    CommittedBlock {
        head: block.head,
        txs: txs
            .map(|((wire, hash), result)| CommittedTx {
                hash,
                wire: wire.as_ref().into(),
                result,
            })
            .collect(),
        events: block.outcome.events,
    }
}
