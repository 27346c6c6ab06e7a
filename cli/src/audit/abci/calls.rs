//! Owns what is said of a call: its method, by protobuf's name of it, and the block that it is about.

use tendermint_proto::v0_38::abci::request::Value as Request;

/// The name of a call's method, as ABCI's `Request` has it.
pub fn method(request: &Request) -> &'static str {
    match request {
        Request::Echo(_) => "echo",
        Request::Flush(_) => "flush",
        Request::Info(_) => "info",
        Request::InitChain(_) => "init_chain",
        Request::Query(_) => "query",
        Request::CheckTx(_) => "check_tx",
        Request::Commit(_) => "commit",
        Request::ListSnapshots(_) => "list_snapshots",
        Request::OfferSnapshot(_) => "offer_snapshot",
        Request::LoadSnapshotChunk(_) => "load_snapshot_chunk",
        Request::ApplySnapshotChunk(_) => "apply_snapshot_chunk",
        Request::PrepareProposal(_) => "prepare_proposal",
        Request::ProcessProposal(_) => "process_proposal",
        Request::ExtendVote(_) => "extend_vote",
        Request::VerifyVoteExtension(_) => "verify_vote_extension",
        Request::FinalizeBlock(_) => "finalize_block",
    }
}

/// The height that a request names, if it does.
pub fn height(request: &Request) -> Option<u64> {
    let signed = match request {
        Request::PrepareProposal(request) => request.height,
        Request::ProcessProposal(request) => request.height,
        Request::FinalizeBlock(request) => request.height,
        Request::Query(request) => request.height,
        Request::InitChain(request) => request.initial_height,
        Request::OfferSnapshot(request) => {
            return request.snapshot.as_ref().map(|snapshot| snapshot.height);
        }
        Request::LoadSnapshotChunk(request) => return Some(request.height),
        _ => return None,
    };
    u64::try_from(signed).ok().filter(|height| *height > 0)
}

/// The hash of the block that a request is about, if it names one.
pub fn block_hash(request: &Request) -> Option<&[u8]> {
    match request {
        Request::ProcessProposal(request) => Some(&request.hash),
        Request::FinalizeBlock(request) => Some(&request.hash),
        _ => None,
    }
}
