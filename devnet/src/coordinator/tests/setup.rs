//! A mock coordinator over HTTP, and the node that it asks.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use ait_app::{
    address::Address,
    crypto::SecretKey,
    escrow::record::{Attester, Binding, Escrow, EscrowStatus},
    quantity::{Count, Height, Positive, Uait, Units},
    receipts::{attestation::Attestation, terms::ReceiptTerms},
};
use ait_client::{AssignRequest, Assigned, Client, ClientError, SignedReceipt, http::Trust};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse,
    routing,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::super::{
    chain::Chain,
    ledger::Ledger,
    rules::Limits,
    server,
    state::{Coordinator, Policy},
};
use ait_home::keys::KeyLock;

/// What the node says, and what it was sent.
pub struct Node {
    pub height: u64,
    pub escrow: Option<Escrow>,
    pub miner_key: Option<String>,
    pub sent: Vec<Value>,
}

pub type Shared = Arc<Mutex<Node>>;

pub struct Setup {
    pub coordinator: Client,
    pub address: Address,
    pub key: SecretKey,
    pub node: Shared,
    node_client: Client,
    path: PathBuf,
    policy: Policy,
    serving: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

async fn listen(router: Router) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, serving)
}

fn node_router(node: Shared) -> Router {
    let chain = json!({"status": "ok", "chain_id": "ait-devnet", "height": 1});
    let params = json!({"base_fee": 2, "fee_per_kib": 100, "record_fee": 1_000});
    let fee = json!({"fee": 50, "recommended": 60});
    Router::new()
        .route("/health", routing::get(|| async { Json(chain) }))
        .route("/rpc/getHead", routing::get(head))
        .route("/rpc/getEscrow/{client}/{job}", routing::get(escrow))
        .route("/rpc/getAccount/{address}", routing::get(account))
        .route("/rpc/getParams", routing::get(|| async { Json(params) }))
        .route("/rpc/estimateFee", routing::post(|| async { Json(fee) }))
        .route("/rpc/sendTx", routing::post(send))
        .route("/rpc/getTx/{hash}", routing::get(tx))
        .with_state(node)
}

async fn head(State(node): State<Shared>) -> Json<Value> {
    let height = node.lock().unwrap().height;
    Json(json!({"height": height, "hash": "", "timestamp": 0, "stateRoot": ""}))
}

async fn escrow(State(node): State<Shared>) -> impl IntoResponse {
    match &node.lock().unwrap().escrow {
        Some(escrow) => Json(escrow).into_response(),
        None => {
            let error = json!({"error": {"code": "not_found"}});
            (StatusCode::NOT_FOUND, Json(error)).into_response()
        }
    }
}

async fn account(State(node): State<Shared>, Path(address): Path<Address>) -> Json<Value> {
    let node = node.lock().unwrap();
    let next = 5 + node.sent.len();
    Json(json!({
        "address": address, "balance": 1_000, "nonce": 0, "next_nonce": next, "pubkey": node.miner_key,
        "stake": 0, "bond": 0, "unbonding": [], "escrows": {"open": 0, "locked": 0},
        "miner": null, "validator": null, "coordinator": null,
    }))
}

async fn send(State(node): State<Shared>, Json(tx): Json<Value>) -> Json<Value> {
    node.lock().unwrap().sent.push(tx);
    Json(json!({"txHash": "AB"}))
}

async fn tx() -> Json<Value> {
    Json(json!({"hash": "AB", "status": "pending", "receipt": null, "tx": {}}))
}

pub fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed([seed; 32])
}

pub fn address(seed: u8) -> Address {
    Address::of(&key(seed).public_key())
}

pub const MINER: u8 = 7;
pub const COORDINATOR: u8 = 9;

pub fn receipt_of(miner: u8, id: &str, price: u64) -> SignedReceipt {
    let terms = ReceiptTerms {
        receipt_id: id.parse().unwrap(),
        job_id: "job_42".parse().unwrap(),
        client: Address::module("client"),
        miner: address(miner),
        compute_units: Positive::new(Units::constant(10)).unwrap(),
        price: Positive::new(Uait::constant(price)).unwrap(),
        output_hash: format!("sha256:{}", "00".repeat(32)).parse().unwrap(),
        opened_height: Height::constant(17),
    };
    SignedReceipt::sign(&"ait-devnet".parse().unwrap(), terms, &key(miner))
}

