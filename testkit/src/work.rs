//! Owns receipts and coordinators' answers as plain JSON, signed as PROTOCOL section 4 says.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{actors::Actor, draft::canonical};

/// What a miner says it delivered, as strings and numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// The chain its signatures are for.
    pub chain_id: String,
    /// The receipt's name.
    pub receipt_id: String,
    pub job_id: String,
    /// The client's address.
    pub client: String,
    /// The miner's address.
    pub miner: String,
    /// Units of compute.
    pub compute_units: u64,
    /// uait.
    pub price: u64,
    /// `sha256:` and 64 hex characters.
    pub output_hash: String,
    /// The opening of the escrow that the miner works for.
    pub opened_height: u64,
}

/// What a coordinator says of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Says {
    /// The job exists.
    pub exists: bool,
    /// Its escrow is on the chain.
    pub paid: bool,
    /// It was not attested for another receipt.
    pub not_double_spent: bool,
    /// uait at most.
    pub quote_price: u64,
    /// Units at most.
    pub quote_units: u64,
}

impl Work {
    /// What a request for an attestation is about; panics where it lacks a field.
    pub fn requested(request: &Value) -> Self {
        let text = |name: &str| request[name].as_str().unwrap().to_owned();
        let number = |name: &str| request[name].as_u64().unwrap();
        Self {
            chain_id: text("chain_id"),
            receipt_id: text("receipt_id"),
            job_id: text("job_id"),
            client: text("client"),
            miner: text("miner"),
            compute_units: number("compute_units"),
            price: number("price"),
            output_hash: text("output_hash"),
            opened_height: number("opened_height"),
        }
    }

    /// The request for an attestation, with the miner's signature.
    pub fn request(&self, miner: &Actor) -> Value {
        json!({
            "chain_id": self.chain_id,
            "receipt_id": self.receipt_id,
            "job_id": self.job_id,
            "client": self.client,
            "miner": self.miner,
            "compute_units": self.compute_units,
            "price": self.price,
            "output_hash": self.output_hash,
            "opened_height": self.opened_height,
            "miner_sig": self.signed_by(miner),
        })
    }

    /// With another receipt id.
    #[must_use]
    pub fn named(&self, receipt_id: &str) -> Self {
        let receipt_id = receipt_id.to_owned();
        Self {
            receipt_id,
            ..self.clone()
        }
    }

    /// With other units and price.
    #[must_use]
    pub fn costing(&self, compute_units: u64, price: u64) -> Self {
        Self {
            compute_units,
            price,
            ..self.clone()
        }
    }

    /// For another opening of the escrow.
    #[must_use]
    pub fn opened_in(&self, opened_height: u64) -> Self {
        Self {
            opened_height,
            ..self.clone()
        }
    }

    /// `miner_sig` by this key.
    pub fn signed_by(&self, miner: &Actor) -> String {
        let text = format!(
            "AIT-RECEIPT|{}|{}|{}|{}|{}|{}|{}|{}|{}",
            self.chain_id,
            self.receipt_id,
            self.job_id,
            self.client,
            self.miner,
            self.opened_height,
            self.compute_units,
            self.price,
            self.output_hash
        );
        miner.key.sign(&Sha256::digest(text).into()).to_string()
    }

    /// What a coordinator says who finds all as it should be.
    pub fn praise(&self) -> Says {
        Says {
            exists: true,
            paid: true,
            not_double_spent: true,
            quote_price: self.price,
            quote_units: self.compute_units,
        }
    }

    /// A good attestation for the escrow opened in block `opened_height`.
    pub fn attested_by(&self, coordinator: &Actor, opened_height: u64) -> Value {
        self.answered_by(coordinator, opened_height, self.praise())
    }

    /// A signed answer, good or not.
    pub fn answered_by(&self, coordinator: &Actor, opened_height: u64, says: Says) -> Value {
        self.answered_with(coordinator, coordinator, opened_height, says)
    }

