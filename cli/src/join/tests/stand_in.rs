//! Nodes that are none: they answer CometBFT's RPC as a test wants it.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use ait_app::{crypto::SecretKey, params::values::Authority, quantity::Ranged};
use ait_home::{
    genesis::{DEFAULT_BLOCK_BYTES, DEFAULT_EVIDENCE_AGE, GenesisPlan, build},
    keys::PublicParts,
};
use axum::{Json, Router, extract::DefaultBodyLimit, http::StatusCode, routing::post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What is answered to a method.
pub enum Reply {
    /// Its result.
    Result(Value),
    /// A refusal in CometBFT's words.
    Refused(&'static str),
    /// Bytes that may be no JSON.
    Bytes(Vec<u8>),
    /// Nothing, for ever.
    Nothing,
}

/// The URL of a node that answers each method with its params so.
pub async fn node(answer: impl Fn(&str, &Value) -> Reply + Send + Sync + 'static) -> String {
    let answer = Arc::new(answer);
    let handle = move |Json(request): Json<Value>| {
        let answer = answer.clone();
        async move {
            let method = request["method"].as_str().unwrap_or_default();
            let body = match answer(method, &request["params"]) {
                Reply::Result(result) => json!({"jsonrpc": "2.0", "id": 1, "result": result}),
                Reply::Refused(data) => {
                    let error = json!({"code": -32603, "message": "Internal error", "data": data});
                    let body = json!({"jsonrpc": "2.0", "id": 1, "error": error}).to_string();
                    return (StatusCode::INTERNAL_SERVER_ERROR, body.into_bytes());
                }
                Reply::Bytes(bytes) => return (StatusCode::OK, bytes),
                Reply::Nothing => std::future::pending().await,
            };
            (StatusCode::OK, body.to_string().into_bytes())
        }
    };
    let router = Router::new()
        .route("/", post(handle))
        .layer(DefaultBodyLimit::disable());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// A node of the chain `test-1` with blocks 1 to 20.
pub fn honest(number: u8) -> impl Fn(&str, &Value) -> Reply + Send + Sync + 'static {
    let genesis: Value = serde_json::from_str(&genesis_text()).unwrap();
    move |method, params| match method {
        "status" => Reply::Result(status(number)),
        "genesis" => Reply::Result(json!({"genesis": genesis})),
        "commit" => Reply::Result(commit(params, "AB")),
        _ => Reply::Refused("no such method"),
    }
}

/// What an honest node says of itself.
pub fn status(number: u8) -> Value {
    json!({
        "node_info": {
            "id": format!("{number:040}"),
            "listen_addr": "tcp://0.0.0.0:7070",
            "network": "test-1",
        },
        "sync_info": {
            "latest_block_height": "20",
            "earliest_block_height": "1",
            "catching_up": false,
        },
    })
}

/// The commit of the height that `params` ask for, its hash made of one byte in hex.
pub fn commit(params: &Value, byte: &str) -> Value {
    let header = json!({
        "height": params["height"], "time": "2026-01-31T12:00:00.123456789Z", "chain_id": "test-1",
        "last_block_id": {"hash": "CC"}, "app_hash": "DD", "proposer_address": "EE",
    });
    let commit = json!({"block_id": {"hash": byte.repeat(32)}, "signatures": []});
    json!({"signed_header": {"header": header, "commit": commit}, "canonical": true})
}

/// The chain's genesis.
pub fn genesis_text() -> String {
    let key = PublicParts::of(&SecretKey::from_seed([7; 32]));
    build(&GenesisPlan {
        chain_id: "test-1".parse().unwrap(),
        time: SystemTime::UNIX_EPOCH,
        admin: key.address,
        authorities: vec![Authority {
            address: key.address,
            power: Ranged::new(10).unwrap(),
            proof: None,
            pubkey: key.pubkey,
        }],
        coordinators: BTreeMap::new(),
        accounts: BTreeMap::new(),
        params: BTreeMap::new(),
        evidence_age: DEFAULT_EVIDENCE_AGE,
        block_bytes: DEFAULT_BLOCK_BYTES,
        protocol: ait_app::upgrades::record::ProtocolVersion::V2,
    })
    .unwrap()
}
