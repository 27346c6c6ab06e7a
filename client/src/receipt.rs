//! Owns a receipt that its miner signed (PROTOCOL section 4): what its coordinators are asked, the claim and the
//! report that are made of it, and how attestations of it are ordered and told.

use ait_app::{
    address::Address,
    crypto::{PublicKey, SecretKey, Signature},
    escrow::record::Escrow,
    identifiers::ChainId,
    receipts::{
        attestation::Attestation,
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
