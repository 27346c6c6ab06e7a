//! Owns what the flow asks of its node: signed transactions that wait for their block, the faucet,
//! and plain readings.

use std::time::Duration;

use ait_app::{
    address::Address,
    crypto::SecretKey,
    identifiers::ChainId,
    tx::{Payload, Transaction},
};
use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::process::POLL;
use crate::client::{Client as Node, Sent, TxReceipt};

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
            node: Node::new(url)?,
            http: reqwest::Client::builder().no_proxy().build()?,
            chain_id,
            admin_token,
        })
    }

    /// The node's REST routes.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// What a path answers.
    ///
    /// # Errors
    /// When it is refused, or nobody answers.
    pub async fn read(&self, path: &str) -> anyhow::Result<Value> {
        Ok(self.node.get(path).await?)
    }

    /// An account's spendable uait.
    ///
    /// # Errors
    /// When it is refused, or nobody answers.
    pub async fn balance(&self, address: &Address) -> anyhow::Result<u64> {
        Ok(self.node.balance(address).await?.balance)
    }

    /// Signs what `key`'s account does next, sends it and waits for its block.
    ///
    /// # Errors
    /// When it is refused or fails.
    pub async fn execute(&self, key: &SecretKey, payload: Payload) -> anyhow::Result<TxReceipt> {
        let sender = Address::of(&key.public_key());
        let nonce = self.node.balance(&sender).await?.nonce.saturating_add(1);
        let fee = self.node.required_fee(&payload).await?;
        let tx = Transaction::sign(&self.chain_id, key, nonce, fee, payload);
        let sent = self.node.send(tx.to_wire()).await?;
        self.committed(&sent.tx_hash).await
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
                let status = self.node.tx(hash).await?;
                if let Some(receipt) = status.and_then(|status| status.receipt) {
                    return anyhow::Ok(receipt);
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
