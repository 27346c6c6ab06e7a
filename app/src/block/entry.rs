//! Owns what stands in a block: its entries' bytes, judged without state.

use serde::{Deserialize, Serialize};

use crate::{
    code::Code,
    error::{InvariantViolation, Refusal},
    identifiers::ChainId,
    json,
    prelude::*,
    receipts::attestation::Attestation,
    tx::{Payload, TxHash, VerifiedTx},
};

/// The most bytes that a genesis may allow a block's transactions, and so the most that an
/// attestation entry is read with.
pub const MOST_BLOCK_BYTES: usize = 100 * 1024 * 1024;

/// One entry of a block, as far as it can be judged without state: a pure function of its bytes and
/// the chain id.
#[derive(Debug, Clone)]
pub enum Entry {
    /// The proposer's `ATTESTATIONS`.
    Attestations(Vec<Attestation>),
    /// A well-formed transaction with a right signature.
    Transaction(Arc<VerifiedTx>),
    /// Anything else.
    Invalid(Refusal),
}

/// The attestation entry.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Attestations {
    attestations: Vec<Attestation>,
    r#type: Tag,
}

#[derive(Serialize, Deserialize)]
enum Tag {
    #[serde(rename = "ATTESTATIONS")]
    Attestations,
}

impl Entry {
    /// Reads an entry's bytes.
    pub fn read(bytes: &[u8], chain_id: &ChainId) -> Self {
        Self::read_hashed(bytes, TxHash::of(bytes), chain_id)
    }

    /// Whether the bytes are read as an attestation entry, not as a transaction.
    pub fn is_attestations(bytes: &[u8]) -> bool {
        // Canonical order puts this field first in such an entry, and in no transaction.
        bytes.starts_with(b"{\"attestations\":")
    }

    /// As [`Entry::read`], for who knows the hash of the bytes already.
    pub fn read_hashed(bytes: &[u8], hash: TxHash, chain_id: &ChainId) -> Self {
        if Self::is_attestations(bytes) {
            return match read_attestations(bytes) {
                Ok(attestations) => Entry::Attestations(attestations),
                Err(refusal) => Entry::Invalid(refusal),
            };
        }
        match VerifiedTx::verify_hashed(bytes, hash, chain_id) {
            Ok(verified) => Entry::Transaction(Arc::new(verified)),
            Err(refusal) => Entry::Invalid(refusal),
        }
    }

    /// The claim in it that brings no attestation of its own.
    pub(super) fn claim_without_attestation(&self) -> Option<&VerifiedTx> {
        let Entry::Transaction(verified) = self else {
            return None;
        };
        match &verified.tx.payload {
            Payload::ReceiptClaim(claim) if claim.brings_nothing() => Some(verified),
            _ => None,
        }
    }
}

fn read_attestations(bytes: &[u8]) -> Result<Vec<Attestation>, Refusal> {
    if bytes.len() > MOST_BLOCK_BYTES {
        return Err(Refusal::new(
            Code::TooLarge,
            "the entry is larger than a block",
        ));
    }
    let entry: Attestations = json::read_canonical(bytes, "")?;
    Ok(entry.attestations)
}

/// The wire bytes of an attestation entry.
///
/// # Errors
/// [`InvariantViolation`] when attestations don't serialise.
pub fn attestations_wire(attestations: &[Attestation]) -> Result<Vec<u8>, InvariantViolation> {
    json::canonical(&Attestations {
        attestations: attestations.to_vec(),
        r#type: Tag::Attestations,
    })
}

/// What an entry of `n` bytes adds to a block's protobuf size: tag, length and the bytes.
pub fn protobuf_size(n: usize) -> usize {
    let mut length_bytes: usize = 1;
    let mut rest = n >> 7;
    while rest > 0 {
        length_bytes = length_bytes.saturating_add(1);
        rest >>= 7;
    }
    n.saturating_add(length_bytes).saturating_add(1)
}