pub fn receipt(id: &str, price: u64) -> SignedReceipt {
    receipt_of(MINER, id, price)
}

pub fn open_escrow() -> Escrow {
    Escrow {
        client: Address::module("client"),
        job_id: "job_42".parse().unwrap(),
        attesters: vec![Attester {
            address: address(COORDINATOR),
            key: key(COORDINATOR).public_key(),
        }],
        threshold: 1,
        binding: Binding::Unbound,
        partial: false,
        amount: Uait::constant(900),
        paid: Uait::ZERO,
        claims: Count::ZERO,
        last_receipt: None,
        opened_height: Height::constant(17),
        expires_height: Height::constant(100),
        status: EscrowStatus::Open {
            remaining: Uait::constant(900),
            cancelled: false,
        },
        convicted: Default::default(),
    }
}

/// The quote of every job here.
pub const QUOTED: u64 = 800;

async fn serve(
    node: &Client,
    path: &std::path::Path,
    policy: Policy,
) -> (Client, tokio::task::JoinHandle<()>) {
    let chain_id = "ait-devnet".parse().unwrap();
    let ledger = Ledger::open(path, &chain_id).unwrap();
    let limits = Limits {
        price: Some(Uait::constant(QUOTED)),
        ..Limits::default()
    };
    let chain = Chain::new(node.clone(), chain_id);
    let coordinator = Coordinator::new(
        chain,
        key(COORDINATOR),
        KeyLock::default(),
        limits,
        policy,
        ledger,
    );
    let (bound, serving) = listen(server::router(coordinator)).await;
    (
        Client::new(&format!("http://{bound}"), &Trust::default()).unwrap(),
        serving,
    )
}

pub async fn setup_with(policy: Policy) -> Setup {
    let folder = tempfile::tempdir().unwrap();
    let node = Arc::new(Mutex::new(Node {
        height: 20,
        escrow: Some(open_escrow()),
        miner_key: None,
        sent: Vec::new(),
    }));
    let (node_address, _) = listen(node_router(node.clone())).await;
    let node_client = Client::new(&format!("http://{node_address}"), &Trust::default()).unwrap();
    let path = folder.path().join("ledger.jsonl");
    let (coordinator, serving) = serve(&node_client, &path, policy).await;
    Setup {
        coordinator,
        address: address(COORDINATOR),
        key: key(COORDINATOR),
        node,
        node_client,
        path,
        policy,
        serving,
        _folder: folder,
    }
}

pub async fn setup() -> Setup {
    setup_with(Policy::First).await
}

impl Setup {
    /// Asks with the body of PROTOCOL section 4.2, changed.
    pub async fn ask(
        &self,
        receipt: &SignedReceipt,
        change: impl FnOnce(&mut Value),
    ) -> Result<Attestation, (u16, String)> {
        let request = receipt.request(&"ait-devnet".parse().unwrap());
        let mut body = serde_json::to_value(request).unwrap();
        change(&mut body);
        let body = body.to_string().into_bytes();
        said(self.coordinator.post("/attest/receipt", body).await)
    }

    pub async fn want(&self, miner: u8) -> Result<Assigned, (u16, String)> {
        let (client, job) = (Address::module("client"), "job_42".parse().unwrap());
        let opening = (client, job, Height::constant(17));
        let chain = "ait-devnet".parse().unwrap();
        let request = AssignRequest::sign(&chain, &self.address, opening, &key(miner));
        said(self.coordinator.post_json("/assign", &request).await)
    }

    /// Ends the coordinator and starts it again over its ledger.
    pub async fn restart(&mut self) {
        self.serving.abort();
        let _ = (&mut self.serving).await;
        // The last connection's task lets go of the ledger a moment later.
        for _ in 0..500 {
            if Ledger::open(&self.path, &"ait-devnet".parse().unwrap()).is_ok() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        (self.coordinator, self.serving) = serve(&self.node_client, &self.path, self.policy).await;
    }

    pub fn change_escrow(&self, change: impl FnOnce(&mut Escrow)) {
        change(self.node.lock().unwrap().escrow.as_mut().unwrap());
    }
}

pub fn said<T>(answer: Result<T, ClientError>) -> Result<T, (u16, String)> {
    answer.map_err(|error| match error {
        ClientError::Refused { status, code, .. } => (status, code),
        other => panic!("{other}"),
    })
}

pub fn denied(status: u16, code: &str) -> Result<Attestation, (u16, String)> {
    Err((status, code.to_owned()))
}
