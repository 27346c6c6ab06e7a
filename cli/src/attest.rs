//! Owns asking coordinators (PROTOCOL section 4.2), for those who claim or report.

use ait_app::{
    address::Address,
    crypto::{PublicKey, SecretKey, Signature},
    escrow::record::Escrow,
    identifiers::ChainId,
    receipts::{
        attestation::{Attestation, Quote},
        terms::{AttestationRequest, ReceiptTerms},
    },
};
use ait_client::Client;
use ait_client::ClientError;
use serde::{Deserialize, Serialize};

/// The longest answer of a coordinator that is read: an attestation has less than 1 KiB.
pub const MOST_ANSWER_BYTES: usize = 64 * 1024;

/// `GET /jobs/{job_id}` of the mock coordinator: what it knows of a job.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
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
    /// The miner's key, where it is known here.
    pub miner_pubkey: Option<PublicKey>,
}

impl SignedReceipt {
    /// Signs a receipt. `terms.miner` must be the key's account.
    pub fn sign(chain_id: &ChainId, terms: ReceiptTerms, key: &SecretKey) -> Self {
        debug_assert_eq!(terms.miner, Address::of(&key.public_key()));
        Self {
            miner_sig: key.sign(&terms.sign_bytes(chain_id)),
            miner_pubkey: Some(key.public_key()),
            terms,
        }
    }

    /// What its coordinators are asked.
    pub fn request(&self, chain_id: &ChainId) -> AttestationRequest {
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
            opened_height: terms.opened_height,
            miner_sig: self.miner_sig,
            miner_pubkey: self.miner_pubkey,
        }
    }
}

/// Asks a coordinator for its attestation, good or negative.
///
/// # Errors
/// [`ClientError`]; a refusal with status 409 means that it cannot know yet.
pub async fn ask(
    coordinator: &Client,
    receipt: &SignedReceipt,
    chain_id: &ChainId,
) -> Result<Attestation, ClientError> {
    let body = serde_json::to_vec(&receipt.request(chain_id));
    let body = body.map_err(|error| ClientError::Unexpected {
        url: coordinator.base().to_owned(),
        reason: error.to_string(),
    })?;
    coordinator.post("/attest/receipt", body).await
}

/// Whether a coordinator cannot know yet.
pub fn is_too_early(error: &ClientError) -> bool {
    matches!(error, ClientError::Refused { status: 409, .. })
}

/// One attestation of each of the escrow's coordinators that is among `found`, in the escrow's order.
pub fn in_order_of(escrow: &Escrow, found: &[Attestation]) -> Vec<Attestation> {
    let of = |address: &Address| found.iter().find(|one| one.coordinator == *address);
    let coordinators = escrow.attesters.iter();
    coordinators
        .filter_map(|attester| of(&attester.address).cloned())
        .collect()
}

/// What an attestation says, for people.
pub fn describe(attestation: &Attestation) -> String {
    format!(
        "{} attests exists={}, paid={}, not_double_spent={}, price at most {}, compute_units at most {}",
        attestation.coordinator,
        attestation.exists,
        attestation.paid,
        attestation.not_double_spent,
        attestation.quote.price,
        attestation.quote.compute_units
    )
}
