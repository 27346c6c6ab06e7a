//! Owns the way from a request to the application's method for it. (tendermint-abci keeps its own
//! private, and it panics on a request without a value.)

use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{
    Response, ResponseException, request::Value as Request, response::Value as Answer,
};

/// The application's answer to a request.
pub(super) fn answer<A: Application>(application: &A, request: Request) -> Response {
    let answer = match request {
        Request::Echo(request) => Answer::Echo(application.echo(request)),
        Request::Flush(_) => Answer::Flush(application.flush()),
        Request::Info(request) => Answer::Info(application.info(request)),
        Request::InitChain(request) => Answer::InitChain(application.init_chain(request)),
        Request::Query(request) => Answer::Query(application.query(request)),
        Request::CheckTx(request) => Answer::CheckTx(application.check_tx(request)),
        Request::Commit(_) => Answer::Commit(application.commit()),
        Request::ListSnapshots(_) => Answer::ListSnapshots(application.list_snapshots()),
        Request::OfferSnapshot(request) => {
            Answer::OfferSnapshot(application.offer_snapshot(request))
        }
        Request::LoadSnapshotChunk(request) => {
            Answer::LoadSnapshotChunk(application.load_snapshot_chunk(request))
        }
        Request::ApplySnapshotChunk(request) => {
            Answer::ApplySnapshotChunk(application.apply_snapshot_chunk(request))
        }
        Request::PrepareProposal(request) => {
            Answer::PrepareProposal(application.prepare_proposal(request))
        }
        Request::ProcessProposal(request) => {
            Answer::ProcessProposal(application.process_proposal(request))
        }
        Request::ExtendVote(request) => Answer::ExtendVote(application.extend_vote(request)),
        Request::VerifyVoteExtension(request) => {
            Answer::VerifyVoteExtension(application.verify_vote_extension(request))
        }
        Request::FinalizeBlock(request) => {
            Answer::FinalizeBlock(application.finalize_block(request))
        }
    };
    Response {
        value: Some(answer),
    }
}

/// The answer that tells CometBFT to give up (ABCI, `ResponseException`).
pub(super) fn exception(error: String) -> Response {
    Response {
        value: Some(Answer::Exception(ResponseException { error })),
    }
}
