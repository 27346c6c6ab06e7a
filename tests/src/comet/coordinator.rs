//! Owns a coordinator that answers as a test wants: honest, slow, lying, for another job, not at all.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ait_app::{address::Address, receipts::terms::AttestationRequest};
use ait_testkit::{
    actors::Actor,
    work::{Says, Work},
};
use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

use super::wallet::Wallet;

/// What this coordinator says of any job, with the most that it quotes for one.
const ALL_IS_WELL: Says = Says {
    exists: true,
    paid: true,
    not_double_spent: true,
    quote_price: 1_000_000,
    quote_units: 1_000,
};

/// How it answers.
#[derive(Debug, Clone)]
pub enum Manner {
    /// The truth, rightly signed: all is well.
    Honest,
    /// The truth, after so long.
    Slow(Duration),
    /// A signed no, which is not the miner's fault.
    Negative,
    /// A signed no that blames the miner.
    Damning,
    /// A yes signed with somebody else's key.
    WrongKey,
    /// A rightly signed yes, for another job.
    OtherJob,
    /// It cannot know yet (409).
    NotYet,
    /// Something that is no attestation.
    Garbage,
    /// A redirect to somewhere else.
    Redirect(String),
}

struct Shared {
    wallet: Wallet,
    manner: Mutex<Manner>,
    asked: AtomicUsize,
}

/// A coordinator at a loopback port.
pub struct Coordinator {
    shared: Arc<Shared>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Coordinator {
    /// Starts one that signs with `wallet`'s key.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start(wallet: Wallet, manner: Manner) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        Self::serve(wallet, manner, listener)
    }

    fn serve(wallet: Wallet, manner: Manner, listener: TcpListener) -> Self {
        let address = listener.local_addr().expect("a bound address");
        let shared = Arc::new(Shared {
            wallet,
            manner: Mutex::new(manner),
            asked: AtomicUsize::new(0),
        });
        let router = Router::new()
            .route("/attest/receipt", post(attest))
            .with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            // Ends when the test drops it.
            let _ = axum::serve(listener, router).await;
        });
        Self {
            shared,
            address,
            server,
        }
    }

    /// From now on it answers so.
    pub fn answers(&self, manner: Manner) {
        *self
            .shared
            .manner
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = manner;
    }

    /// How often it was asked.
    pub fn times_asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }

    pub fn account(&self) -> Address {
        self.shared.wallet.address
    }

    /// `address=url`, as `COORDINATOR_URLS` names it.
    pub fn entry(&self) -> String {
        format!("{}=http://{}", self.account(), self.address)
    }

    /// What it attests about a receipt when it is honest.
    pub fn attestation(&self, work: &Work) -> Value {
        let coordinator = &self.shared.wallet.actor;
        work.answered_by(coordinator, work.opened_height, ALL_IS_WELL)
    }
}

impl Drop for Coordinator {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn attest(State(shared): State<Arc<Shared>>, Json(body): Json<Value>) -> Response {
    shared.asked.fetch_add(1, Ordering::SeqCst);
    if serde_json::from_value::<AttestationRequest>(body.clone()).is_err() {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let manner = shared
        .manner
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let me = &shared.wallet.actor;
    let mut work = Work::requested(&body);
    let (mut signer, mut says) = (me.clone(), ALL_IS_WELL);
    match manner {
        Manner::Honest => {}
        Manner::Slow(pause) => tokio::time::sleep(pause).await,
        Manner::Negative => says.not_double_spent = false,
        Manner::Damning => says.exists = false,
        Manner::WrongKey => signer = Actor::named("an impostor"),
        Manner::OtherJob => work.job_id = "another_job".into(),
        Manner::NotYet => return StatusCode::CONFLICT.into_response(),
        Manner::Garbage => return "a".repeat(5_000_000).into_response(),
        Manner::Redirect(location) => {
            return (StatusCode::FOUND, [("location", location)]).into_response();
        }
    }
    Json(work.answered_with(me, &signer, work.opened_height, says)).into_response()
}
