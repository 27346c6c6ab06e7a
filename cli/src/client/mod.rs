//! Owns talking to a node's REST routes (PROTOCOL section 9): requests, time limits, and what the
//! answers mean. Knows no keys.

mod answers;
mod error;

use std::time::Duration;

use ait_app::{
    address::Address,
    escrow::record::Escrow,
    identifiers::{JobId, ReceiptId},
    receipts::record::Receipt,
    tx::Payload,
};
use reqwest::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use tokio::time::sleep;

pub use answers::{
    Account, Block, FeeEstimate, FeeParams, Head, Health, Reason, Sent, TxReceipt, TxStatus,
};
pub use error::ClientError;
use error::read_answer;

use crate::backoff::Backoff;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// A node's REST routes.
#[derive(Debug, Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
}

impl Client {
    /// A client of the node at `base`, such as `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// [`ClientError::Unexpected`] when the system gives no sockets.
    pub fn new(base: &str) -> Result<Self, ClientError> {
        // No proxy of the environment: nodes are near, and their coordinators' clients never use one.
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| ClientError::Unexpected {
                url: base.to_owned(),
                reason: error.to_string(),
            })?;
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            http,
        })
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
        read_answer(url, answer, false).await
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
        let request = self
            .http
            .post(&url)
            .header(CONTENT_TYPE, "application/json");
        let answer = request.body(body).send().await;
        read_answer(url, answer, false).await
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

    /// How the node is, as [`Health`] or whole; it answers before it is ready, too.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn health<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        let url = format!("{}/health", self.base);
        let answer = self.http.get(&url).send().await;
        read_answer(url, answer, true).await
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
        self.get("/rpc/getHead").await
    }

    /// An account: balance, bond, key, and the nonce after all that is pending.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn account(&self, address: &Address) -> Result<Account, ClientError> {
        self.get(&format!("/rpc/getAccount/{address}")).await
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
        self.find(&format!("/rpc/getEscrow/{client}/{job_id}"))
            .await
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
        self.find(&format!("/rpc/getReceipt/{miner}/{receipt_id}"))
            .await
    }

    /// A transaction.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn tx(&self, hash: &str) -> Result<Option<TxStatus>, ClientError> {
        self.find(&format!("/rpc/getTx/{hash}")).await
    }

    /// A block with its transactions.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn block(&self, height: u64) -> Result<Option<Block>, ClientError> {
        self.find(&format!("/rpc/getBlock/{height}?txs=full")).await
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
        self.post("/rpc/estimateFee", body.to_string().into_bytes())
            .await
    }

    /// What fees are made of.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn fee_params(&self) -> Result<FeeParams, ClientError> {
        self.get("/rpc/getParams").await
    }

    /// Sends a signed transaction; answers once the node accepted it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn send(&self, wire: Vec<u8>) -> Result<Sent, ClientError> {
        self.post("/rpc/sendTx", wire).await
    }
}
