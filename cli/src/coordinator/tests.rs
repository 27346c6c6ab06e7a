//! The mock coordinator over HTTP, against a node that says what each test wants.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use ait_app::{
    address::Address,
    crypto::SecretKey,
    receipts::{Attestation, ReceiptTerms},
    state::records::{Escrow, EscrowStatus},
};
use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{ledger::Ledger, rules::Limits, server};
use crate::{attest::SignedReceipt, client::Client};

/// What the node says.
struct Node {
    height: u64,
    escrow: Option<Escrow>,
    miner_key: Option<String>,
}

type Shared = Arc<Mutex<Node>>;

struct Setup {
    coordinator: Client,
    address: Address,
    key: SecretKey,
    node: Shared,
    _folder: tempfile::TempDir,
}

async fn listen(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn node_router(node: Shared) -> Router {
    let chain = json!({"status": "ok", "chain_id": "ait-devnet", "height": 1});
    Router::new()
        .route("/health", get(|| async { Json(chain) }))
        .route("/rpc/getHead", get(head))
        .route("/rpc/getEscrow/{client}/{job}", get(escrow))
        .route("/rpc/getBalance/{address}", get(balance))
        .with_state(node)
}

async fn head(State(node): State<Shared>) -> Json<Value> {
    Json(json!({"height": node.lock().unwrap().height}))
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

async fn balance(State(node): State<Shared>) -> Json<Value> {
    let key = node.lock().unwrap().miner_key.clone();
    let record = json!({"balance": 1, "nonce": 1, "pubkey": key}).to_string();
    Json(json!({"balance": 1, "nonce": 1, "proof": {"value": record}}))
}

fn miner() -> SecretKey {
    SecretKey::from_seed([7; 32])
}

fn receipt(id: &str, price: u64) -> SignedReceipt {
    let key = miner();
    let terms = ReceiptTerms {
        receipt_id: id.parse().unwrap(),
        job_id: "job_42".parse().unwrap(),
        client: Address::module("client"),
        miner: Address::of(&key.public_key()),
        compute_units: 10,
        price,
        output_hash: format!("sha256:{}", "00".repeat(32)).parse().unwrap(),
    };
    SignedReceipt::sign(&"ait-devnet".parse().unwrap(), terms, &key)
}

async fn setup() -> Setup {
    let folder = tempfile::tempdir().unwrap();
    let key = SecretKey::from_seed([9; 32]);
    let address = Address::of(&key.public_key());
    let node = Arc::new(Mutex::new(Node {
        height: 20,
        escrow: Some(Escrow {
            client: Address::module("client"),
            job_id: "job_42".parse().unwrap(),
            coordinator: address,
            amount: 500,
            status: EscrowStatus::Open,
            opened_height: 17,
            expires_height: 100,
        }),
        miner_key: None,
    }));
    let node_address = listen(node_router(node.clone())).await;
    let chain_id = "ait-devnet".parse().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.jsonl"), &chain_id).unwrap();
    let client = Client::new(&format!("http://{node_address}")).unwrap();
    let limits = Limits::default();
    let coordinator = server::Coordinator::new(chain_id, key.clone(), client, limits, ledger);
    let bound = listen(server::router(coordinator)).await;
    Setup {
        coordinator: Client::new(&format!("http://{bound}")).unwrap(),
        address,
        key,
        node,
        _folder: folder,
    }
}

impl Setup {
    /// Asks with the body of SPEC section 4, changed.
    async fn ask(
        &self,
        receipt: &SignedReceipt,
        change: impl FnOnce(&mut Value),
    ) -> Result<Attestation, (u16, String)> {
        let request = receipt.request(&"ait-devnet".parse().unwrap(), 17);
        let mut body = serde_json::to_value(request).unwrap();
        body["miner_pubkey"] = json!(receipt.miner_pubkey);
        change(&mut body);
        let answer = self
            .coordinator
            .post("/attest/receipt", body.to_string().into_bytes())
            .await;
        answer.map_err(|error| match error {
            crate::client::ClientError::Refused { status, code, .. } => (status, code),
            other => panic!("{other}"),
        })
    }
}

#[tokio::test]
async fn a_paid_receipt_is_attested_with_the_coordinator_s_signature() {
    let setup = setup().await;
    let receipt = receipt("r-1", 500);
    let attestation = setup.ask(&receipt, |_| {}).await.unwrap();
    assert!(attestation.is_good_for(&receipt.terms));
    assert_eq!(attestation.coordinator, setup.address);
    let key = setup.key.public_key();
    let chain = "ait-devnet".parse().unwrap();
    assert!(attestation.is_signed_by(&key, &chain, &receipt.terms, 17));
}

#[tokio::test]
async fn only_the_first_receipt_for_an_escrow_is_good() {
    let setup = setup().await;
    let (first, second) = (receipt("r-1", 500), receipt("r-2", 500));
    assert!(setup.ask(&first, |_| {}).await.unwrap().not_double_spent);
    assert!(!setup.ask(&second, |_| {}).await.unwrap().not_double_spent);
    assert!(setup.ask(&first, |_| {}).await.unwrap().not_double_spent);
}

#[tokio::test]
async fn a_receipt_that_is_not_good_takes_nobody_s_place() {
    let setup = setup().await;
    let too_dear = setup.ask(&receipt("r-1", 501), |_| {}).await.unwrap();
    assert!(!too_dear.paid);
    let next = receipt("r-2", 500);
    assert!(
        setup
            .ask(&next, |_| {})
            .await
            .unwrap()
            .is_good_for(&next.terms)
    );
}

#[tokio::test]
async fn nothing_is_signed_for_a_wrong_miner_signature_or_chain() {
    let setup = setup().await;
    let receipt = receipt("r-1", 500);
    let other = SecretKey::from_seed([8; 32]).public_key();
    for (name, value, code) in [
        (
            "miner_sig",
            json!("00".repeat(64)),
            "invalid_miner_signature",
        ),
        ("price", json!(499), "invalid_miner_signature"),
        ("miner_pubkey", json!(other), "miner_mismatch"),
        ("chain_id", json!("other"), "wrong_chain_id"),
    ] {
        let denied = setup.ask(&receipt, |body| body[name] = value).await;
        assert_eq!(denied, Err((422, code.to_owned())), "{name}");
    }
    let denied = setup.ask(&receipt, |body| body["price"] = json!("1")).await;
    assert_eq!(denied, Err((400, "invalid_field".to_owned())));
    let huge = "x".repeat(20_000);
    let denied = setup
        .ask(&receipt, |body| body["extra"] = json!(huge))
        .await;
    assert_eq!(denied, Err((413, "too_large".to_owned())));
}

#[tokio::test]
async fn what_it_cannot_know_yet_is_neither_attested_nor_denied_for_good() {
    let setup = setup().await;
    let receipt = receipt("r-1", 500);
    setup.node.lock().unwrap().height = 16;
    let too_early = setup.ask(&receipt, |_| {}).await;
    assert_eq!(too_early, Err((409, "height_unknown".to_owned())));
    setup.node.lock().unwrap().height = 17;
    assert!(setup.ask(&receipt, |_| {}).await.unwrap().paid);
}

#[tokio::test]
async fn a_miner_s_key_comes_with_the_request_or_from_the_chain() {
    let setup = setup().await;
    let receipt = receipt("r-1", 500);
    let without_key = |body: &mut Value| {
        body.as_object_mut().unwrap().remove("miner_pubkey");
    };
    let unknown = setup.ask(&receipt, without_key).await;
    assert_eq!(unknown, Err((409, "miner_key_unknown".to_owned())));
    setup.node.lock().unwrap().miner_key = Some(receipt.miner_pubkey.to_string());
    let attested = setup.ask(&receipt, without_key).await.unwrap();
    assert!(attested.is_good_for(&receipt.terms));
}

#[tokio::test]
async fn an_escrow_that_is_not_there_is_not_paid() {
    let setup = setup().await;
    setup.node.lock().unwrap().escrow = None;
    let receipt = receipt("r-1", 500);
    let attestation = setup.ask(&receipt, |_| {}).await.unwrap();
    assert!(attestation.exists && !attestation.paid);
    assert!(!attestation.is_good_for(&receipt.terms));
}
