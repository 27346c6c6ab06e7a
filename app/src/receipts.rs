//! Owns receipts and attestations (SPEC section 4): their sign bytes, their wire form, and what
//! makes an attestation rightly signed and good.

use serde::{Deserialize, Serialize};

use crate::{
    address::Address,
    amount,
    crypto::{PublicKey, SecretKey, Signature, sha256},
    error::Refusal,
    identifiers::{ChainId, JobId, OutputHash, ReceiptId},
    json::{Fields, Json},
};

/// What a miner says it delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptTerms {
    /// The receipt's name.
    pub receipt_id: ReceiptId,
    /// The job.
    pub job_id: JobId,
    /// Who pays.
    pub client: Address,
    /// Who worked.
    pub miner: Address,
    /// Units of compute delivered, > 0.
    pub compute_units: u64,
    /// uait asked for, > 0.
    pub price: u64,
    /// The hash of the job's output.
    pub output_hash: OutputHash,
}

impl ReceiptTerms {
    /// The 32 bytes that `miner_sig` signs.
    pub fn sign_bytes(&self, chain_id: &ChainId) -> [u8; 32] {
        sha256(format!("AIT-RECEIPT|{chain_id}|{}", self.fields()).as_bytes())
    }

    fn fields(&self) -> String {
        format!(
            "{}|{}|{}|{}|{}|{}|{}",
            self.receipt_id,
            self.job_id,
            self.client,
            self.miner,
            self.compute_units,
            self.price,
            self.output_hash
        )
    }
}

/// What a coordinator is asked at `POST /attest/receipt`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttestationRequest {
    /// The chain the receipt is for.
    pub chain_id: ChainId,
    /// The receipt's name.
    pub receipt_id: ReceiptId,
    /// The job.
    pub job_id: JobId,
    /// Who pays.
    pub client: Address,
    /// Who worked.
    pub miner: Address,
    /// Units of compute delivered.
    pub compute_units: u64,
    /// uait asked for.
    pub price: u64,
    /// The hash of the job's output.
    pub output_hash: OutputHash,
    /// The block that opened the escrow.
    pub opened_height: u64,
    /// The miner's signature over the receipt.
    pub miner_sig: Signature,
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
        }
    }
}

/// The most a coordinator quoted for a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quote {
    /// uait.
    pub price: u64,
    /// Units of compute.
    pub compute_units: u64,
}

/// A coordinator's signed answer about a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// The job exists.
    pub exists: bool,
    /// Its escrow is on the chain.
    pub paid: bool,
    /// It was not attested for another receipt.
    pub not_double_spent: bool,
    /// The most the job may cost.
    pub quote: Quote,
    /// Who answers.
    pub coordinator: Address,
    /// Over [`Attestation::sign_bytes`].
    pub sig: Signature,
}

impl Attestation {
    /// Answers for a receipt and signs the answer.
    pub fn sign(
        chain_id: &ChainId,
        terms: &ReceiptTerms,
        opened_height: u64,
        flags: [bool; 3],
        quote: Quote,
        coordinator: Address,
        key: &SecretKey,
    ) -> Self {
        let [exists, paid, not_double_spent] = flags;
        let mut attestation = Self {
            exists,
            paid,
            not_double_spent,
            quote,
            coordinator,
            sig: Signature::from_bytes([0; 64]),
        };
        attestation.sig = key.sign(&attestation.sign_bytes(chain_id, terms, opened_height));
        attestation
    }

    /// The 32 bytes that `sig` signs: the whole receipt, the escrow it is for, and the answer.
    pub fn sign_bytes(
        &self,
        chain_id: &ChainId,
        terms: &ReceiptTerms,
        opened_height: u64,
    ) -> [u8; 32] {
        let text = format!(
            "AIT-ATTEST|{chain_id}|{}|{opened_height}|{}|{}|{}|{}|{}",
            terms.fields(),
            self.exists,
            self.paid,
            self.not_double_spent,
            self.quote.price,
            self.quote.compute_units
        );
        sha256(text.as_bytes())
    }

    /// Whether `key` signed it for this receipt and the escrow opened at `opened_height`.
    pub fn is_signed_by(
        &self,
        key: &PublicKey,
        chain_id: &ChainId,
        terms: &ReceiptTerms,
        opened_height: u64,
    ) -> bool {
        key.verifies(&self.sign_bytes(chain_id, terms, opened_height), &self.sig)
    }

    /// Whether it says yes: all three flags, and price and units within the quote. One that is
    /// rightly signed and not good is negative.
    pub fn is_good_for(&self, terms: &ReceiptTerms) -> bool {
        self.exists
            && self.paid
            && self.not_double_spent
            && terms.price <= self.quote.price
            && terms.compute_units <= self.quote.compute_units
    }

    /// Reads one from strict JSON; `path` is how messages name it.
    ///
    /// # Errors
    /// A refusal that names the field.
    pub fn from_json(json: &Json, path: &str) -> Result<Self, Refusal> {
        let names = [
            "exists",
            "paid",
            "not_double_spent",
            "quote",
            "coordinator",
            "sig",
        ];
        let fields = Fields::open(json, path, &names, &[])?;
        let quote_path = format!("{path}.quote");
        let quote = Fields::open(
            fields.json("quote")?,
            &quote_path,
            &["price", "compute_units"],
            &[],
        )?;
        Ok(Self {
            exists: fields.boolean("exists")?,
            paid: fields.boolean("paid")?,
            not_double_spent: fields.boolean("not_double_spent")?,
            quote: Quote {
                price: quote.integer("price", 0..=amount::MAX)?,
                compute_units: quote.integer("compute_units", 0..=amount::MAX)?,
            },
            coordinator: fields.parsed("coordinator")?,
            sig: fields.parsed("sig")?,
        })
    }
}
