//! Owns proposals: what this node proposes, and what it says of those of others. Those that it accepted it remembers,
//! executed, until their height is committed.

use ait_app::block::{self, Judgement};
use bytes::Bytes;
use tendermint_proto::v0_38::abci::{
    RequestPrepareProposal, RequestProcessProposal, ResponsePrepareProposal,
    ResponseProcessProposal, response_process_proposal::ProposalStatus,
};

use super::{Consensus, Judged};
use crate::{convert, fatal::Fatal};

/// Proposals of one height that are remembered once executed: a few rounds' worth.
const JUDGED_PROPOSALS: usize = 4;

/// Every transaction's fields have more bytes than this, so a proposal can't hold more entries than its
/// bytes by this. Checked first, since reading a million one-byte entries takes memory for each.
pub(crate) const LEAST_ENTRY_BYTES: usize = 256;

impl Consensus {
    /// PrepareProposal: from the node's own mempool. CometBFT's list is in order of arrival, which
    /// waiting claims and cheap spam could fill.
    ///
    /// # Errors
    /// [`Fatal`].
    pub fn prepare_proposal(
        &self,
        request: &RequestPrepareProposal,
    ) -> Result<ResponsePrepareProposal, Fatal> {
        let max_bytes = usize::try_from(request.max_tx_bytes).unwrap_or(0);
        let base = || self.base_for(request.height);
        let txs = self.mempool.propose(base, max_bytes)?;
        Ok(ResponsePrepareProposal { txs })
    }

    /// ProcessProposal: executes the block from its bytes and the committed state alone.
    ///
    /// # Errors
    /// [`Fatal`].
    pub fn process_proposal(
        &self,
        request: &RequestProcessProposal,
    ) -> Result<ResponseProcessProposal, Fatal> {
        let status = if self.judge_proposal(request)? {
            ProposalStatus::Accept
        } else {
            ProposalStatus::Reject
        };
        Ok(ResponseProcessProposal {
            status: status as i32,
        })
    }

    fn judge_proposal(&self, request: &RequestProcessProposal) -> Result<bool, Fatal> {
        let base = self.base_for(request.height)?;
        let max_bytes = base.block.max_block_bytes;
        let (count, most) = (request.txs.len(), max_bytes / LEAST_ENTRY_BYTES);
        if count > most {
            self.note_rejected(request, &format!("{count} entries, more than {most}"));
            return Ok(false);
        }
        let entries = self.read(&request.txs, &base)?;
        let sizes = request.txs.iter().map(Bytes::len);
        let input = convert::block_input(
            &request.proposer_address,
            request.proposed_last_commit.as_ref(),
            &request.misbehavior,
        );
        let signatures = self.signatures.as_ref();
        match block::judge(&base.state, &entries, sizes, max_bytes, &input, signatures)? {
            Judgement::Accepted(outcome) => {
                let mut making = self.making();
                if making.judged.len() >= JUDGED_PROPOSALS {
                    making.judged.remove(0);
                }
                making.judged.push(Judged {
                    block_hash: request.hash.clone(),
                    txs: request.txs.clone(),
                    entries,
                    outcome,
                });
                Ok(true)
            }
            Judgement::Rejected(refusal) => {
                self.note_rejected(request, &refusal.message);
                Ok(false)
            }
        }
    }

    fn note_rejected(&self, request: &RequestProcessProposal, why: &str) {
        self.metrics.rejected_proposals.inc();
        let height = request.height;
        tracing::warn!(
            component = "abci",
            event = "proposal_rejected",
            height,
            "{why}"
        );
    }
}
