//! Owns the choice of a nonce: the one after everything the sender has pending, so that no pending
//! transaction is replaced unasked.
//!
//! The routes tell the committed nonce alone. What is pending shows in how the node refuses a
//! transaction that offers one uait less than required: past the pending run it names a nonce gap,
//! within it something else. Such a probe is never accepted.

use ait_app::{
    address::Address,
    crypto::SecretKey,
    identifiers::ChainId,
    tx::{Payload, Transaction},
};

use crate::client::{Client, ClientError};

/// The longest run of pending transactions that is looked for.
const LONGEST_RUN: u64 = 1_024;

/// A sender that wants its next nonce.
pub struct Sender<'a> {
    /// The node it sends to.
    pub client: &'a Client,
    /// The chain it signs for.
    pub chain_id: &'a ChainId,
    /// Its key.
    pub key: &'a SecretKey,
}

impl Sender<'_> {
    /// The nonce after the last one that is committed or pending. `payload` is any that the sender
    /// may send, `required_fee` what it needs.
    ///
    /// # Errors
    /// [`ClientError`] when the node does not answer.
    pub async fn next_nonce(
        &self,
        payload: &Payload,
        required_fee: u64,
    ) -> Result<u64, ClientError> {
        let address = Address::of(&self.key.public_key());
        let committed = self.client.balance(&address).await?.nonce;
        let first = committed.saturating_add(1);
        let Some(too_little) = required_fee.checked_sub(1) else {
            // Where nothing is required no probe is harmless.
            return Ok(first);
        };
        let mut reached = first;
        let mut step = 1;
        while step <= LONGEST_RUN {
            let ahead = first.saturating_add(step);
            if self.is_gap(payload, too_little, ahead).await? {
                return self.search(payload, too_little, reached, ahead).await;
            }
            reached = ahead;
            step = step.saturating_mul(2);
        }
        Ok(reached)
    }

    /// The highest nonce that is no gap, of `low` that is none and `high` that is one.
    async fn search(
        &self,
        payload: &Payload,
        fee: u64,
        mut low: u64,
        mut high: u64,
    ) -> Result<u64, ClientError> {
        while high.saturating_sub(low) > 1 {
            let middle = low.midpoint(high);
            if self.is_gap(payload, fee, middle).await? {
                high = middle;
            } else {
                low = middle;
            }
        }
        Ok(low)
    }

    async fn is_gap(&self, payload: &Payload, fee: u64, nonce: u64) -> Result<bool, ClientError> {
        let probe = Transaction::sign(self.chain_id, self.key, nonce, fee, payload.clone());
        match self.client.send(probe.to_wire()).await {
            Err(error) if error.is("nonce_gap") || error.is("nonce_too_far_ahead") => Ok(true),
            Err(error) if error.is_passing() => Err(error),
            _ => Ok(false),
        }
    }
}
