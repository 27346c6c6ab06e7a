//! Owns bytes that are no transaction, and the code that each deserves.

use serde_json::{Value, json};

use super::{Broken, Fee, Who, build::Builder, consensus_key};
use crate::{
    actors::Actor,
    chain::{CHAIN_ID, first_stake},
    draft::{self, Draft, canonical},
    model::Input,
    work::Work,
};

impl Builder {
    pub(super) fn broken(&self, broken: Broken, by: &Actor) -> Input {
        let payload = draft::transfer(Who::Bob.actor().address(), 1);
        let draft = self.priced(
            Draft::new(CHAIN_ID, by, "TRANSFER", payload),
            by,
            Fee::Required,
        );
        let mut json = draft.json();
        let changed = |field: &str, value: Value| draft.clone().with(field, value).wire();
        let again = |kind: &str, payload: Value| {
            let draft = Draft::new(CHAIN_ID, by, kind, payload);
            self.priced(draft, by, Fee::Required).wire()
        };
        let (wire, name) = match broken {
            Broken::Empty => (Vec::new(), "malformed_json"),
            Broken::Garbage => (b"\xff\x00 no transaction".to_vec(), "malformed_json"),
            Broken::Truncated => {
                let wire = draft.wire();
                (wire[..wire.len() - 1].to_vec(), "malformed_json")
            }
            Broken::NotCanonical => {
                let wire = [draft.wire(), b"\n".to_vec()].concat();
                (wire, "not_canonical")
            }
            Broken::UnknownField => {
                json["gas"] = 1.into();
                (canonical(&json), "invalid_field")
            }
            Broken::NullFee => {
                json["fee"] = Value::Null;
                (canonical(&json), "invalid_field")
            }
            Broken::AmountZero => (changed("amount", 0.into()), "invalid_field"),
            Broken::AmountTooLarge => (changed("amount", (1_u64 << 53).into()), "invalid_field"),
            Broken::AmountAsText => (changed("amount", "1".into()), "invalid_field"),
            Broken::UnknownType => {
                json["type"] = "MINT".into();
                (canonical(&json), "unknown_type")
            }
            Broken::PayloadOfAnotherKind => {
                json["type"] = "STAKE".into();
                (canonical(&json), "invalid_field")
            }
            Broken::TooLarge => (changed("memo", "x".repeat(20_000).into()), "too_large"),
            Broken::OfAnotherMiner => {
                let work = Work {
                    chain_id: CHAIN_ID.into(),
                    receipt_id: "receipt_0".into(),
                    job_id: "job_0".into(),
                    client: Who::Alice.actor().address().to_string(),
                    miner: Who::Stranger.actor().address().to_string(),
                    compute_units: 1,
                    price: 1,
                    output_hash: format!("sha256:{}", "ab".repeat(32)),
                };
                let sender = if by.name == "stranger" {
                    Who::Bob.actor()
                } else {
                    by.clone()
                };
                let payload = work.claim(&work.signed_by(&sender), None);
                let draft = Draft::new(CHAIN_ID, &sender, "RECEIPT_CLAIM", payload);
                (draft.wire(), "not_the_miner")
            }
            Broken::StakeWithoutProof | Broken::StakeWithoutKey => {
                let mut payload = first_stake(CHAIN_ID, by, &consensus_key(1), 1_000);
                let missing = match broken {
                    Broken::StakeWithoutKey => "validator_pubkey",
                    _ => "validator_sig",
                };
                payload.as_object_mut().unwrap().remove(missing);
                (again("STAKE", payload), "invalid_field")
            }
            Broken::UnjailWithField => (again("UNJAIL", json!({"amount": 1})), "invalid_field"),
            Broken::AttestationsWithoutType => (b"{\"attestations\":[]}".to_vec(), "invalid_field"),
        };
        Input {
            wire,
            malformed: Some(name),
        }
    }
}
