//! Owns an account's way from what it wants to its block: fee, nonce, one signature, delivery, waiting. Whoever
//! has several programs sign with one key makes them take turns: two that find the same nonce at once would sign
//! twice for it.

use std::time::Duration;

use ait_api::{
    node::Health,
    tx::{Sent, TxReceipt},
};
use ait_app::{
    address::Address,
    crypto::SecretKey,
    identifiers::ChainId,
    quantity::{Nonce, Uait},
    tx::{Payload, Transaction, TxHash, codec},
};

use crate::{
    delivery::IfPending,
    error::{ClientError, ExecuteError, NotCommitted, SendError, SignError},
    fee,
    node::Client,
};

/// An account that signs for one chain and sends to one node.
#[derive(Debug, Clone)]
pub struct Wallet {
    node: Client,
    chain_id: ChainId,
    key: SecretKey,
    address: Address,
}

/// What a transaction offers, and which nonce it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    /// Its fee.
    pub fee: FeeChoice,
    /// Its nonce.
    pub nonce: NonceChoice,
}

/// What to offer the proposer, in uait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeeChoice {
    /// What the node says that its mempool takes, at most this; without a limit at most 10 times what the
    /// published params say, so that no node makes anybody pay at its pleasure.
    AtMost(Option<Uait>),
    /// This.
    Named(Uait),
}

impl Default for FeeChoice {
    fn default() -> Self {
        FeeChoice::AtMost(None)
    }
}

/// Where a nonce comes from. Only one that was named replaces a pending transaction that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NonceChoice {
    /// The one after all that the account has committed and pending, asked of the node.
    #[default]
    Found,
    /// One that the caller counted, after the last that it sent.
    Counted(Nonce),
    /// One that the user named: what is pending with it is to be replaced.
    Named(Nonce),
}

/// A transaction that is signed and may be sent any number of times: it counts once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedTx {
    wire: Vec<u8>,
    nonce: Nonce,
    if_pending: IfPending,
}

impl SignedTx {
    /// Its canonical bytes: JSON (PROTOCOL section 3.2).
    pub fn wire(&self) -> &[u8] {
        &self.wire
    }

    /// Its hash.
    pub fn hash(&self) -> TxHash {
        TxHash::of(&self.wire)
    }

    /// Its nonce.
    pub fn nonce(&self) -> Nonce {
        self.nonce
    }

    /// Sends it until a node says clearly that it took or refused it.
    ///
    /// # Errors
    /// As [`Client::deliver`].
    pub async fn send(&self, node: &Client) -> Result<Sent, SendError> {
        node.deliver(&self.wire, self.if_pending).await
    }
}

impl Wallet {
    /// The account of `key` on the chain `chain_id`, sending to `node`, which is not asked for anything yet.
    pub fn new(node: Client, chain_id: ChainId, key: SecretKey) -> Self {
        Self {
            address: Address::of(&key.public_key()),
            node,
            chain_id,
            key,
        }
    }

    /// The account of `key` on the chain that `node` is of.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn connect(node: Client, key: SecretKey) -> Result<Self, ClientError> {
        let health: Health = node.health().await?;
        Ok(Self::new(node, health.chain_id, key))
    }

    /// The node it sends to.
    pub fn node(&self) -> &Client {
        &self.node
    }

    /// The chain it signs for.
    pub fn chain_id(&self) -> &ChainId {
        &self.chain_id
    }

    /// Its account.
    pub fn address(&self) -> Address {
        self.address
    }

    /// Its key, to sign what is no transaction.
    pub fn key(&self) -> &SecretKey {
        &self.key
    }

    /// Signs a payload, once. The node is asked for nothing that the terms name.
    ///
    /// # Errors
    /// [`SignError`]; then nothing was signed.
    pub async fn sign(
        &self,
        payload: impl Into<Payload>,
        terms: &Terms,
    ) -> Result<SignedTx, SignError> {
        let payload = payload.into();
        let fee = match terms.fee {
            FeeChoice::Named(fee) => fee,
            FeeChoice::AtMost(limit) => {
                fee::fitting(&self.node, &payload, &self.address, limit).await?
            }
        };
        let (nonce, if_pending) = match terms.nonce {
            NonceChoice::Named(nonce) => (nonce, IfPending::Replace),
            NonceChoice::Counted(nonce) => (nonce, IfPending::Keep),
            NonceChoice::Found => {
                let account = self.node.account(&self.address).await?;
                (account.next_nonce, IfPending::Keep)
            }
        };
        let wire = Transaction::sign(&self.chain_id, &self.key, nonce, fee, payload).to_wire();
        // Read as a node will read it, so that a bad one is refused before it is sent.
        codec::decode(&wire).map_err(|refusal| SignError::Malformed(refusal.message))?;
        Ok(SignedTx {
            wire,
            nonce,
            if_pending,
        })
    }

    /// Signs a payload and sends it until the node says clearly that it took or refused it.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send(
        &self,
        payload: impl Into<Payload>,
        terms: &Terms,
    ) -> Result<Sent, SendError> {
        self.sign(payload, terms).await?.send(&self.node).await
    }

    /// Signs a payload, sends it, and waits for its block, at most so long after the node took it. What may have
    /// been sent is waited for, too.
    ///
    /// # Errors
    /// [`ExecuteError`].
    pub async fn execute(
        &self,
        payload: impl Into<Payload>,
        within: Duration,
    ) -> Result<TxReceipt, ExecuteError> {
        let signed = self.sign(payload, &Terms::default()).await;
        let signed = signed.map_err(SendError::from)?;
        let unheard = match signed.send(&self.node).await {
            Ok(_) => None,
            Err(error @ SendError::Unknown { .. }) => Some(error),
            Err(error) => return Err(error.into()),
        };
        let hash = signed.hash().to_string();
        match (self.node.committed(&hash, Some(within)).await, unheard) {
            (Ok(committed), _) => Ok(committed.done()?),
            // It never came here, or comes yet: that is what is not known.
            (Err(NotCommitted::Forgotten { .. } | NotCommitted::Untold { .. }), Some(unheard)) => {
                Err(unheard.into())
            }
            (Err(error), _) => Err(error.into()),
        }
    }
}
