//! Owns the client of CometBFT's JSON-RPC (0.38 and 0.40): the few methods that a node needs, typed.
//! Knows nothing of this project's routes.

mod answers;
mod consensus;

use std::{sync::Arc, time::Duration};

use ait_client::http::{self, Trust};
use bytes::Bytes;
use prometheus::HistogramVec;
use reqwest::{Client, RequestBuilder, Url, header::CONTENT_TYPE};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::{sync::Semaphore, time::timeout};

pub use answers::{
    BlockAnswer, BroadcastAnswer, CommitAnswer, Header, HeaderAnswer, NetInfo, NodeStatus, Peer,
    SignedHeaderAnswer, ValidatorEntry, ValidatorsAnswer,
};
pub use consensus::{ConsensusDump, RoundState};

use crate::config::ConfigError;

/// How long a connection to CometBFT may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long an answer may take: CometBFT itself gives up after 10 s.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(12);
/// How long an answer may take that others don't wait for longer: "are you there", the validators.
const SHORT_TIMEOUT: Duration = Duration::from_secs(3);
/// Validators on a page: CometBFT gives no more.
const VALIDATORS_PER_PAGE: usize = 100;
/// Requests in flight; CometBFT refuses connections beyond its 900 by default.
const MAX_IN_FLIGHT: usize = 256;
/// Of questions whether CometBFT is there: asked and answered at once, whatever else is in flight.
const MAX_STATUS_IN_FLIGHT: usize = 16;
/// CometBFT closes idle connections after 10 s; ours go first, so that none is found closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// What can go wrong with a request to CometBFT.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CometError {
    /// No connection, or no answer in time.
    #[error("CometBFT does not answer: {0}")]
    Unreachable(String),
    /// A JSON-RPC error.
    #[error("CometBFT refused: {message}{}{data}", if .data.is_empty() { "" } else { ": " })]
    Refused {
        /// JSON-RPC's number.
        code: i64,
        /// Its words.
        message: String,
        /// What CometBFT adds; empty where nothing.
        data: String,
    },
    /// The answer is not what the method answers.
    #[error("CometBFT's answer can't be read: {0}")]
    Malformed(String),
}

impl CometError {
    /// Whether CometBFT has no such method: `unsafe` methods are off by default.
    pub fn is_unknown_method(&self) -> bool {
        matches!(self, CometError::Refused { code: -32601, .. })
    }

    /// Whether the mempool takes nothing for the moment.
    pub fn is_mempool_full(&self) -> bool {
        self.says("mempool is full") || self.says("mempool is still rechecking")
    }

    /// Whether the words of a refusal contain `text`.
    pub fn says(&self, text: &str) -> bool {
        matches!(self, CometError::Refused { message, data, .. }
            if message.contains(text) || data.contains(text))
    }
}

/// A client of one CometBFT node. Cloning is cheap.
#[derive(Clone)]
pub struct Comet {
    http: Client,
    url: Url,
    in_flight: Arc<Semaphore>,
    status_in_flight: Arc<Semaphore>,
    seconds: HistogramVec,
}

#[derive(Deserialize)]
struct Envelope {
    result: Option<Value>,
    error: Option<RpcError>,
}

#[derive(Deserialize)]
struct RpcError {
    code: i64,
    #[serde(default)]
    message: String,
    #[serde(default)]
    data: String,
}

impl Comet {
    /// A client for `url`; `seconds` takes the latencies by method.
    ///
    /// # Errors
    /// [`ConfigError`] when no HTTP client can be made.
    pub fn new(url: Url, trust: &Trust, seconds: HistogramVec) -> Result<Self, ConfigError> {
        let http = http::builder(&url, trust)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build()
            .map_err(|error| ConfigError {
                setting: "COMETBFT_RPC".into(),
                value: url.to_string(),
                reason: error.to_string(),
            })?;
        Ok(Self {
            http,
            url,
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
            status_in_flight: Arc::new(Semaphore::new(MAX_STATUS_IN_FLIGHT)),
            seconds,
        })
    }

    /// Whether CometBFT is there and how far it is.
    ///
    /// # Errors
    /// [`CometError`], as every method here.
    pub async fn status(&self) -> Result<NodeStatus, CometError> {
        match timeout(SHORT_TIMEOUT, self.call("status", json!({}))).await {
            Ok(answer) => answer,
            Err(_) => Err(CometError::Unreachable("no answer in time".into())),
        }
    }

