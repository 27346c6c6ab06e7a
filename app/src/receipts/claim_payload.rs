//! Owns what a claim says: its payload, the attestations it may bring, and their JSON form.

use serde::{Deserialize, Serialize};

use super::{attestation::Attestation, terms::ReceiptTerms};
use crate::{
    address::Address,
    crypto::Signature,
    identifiers::{JobId, OutputHash, ReceiptId},
    json::{self, True},
    prelude::*,
    quantity::{Height, Positive, Uait, Units},
};

/// The attestations in a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Brought {
    /// None: the node asks its coordinator.
    Nothing,
    /// One, where the threshold is 1.
    One(Attestation),
    /// As many as the threshold, in the escrow's order.
    Several(Attestations),
}

/// The payload of `RECEIPT_CLAIM`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Form", try_from = "Form")]
pub struct ReceiptClaim {
    /// Its attestations.
    pub brought: Brought,
    /// Whose escrow.
    pub client_addr: Address,
    /// Units of compute delivered.
    pub compute_units: Positive<Units>,
    /// Whether it is the last part of a job.
    pub is_final: bool,
    /// For which job.
    pub job_id: JobId,
    /// The sender.
    pub miner_addr: Address,
    /// The sender's signature over the receipt.
    pub miner_sig: Signature,
    /// The opening it means; where it says none, that of the escrow as it is.
    pub opened_height: Option<Height>,
    /// The hash of the job's output.
    pub output_hash: OutputHash,
    /// What it asks for.
    pub price: Positive<Uait>,
    /// The sender's name for the receipt.
    pub receipt_id: ReceiptId,
}

impl ReceiptClaim {
    /// The receipt's terms, for the opening that it names or else this one.
    pub fn terms(&self, opened_height: Height) -> ReceiptTerms {
        ReceiptTerms {
            receipt_id: self.receipt_id.clone(),
            job_id: self.job_id.clone(),
            client: self.client_addr,
            miner: self.miner_addr,
            compute_units: self.compute_units,
            price: self.price,
            output_hash: self.output_hash.clone(),
            opened_height: self.opened_height.unwrap_or(opened_height),
        }
    }

    /// Whether it waits for an attestation in front of the block.
    pub fn brings_nothing(&self) -> bool {
        self.brought == Brought::Nothing
    }
}

/// The payload's fields.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(
        default,
        deserialize_with = "json::present",
        skip_serializing_if = "Option::is_none"
    )]
    attestation: Option<Attestation>,
    #[serde(
        default,
        deserialize_with = "json::present",
        skip_serializing_if = "Option::is_none"
    )]
    attestations: Option<Attestations>,
    client_addr: Address,
    compute_units: Positive<Units>,
    #[serde(
        default,
        deserialize_with = "json::present",
        skip_serializing_if = "Option::is_none"
    )]
    r#final: Option<True>,
    job_id: JobId,
    miner_addr: Address,
    miner_sig: Signature,
    #[serde(
        default,
        deserialize_with = "json::present",
        skip_serializing_if = "Option::is_none"
    )]
    opened_height: Option<Height>,
    output_hash: OutputHash,
    price: Positive<Uait>,
    receipt_id: ReceiptId,
}

/// One to five attestations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Attestations(Vec<Attestation>);

impl Attestations {
    /// A list of them; `None` for none or more than 5.
    pub fn new(list: Vec<Attestation>) -> Option<Self> {
        (1..=5).contains(&list.len()).then_some(Self(list))
    }

    /// Each of them.
    pub fn as_slice(&self) -> &[Attestation] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Attestations {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let list = Vec::<Attestation>::deserialize(deserializer)?;
        Self::new(list).ok_or_else(|| serde::de::Error::custom("must have 1 to 5 entries"))
    }
}

/// A claim that brings its attestations in two ways.
#[derive(Debug, thiserror::Error)]
#[error("may have attestation or attestations, not both")]
struct Both;

impl From<ReceiptClaim> for Form {
    fn from(claim: ReceiptClaim) -> Self {
        let (attestation, attestations) = match claim.brought {
            Brought::Nothing => (None, None),
            Brought::One(attestation) => (Some(attestation), None),
            Brought::Several(attestations) => (None, Some(attestations)),
        };
        Self {
            attestation,
            attestations,
            client_addr: claim.client_addr,
            compute_units: claim.compute_units,
            r#final: claim.is_final.then_some(True),
            job_id: claim.job_id,
            miner_addr: claim.miner_addr,
            miner_sig: claim.miner_sig,
            opened_height: claim.opened_height,
            output_hash: claim.output_hash,
            price: claim.price,
            receipt_id: claim.receipt_id,
        }
    }
}

impl TryFrom<Form> for ReceiptClaim {
    type Error = Both;

    fn try_from(form: Form) -> Result<Self, Both> {
        let brought = match (form.attestation, form.attestations) {
            (None, None) => Brought::Nothing,
            (Some(attestation), None) => Brought::One(attestation),
            (None, Some(attestations)) => Brought::Several(attestations),
            (Some(_), Some(_)) => return Err(Both),
        };
        Ok(Self {
            brought,
            client_addr: form.client_addr,
            compute_units: form.compute_units,
            is_final: form.r#final.is_some(),
            job_id: form.job_id,
            miner_addr: form.miner_addr,
            miner_sig: form.miner_sig,
            opened_height: form.opened_height,
            output_hash: form.output_hash,
            price: form.price,
            receipt_id: form.receipt_id,
        })
    }
}
