//! Owns what the flow asks of its node: signed transactions that wait for their block, the faucet,
//! and plain readings.

use std::time::Duration;

use ait_api::tx::Sent;
use ait_api::tx::TxReceipt;
use ait_app::{
    address::Address,
    crypto::SecretKey,
    identifiers::ChainId,
    tx::{Payload, Transaction},
};
use ait_client::Client as Node;
use ait_client::http::Trust;
use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::process::POLL;
use crate::tx::fee;

/// The longest a transaction may take into a block: far longer than a few blocks.
const COMMIT_LIMIT: Duration = Duration::from_secs(120);

/// The flow's node.
pub struct Client {
    node: Node,
    http: reqwest::Client,
    chain_id: ChainId,
    admin_token: Option<String>,
}

impl Client {
    /// A client of the REST routes at `url`; admin routes get the token, if there is one.
    ///
    /// # Errors
    /// When the HTTP client can't be made.
    pub fn new(url: &str, chain_id: ChainId, admin_token: Option<String>) -> anyhow::Result<Self> {
        Ok(Self {
            node: Node::new(url, &Trust::default())?,
            http: reqwest::Client::builder().no_proxy().build()?,
            chain_id,
            admin_token,
        })
    }

    /// The node's REST routes.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The chain.
    pub fn chain_id(&self) -> &ChainId {
        &self.chain_id
    }

    /// What a path answers.
    ///
    /// # Errors
    /// When it is refused, or nobody answers.
    pub async fn read(&self, path: &str) -> anyhow::Result<Value> {
        Ok(self.node.get(path).await?)
    }

    /// Signs what `key`'s account does next, sends it and waits for its block.
    ///
    /// # Errors
    /// When it is refused or fails.
    pub async fn execute(
        &self,
        key: &SecretKey,
        payload: impl Into<Payload>,
    ) -> anyhow::Result<TxReceipt> {
        let sent = self.send(key, payload.into()).await?;
        self.committed(&sent.tx_hash).await
    }

    /// Signs what `key`'s account does next, and sends it.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn send(&self, key: &SecretKey, payload: Payload) -> anyhow::Result<Sent> {
        let sender = Address::of(&key.public_key());
        let fee = fee::fitting(&self.node, &payload, &sender, None).await?;
        let nonce = self.node.account(&sender).await?.next_nonce;
        let tx = Transaction::sign(&self.chain_id, key, nonce, fee, payload);
        Ok(self.node.send_new(tx.to_wire()).await?)
    }

    /// Whether an account has transactions that are in no block yet.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn has_pending(&self, address: &Address) -> anyhow::Result<bool> {
        let account = self.read(&format!("/rpc/getAccount/{address}")).await?;
        let number = |name: &str| account.get(name).and_then(Value::as_u64);
        let (Some(committed), Some(next)) = (number("nonce"), number("next_nonce")) else {
            bail!("the node tells no nonces of {address}: {account}");
        };
        Ok(next > committed.saturating_add(1))
    }

    /// `POST /admin/mintFaucet`, and waits for its block.
    ///
    /// # Errors
    /// When the faucet refuses, or its transfer fails.
    pub async fn faucet(&self, address: &Address, amount: u64) -> anyhow::Result<TxReceipt> {
        let url = format!("{}/admin/mintFaucet", self.node.base());
        let body = json!({"address": address, "amount": amount});
        let mut request = self.http.post(url).json(&body);
        if let Some(token) = &self.admin_token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.context("the faucet does not answer")?;
        let status = response.status();
        let text = response.text().await?;
        if !status.is_success() {
            bail!("the faucet refuses (HTTP {status}): {text}");
        }
        let sent: Sent = serde_json::from_str(&text).context("the faucet's answer")?;
        self.committed(&sent.tx_hash).await
    }

    async fn committed(&self, hash: &str) -> anyhow::Result<TxReceipt> {
        let wait = async {
            loop {
                if let Some(status) = self.node.tx(hash).await? {
                    if let Some(reason) = status.reason {
                        bail!("the node dropped transaction {hash}: {reason}");
                    }
                    if let Some(receipt) = status.receipt {
                        return anyhow::Ok(receipt);
                    }
                }
                tokio::time::sleep(POLL).await;
            }
        };
        let receipt = tokio::time::timeout(COMMIT_LIMIT, wait)
            .await
            .with_context(|| format!("transaction {hash} is in no block after two minutes"))??;
        if receipt.code != 0 {
            bail!("transaction {hash} failed: {}", receipt.log);
        }
        Ok(receipt)
    }
}
