//! Owns asking a coordinator (SPEC section 4), for those who claim.

use ait_app::{
    address::Address,
    crypto::{PublicKey, SecretKey, Signature},
    identifiers::ChainId,
    receipts::{Attestation, AttestationRequest, Quote, ReceiptTerms},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::{Client, ClientError};

/// The field beside those of SPEC section 4 that carries the miner's key: an account that never sent
/// a transaction has no key on the chain, and without it nobody can check `miner_sig`.
pub const MINER_PUBKEY: &str = "miner_pubkey";

/// `GET /jobs/{job_id}` of the mock coordinator: what it knows of a job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JobInfo {
    /// Whether there is such a job.
    pub exists: bool,
    /// The most it may cost.
    pub quote: Quote,
}

/// A receipt, signed by its miner.
#[derive(Debug, Clone)]
pub struct SignedReceipt {
    /// What it says.
    pub terms: ReceiptTerms,
    /// The miner's signature.
    pub miner_sig: Signature,
    /// The miner's key.
    pub miner_pubkey: PublicKey,
}

impl SignedReceipt {
    /// Signs a receipt. `terms.miner` must be the key's account.
    pub fn sign(chain_id: &ChainId, terms: ReceiptTerms, key: &SecretKey) -> Self {
        debug_assert_eq!(terms.miner, Address::of(&key.public_key()));
        Self {
            miner_sig: key.sign(&terms.sign_bytes(chain_id)),
            miner_pubkey: key.public_key(),
            terms,
        }
    }

    /// What its coordinator is asked.
    pub fn request(&self, chain_id: &ChainId, opened_height: u64) -> AttestationRequest {
        let terms = &self.terms;
        AttestationRequest {
            chain_id: chain_id.clone(),
            receipt_id: terms.receipt_id.clone(),
            job_id: terms.job_id.clone(),
            client: terms.client,
            miner: terms.miner,
            compute_units: terms.compute_units,
            price: terms.price,
            output_hash: terms.output_hash.clone(),
            opened_height,
            miner_sig: self.miner_sig,
        }
    }
}

/// Asks the coordinator for its attestation, good or negative.
///
/// # Errors
/// [`ClientError`]; a refusal with status 409 means that it cannot know yet.
pub async fn ask(
    coordinator: &Client,
    receipt: &SignedReceipt,
    chain_id: &ChainId,
    opened_height: u64,
) -> Result<Attestation, ClientError> {
    let unexpected = |error: serde_json::Error| ClientError::Unexpected {
        url: coordinator.base().to_owned(),
        reason: error.to_string(),
    };
    let request = receipt.request(chain_id, opened_height);
    let mut body = serde_json::to_value(request).map_err(unexpected)?;
    if let Value::Object(fields) = &mut body {
        fields.insert(MINER_PUBKEY.into(), receipt.miner_pubkey.to_string().into());
    }
    coordinator
        .post("/attest/receipt", body.to_string().into_bytes())
        .await
}

/// Whether a coordinator cannot know yet.
pub fn is_too_early(error: &ClientError) -> bool {
    matches!(error, ClientError::Refused { status: 409, .. })
}

/// What an attestation says, for people.
pub fn describe(attestation: &Attestation) -> String {
    format!(
        "exists={}, paid={}, not_double_spent={}, price at most {}, compute_units at most {}",
        attestation.exists,
        attestation.paid,
        attestation.not_double_spent,
        attestation.quote.price,
        attestation.quote.compute_units
    )
}
