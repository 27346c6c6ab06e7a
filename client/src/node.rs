//! Owns talking to a node's REST routes (PROTOCOL section 9): requests, time limits, and what the
//! answers mean. Signs nothing.

use std::{fmt, time::Duration};

use ait_api::{
    accounts::Account,
    admin::MintFaucet,
    blocks::{Block, Head},
    fees::{FeeEstimate, FeeParams},
    node::Health,
    routes::{
        ESTIMATE_FEE, GET_ACCOUNT, GET_BLOCK, GET_ESCROW, GET_HEAD, GET_PARAMS, GET_RECEIPT,
        GET_TX, HEALTH, LIVE_EVENTS, MINT_FAUCET, SEND_TX,
    },
    tx::{Sent, TxView},
};
use ait_app::{
    address::Address,
    escrow::record::Escrow,
    identifiers::{JobId, ReceiptId},
    quantity::{Positive, Uait},
    receipts::record::Receipt,
    tx::Payload,
};
use reqwest::{Url, header::CONTENT_TYPE};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::sleep;

use crate::{
    backoff::Backoff,
    error::{ClientError, read_answer},
    http::{self, Trust},
    live::LiveEvents,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest answer that is read: a block of 100 MiB with its transactions as objects.
const MOST_ANSWER_BYTES: usize = 256 * 1024 * 1024;
/// What the paths of the routes begin with that ask for the token.
const ADMIN_ROUTES: &str = "/admin/";

/// A node's REST routes.
#[derive(Debug, Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
    /// Bytes of an answer, at most.
    most_bytes: usize,
    admin_token: Option<AdminToken>,
}

#[derive(Clone)]
struct AdminToken(String);

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken")
    }
}

