//! Owns what a miner signs: the terms of a receipt, for one opening of an escrow.

use serde::{Deserialize, Serialize};

use crate::{
    address::Address,
    crypto::{PublicKey, Signature, sha256},
    identifiers::{ChainId, JobId, OutputHash, ReceiptId},
    json,
    prelude::*,
    quantity::{Height, Positive, Uait, Units},
};

/// What a receipt says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptTerms {
    /// The miner's name for it.
    pub receipt_id: ReceiptId,
    /// The job it is for.
    pub job_id: JobId,
    /// Who pays.
    pub client: Address,
    /// Who worked.
    pub miner: Address,
    /// Units of compute delivered.
    pub compute_units: Positive<Units>,
    /// What is asked for.
    pub price: Positive<Uait>,
    /// The hash of the job's output.
    pub output_hash: OutputHash,
    /// The opening of the escrow that the miner works for.
    pub opened_height: Height,
}

impl ReceiptTerms {
    /// The 32 bytes that `miner_sig` signs: sha256 of
    /// `AIT-RECEIPT|chain_id|receipt_id|job_id|client|miner|opened_height|compute_units|price|output_hash`.
    pub fn sign_bytes(&self, chain_id: &ChainId) -> [u8; 32] {
        let text = format!(
            "AIT-RECEIPT|{chain_id}|{}|{}|{}|{}|{}|{}|{}|{}",
            self.receipt_id,
            self.job_id,
            self.client,
            self.miner,
            self.opened_height,
            self.compute_units,
            self.price,
            self.output_hash
        );
        sha256(text.as_bytes())
    }
}

/// What a coordinator is asked at `POST /attest/receipt`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttestationRequest {
    /// The chain the receipt is for.
    pub chain_id: ChainId,
    /// The miner's name for the receipt.
    pub receipt_id: ReceiptId,
    /// The job.
    pub job_id: JobId,
    /// Who pays.
    pub client: Address,
    /// Who worked.
    pub miner: Address,
    /// Units of compute delivered.
    pub compute_units: Positive<Units>,
    /// What is asked for.
    pub price: Positive<Uait>,
    /// The hash of the job's output.
    pub output_hash: OutputHash,
    /// The block that opened the escrow.
    pub opened_height: Height,
    /// The miner's signature over the receipt.
    pub miner_sig: Signature,
    /// The miner's key, where the chain does not know it yet.
    #[serde(
        default,
        deserialize_with = "json::present",
        skip_serializing_if = "Option::is_none"
    )]
    pub miner_pubkey: Option<PublicKey>,
}

impl AttestationRequest {
    /// The receipt's terms in it.
    pub fn terms(&self) -> ReceiptTerms {
        ReceiptTerms {
            receipt_id: self.receipt_id.clone(),
            job_id: self.job_id.clone(),
            client: self.client,
            miner: self.miner,
            compute_units: self.compute_units,
            price: self.price,
            output_hash: self.output_hash.clone(),
            opened_height: self.opened_height,
        }
    }
}