    /// Hands a transaction to the mempool and waits for CheckTx. It goes as a form, of which CometBFT makes
    /// bytes in one pass; JSON it reads five times, which costs it more than all else it does with an envelope.
    pub async fn broadcast_tx_sync(&self, wire: &[u8]) -> Result<BroadcastAnswer, CometError> {
        let method = "broadcast_tx_sync";
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(method);
        }
        let form = Bytes::from(format!("tx=0x{}", hex::encode(wire)));
        let request = || {
            self.http
                .post(url.clone())
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.clone())
        };
        self.answered(method, request).await
    }

    /// The block of a height; `None` inside where it was pruned.
    pub async fn block(&self, height: u64) -> Result<BlockAnswer, CometError> {
        self.call("block", at(height)).await
    }

    /// The header of a height; `None` inside where it was pruned.
    pub async fn header(&self, height: u64) -> Result<HeaderAnswer, CometError> {
        self.call("header", at(height)).await
    }

    /// The header of the block of a hash; `None` inside where there is none. The hash goes in hex.
    pub async fn header_by_hash(&self, hash: &[u8; 32]) -> Result<HeaderAnswer, CometError> {
        let params = json!({"hash": hex::encode(hash)});
        self.call("header_by_hash", params).await
    }

    /// The signatures under the block of a height; `None` where it was pruned.
    pub async fn commit(&self, height: u64) -> Result<Option<CommitAnswer>, CometError> {
        self.call("commit", at(height)).await
    }

    /// The header and the signatures of a height, as they came; `None` inside where it was pruned.
    pub async fn signed_header(&self, height: u64) -> Result<SignedHeaderAnswer, CometError> {
        self.call("commit", at(height)).await
    }

    /// The whole set of the newest height that CometBFT has one for: the height after its head.
    pub async fn validators(&self) -> Result<Vec<ValidatorEntry>, CometError> {
        match timeout(SHORT_TIMEOUT, self.all_validators(None)).await {
            Ok(answer) => answer,
            Err(_) => Err(CometError::Unreachable("no answer in time".into())),
        }
    }

    /// The whole set of a height.
    pub async fn validators_at(&self, height: u64) -> Result<Vec<ValidatorEntry>, CometError> {
        self.all_validators(Some(height)).await
    }

    async fn all_validators(&self, height: Option<u64>) -> Result<Vec<ValidatorEntry>, CometError> {
        let per_page = VALIDATORS_PER_PAGE.to_string();
        let mut params = json!({"page": "1", "per_page": per_page});
        if let Some(height) = height {
            params["height"] = height.to_string().into();
        }
        let first: ValidatorsAnswer = self.call("validators", params).await?;
        let mut all = first.validators;
        for page in 2..=first.total.div_ceil(VALIDATORS_PER_PAGE) {
            // All pages of one height.
            let params = json!({
                "height": first.block_height.to_string(),
                "page": page.to_string(),
                "per_page": per_page,
            });
            let next: ValidatorsAnswer = self.call("validators", params).await?;
            all.extend(next.validators);
        }
        Ok(all)
    }

    /// The peers.
    pub async fn net_info(&self) -> Result<NetInfo, CometError> {
        self.call("net_info", json!({})).await
    }

    /// Where consensus stands, here and at the peers.
    pub async fn dump_consensus_state(&self) -> Result<ConsensusDump, CometError> {
        self.call("dump_consensus_state", json!({})).await
    }

    /// Dials a peer and stays connected; answered only where CometBFT's `rpc.unsafe` is on.
    pub async fn dial_peer(&self, address: &str) -> Result<(), CometError> {
        let params = json!({"peers": [address], "persistent": true});
        let _: Value = self.call("dial_peers", params).await?;
        Ok(())
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<T, CometError> {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let post = || self.http.post(self.url.clone()).json(&request);
        self.answered(method, post).await
    }

    async fn answered<T: DeserializeOwned>(
        &self,
        method: &'static str,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<T, CometError> {
        let timer = self.seconds.with_label_values(&[method]).start_timer();
        let answer = timeout(TOTAL_TIMEOUT, self.exchange(method, request)).await;
        timer.observe_duration();
        let envelope =
            answer.map_err(|_| CometError::Unreachable("no answer in time".into()))??;
        if let Some(RpcError {
            code,
            message,
            data,
        }) = envelope.error
        {
            return Err(CometError::Refused {
                code,
                message,
                data,
            });
        }
        serde_json::from_value(envelope.result.unwrap_or_default())
            .map_err(|error| CometError::Malformed(format!("{method}: {error}")))
    }

    async fn exchange(
        &self,
        method: &str,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Envelope, CometError> {
        let unreachable = |error: reqwest::Error| CometError::Unreachable(innermost(&error));
        let lane = match method {
            "status" => &self.status_in_flight,
            _ => &self.in_flight,
        };
        let _permit = lane.acquire().await;
        let response = match request().send().await {
            // A kept connection that CometBFT closed meanwhile, as a restart of it does: every method
            // here may be asked twice.
            Err(error) if !error.is_timeout() && !error.is_connect() => request().send().await,
            answer => answer,
        };
        let body = response.map_err(unreachable)?.bytes().await;
        // CometBFT answers errors with status 500 and the same envelope.
        serde_json::from_slice(&body.map_err(unreachable)?)
            .map_err(|error| CometError::Malformed(format!("{method}: {error}")))
    }
}

fn at(height: u64) -> Value {
    json!({"height": height.to_string()})
}

/// The cause that says something: the outer ones only repeat the address.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
