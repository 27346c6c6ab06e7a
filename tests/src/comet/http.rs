//! Owns talking to a node's two doors: REST, and CometBFT's own RPC.

use ait_app::{address::Address, tx::Transaction};
use serde_json::{Value, json};

use super::wait::eventually;
use crate::contract::Answered;

/// An HTTP answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The body; null when it is no JSON.
    pub body: Value,
    content_type: String,
    text: String,
}

impl Reply {
    /// The body of a successful answer.
    ///
    /// # Panics
    /// When it is none.
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }

    fn check(&self, method: &str, path: &str) {
        Answered {
            method,
            path,
            status: self.status,
            content_type: &self.content_type,
            text: &self.text,
        }
        .check();
    }

    /// The body as it stands.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The error's stable name; empty when it is no error.
    pub fn error(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }
}

/// A node's REST routes.
#[derive(Clone)]
pub struct Rest {
    client: reqwest::Client,
    /// `http://host:port`.
    pub url: String,
}

impl Rest {
    /// The routes at a URL, over connections of its own.
    pub fn new(url: &str) -> Self {
        Self {
            client: reqwest::Client::new(),
            url: url.to_owned(),
        }
    }

    /// `GET path`; `None` when nobody answers.
    pub async fn try_get(&self, path: &str) -> Option<Reply> {
        let answer = read(self.client.get(format!("{}{path}", self.url))).await;
        answer.inspect(|reply| reply.check("GET", path))
    }

    /// `GET path`.
    ///
    /// # Panics
    /// When nobody answers.
    pub async fn get(&self, path: &str) -> Reply {
        self.try_get(path).await.expect("REST answers")
    }

    /// `POST path` with a body as it stands; `None` when nobody answers.
    pub async fn try_post(&self, path: &str, body: Vec<u8>) -> Option<Reply> {
        let request = self.client.post(format!("{}{path}", self.url));
        let request = request.header("content-type", "application/json");
        let answer = read(request.body(body)).await;
        answer.inspect(|reply| reply.check("POST", path))
    }

    /// `POST path` with a body as it stands.
    ///
    /// # Panics
    /// When nobody answers.
    pub async fn post(&self, path: &str, body: Vec<u8>) -> Reply {
        self.try_post(path, body).await.expect("REST answers")
    }

    /// `POST /rpc/sendTx`.
    pub async fn send(&self, tx: &Transaction) -> Reply {
        self.post("/rpc/sendTx", tx.to_wire()).await
    }

    /// Sends a transaction and waits until it is committed; gives its receipt.
    ///
    /// # Panics
    /// When it was refused or failed.
    pub async fn commit(&self, tx: &Transaction) -> Value {
        self.send(tx).await.ok();
        let receipt = self.receipt_of(tx).await;
        assert_eq!(receipt["code"], 0, "{receipt}");
        receipt
    }

    /// Waits until a transaction is in a block; gives its receipt.
    pub async fn receipt_of(&self, tx: &Transaction) -> Value {
        let path = format!("/rpc/getTx/{}", tx.hash());
        eventually("the transaction is in a block", async || {
            let body = self.try_get(&path).await?.body;
            body["receipt"].is_object().then(|| body["receipt"].clone())
        })
        .await
    }

    /// An account's balance, uait.
    pub async fn balance(&self, address: Address) -> u64 {
        self.account(address).await.0
    }

    /// An account's balance in uait, and its nonce.
    ///
    /// # Panics
    /// When the answer is none.
    pub async fn account(&self, address: Address) -> (u64, u64) {
        let body = self.get(&format!("/rpc/getBalance/{address}")).await.ok();
        let field = |name: &str| body[name].as_u64().expect("an integer");
        (field("balance"), field("nonce"))
    }

    /// The supply's leaf.
    pub async fn supply(&self) -> Value {
        self.get("/rpc/getSupply").await.ok()
    }

    /// The height of the committed head; 0 before the first block, and when nobody answers.
    pub async fn height(&self) -> u64 {
        let head = self.try_get("/rpc/getHead").await;
        head.and_then(|head| head.body["height"].as_u64())
            .unwrap_or(0)
    }

    /// Waits until the committed head is at least at `height`.
    pub async fn reaches(&self, height: u64) -> u64 {
        eventually(
            &format!("{} reaches height {height}", self.url),
            async || {
                let reached = self.height().await;
                (reached >= height).then_some(reached)
            },
        )
        .await
    }

    /// Waits for two more blocks: the chain goes on.
    pub async fn goes_on(&self) -> u64 {
        let height = self.height().await;
        self.reaches(height + 2).await
    }
}

/// CometBFT's RPC of a node.
#[derive(Clone)]
pub struct Rpc {
    client: reqwest::Client,
    /// `http://host:port`.
    pub url: String,
}

impl Rpc {
    /// The RPC at a URL.
    pub fn new(url: &str) -> Self {
        Self {
            client: reqwest::Client::new(),
            url: url.to_owned(),
        }
    }

    /// A method's result; null when nobody answers or the answer is an error.
    pub async fn call(&self, method: &str, params: &str) -> Value {
        let url = format!("{}/{method}?{params}", self.url);
        let reply = read(self.client.get(url)).await;
        reply.map_or(Value::Null, |reply| reply.body["result"].clone())
    }

    /// `broadcast_tx_sync` of any bytes: CheckTx's answer, `{code, codespace, log, hash}`.
    pub async fn broadcast(&self, wire: &[u8]) -> Value {
        let tx = format!("tx=0x{}", hex::encode(wire));
        self.call("broadcast_tx_sync", &tx).await
    }

    /// The latest height CometBFT stored; 0 when nobody answers.
    pub async fn height(&self) -> u64 {
        self.block_header("").await.0
    }

    /// The height of a block and the app hash after the block before it; of the latest one for "".
    pub async fn block_header(&self, height: &str) -> (u64, String) {
        let params = if height.is_empty() {
            String::new()
        } else {
            format!("height={height}")
        };
        let block = self.call("block", &params).await;
        let header = &block["block"]["header"];
        let height = header["height"].as_str().and_then(|text| text.parse().ok());
        let app_hash = header["app_hash"].as_str().unwrap_or_default();
        (height.unwrap_or(0), app_hash.to_owned())
    }

    /// How many peers it is connected with.
    pub async fn peers(&self) -> u64 {
        let info = self.call("net_info", "").await;
        let count = info["n_peers"].as_str().and_then(|text| text.parse().ok());
        count.unwrap_or(0)
    }

    /// Whether it is still fetching the blocks it missed.
    pub async fn is_catching_up(&self) -> bool {
        let status = self.call("status", "").await;
        status["sync_info"]["catching_up"] != json!(false)
    }
}

async fn read(request: reqwest::RequestBuilder) -> Option<Reply> {
    let response = request.send().await.ok()?;
    let status = response.status().as_u16();
    let content_type = response.headers().get("content-type");
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    let text = response.text().await.ok()?;
    Some(Reply {
        status,
        body: serde_json::from_str(&text).unwrap_or(Value::Null),
        content_type,
        text,
    })
}
