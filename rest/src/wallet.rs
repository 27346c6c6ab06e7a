//! Owns the transactions that the node itself sends for its admin and its faucet: nonces in sequence however
//! many calls come at once.

use std::sync::Arc;

use ait_app::{
    Code,
    quantity::Nonce,
    simulate::required_fee,
    tx::{Payload, Transaction, TxHash},
};

use crate::{
    context::Context,
    error::{ApiError, RestCode},
    signer::Signer,
    submit::{Replacing, SubmitError, off_thread, submit},
};

/// How many nonces are tried: other senders may hold the same key.
const MAX_TRIES: usize = 64;

/// Signs `payload` with the next nonce and the required fee, and sends it.
///
/// # Errors
/// What refuses the transaction.
pub async fn send(
    signer: &Signer,
    context: &Arc<Context>,
    payload: &Payload,
) -> Result<TxHash, ApiError> {
    let _turn = signer.turn.lock().await;
    // The lowest nonce that is surely not taken by others.
    let mut lowest = Nonce::ZERO;
    for _ in 0..MAX_TRIES {
        let snapshot = context.snapshot()?;
        let (node, address) = (context.node.clone(), signer.address);
        let next = off_thread(move || node.next_nonce(&address)).await?;
        let nonce = next.max(lowest);
        let fee = required_fee(&snapshot.state, payload, Some(&signer.address))?;
        let chain_id = context.node.chain_id();
        let tx = Transaction::sign(chain_id, &signer.key, nonce, fee, payload.clone());
        match submit(context, tx.to_wire(), Replacing::Refused).await {
            // Not this call's: one just like it has this nonce, by a block that came meanwhile or by others.
            Ok(submitted) if submitted.was_known => lowest = nonce.next(),
            Ok(submitted) => return Ok(submitted.hash),
            // A pending transaction that is not ours has this nonce, or a block just used it.
            Err(SubmitError::Refused(refusal))
                if matches!(refusal.code, Code::NonceUsed | Code::NoncePending) =>
            {
                lowest = nonce.next();
            }
            // What this nonce was to follow has just left the pool.
            Err(SubmitError::Refused(refusal)) if refusal.code == Code::NonceGap => {
                lowest = Nonce::ZERO;
            }
            Err(error) => return Err(error.into()),
        }
    }
    let message = format!("the account {} sends from elsewhere too", signer.address);
    Err(ApiError::new(RestCode::RateLimited, message).retry_after(1))
}
