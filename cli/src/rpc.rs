//! Owns asking one node over CometBFT's RPC. What it answers is read as hostile: bounded in size and
//! time, and never shown as it stands.

use std::{fmt::Display, str::FromStr, time::Duration};

use ait_client::{
    Backoff,
    http::{self, Trust, Url},
};
use ait_home::genesis::MAX_FILE_BYTES;
use ait_node::comet::{CommitAnswer, ConsensusDump};
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Client, Response};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::{Value, json, value::RawValue};
use tokio::time::{sleep, timeout};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one answer may take, where nothing else is said.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a genesis may take, all of its parts.
const GENESIS_TIMEOUT: Duration = Duration::from_secs(180);
/// How often a node is asked that can't be reached.
const TRIES: usize = 3;
/// The longest answer but for the genesis: a commit of ten thousand validators has some 3 MB.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// The longest answer with a genesis or a part of one: CometBFT's parts are 16 MiB, in base64.
const MOST_GENESIS_BYTES: usize = 64 * 1024 * 1024;
/// Parts of a genesis, at most: those of the largest that is read, and some for smaller parts.
const MOST_PARTS: usize = 64;
/// What is shown of an answer that is not understood.
const SHOWN_CHARACTERS: usize = 200;

/// Why a node said nothing that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// No connection, or no answer in time.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// It says more than may be read.
    #[error("its answer to {method} has more than {most} bytes")]
    TooLong {
        /// What was asked.
        method: &'static str,
        /// The limit.
        most: u64,
    },
    /// CometBFT's own words.
    #[error("it refused {method}: {reason}")]
    Refused {
        /// What was asked.
        method: &'static str,
        /// Why.
        reason: String,
    },
    /// The answer is none to what was asked.
    #[error("its answer to {method} is none of CometBFT: {reason}")]
    Malformed {
        /// What was asked.
        method: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

/// A node that can be asked.
#[derive(Debug, Clone)]
pub struct Node {
    /// As it was given.
    pub url: String,
    address: Url,
    http: Client,
    /// How long one answer may take, all of it.
    timeout: Duration,
}

/// `status`, as far as it is used.
#[derive(Debug, Clone, Deserialize)]
pub struct Status {
    /// What it says of itself.
    pub node_info: NodeInfo,
    /// Which blocks it has.
    pub sync_info: SyncInfo,
}

/// A part of `status`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct NodeInfo {
    /// The id of its node key.
    pub id: String,
    /// Where it says it listens for peers.
    #[serde(default)]
    pub listen_addr: String,
    /// Its chain.
    pub network: String,
    /// Its name.
    #[serde(default)]
    pub moniker: String,
    /// What its CometBFT calls itself.
    #[serde(default)]
    pub version: String,
}

/// A part of `status`.
#[derive(Debug, Clone, Deserialize)]
pub struct SyncInfo {
    /// 0 before the first block.
    #[serde(deserialize_with = "number_in_text")]
    pub latest_block_height: u64,
    /// The oldest that it keeps.
    #[serde(deserialize_with = "number_in_text")]
    pub earliest_block_height: u64,
    /// By the chain's clock, RFC 3339.
    #[serde(default)]
    pub latest_block_time: String,
    /// Whether it still fetches blocks that others have.
    pub catching_up: bool,
}

#[derive(Deserialize)]
struct Envelope<T> {
    result: Option<T>,
    error: Option<RpcError>,
}

#[derive(Deserialize)]
struct RpcError {
    #[serde(default)]
    message: String,
    #[serde(default)]
    data: String,
}

#[derive(Deserialize)]
struct GenesisAnswer {
    /// As it stands: a name that is there twice would be lost in a tree of values.
    genesis: Box<RawValue>,
}

/// A part of a genesis that is too long for one answer.
#[derive(Deserialize)]
struct GenesisPart {
    #[serde(deserialize_with = "number_in_text")]
    total: usize,
    /// Base64.
    data: String,
}

impl Node {
    /// The node whose CometBFT has its RPC at `url`.
    ///
    /// # Errors
    /// [`AskError::Unreachable`] when that is no URL, or the system gives no sockets or authorities.
    pub fn new(url: &str, trust: &Trust) -> Result<Self, AskError> {
        let address = Url::parse(url).map_err(|error| AskError::Unreachable(error.to_string()))?;
        let http = http::builder(&address, trust)
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(|error| AskError::Unreachable(innermost(&error, REQUEST_TIMEOUT)))?;
        Ok(Self {
            url: url.to_owned(),
            address,
            http,
            timeout: REQUEST_TIMEOUT,
        })
    }

    /// The same, with so much time for one answer.
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Where it is, as the URL names it.
    pub fn host(&self) -> &str {
        self.address.host_str().unwrap_or_default()
    }

    /// Who it is, and which blocks it has.
    ///
    /// # Errors
    /// [`AskError`], as every method here.
    pub async fn status(&self) -> Result<Status, AskError> {
        self.call("status", json!({}), MOST_BYTES).await
    }

    /// Where consensus stands, here and at its peers.
    pub async fn consensus(&self) -> Result<ConsensusDump, AskError> {
        self.call("dump_consensus_state", json!({}), MOST_BYTES)
            .await
    }

