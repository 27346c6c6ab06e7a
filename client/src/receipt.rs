//! Owns a receipt that its miner signed (PROTOCOL section 4): what its coordinators are asked, the claim and the
//! report that are made of it, and how attestations of it are ordered and told.

use ait_app::{
    address::Address,
    crypto::{PublicKey, SecretKey, Signature},
    escrow::record::Escrow,
    identifiers::ChainId,
    receipts::{
        attestation::{Answer, Attestation},
        claim_payload::{Attestations, Brought, ReceiptClaim},
        report::ReceiptReport,
        terms::{AttestationRequest, ReceiptTerms},
    },
};

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

    /// Its claim, with the attestations that the miner brings.
    pub fn into_claim(self, brought: Brought, is_final: bool) -> ReceiptClaim {
        let terms = self.terms;
        ReceiptClaim {
            brought,
            client_addr: terms.client,
            compute_units: terms.compute_units,
            is_final,
            job_id: terms.job_id,
            miner_addr: terms.miner,
            miner_sig: self.miner_sig,
            opened_height: Some(terms.opened_height),
            output_hash: terms.output_hash,
            price: terms.price,
            receipt_id: terms.receipt_id,
        }
    }

    /// Its report, with the attestations that deny it; the miner's key goes along where the chain does not know
    /// it.
    pub fn to_report(
        &self,
        miner_pubkey: Option<PublicKey>,
        attestations: Attestations,
    ) -> ReceiptReport {
        let terms = self.terms.clone();
        ReceiptReport {
            attestations,
            client_addr: terms.client,
            compute_units: terms.compute_units,
            job_id: terms.job_id,
            miner_addr: terms.miner,
            miner_pubkey,
            miner_sig: self.miner_sig,
            opened_height: terms.opened_height,
            output_hash: terms.output_hash,
            price: terms.price,
            receipt_id: terms.receipt_id,
        }
    }
}

/// One attestation of each of the escrow's coordinators that is among `found`, in the escrow's order.
pub fn in_order_of(escrow: &Escrow, found: &[Attestation]) -> Vec<Attestation> {
    let of = |address: &Address| found.iter().find(|one| one.coordinator == *address);
    let coordinators = escrow.attesters.iter();
    coordinators
        .filter_map(|attester| of(&attester.address).cloned())
        .collect()
}

/// An escrow asks for more good attestations than there are: a claim with fewer is refused, or an offence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the escrow asks for good attestations of {threshold} of its coordinators, and here are {good}, so nothing was \
     sent{}{}",
    if .said.is_empty() { "" } else { ": " },
    .said.join("; ")
)]
pub struct TooFewAttestations {
    /// How many it asks for.
    pub threshold: usize,
    /// How many are good.
    pub good: usize,
    /// What the others say, for people.
    pub said: Vec<String>,
}

/// What a claim brings to an escrow: as many good attestations as that asks for, in its order. None is brought where
/// there is none and the nodes ask the escrow's single coordinator.
///
/// # Errors
/// [`TooFewAttestations`].
pub fn brought(
    escrow: &Escrow,
    terms: &ReceiptTerms,
    found: &[Attestation],
) -> Result<Brought, TooFewAttestations> {
    if found.is_empty() && escrow.has_single_coordinator() {
        return Ok(Brought::Nothing);
    }
    let (mut good, other): (Vec<_>, Vec<_>) = in_order_of(escrow, found)
        .into_iter()
        .partition(|attestation| attestation.answer(terms) == Answer::Good);
    let too_few = TooFewAttestations {
        threshold: escrow.threshold,
        good: good.len(),
        said: other.iter().map(describe).collect(),
    };
    if good.len() < escrow.threshold {
        return Err(too_few);
    }
    good.truncate(escrow.threshold);
    // No escrow has more coordinators than a claim has room for.
    bring(good).ok_or(too_few)
}

/// One attestation alone, or a list of at most 5; `None` for more.
pub fn bring(found: Vec<Attestation>) -> Option<Brought> {
    match <[Attestation; 1]>::try_from(found) {
        Ok([one]) => Some(Brought::One(one)),
        Err(none) if none.is_empty() => Some(Brought::Nothing),
        Err(several) => Attestations::new(several).map(Brought::Several),
    }
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