    /// An answer in a coordinator's name, signed with the key of `signer`.
    pub fn answered_with(
        &self,
        coordinator: &Actor,
        signer: &Actor,
        opened_height: u64,
        says: Says,
    ) -> Value {
        let text = format!(
            "AIT-ATTEST|{}|{}|{}|{}|{}|{}|{}|{}|{}|{opened_height}|{}|{}|{}|{}|{}",
            self.chain_id,
            coordinator.address(),
            self.receipt_id,
            self.job_id,
            self.client,
            self.miner,
            self.compute_units,
            self.price,
            self.output_hash,
            says.exists,
            says.paid,
            says.not_double_spent,
            says.quote_price,
            says.quote_units
        );
        let sig = signer.key.sign(&Sha256::digest(text).into());
        json!({
            "exists": says.exists,
            "paid": says.paid,
            "not_double_spent": says.not_double_spent,
            "quote": {"price": says.quote_price, "compute_units": says.quote_units},
            "coordinator": coordinator.address().to_string(),
            "sig": sig.to_string(),
        })
    }

    /// What a coordinator says who never heard of such work: damning.
    pub fn denial(&self) -> Says {
        Says {
            exists: false,
            ..self.praise()
        }
    }

    /// A damning attestation for the escrow that the work names.
    pub fn denied_by(&self, coordinator: &Actor) -> Value {
        self.answered_by(coordinator, self.opened_height, self.denial())
    }

    /// The payload of a `RECEIPT_CLAIM`.
    pub fn claim(&self, miner_sig: &str, attestation: Option<&Value>) -> Value {
        let mut payload = json!({
            "receipt_id": self.receipt_id,
            "job_id": self.job_id,
            "client_addr": self.client,
            "miner_addr": self.miner,
            "compute_units": self.compute_units,
            "price": self.price,
            "output_hash": self.output_hash,
            "miner_sig": miner_sig,
        });
        if let Some(attestation) = attestation {
            payload["attestation"] = attestation.clone();
        }
        payload
    }

    /// The payload of a `RECEIPT_REPORT` with these attestations.
    pub fn report(&self, miner_sig: &str, attestations: &[Value]) -> Value {
        json!({
            "receipt_id": self.receipt_id,
            "job_id": self.job_id,
            "client_addr": self.client,
            "miner_addr": self.miner,
            "opened_height": self.opened_height,
            "compute_units": self.compute_units,
            "price": self.price,
            "output_hash": self.output_hash,
            "miner_sig": miner_sig,
            "attestations": attestations,
        })
    }

    /// One side of an `ATTESTATION_EQUIVOCATION`.
    pub fn statement(&self, attestation: &Value) -> Value {
        json!({
            "receipt_id": self.receipt_id,
            "miner_addr": self.miner,
            "compute_units": self.compute_units,
            "price": self.price,
            "output_hash": self.output_hash,
            "attestation": attestation,
        })
    }

    /// The payload of an `ATTESTATION_EQUIVOCATION` about two answers for works of one escrow.
    pub fn equivocation(&self, answer: &Value, other: &Self, other_answer: &Value) -> Value {
        json!({
            "client_addr": self.client,
            "job_id": self.job_id,
            "opened_height": self.opened_height,
            "a": self.statement(answer),
            "b": other.statement(other_answer),
        })
    }
}

/// The entry that a proposer puts in front of its block.
pub fn attestation_entry(attestations: &[Value]) -> Vec<u8> {
    canonical(&json!({"attestations": attestations, "type": "ATTESTATIONS"}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_and_answers_are_signed_as_those_of_the_vectors() {
        let vectors: Value =
            serde_json::from_str(include_str!("../../tests/vectors/protocol.json")).unwrap();
        let cases = vectors["attestations"].as_array().unwrap();
        assert!(cases.len() >= 5);
        for case in cases {
            let (request, response) = (&case["request"], &case["response"]);
            let work = Work::requested(request);
            assert_eq!(&work.request(&Actor::named("miner")), request);
            let says = Says {
                exists: response["exists"].as_bool().unwrap(),
                paid: response["paid"].as_bool().unwrap(),
                not_double_spent: response["not_double_spent"].as_bool().unwrap(),
                quote_price: response["quote"]["price"].as_u64().unwrap(),
                quote_units: response["quote"]["compute_units"].as_u64().unwrap(),
            };
            let named = vectors["keys"].as_array().unwrap().iter();
            let signer = named
                .map(|key| Actor::named(key["name"].as_str().unwrap()))
                .find(|actor| actor.address().to_string() == response["coordinator"])
                .unwrap();
            let answer = work.answered_by(&signer, work.opened_height, says);
            assert_eq!(&answer, response);
        }
    }
}