    /// The header of a block, and who signed it; `None` where the node doesn't have it.
    pub async fn commit(&self, height: u64) -> Result<Option<CommitAnswer>, AskError> {
        let params = json!({"height": height.to_string()});
        self.ask("commit", params, MOST_BYTES).await
    }

    /// The text of its genesis: JSON of at most [`MAX_FILE_BYTES`].
    pub async fn genesis(&self) -> Result<String, AskError> {
        let document = timeout(GENESIS_TIMEOUT, self.genesis_in_time());
        let seconds = GENESIS_TIMEOUT.as_secs();
        let late = || AskError::Unreachable(format!("its genesis took longer than {seconds} s"));
        document.await.unwrap_or_else(|_| Err(late()))
    }

    async fn genesis_in_time(&self) -> Result<String, AskError> {
        let whole = self.call("genesis", json!({}), MOST_GENESIS_BYTES);
        match whole.await {
            Ok(GenesisAnswer { genesis }) => Ok(genesis.get().to_owned()),
            // So CometBFT answers where it is too long for one answer.
            Err(AskError::Refused { reason, .. }) if reason.contains("genesis_chunked") => {
                self.genesis_in_parts().await
            }
            Err(error) => Err(error),
        }
    }

    async fn genesis_in_parts(&self) -> Result<String, AskError> {
        let method = "genesis_chunked";
        let malformed = |reason: String| AskError::Malformed { method, reason };
        let (mut text, mut total) = (Vec::new(), 1);
        let mut next = 0;
        while next < total {
            // As all of its integers of 64 bits, CometBFT takes it as text alone.
            let params = json!({"chunk": next.to_string()});
            let part: GenesisPart = self.call(method, params, MOST_GENESIS_BYTES).await?;
            if next == 0 {
                total = part.total;
            }
            if part.total != total || !(1..=MOST_PARTS).contains(&total) {
                return Err(malformed(format!(
                    "it has {} parts, not the same 1 to {MOST_PARTS} each time",
                    part.total
                )));
            }
            let bytes = STANDARD.decode(&part.data);
            text.extend(bytes.map_err(|error| malformed(error.to_string()))?);
            if text.len() as u64 > MAX_FILE_BYTES {
                let most = MAX_FILE_BYTES;
                return Err(AskError::TooLong { method, most });
            }
            next += 1;
        }
        let text = String::from_utf8(text).map_err(|error| malformed(error.to_string()))?;
        let json: Result<IgnoredAny, _> = serde_json::from_str(&text);
        json.map_err(|error| malformed(error.to_string()))?;
        Ok(text)
    }

    /// A method's result, in at most so many bytes.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
        most: usize,
    ) -> Result<T, AskError> {
        let result = self.ask(method, params, most).await?;
        result.ok_or_else(|| AskError::Malformed {
            method,
            reason: "it is empty".to_owned(),
        })
    }

    /// A method's result; `None` where that is null.
    async fn ask<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
        most: usize,
    ) -> Result<Option<T>, AskError> {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = self.reach(&request).await?;
        let body = self.read(method, answer, most).await?;
        // CometBFT answers errors with status 500 and the same envelope.
        let envelope: Envelope<T> =
            serde_json::from_slice(&body).map_err(|error| AskError::Malformed {
                method,
                reason: shown(&format!("{error}: {}", String::from_utf8_lossy(&body))),
            })?;
        match envelope.error {
            None => Ok(envelope.result),
            Some(RpcError { message, data }) => Err(AskError::Refused {
                method,
                reason: shown(&format!("{message} {data}")),
            }),
        }
    }

    /// Asks again where no connection came about.
    async fn reach(&self, request: &Value) -> Result<Response, AskError> {
        let mut backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(1));
        let mut tried = 1;
        loop {
            let answer = self.http.post(self.address.clone()).json(request);
            let answer = answer.timeout(self.timeout).send();
            match answer.await {
                Ok(answer) => return Ok(answer),
                Err(error) if error.is_timeout() || tried == TRIES => {
                    return Err(AskError::Unreachable(innermost(&error, self.timeout)));
                }
                Err(_) => sleep(backoff.pause()).await,
            }
            tried += 1;
        }
    }

    /// Who answers chooses how much: no more is kept than may come.
    async fn read(
        &self,
        method: &'static str,
        mut answer: Response,
        most: usize,
    ) -> Result<Vec<u8>, AskError> {
        let mut body = Vec::new();
        loop {
            let part = answer.chunk().await;
            let part =
                part.map_err(|error| AskError::Unreachable(innermost(&error, self.timeout)))?;
            let Some(part) = part else { return Ok(body) };
            if body.len().saturating_add(part.len()) > most {
                let most = most as u64;
                return Err(AskError::TooLong { method, most });
            }
            body.extend_from_slice(&part);
        }
    }
}

/// CometBFT writes 64-bit integers as text.
pub fn number_in_text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

/// The beginning of what somebody else wrote, without what a terminal would obey.
pub fn shown(text: &str) -> String {
    let plain = text.trim().chars().take(SHOWN_CHARACTERS);
    plain
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// The cause that says something: the outer ones only repeat the address.
fn innermost(error: &reqwest::Error, timeout: Duration) -> String {
    if error.is_timeout() {
        return format!("it took longer than {} s", timeout.as_secs());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
