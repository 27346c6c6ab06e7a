//! Owns what the tests stand on: a chain of one node in this process, REST on a free port, and a client.

pub mod comet;
pub mod coordinator;
pub mod keys;
pub mod proofs;

use std::{future::Future, sync::Arc, time::Duration};

use ait_abci::Application;
use ait_app::{
    identifiers::ChainId,
    tx::{Transaction, TxHash},
};
use ait_node::Node;
use ait_rest::Server;
use ait_store::MemoryStore;
use ait_testkit::chain::{Setup, authority};
use ait_tests::contract::Answered;
use reqwest::{Client, Method, Response, header::HeaderMap};
use serde_json::Value;
use tokio::{sync::oneshot, task::JoinHandle, time::Instant};

pub use comet::FakeComet;
use keys::{ADMIN, ALICE, CONSENSUS, COORDINATOR, FAUCET, Key, OTHER_COORDINATOR, VALIDATOR};

/// The chain of all tests.
pub const CHAIN_ID: &str = "ait-test";

/// Long enough for any machine; a test that waits this long has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What a node and its REST are told.
pub struct Settings {
    pub node: ait_node::Config,
    pub rest: ait_rest::Config,
}

/// A chain with REST.
pub struct Chain {
    pub node: Application,
    pub comet: Arc<FakeComet>,
    pub base: String,
    /// The operator's own listener, where it has one.
    pub ops: Option<std::net::SocketAddr>,
    pub http: Client,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

impl Chain {
    /// A devnet with one block made.
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// The same, with other settings.
    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let chain = Self::without_block(change).await;
        chain.comet.make_block().await;
        chain
    }

    /// The same, before its first block.
    pub async fn without_block(change: impl FnOnce(&mut Settings)) -> Self {
        Self::on_store(Arc::new(MemoryStore::new()), change).await
    }

    /// The same, on a store that may hold a saved pool.
    pub async fn on_store(store: Arc<MemoryStore>, change: impl FnOnce(&mut Settings)) -> Self {
        Self::of(genesis(), store, change).await
    }

    /// The same chain on the store of a node that stopped, with a CometBFT that begins anew.
    pub async fn restarted(store: Arc<MemoryStore>, stopped: &Self) -> Self {
        let chain = Self::on_store(store, |_| {}).await;
        chain.comet.resume(&stopped.comet);
        chain
    }

    /// A devnet of another genesis, with one block made.
    pub async fn of_genesis(
        change_genesis: impl FnOnce(&mut Value),
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let mut genesis = genesis();
        change_genesis(&mut genesis);
        let chain = Self::of(genesis, Arc::new(MemoryStore::new()), change).await;
        chain.comet.make_block().await;
        chain
    }

    async fn of(
        genesis: Value,
        store: Arc<MemoryStore>,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let chain_id: ChainId = CHAIN_ID.parse().unwrap();
        let on_fatal = Arc::new(|why: String| panic!("the node stopped: {why}"));
        let node = Application::open(store, chain_id, 1 << 20, on_fatal).unwrap();
        let comet = FakeComet::start(node.clone(), &genesis).await;
        let mut settings = Settings {
            node: ait_node::Config::new(comet.url()),
            rest: ait_rest::Config::new(([127, 0, 0, 1], 0).into()),
        };
        settings.rest.devnet = true;
        settings.rest.faucet_key = Some(FAUCET.secret());
        settings.rest.admin_key = Some(ADMIN.secret());
        // Blocks have the times of the stand-in's own clock.
        settings.node.max_block_age = Duration::MAX;
        change(&mut settings);
        let running = Node::start(&node, &settings.node).unwrap();
        let server = Server::bind(&running, settings.rest).await.unwrap();
        let base = format!("http://{}", server.address());
        let ops = server.ops_address();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(async move {
            server
                .run(async move {
                    let _ = stopped.await;
                })
                .await;
            running.end().await;
        });
        Self {
            node,
            comet,
            base,
            ops,
            http: Client::builder().no_proxy().build().unwrap(),
            stop: Some(stop),
            server: Some(server),
        }
    }

