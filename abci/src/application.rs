//! Owns the answers to CometBFT: one method for each ABCI request, each a translation to the node's
//! own words and back. Times them; decides nothing.

use std::time::Instant;

use ait_app::tx::TxHash;
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{
    CheckTxType, RequestCheckTx, RequestFinalizeBlock, RequestInfo, RequestInitChain,
    RequestPrepareProposal, RequestProcessProposal, RequestQuery, ResponseCheckTx, ResponseCommit,
    ResponseFinalizeBlock, ResponseInfo, ResponseInitChain, ResponsePrepareProposal,
    ResponseProcessProposal, ResponseQuery, response_process_proposal::ProposalStatus,
};

use crate::{Node, Verdict, convert, query};

/// The protocol version of the application, in every header: Info says it, and InitChain gives it to
/// CometBFT's params. State sync compares the two.
pub const APP_VERSION: u64 = 2;

impl Application for Node {
    fn info(&self, _request: RequestInfo) -> ResponseInfo {
        self.offer_pool_again();
        let snapshot = self.snapshot();
        let head = snapshot.as_ref().map(|snapshot| snapshot.head.height);
        let hash = snapshot.map(|snapshot| snapshot.state.app_hash());
        ResponseInfo {
            data: "ait".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            app_version: APP_VERSION,
            last_block_height: head.map_or(0, |height| i64::try_from(height).unwrap_or(0)),
            last_block_app_hash: hash.map_or_else(Default::default, |hash| hash.0.to_vec().into()),
        }
    }

    fn init_chain(&self, request: RequestInitChain) -> ResponseInitChain {
        self.timed("init_chain", || {
            self.begin_chain(&request)
                .unwrap_or_else(|error| self.fatal(&error))
        })
    }

    fn query(&self, request: RequestQuery) -> ResponseQuery {
        self.timed("query", || query::answer(self, &request))
    }

    fn check_tx(&self, request: RequestCheckTx) -> ResponseCheckTx {
        self.timed("check_tx", || {
            let recheck = request.r#type == CheckTxType::Recheck as i32;
            let known = recheck
                .then(|| self.pool().recheck(&TxHash::of(&request.tx)))
                .flatten();
            let verdict = known.unwrap_or_else(|| self.check_new(&request.tx));
            let (label, response) = match &verdict {
                Verdict::Ready => ("ok", convert::accepted("")),
                Verdict::WaitsForAttestation => (
                    "waiting",
                    convert::accepted("waits for its coordinator's attestation"),
                ),
                Verdict::Parked(refusal) => ("parked", convert::accepted(&refusal.message)),
                Verdict::Refused(refusal) => (refusal.code.name(), convert::refused(refusal)),
            };
            if !recheck {
                self.inner
                    .metrics
                    .check_tx
                    .with_label_values(&[label])
                    .inc();
            }
            response
        })
    }

    fn prepare_proposal(&self, request: RequestPrepareProposal) -> ResponsePrepareProposal {
        self.timed("prepare_proposal", || {
            let txs = self
                .propose(&request)
                .unwrap_or_else(|error| self.fatal(&error));
            ResponsePrepareProposal { txs }
        })
    }

    fn process_proposal(&self, request: RequestProcessProposal) -> ResponseProcessProposal {
        self.timed("process_proposal", || {
            let accepted = self
                .judge_proposal(&request)
                .unwrap_or_else(|error| self.fatal(&error));
            let status = if accepted {
                ProposalStatus::Accept
            } else {
                ProposalStatus::Reject
            };
            ResponseProcessProposal {
                status: status as i32,
            }
        })
    }

    fn finalize_block(&self, request: RequestFinalizeBlock) -> ResponseFinalizeBlock {
        self.timed("finalize_block", || {
            self.finalize(request)
                .unwrap_or_else(|error| self.fatal(&error))
        })
    }

    fn commit(&self) -> ResponseCommit {
        self.timed("commit", || {
            let retain_height = self
                .commit_block()
                .unwrap_or_else(|error| self.fatal(&error));
            ResponseCommit { retain_height }
        })
    }
}

impl Node {
    fn check_new(&self, wire: &[u8]) -> Verdict {
        let verdict = self.judge_new(wire, |pool, bench, verified| {
            pool.check(bench, verified, wire.into())
        });
        if verdict == Verdict::WaitsForAttestation {
            self.inner.wanted.notify_one();
        }
        verdict
    }

    fn timed<T>(&self, method: &str, answer: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let answer = answer();
        let seconds = begun.elapsed().as_secs_f64();
        let histogram = &self.inner.metrics.abci_seconds;
        histogram.with_label_values(&[method]).observe(seconds);
        answer
    }
}
