//! Owns the keys that the node itself signs with, for its admin and its faucet: nonces in sequence however
//! many calls come at once.

use ait_abci::{Mempool, Reader};
use ait_app::{
    Code,
    address::Address,
    crypto::SecretKey,
    quantity::Nonce,
    simulate::required_fee,
    tx::{Payload, Transaction, TxHash},
};
use ait_node::{Node, Replacing, SubmitError, Submitter, Unanswered, off_thread};
use tokio::sync::Mutex;

use crate::{
    config::Config,
    error::{ApiError, RestCode},
    last_block::last_block,
};

/// How many nonces are tried: other senders may hold the same key.
const MAX_TRIES: usize = 64;

/// The accounts whose keys this node has.
pub struct Wallets {
    /// Sends `PARAM_UPDATE`.
    pub admin: Option<Wallet>,
    /// Pays what `/admin/mintFaucet` is asked for.
    pub faucet: Option<Wallet>,
}

/// An account whose transactions this node signs.
pub struct Wallet {
    key: SecretKey,
    address: Address,
    reader: Reader,
    mempool: Mempool,
    submitter: Submitter,
    /// Held while one is sent, so that they reach the mempool in sequence.
    turn: Mutex<()>,
}

impl Wallets {
    /// As they are configured.
    pub fn new(node: &Node, config: &Config) -> Self {
        let wallet = |key: &Option<SecretKey>| key.clone().map(|key| Wallet::new(key, node));
        Self {
            admin: wallet(&config.admin_key),
            faucet: wallet(&config.faucet_key),
        }
    }
}

impl Wallet {
    fn new(key: SecretKey, node: &Node) -> Self {
        Self {
            address: Address::of(&key.public_key()),
            key,
            reader: node.reader.clone(),
            mempool: node.mempool.clone(),
            submitter: node.submitter.clone(),
            turn: Mutex::new(()),
        }
    }

    /// Signs `payload` with the next nonce and the required fee, and sends it.
    ///
    /// # Errors
    /// What refuses the transaction.
    pub async fn send(&self, payload: &Payload) -> Result<TxHash, ApiError> {
        let _turn = self.turn.lock().await;
        // The lowest nonce that is surely not taken by others.
        let mut lowest = Nonce::ZERO;
        for _ in 0..MAX_TRIES {
            let nonce = self.next_nonce().await?.max(lowest);
            let tx = self.sign(payload, nonce)?;
            match self
                .submitter
                .submit(tx.to_wire(), Replacing::Refused)
                .await
            {
                // Not this call's: one just like it has this nonce, by a block that came meanwhile or by others.
                Ok(submitted) if submitted.was_known => lowest = nonce.next(),
                Ok(submitted) => return Ok(submitted.hash),
                // A pending transaction that is not ours has this nonce, or a block just used it.
                Err(SubmitError::Refused(refusal))
                    if matches!(refusal.code, Code::NonceUsed | Code::NoncePending) =>
                {
                    lowest = nonce.next();
                }
                // What this nonce was to follow has just left the mempool.
                Err(SubmitError::Refused(refusal)) if refusal.code == Code::NonceGap => {
                    lowest = Nonce::ZERO;
                }
                Err(error) => return Err(error.into()),
            }
        }
        let message = format!("the account {} sends from elsewhere too", self.address);
        Err(ApiError::new(RestCode::RateLimited, message).retry_after(1))
    }

    async fn next_nonce(&self) -> Result<Nonce, ApiError> {
        let (mempool, address) = (self.mempool.clone(), self.address);
        let next = off_thread(move || mempool.next_nonce(&address)).await?;
        Ok(next.map_err(Unanswered::from)?)
    }

    fn sign(&self, payload: &Payload, nonce: Nonce) -> Result<Transaction, ApiError> {
        let committed = last_block(&self.reader)?;
        let fee = required_fee(&committed.state, payload, Some(&self.address))?;
        let chain_id = self.reader.chain_id();
        Ok(Transaction::sign(
            chain_id,
            &self.key,
            nonce,
            fee,
            payload.clone(),
        ))
    }
}
