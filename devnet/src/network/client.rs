//! Owns what the flow asks of its node: signed transactions that wait for their block, the faucet,
//! and plain readings.

use std::time::Duration;

use ait_api::tx::{Sent, TxReceipt};
use ait_app::{
    address::Address,
    crypto::SecretKey,
    identifiers::ChainId,
    quantity::{Positive, Uait},
    tx::Payload,
};
use ait_client::{Client as Node, SendError, Terms, Wallet, http::Trust};
use anyhow::Context as _;
use serde_json::Value;

/// The longest a transaction may take into a block: far longer than a few blocks.
const COMMIT_LIMIT: Duration = Duration::from_secs(120);

/// The flow's node.
pub struct Client {
    node: Node,
    chain_id: ChainId,
}

impl Client {
    /// A client of the REST routes at `url`; admin routes get the token, if there is one.
    ///
    /// # Errors
    /// When the HTTP client can't be made.
    pub fn new(url: &str, chain_id: ChainId, admin_token: Option<String>) -> anyhow::Result<Self> {
        Ok(Self {
            node: Node::new(url, &Trust::default())?.with_admin_token(admin_token),
            chain_id,
        })
    }

    /// The node's REST routes.
    pub fn node(&self) -> &Node {
        &self.node
    }

    pub fn chain_id(&self) -> &ChainId {
        &self.chain_id
    }

    fn wallet(&self, key: &SecretKey) -> Wallet {
        Wallet::new(self.node.clone(), self.chain_id.clone(), key.clone())
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
        Ok(self.wallet(key).execute(payload, COMMIT_LIMIT).await?)
    }

    /// Signs what `key`'s account does next, and sends it.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn send(&self, key: &SecretKey, payload: Payload) -> Result<Sent, SendError> {
        self.wallet(key).send(payload, &Terms::default()).await
    }

    /// Whether an account has transactions that are in no block yet.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn has_pending(&self, address: &Address) -> anyhow::Result<bool> {
        let account = self.node.account(address).await?;
        Ok(account.next_nonce > account.nonce.next())
    }

    /// Has the faucet pay, and waits for its block.
    ///
    /// # Errors
    /// When the faucet refuses, or its transfer fails.
    pub async fn faucet(
        &self,
        address: Address,
        amount: Positive<Uait>,
    ) -> anyhow::Result<TxReceipt> {
        let sent = self.node.mint_faucet(address, amount).await;
        let sent = sent.context("asking the faucet")?;
        let committed = self.node.committed(&sent.tx_hash, Some(COMMIT_LIMIT));
        Ok(committed.await?.done()?)
    }
}
