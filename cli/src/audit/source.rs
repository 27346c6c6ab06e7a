//! Owns what is asked of the audited node, and how its answers are read. It is trusted for nothing: every answer is
//! bounded in size and time, and asked again where no connection comes about or one breaks.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ait_app::state::Key;
use ait_client::Backoff;
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tendermint_proto::v0_38::{
    abci::ExecTxResult,
    types::{BlockId, Commit, Data, Header, SignedHeader, Validator},
};
use tokio::{sync::mpsc, time::sleep};

use super::evidence::Evidence;
use crate::rpc::{AskError, Node, Status, number_in_text};

/// How long one answer may take: a block of 100 MiB over a slow connection.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The longest answer with a block or its results: 100 MiB of transactions in base64, and room for the rest.
const MOST_BLOCK_BYTES: usize = 192 * 1024 * 1024;
/// The longest other answer.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// How often a question is asked that gets no answer.
const TRIES: usize = 5;
/// Validators of one page: CometBFT's limit.
const PER_PAGE: usize = 100;
/// Validators of a set, at most: CometBFT's own limit on votes.
const MOST_VALIDATORS: usize = 10_000;
/// What CometBFT says where `discard_abci_responses` is set.
const NO_RESULTS: &str = "not persisting";
/// Blocks that are asked for ahead of the one that is executed.
const AHEAD: usize = 4;

/// A block, with what the node says came of it.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The block.
    pub block: BlockAnswer,
    /// Its results; `None` where the node keeps none.
    pub results: Option<Vec<ExecTxResult>>,
}

/// `block`.
#[derive(Debug, Clone, Deserialize)]
pub struct BlockAnswer {
    /// The block's id.
    pub block_id: BlockId,
    /// The block.
    pub block: Block,
}

