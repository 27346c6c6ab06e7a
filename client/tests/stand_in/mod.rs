//! A node that is none: it answers what a wallet asks for, and each transaction as a test wants it.
#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// What is answered to what is sent or looked for.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The connection ends without a word, after all of the request was read.
    Nothing,
    /// A status, and JSON.
    Json(u16, Value),
    /// A status, and what a proxy would say.
    Page(u16),
}

impl Answer {
    /// A transaction that is taken.
    pub fn taken() -> Self {
        Answer::Json(200, json!({ "txHash": HASH }))
    }

    /// A refusal by its name.
    pub fn refused(status: u16, code: &str) -> Self {
        let error = json!({"code": code, "codespace": "auth", "message": "field nonce is 3"});
        Answer::Json(status, json!({ "error": error }))
    }

    /// A transaction that waits.
    pub fn pending() -> Self {
        let view = json!({"hash": HASH, "status": "pending", "receipt": null, "tx": {}});
        Answer::Json(200, view)
    }

    /// A transaction in block 7, with the number of a code.
    pub fn in_block(code: u32) -> Self {
        let status = if code == 0 { "committed" } else { "failed" };
        let receipt = json!({
            "height": 7, "index": 0, "code": code, "codespace": "bank", "log": "too little", "fee": 60, "events": [],
        });
        let view = json!({"hash": HASH, "status": status, "receipt": receipt, "tx": {}});
        Answer::Json(200, view)
    }

    /// A transaction that the node let go of.
    pub fn dropped() -> Self {
        let reason =
            json!({"code": "nonce_used", "codespace": "auth", "message": "another took it"});
        let view = json!({
            "hash": HASH, "status": "dropped", "receipt": null, "tx": null, "reason": reason,
        });
        Answer::Json(200, view)
    }
}

/// The hash of everything that is taken here.
pub const HASH: &str = "AB";

#[derive(Default)]
struct State {
    to_sent: VecDeque<Answer>,
    to_looks: VecDeque<Answer>,
    sent: Vec<(String, Vec<u8>)>,
    asked: Vec<String>,
    /// What came with each of them to show that it may.
    authorizations: Vec<Option<String>>,
}

/// The node.
pub struct StandIn {
    pub url: String,
    state: Arc<Mutex<State>>,
}

impl StandIn {
    /// One that answers transactions, and then looks for them, in this order; the last answer of each stays.
    pub async fn start(to_sent: &[Answer], to_looks: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            to_sent: to_sent.iter().cloned().collect(),
            to_looks: to_looks.iter().cloned().collect(),
            ..State::default()
        }));
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self { url, state }
    }

    /// The paths and bodies of the transactions that came, in order.
    pub fn sent(&self) -> Vec<(String, Vec<u8>)> {
        self.state.lock().unwrap().sent.clone()
    }

    /// The one body that came each time.
    pub fn sent_bytes(&self) -> Vec<u8> {
        let mut bodies: Vec<Vec<u8>> = self.sent().into_iter().map(|(_, body)| body).collect();
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "other bytes were sent");
        bodies.remove(0)
    }

    /// The `authorization` of each request, in order.
    pub fn authorizations(&self) -> Vec<Option<String>> {
        self.state.lock().unwrap().authorizations.clone()
    }

    /// The paths that were asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.clone()
    }
}

async fn serve(stream: TcpStream, state: Arc<Mutex<State>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let (mut length, mut authorization) = (0, None);
    loop {
        line.clear();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim().split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        } else if name.eq_ignore_ascii_case("authorization") {
            authorization = Some(value.trim().to_owned());
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let answer = {
        let mut state = state.lock().unwrap();
        state.authorizations.push(authorization);
        state.answer(&path, body)
    };
    let (status, kind, text) = match answer {
        Answer::Nothing => return None,
        Answer::Json(status, value) => (status, "application/json", value.to_string()),
        Answer::Page(status) => (status, "text/html", "<html>".to_owned()),
    };
    let length = text.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream
        .write_all((head + text.as_str()).as_bytes())
        .await
        .ok()
}

impl State {
    fn answer(&mut self, path: &str, body: Vec<u8>) -> Answer {
        self.asked.push(path.to_owned());
        let route = path.split('?').next().unwrap();
        if route == "/rpc/sendTx" || route == "/admin/mintFaucet" {
            self.sent.push((path.to_owned(), body));
            return next(&mut self.to_sent);
        }
        if route.starts_with("/rpc/getTx/") {
            return next(&mut self.to_looks);
        }
        if let Some(address) = route.strip_prefix("/rpc/getAccount/") {
            return Answer::Json(200, account(address));
        }
        let fees = json!({"base_fee": 2, "fee_per_kib": 100, "record_fee": 1_000});
        match route {
            "/health" => Answer::Json(
                200,
                json!({"status": "ok", "chain_id": "ait-devnet", "height": 6}),
            ),
            "/rpc/getParams" => Answer::Json(200, fees),
            "/rpc/estimateFee" => Answer::Json(200, json!({"fee": 50, "recommended": 60})),
            _ => Answer::refused(404, "not_found"),
        }
    }
}

fn next(answers: &mut VecDeque<Answer>) -> Answer {
    match answers.len() {
        0 => Answer::refused(404, "not_found"),
        1 => answers[0].clone(),
        _ => answers.pop_front().unwrap(),
    }
}

fn account(address: &str) -> Value {
    json!({
        "address": address, "balance": 1_000_000, "nonce": 2, "next_nonce": 3, "pubkey": null, "stake": 0, "bond": 0,
        "unbonding": [], "escrows": {"open": 0, "locked": 0}, "miner": null, "validator": null, "coordinator": null,
    })
}
