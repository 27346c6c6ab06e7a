//! Owns transactions as plain JSON, signed as PROTOCOL section 3 says. Nothing of the state machine's own
//! encoding is used, and anything may be wrong in them.

use ait_app::{address::Address, tx::Payload};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::actors::Actor;

/// RFC 8785 bytes. For what the tests write, objects with ASCII names and integers, that is what
/// serde_json prints: its maps are sorted.
pub fn canonical(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

/// A transaction that can still be changed.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The chain it is signed for.
    pub chain_id: String,
    /// Who signs.
    pub signer: Actor,
    /// Field `type`.
    pub kind: String,
    /// Field `sender`.
    pub sender: String,
    /// Field `nonce`.
    pub nonce: u64,
    /// Field `fee`, uait.
    pub fee: u64,
    /// Field `payload`.
    pub payload: Value,
}

impl Draft {
    /// A transaction of `actor`.
    pub fn new(chain_id: &str, actor: &Actor, kind: &str, payload: Value) -> Self {
        Self {
            chain_id: chain_id.to_owned(),
            signer: actor.clone(),
            kind: kind.to_owned(),
            sender: actor.address().to_string(),
            nonce: 1,
            fee: 0,
            payload,
        }
    }

    /// With this nonce.
    #[must_use]
    pub fn nonce(self, nonce: u64) -> Self {
        Self { nonce, ..self }
    }

    /// `count` nonces later, behind other transactions of the sender in the same block.
    #[must_use]
    pub fn later(self, count: u64) -> Self {
        let nonce = self.nonce + count;
        Self { nonce, ..self }
    }

    /// With this fee.
    #[must_use]
    pub fn fee(self, fee: u64) -> Self {
        Self { fee, ..self }
    }

    /// Signed for another chain.
    #[must_use]
    pub fn for_chain(self, chain_id: &str) -> Self {
        let chain_id = chain_id.to_owned();
        Self { chain_id, ..self }
    }

    /// Signed by somebody else, whose key it carries; the sender stays.
    #[must_use]
    pub fn signed_by(self, signer: &Actor) -> Self {
        let signer = signer.clone();
        Self { signer, ..self }
    }

    /// With one field of the payload changed.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.payload[field] = value.into();
        self
    }

    /// Bytes of the canonical payload, which the fee is for.
    pub fn payload_bytes(&self) -> u64 {
        canonical(&self.payload).len() as u64
    }

    /// The signed transaction.
    pub fn json(&self) -> Value {
        let text = format!(
            "AIT-TX|{}|{}|{}|{}|{}|{}",
            self.chain_id,
            self.kind,
            self.sender,
            self.nonce,
            self.fee,
            String::from_utf8(canonical(&self.payload)).unwrap()
        );
        let sig = self.signer.key.sign(&Sha256::digest(text).into());
        json!({
            "type": self.kind,
            "sender": self.sender,
            "nonce": self.nonce,
            "fee": self.fee,
            "payload": self.payload,
            "pubkey": self.signer.pubkey().to_string(),
            "sig": sig.to_string(),
        })
    }

    /// Its wire bytes.
    pub fn wire(&self) -> Vec<u8> {
        canonical(&self.json())
    }
}

impl From<Draft> for Vec<u8> {
    fn from(draft: Draft) -> Vec<u8> {
        draft.wire()
    }
}

/// A payload as nodes hold it, of its fields; panics where they are none of that kind.
pub fn payload(kind: &str, fields: &Value) -> Payload {
    Payload::read(kind, &fields.to_string()).unwrap()
}

/// The payload of `TRANSFER`.
pub fn transfer(to: Address, amount: u64) -> Value {
    json!({"to": to.to_string(), "amount": amount})
}

/// The payload of `ESCROW_OPEN`.
pub fn escrow_open(job: &str, coordinator: Address, amount: u64, ttl_blocks: u64) -> Value {
    json!({
        "job_id": job,
        "coordinator": coordinator.to_string(),
        "amount": amount,
        "ttl_blocks": ttl_blocks,
    })
}

/// The payload of `ESCROW_RELEASE`.
pub fn escrow_release(client: Address, job: &str) -> Value {
    json!({"client_addr": client.to_string(), "job_id": job})
}

/// The payload of `ESCROW_ASSIGN`.
pub fn escrow_assign(client: Address, job: &str, miner: Address) -> Value {
    json!({"client_addr": client.to_string(), "job_id": job, "miner": miner.to_string()})
}

/// The payload of `ESCROW_TOPUP`, without `ttl_blocks`.
pub fn escrow_topup(client: Address, job: &str, amount: u64) -> Value {
    json!({"client_addr": client.to_string(), "job_id": job, "amount": amount})
}

/// The payload of `PARAM_UPDATE`.
pub fn param_update(key: &str, value: Value) -> Value {
    json!({"key": key, "value": value})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drafts_have_the_wire_bytes_of_the_vectors() {
        let vectors: Value =
            serde_json::from_str(include_str!("../../tests/vectors/protocol.json")).unwrap();
        let cases = vectors["transactions"].as_array().unwrap();
        assert!(cases.len() > 5);
        for case in cases {
            let tx = &case["tx"];
            let seed: [u8; 32] = hex::decode(case["secret_seed"].as_str().unwrap())
                .unwrap()
                .try_into()
                .unwrap();
            let names = vectors["keys"].as_array().unwrap();
            let named = names
                .iter()
                .find(|key| key["secret_seed"] == case["secret_seed"]);
            let actor = Actor::named(named.unwrap()["name"].as_str().unwrap());
            assert_eq!(actor.key.seed(), seed);
            let draft = Draft::new(
                case["chain_id"].as_str().unwrap(),
                &actor,
                tx["type"].as_str().unwrap(),
                tx["payload"].clone(),
            )
            .nonce(tx["nonce"].as_u64().unwrap())
            .fee(tx["fee"].as_u64().unwrap());
            assert_eq!(draft.wire(), case["wire"].as_str().unwrap().as_bytes());
        }
    }
}