/// A block in CometBFT's JSON.
#[derive(Debug, Clone, Deserialize)]
pub struct Block {
    /// Its header.
    pub header: Header,
    /// Its transactions.
    pub data: Data,
    evidence: EvidenceList,
    /// Who signed the block before.
    pub last_commit: Commit,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct EvidenceList {
    #[serde(default)]
    evidence: Option<Vec<Evidence>>,
}

impl Block {
    /// Its evidence.
    pub fn evidence(&self) -> &[Evidence] {
        self.evidence.evidence.as_deref().unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct ResultsAnswer {
    txs_results: Option<Vec<ResultAnswer>>,
}

/// What is the same on every node of a transaction's result.
#[derive(Deserialize)]
struct ResultAnswer {
    #[serde(default)]
    code: u32,
    #[serde(default)]
    data: Option<String>,
    #[serde(deserialize_with = "number_in_text")]
    gas_wanted: i64,
    #[serde(deserialize_with = "number_in_text")]
    gas_used: i64,
}

#[derive(Deserialize)]
struct ValidatorsAnswer {
    validators: Vec<Validator>,
    #[serde(deserialize_with = "number_in_text")]
    total: usize,
}

#[derive(Deserialize)]
struct QueryAnswer {
    response: QueryResponse,
}

#[derive(Deserialize)]
struct QueryResponse {
    #[serde(default)]
    code: u32,
    #[serde(default)]
    value: Option<String>,
    #[serde(deserialize_with = "number_in_text")]
    height: u64,
}

#[derive(Deserialize)]
struct CommitAnswer {
    signed_header: SignedHeader,
}

/// The audited node.
#[derive(Debug, Clone)]
pub struct Source {
    node: Node,
    /// Until it says that it keeps none.
    keeps_results: Arc<AtomicBool>,
}

impl Source {
    /// A node's RPC.
    pub fn new(node: Node) -> Self {
        Self {
            node: node.with_timeout(TIMEOUT),
            keeps_results: Arc::new(AtomicBool::new(true)),
        }
    }

    /// Which blocks it has.
    ///
    /// # Errors
    /// [`AskError`], as every method here.
    pub async fn status(&self) -> Result<Status, AskError> {
        self.call("status", json!({}), MOST_BYTES).await
    }

    /// The text of its genesis.
    pub async fn genesis(&self) -> Result<String, AskError> {
        self.node.genesis().await
    }

    /// Blocks `from` to `to` in order, a few of them ahead; the last item may be why there are no more.
    pub fn blocks(&self, from: u64, to: u64) -> mpsc::Receiver<Result<Fetched, AskError>> {
        let (sender, receiver) = mpsc::channel(1);
        let source = self.clone();
        tokio::spawn(async move {
            let fetch = |height| source.fetched(height);
            let mut answers = stream::iter(from..=to).map(fetch).buffered(AHEAD);
            while let Some(answer) = answers.next().await {
                let is_last = answer.is_err();
                // Nobody wants more where the replay ended.
                if sender.send(answer).await.is_err() || is_last {
                    return;
                }
            }
        });
        receiver
    }

    async fn fetched(&self, height: u64) -> Result<Fetched, AskError> {
        let block = self.block(height).await?;
        Ok(Fetched {
            block,
            results: self.results(height).await?,
        })
    }

    /// A block.
    pub async fn block(&self, height: u64) -> Result<BlockAnswer, AskError> {
        self.call("block", at(height), MOST_BLOCK_BYTES).await
    }

    /// The results of a block's transactions, as far as they are the same on every node; `None` where it keeps none.
    pub async fn results(&self, height: u64) -> Result<Option<Vec<ExecTxResult>>, AskError> {
        if !self.keeps_results.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let method = "block_results";
        let answer = self.call(method, at(height), MOST_BLOCK_BYTES).await;
        let answer: ResultsAnswer = match answer {
            Ok(answer) => answer,
            Err(AskError::Refused { reason, .. }) => {
                if reason.contains(NO_RESULTS) {
                    self.keeps_results.store(false, Ordering::Relaxed);
                }
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let results = answer.txs_results.unwrap_or_default().into_iter();
        let results = results.map(|result| {
            Ok(ExecTxResult {
                code: result.code,
                data: decoded(method, result.data)?.into(),
                gas_wanted: result.gas_wanted,
                gas_used: result.gas_used,
                ..ExecTxResult::default()
            })
        });
        results.collect::<Result<_, _>>().map(Some)
    }

    /// The header of a block, and who signed it.
    pub async fn signed_header(&self, height: u64) -> Result<SignedHeader, AskError> {
        let answer: CommitAnswer = self.call("commit", at(height), MOST_BYTES).await?;
        Ok(answer.signed_header)
    }

    /// The validators of a block, all pages of them.
    pub async fn validators(&self, height: u64) -> Result<Vec<Validator>, AskError> {
        let (method, mut found) = ("validators", Vec::new());
        let malformed = |reason: &str| AskError::Malformed {
            method,
            reason: reason.to_owned(),
        };
        for page in 1..=MOST_VALIDATORS.div_ceil(PER_PAGE) {
            let mut params = at(height);
            params["page"] = json!(page.to_string());
            params["per_page"] = json!(PER_PAGE.to_string());
            let answer: ValidatorsAnswer = self.call(method, params, MOST_BYTES).await?;
            if answer.validators.is_empty() {
                return Err(malformed("a page is empty"));
            }
            found.extend(answer.validators);
            if found.len() >= answer.total {
                return Ok(found);
            }
        }
        Err(malformed("it has more than 10000 validators"))
    }

    /// A record of its state after a block, as it is stored; `None` where it does not answer for that height.
    pub async fn record(&self, key: &Key, height: u64) -> Result<Option<Vec<u8>>, AskError> {
        let method = "abci_query";
        let mut params = at(height);
        params["path"] = json!(key.to_string());
        params["prove"] = json!(false);
        let answer: QueryAnswer = self.call(method, params, MOST_BYTES).await?;
        let QueryResponse {
            code,
            value,
            height: of,
        } = answer.response;
        if code != 0 || of != height {
            return Ok(None);
        }
        decoded(method, value).map(Some)
    }

    /// Asks again where no answer comes, or one breaks off.
    async fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
        most: usize,
    ) -> Result<T, AskError> {
        let mut backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(5));
        let mut tried = 1;
        loop {
            match self.node.call(method, params.clone(), most).await {
                Err(AskError::Unreachable(_)) if tried < TRIES => sleep(backoff.pause()).await,
                answer => return answer,
            }
            tried += 1;
        }
    }
}

fn at(height: u64) -> Value {
    json!({"height": height.to_string()})
}

/// CometBFT's bytes: base64, or null for none.
fn decoded(method: &'static str, text: Option<String>) -> Result<Vec<u8>, AskError> {
    let bytes = STANDARD.decode(text.unwrap_or_default());
    bytes.map_err(|error| AskError::Malformed {
        method,
        reason: error.to_string(),
    })
}
