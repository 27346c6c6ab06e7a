//! Owns what the socket needs of an application: an answer to each request, or why there is none.

use std::fmt::Display;

use tendermint_proto::v0_38::abci::{
    ResponseEcho, ResponseException, request::Value as Request, response::Value as Response,
};

/// What is served to CometBFT. Each connection has a clone of its own.
pub trait Application: Clone + Send + 'static {
    /// Why it can't answer: CometBFT is told with ABCI's exception, and the server stops.
    type Fatal: Display;

    /// The application of a connection that was just opened, which is gone with it.
    #[must_use]
    fn connected(&self) -> Self {
        self.clone()
    }

    /// Hears which requests arrived together, in their order, before it is asked for their answers one
    /// after the other. What can be found out about all of them at once may be, and may be kept until
    /// then; it changes no answer.
    fn look_ahead(&self, _requests: &[Request]) {}

    /// Answers a request with the response of the same method.
    ///
    /// # Errors
    /// What the application can't go on from.
    fn answer(&self, request: Request) -> Result<Response, Self::Fatal>;
}

/// The answer of an application that has nothing to say to a request: Echo's message, and empty ones.
pub fn default_answer(request: Request) -> Response {
    match request {
        Request::Echo(request) => Response::Echo(ResponseEcho {
            message: request.message,
        }),
        Request::Flush(_) => Response::Flush(Default::default()),
        Request::Info(_) => Response::Info(Default::default()),
        Request::InitChain(_) => Response::InitChain(Default::default()),
        Request::Query(_) => Response::Query(Default::default()),
        Request::CheckTx(_) => Response::CheckTx(Default::default()),
        Request::Commit(_) => Response::Commit(Default::default()),
        Request::ListSnapshots(_) => Response::ListSnapshots(Default::default()),
        Request::OfferSnapshot(_) => Response::OfferSnapshot(Default::default()),
        Request::LoadSnapshotChunk(_) => Response::LoadSnapshotChunk(Default::default()),
        Request::ApplySnapshotChunk(_) => Response::ApplySnapshotChunk(Default::default()),
        Request::PrepareProposal(_) => Response::PrepareProposal(Default::default()),
        Request::ProcessProposal(_) => Response::ProcessProposal(Default::default()),
        Request::ExtendVote(_) => Response::ExtendVote(Default::default()),
        Request::VerifyVoteExtension(_) => Response::VerifyVoteExtension(Default::default()),
        Request::FinalizeBlock(_) => Response::FinalizeBlock(Default::default()),
    }
}

/// The answer that tells CometBFT to give up (ABCI, `ResponseException`).
pub(super) fn exception(error: String) -> Response {
    Response::Exception(ResponseException { error })
}
