//! The contract describes what the protocol's examples look like, and nothing looser.

use std::collections::BTreeSet;

use ait_app::tx::Payload;
use ait_tests::contract::fits_named;
use serde_json::{Value, json};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../vectors/protocol.json")).unwrap()
}

fn transactions() -> Vec<Value> {
    let vectors = vectors();
    let wires = vectors["transactions"].as_array().unwrap().iter();
    let wires = wires.map(|example| example["wire"].as_str().unwrap());
    wires
        .map(|wire| serde_json::from_str(wire).unwrap())
        .collect()
}

#[test]
fn examples_of_every_kind_of_transaction_fit() {
    let mut kinds = BTreeSet::new();
    for tx in transactions() {
        for form in ["Transaction", "TransactionDraft"] {
            fits_named(form, &tx).unwrap_or_else(|why| panic!("{form}: {tx}: {why}"));
        }
        let intent = json!({"type": tx["type"], "payload": tx["payload"], "sender": tx["sender"]});
        fits_named("Intent", &intent).unwrap_or_else(|why| panic!("{intent}: {why}"));
        kinds.insert(tx["type"].as_str().unwrap().to_owned());
    }
    let all = Payload::KINDS.iter().map(|kind| (*kind).to_owned());
    assert_eq!(kinds, all.collect());
}

#[test]
fn what_the_chain_would_refuse_for_its_form_does_not_fit() {
    for tx in transactions() {
        let mut with_more = tx.clone();
        with_more["payload"]["more"] = 1.into();
        let mut of_a_kind_unknown = tx.clone();
        of_a_kind_unknown["type"] = "MINT".into();
        let mut without_signature = tx.clone();
        without_signature.as_object_mut().unwrap().remove("sig");
        let mut of_nobody = tx.clone();
        of_nobody["sender"] = "ait1nobody".into();
        let mut with_null = tx.clone();
        with_null["pubkey"] = Value::Null;
        for bad in [
            with_more,
            of_a_kind_unknown,
            without_signature,
            of_nobody,
            with_null,
        ] {
            assert!(fits_named("Transaction", &bad).is_err(), "{bad}");
        }
        let payload = tx["payload"].as_object().unwrap();
        for (name, value) in payload.iter().filter(|(_, value)| value.is_number()) {
            for wrong in [json!(-1), json!(1.5), json!("1"), json!(1_u64 << 53)] {
                let mut bad = tx.clone();
                bad["payload"][name] = wrong.clone();
                // A param has a value of its own kind.
                if tx["type"] != "PARAM_UPDATE" {
                    let fits = fits_named("Transaction", &bad);
                    assert!(fits.is_err(), "{name} {value} as {wrong}: {bad}");
                }
            }
        }
    }
}

#[test]
fn examples_of_attestations_fit() {
    for example in vectors()["attestations"].as_array().unwrap() {
        fits_named("AttestationRequest", &example["request"]).unwrap();
        fits_named("Attestation", &example["response"]).unwrap();
    }
}
