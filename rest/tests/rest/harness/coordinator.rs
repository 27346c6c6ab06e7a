//! Owns a coordinator whose every answer a test decides, and which remembers what it was asked.

use std::sync::{Arc, Mutex};

use ait_app::{
    address::Address,
    receipts::{attestation::Attestation, terms::AttestationRequest},
};
use ait_testkit::work::{Says, Work};
use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle};

use super::keys::COORDINATOR;

type Answering = Box<dyn Fn(AttestationRequest, usize) -> Response + Send + Sync>;

pub struct FakeCoordinator {
    pub url: String,
    asked: Arc<Inner>,
    server: JoinHandle<()>,
}

struct Inner {
    requests: Mutex<Vec<AttestationRequest>>,
    answering: Answering,
}

impl FakeCoordinator {
    /// One that answers with what `answering` makes of the request and its number, from 0.
    pub async fn start(
        answering: impl Fn(AttestationRequest, usize) -> Response + Send + Sync + 'static,
    ) -> Self {
        let asked = Arc::new(Inner {
            requests: Mutex::default(),
            answering: Box::new(answering),
        });
        let router = Router::new()
            .route("/attest/receipt", post(answer))
            .with_state(asked.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, asked, server }
    }

    pub fn requests(&self) -> Vec<AttestationRequest> {
        self.asked.requests.lock().unwrap().clone()
    }
}

impl Drop for FakeCoordinator {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(
    State(asked): State<Arc<Inner>>,
    Json(request): Json<AttestationRequest>,
) -> Response {
    if let Some(key) = &request.miner_pubkey {
        assert_eq!(Address::of(key), request.miner);
    }
    let number = {
        let mut requests = asked.requests.lock().unwrap();
        requests.push(request.clone());
        requests.len() - 1
    };
    (asked.answering)(request, number)
}

/// What an honest coordinator says of this request; what is not good is so through no fault of the
/// miner's.
pub fn attest(request: &AttestationRequest, good: bool) -> Attestation {
    sign(request, true, good)
}

/// What it says of a job that was never done.
pub fn deny(request: &AttestationRequest) -> Attestation {
    sign(request, false, true)
}

fn sign(request: &AttestationRequest, exists: bool, paid: bool) -> Attestation {
    let work = Work::requested(&json!(request));
    let says = Says {
        exists,
        paid,
        ..work.praise()
    };
    let answer = work.answered_by(&COORDINATOR.actor(), work.opened_height, says);
    serde_json::from_value(answer).unwrap()
}

/// The same as an HTTP answer.
pub fn honest(request: AttestationRequest, _: usize) -> Response {
    Json(attest(&request, true)).into_response()
}
