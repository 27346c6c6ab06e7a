//! The choice of nonces, against a node with a run of pending transactions.

use std::sync::{Arc, Mutex};

use ait_app::{
    address::Address,
    crypto::SecretKey,
    tx::{Payload, Transfer},
};
use axum::{Json, Router, extract::State, http::StatusCode, routing};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::nonce::Sender;
use crate::client::Client;

const REQUIRED_FEE: u64 = 10;

/// A node where the account has committed and pending transactions up to these nonces.
#[derive(Default)]
struct Node {
    committed: u64,
    pending: u64,
    accepted: u64,
}

type Shared = Arc<Mutex<Node>>;

async fn balance(State(node): State<Shared>) -> Json<Value> {
    Json(json!({"balance": 0, "nonce": node.lock().unwrap().committed}))
}

async fn send(State(node): State<Shared>, Json(tx): Json<Value>) -> (StatusCode, Json<Value>) {
    let mut node = node.lock().unwrap();
    let next = node.pending.max(node.committed) + 1;
    let code = match (tx["nonce"].as_u64().unwrap(), tx["fee"].as_u64().unwrap()) {
        (nonce, _) if nonce > node.committed + 1_000 => "nonce_too_far_ahead",
        (nonce, _) if nonce > next => "nonce_gap",
        (nonce, _) if nonce < next => "replacement_underpriced",
        (_, fee) if fee < REQUIRED_FEE => "fee_too_low",
        _ => {
            node.accepted += 1;
            return (StatusCode::OK, Json(json!({"txHash": "AB"})));
        }
    };
    let error = json!({"error": {"code": code}});
    (StatusCode::UNPROCESSABLE_ENTITY, Json(error))
}

#[tokio::test]
async fn the_next_nonce_follows_all_that_is_pending_and_probing_sends_nothing() {
    let node = Shared::default();
    let router = Router::new()
        .route("/rpc/getBalance/{address}", routing::get(balance))
        .route("/rpc/sendTx", routing::post(send))
        .with_state(node.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let sender = Sender {
        client: &client,
        chain_id: &"ait-devnet".parse().unwrap(),
        key: &SecretKey::from_seed([1; 32]),
    };
    let payload = Payload::Transfer(Transfer {
        to: Address::treasury(),
        amount: 1,
        memo: None,
    });
    for (committed, pending) in [(0, 0), (5, 0), (5, 6), (5, 7), (5, 8), (5, 137), (5, 1_004)] {
        *node.lock().unwrap() = Node {
            committed,
            pending,
            accepted: 0,
        };
        let next = sender.next_nonce(&payload, REQUIRED_FEE).await.unwrap();
        assert_eq!(next, pending.max(committed) + 1, "{committed} {pending}");
        assert_eq!(node.lock().unwrap().accepted, 0);
    }
}