    /// Stops REST and waits until it has.
    pub async fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(server) = self.server.take() {
            server.await.unwrap();
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path, None, HeaderMap::new())
            .await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_text(path, body.to_string()).await
    }

    pub async fn post_text(&self, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        self.request(Method::POST, path, Some(body.into()), HeaderMap::new())
            .await
    }

    /// Sends many as lines; what became of each.
    pub async fn send_lines(&self, lines: &[Vec<u8>]) -> Vec<Value> {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", "application/x-ndjson".parse().unwrap());
        let body = Some(lines.join(&b'\n'));
        let answer = self
            .request(Method::POST, "/rpc/sendTxs", body, headers)
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("content-type"), "application/x-ndjson");
        let answers = answer.text.lines();
        answers
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Any request; the answer is held against the documentation.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        headers: HeaderMap,
    ) -> Answer {
        let mut request = self
            .http
            .request(method.clone(), format!("{}{path}", self.base))
            .headers(headers)
            .timeout(PATIENCE);
        if let Some(body) = body {
            request = request.body(body);
        }
        let answer = Answer::of(request.send().await.unwrap()).await;
        Answered {
            method: method.as_str(),
            path,
            status: answer.status,
            content_type: answer.header("content-type"),
            text: &answer.text,
        }
        .check();
        answer
    }

    pub async fn send(&self, tx: &Transaction) -> Answer {
        self.post_text("/rpc/sendTx", tx.to_wire()).await
    }

    /// Waits until the node has the coordinator's answer for a claim in its pool.
    pub async fn attested(&self, claim: &Transaction) {
        until("the coordinator has answered", async || {
            let pending = self.node.mempool().pending(&hash_of(claim)).unwrap();
            (!pending.waits_for_attestation).then_some(())
        })
        .await;
    }

    /// getTx's answer.
    pub async fn tx(&self, tx: &Transaction) -> Value {
        self.get(&format!("/rpc/getTx/{}", hash_of(tx))).await.ok()
    }

    /// The answer of a route with its proof, of the last block: its app hash is in the header of one that is made for it.
    pub async fn prove(&self, path: &str) -> Answer {
        self.comet.make_block().await;
        self.get(&format!("{path}?prove=true")).await
    }

    pub async fn balance(&self, key: Key) -> u64 {
        let answer = self
            .get(&format!("/rpc/getBalance/{}", key.address()))
            .await;
        answer.json["balance"].as_u64().unwrap()
    }
}

/// An answer of REST.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    /// Null where the body is no JSON.
    pub json: Value,
}

impl Answer {
    pub async fn of(response: Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await.unwrap();
        let json = serde_json::from_str(&text).unwrap_or_default();
        Self {
            status,
            headers,
            text,
            json,
        }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The answer of a request that shall succeed.
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json
    }

    /// Status and code of a request that shall be refused.
    pub fn refusal(&self) -> (u16, &str) {
        let code = self.json["error"]["code"].as_str();
        (self.status, code.unwrap_or_else(|| panic!("{self:?}")))
    }
}

/// Waits until `condition` gives something.
pub async fn until<T, F>(what: &str, mut condition: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = condition().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub fn hash_of(tx: &Transaction) -> TxHash {
    TxHash::of(&tx.to_wire())
}

pub fn genesis() -> Value {
    let rich = [ALICE, FAUCET, ADMIN].map(Key::actor);
    let balances = [1_000_000_000, 1_000_000_000_000, 1_000_000];
    let setup = Setup::funding(rich.iter().zip(balances))
        .coordinators(&[&COORDINATOR.actor(), &OTHER_COORDINATOR.actor()])
        .param("admin", ADMIN.address().to_string())
        .param(
            "authorities",
            vec![authority(&VALIDATOR.actor(), &CONSENSUS.actor(), 10)],
        )
        .param("min_account_balance", 0);
    serde_json::from_slice(&setup.app_state()).unwrap()
}
