//! Owns what stands between the socket and an application that is recorded. Hands every request on, and every answer
//! back, as they are.

use std::sync::{Arc, PoisonError};

use tendermint_proto::v0_38::abci::{request::Value as Request, response::Value as Response};

use super::Recorder;
use crate::transport::Application;

/// An application whose calls are recorded.
#[derive(Clone)]
pub struct Recorded<A> {
    application: A,
    recorder: Arc<Recorder>,
    /// None before a connection is served.
    connection: Option<Arc<Connection>>,
}

/// A connection is open until this is dropped.
struct Connection {
    number: u32,
    recorder: Arc<Recorder>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.recorder.closed(self.number);
    }
}

impl<A> Recorded<A> {
    /// Records what is asked of an application from now on.
    pub fn new(application: A, recorder: Arc<Recorder>) -> Self {
        Self {
            application,
            recorder,
            connection: None,
        }
    }
}

impl<A: Application> Application for Recorded<A> {
    type Fatal = A::Fatal;

    fn connected(&self) -> Self {
        Self {
            application: self.application.connected(),
            recorder: self.recorder.clone(),
            connection: Some(Arc::new(Connection {
                number: self.recorder.opened(),
                recorder: self.recorder.clone(),
            })),
        }
    }

    fn look_ahead(&self, requests: &[Request]) {
        self.application.look_ahead(requests);
    }

    fn answer(&self, request: Request) -> Result<Response, A::Fatal> {
        let (recorder, order) = (&self.recorder, &self.recorder.order);
        let connection = self.connection.as_ref().map_or(0, |open| open.number);
        let _alone =
            changes(&request).then(|| order.write().unwrap_or_else(PoisonError::into_inner));
        let _together =
            reads(&request).then(|| order.read().unwrap_or_else(PoisonError::into_inner));
        let call = recorder.called(connection, &request);
        let answer = self.application.answer(request);
        if let Some(call) = call {
            match &answer {
                Ok(answer) => recorder.answered(call, answer),
                Err(fatal) => recorder.failed(call, fatal.to_string()),
            }
        }
        answer
    }
}

/// Whether a call may change what is committed.
fn changes(request: &Request) -> bool {
    matches!(
        request,
        Request::InitChain(_)
            | Request::Commit(_)
            | Request::OfferSnapshot(_)
            | Request::ApplySnapshotChunk(_)
    )
}

/// Whether a call that changes nothing is answered by what is committed alone.
fn reads(request: &Request) -> bool {
    matches!(request, Request::Info(_) | Request::Query(_))
}