impl Client {
    /// A client of the node at `base`, such as `http://127.0.0.1:8080`; of an `https` one whose certificate is by
    /// an authority that is trusted.
    ///
    /// # Errors
    /// [`ClientError::Unexpected`] when that is no URL, or the system gives no sockets or authorities.
    pub fn new(base: &str, trust: &Trust) -> Result<Self, ClientError> {
        let unexpected = |reason: String| ClientError::Unexpected {
            url: base.to_owned(),
            reason,
        };
        let url = Url::parse(base).map_err(|error| unexpected(error.to_string()))?;
        let http = http::builder(&url, trust)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .build()
            .map_err(|error| unexpected(error.to_string()))?;
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            http,
            most_bytes: MOST_ANSWER_BYTES,
            admin_token: None,
        })
    }

    /// With longer answers refused: who needs little gives nobody room for much.
    #[must_use]
    pub fn with_answers_up_to(mut self, bytes: usize) -> Self {
        self.most_bytes = bytes;
        self
    }

    /// With the bearer token that admin routes ask for; no other route is sent it.
    #[must_use]
    pub fn with_admin_token(mut self, token: Option<String>) -> Self {
        self.admin_token = token.map(AdminToken);
        self
    }

    /// The address it was made for.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Asks for a path.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let url = format!("{}{path}", self.base);
        let answer = self.http.get(&url).send().await;
        read_answer(url, answer, false, self.most_bytes).await
    }

    /// Posts JSON text.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Vec<u8>,
    ) -> Result<T, ClientError> {
        let url = format!("{}{path}", self.base);
        let mut request = self
            .http
            .post(&url)
            .header(CONTENT_TYPE, "application/json");
        if let Some(AdminToken(token)) = &self.admin_token
            && path.starts_with(ADMIN_ROUTES)
        {
            request = request.bearer_auth(token);
        }
        let answer = request.body(body).send().await;
        read_answer(url, answer, false, self.most_bytes).await
    }

    /// Posts a value as JSON.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn post_json<T: DeserializeOwned>(
        &self,
        path: &str,
        value: &impl Serialize,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(value).map_err(|error| ClientError::Unexpected {
            url: self.base.clone(),
            reason: error.to_string(),
        })?;
        self.post(path, body).await
    }

    /// As [`Client::get`], with `None` for what does not exist.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn find<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, ClientError> {
        match self.get(path).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// As [`Client::get`], where a refusal is an answer as well: what is not there may come with the proof of it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_whole<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let url = format!("{}{path}", self.base);
        let answer = self.http.get(&url).send().await;
        read_answer(url, answer, true, self.most_bytes).await
    }

    /// How the node is, as [`Health`] or whole; it answers before it is ready, too.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn health<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        self.get_whole(HEALTH.path).await
    }

    /// The node's live events, from here on.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn live_events(&self) -> Result<LiveEvents, ClientError> {
        LiveEvents::open(&self.http, format!("{}{}", self.base, LIVE_EVENTS.path)).await
    }

    /// Waits until the node tells its chain and its first block; logs as `component` that it does.
    pub async fn wait_until_ready(&self, component: &str) -> (Health, Head) {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(5));
        loop {
            let answer = async { Ok((self.health().await?, self.head().await?)) };
            let answer: Result<_, ClientError> = answer.await;
            match answer {
                Ok(answer) => return answer,
                Err(error) => {
                    tracing::info!(component, event = "waiting_for_node", %error);
                    sleep(backoff.pause()).await;
                }
            }
        }
    }

    /// The last block committed.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn head(&self) -> Result<Head, ClientError> {
        self.get(GET_HEAD.path).await
    }

    /// An account: balance, bond, key, and the nonce after all that is pending.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn account(&self, address: &Address) -> Result<Account, ClientError> {
        self.get(&GET_ACCOUNT.to(&[address])).await
    }

    /// An escrow.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn escrow(
        &self,
        client: &Address,
        job_id: &JobId,
    ) -> Result<Option<Escrow>, ClientError> {
        self.find(&GET_ESCROW.to(&[client, job_id])).await
    }

    /// A miner's receipt that was paid or refused.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn receipt(
        &self,
        miner: &Address,
        receipt_id: &ReceiptId,
    ) -> Result<Option<Receipt>, ClientError> {
        self.find(&GET_RECEIPT.to(&[miner, receipt_id])).await
    }

    /// A transaction.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn tx(&self, hash: &str) -> Result<Option<TxView>, ClientError> {
        self.find(&GET_TX.to(&[&hash])).await
    }

    /// A block with its transactions.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn block(&self, height: u64) -> Result<Option<Block>, ClientError> {
        self.find(&format!("{}?txs=full", GET_BLOCK.to(&[&height])))
            .await
    }

    /// The fee that a payload of `sender` needs, and the one that the pool takes at present.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn estimate_fee(
        &self,
        payload: &Payload,
        sender: &Address,
    ) -> Result<FeeEstimate, ClientError> {
        let body = serde_json::json!({
            "type": payload.kind(),
            "payload": payload,
            "sender": sender,
        });
        self.post_json(ESTIMATE_FEE.path, &body).await
    }

    /// What fees are made of.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn fee_params(&self) -> Result<FeeParams, ClientError> {
        self.get(GET_PARAMS.path).await
    }

    /// Has the node's faucet pay an account. Each call is a payment of its own.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn mint_faucet(
        &self,
        address: Address,
        amount: Positive<Uait>,
    ) -> Result<Sent, ClientError> {
        self.post_json(MINT_FAUCET.path, &MintFaucet { address, amount })
            .await
    }

    /// Sends a signed transaction whose sender chose its nonce, be it that of a pending one to replace;
    /// answers once the node accepted it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn send(&self, wire: Vec<u8>) -> Result<Sent, ClientError> {
        self.post(SEND_TX.path, wire).await
    }

    /// Sends a signed transaction whose nonce was taken to be free: where another pending one has it, that one
    /// stays and this one is refused as `nonce_pending`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn send_new(&self, wire: Vec<u8>) -> Result<Sent, ClientError> {
        self.post(&format!("{}?replace=false", SEND_TX.path), wire)
            .await
    }
}
