//! Owns what a coordinator signs about a receipt (PROTOCOL section 4), and what that means.

use serde::{Deserialize, Serialize};

use super::terms::ReceiptTerms;
use crate::{
    address::Address,
    crypto::{SecretKey, Signature, sha256},
    identifiers::ChainId,
    prelude::*,
    quantity::{Uait, Units},
};

/// The most a coordinator quoted for a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quote {
    /// The most units of compute.
    pub compute_units: Units,
    /// The most it may cost.
    pub price: Uait,
}

/// A coordinator's signed answer about a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// Who answers.
    pub coordinator: Address,
    /// The job exists and was done.
    pub exists: bool,
    /// It was not attested for another receipt.
    pub not_double_spent: bool,
    /// Its escrow is on the chain.
    pub paid: bool,
    /// The most the job may cost.
    pub quote: Quote,
    /// Over [`Attestation::sign_bytes`].
    pub sig: Signature,
}

/// What a rightly signed attestation says of its receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Yes, within the quote.
    Good,
    /// No, for reasons that are not in the miner's hands.
    Negative,
    /// No, and the miner is at fault: there is no such work, or it asks for more than the quote.
    Damning,
}

/// The facts of an attestation, before it is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// The job exists and was done.
    pub exists: bool,
    /// Its escrow is on the chain.
    pub paid: bool,
    /// It was not attested for another receipt.
    pub not_double_spent: bool,
    /// The most the job may cost.
    pub quote: Quote,
}

impl Attestation {
    /// Answers for a receipt and signs the answer.
    pub fn sign(
        chain_id: &ChainId,
        terms: &ReceiptTerms,
        facts: Facts,
        coordinator: Address,
        key: &SecretKey,
    ) -> Self {
        let mut attestation = Self {
            coordinator,
            exists: facts.exists,
            not_double_spent: facts.not_double_spent,
            paid: facts.paid,
            quote: facts.quote,
            sig: Signature::from_bytes([0; 64]),
        };
        attestation.sig = key.sign(&attestation.sign_bytes(chain_id, terms));
        attestation
    }

    /// The 32 bytes that `sig` signs: who answers, the whole receipt, its opening, and the answer.
    pub fn sign_bytes(&self, chain_id: &ChainId, terms: &ReceiptTerms) -> [u8; 32] {
        let text = format!(
            "AIT-ATTEST|{chain_id}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}",
            self.coordinator,
            terms.receipt_id,
            terms.job_id,
            terms.client,
            terms.miner,
            terms.compute_units,
            terms.price,
            terms.output_hash,
            terms.opened_height,
            self.exists,
            self.paid,
            self.not_double_spent,
            self.quote.price,
            self.quote.compute_units
        );
        sha256(text.as_bytes())
    }

    /// What it says of a receipt, if it is rightly signed for it.
    pub fn answer(&self, terms: &ReceiptTerms) -> Answer {
        let within_quote = terms.price.get() <= self.quote.price
            && terms.compute_units.get() <= self.quote.compute_units;
        if !self.exists || !within_quote {
            Answer::Damning
        } else if self.paid && self.not_double_spent {
            Answer::Good
        } else {
            Answer::Negative
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{crypto::PublicKey, receipts::terms::AttestationRequest};

    #[test]
    fn attestations_and_receipts_are_those_of_the_vectors() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/vectors/protocol.json")).unwrap();
        let keys = vectors["keys"].as_array().unwrap();
        let keys = keys.iter().map(|key| key["pubkey"].as_str().unwrap());
        let keys: Vec<PublicKey> = keys.map(|key| key.parse().unwrap()).collect();
        let cases = vectors["attestations"].as_array().unwrap();
        assert!(cases.len() >= 5);
        for case in cases {
            let request: AttestationRequest =
                serde_json::from_value(case["request"].clone()).unwrap();
            let attestation: Attestation =
                serde_json::from_value(case["response"].clone()).unwrap();
            let chain_id: ChainId = case["chain_id"].as_str().unwrap().parse().unwrap();
            let terms = request.terms();
            let digest = attestation.sign_bytes(&chain_id, &terms);
            assert_eq!(hex::encode(digest), case["sign_bytes"].as_str().unwrap());
            let own = |key: &&PublicKey| Address::of(key) == attestation.coordinator;
            let key = keys.iter().find(own).unwrap();
            assert!(key.verifies(&digest, &attestation.sig));
            let answer = attestation.answer(&terms);
            assert_eq!(answer == Answer::Good, case["good"].as_bool().unwrap());
            assert_eq!(
                answer == Answer::Damning,
                case["damning"].as_bool().unwrap()
            );
        }
        let receipt = &vectors["receipts"][0];
        let request: AttestationRequest =
            serde_json::from_value(cases[0]["request"].clone()).unwrap();
        let chain_id: ChainId = receipt["chain_id"].as_str().unwrap().parse().unwrap();
        let digest = request.terms().sign_bytes(&chain_id);
        assert_eq!(hex::encode(digest), receipt["sign_bytes"].as_str().unwrap());
    }
}
