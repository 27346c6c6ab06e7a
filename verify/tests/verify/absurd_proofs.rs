//! Whatever stands in a document, the answer is a refusal and no panic.

use base64::{Engine, engine::general_purpose::STANDARD};
use ics23::{CommitmentProof, ExistenceProof, InnerOp, NonExistenceProof, commitment_proof::Proof};
use proptest::prelude::*;
use prost_ics23::Message;
use serde_json::Value;

use crate::chain::{Chain, equals, verify, verify_bytes};

fn steps() -> impl Strategy<Value = Vec<InnerOp>> {
    let bytes = prop_oneof![
        Just(vec![]),
        Just(vec![1]),
        Just([&[1][..], &[0; 32]].concat()),
        Just(vec![0; 32]),
        proptest::collection::vec(any::<u8>(), 0..70),
    ];
    let step = (-1..10, bytes.clone(), bytes);
    let step = step.prop_map(|(hash, prefix, suffix)| InnerOp {
        hash,
        prefix,
        suffix,
    });
    proptest::collection::vec(step, 0..5)
}

/// A true proof of a record of the chain with other steps below and in place of its own.
fn existence(chain: &Chain, number: usize, cut: usize, steps: Vec<InnerOp>) -> ExistenceProof {
    let proof = chain
        .state
        .record_proof(&format!("/account/{number}"))
        .proof;
    let Some(Proof::Exist(mut exist)) = proof else {
        panic!("the chain has it")
    };
    let kept = exist.path.len().saturating_sub(cut);
    exist.path.truncate(kept);
    exist.path.extend(steps);
    exist
}

fn refused(chain: &Chain, proof: Proof, value: Value) {
    let trusted = chain.trusted(20);
    let mut bundle = chain.bundle(20, "/account/none");
    let proof = CommitmentProof { proof: Some(proof) };
    bundle["ops"][0]["data"] = STANDARD.encode(proof.encode_to_vec()).into();
    bundle["value"] = value;
    verify(&trusted, &bundle).unwrap_err();
}

/// The JSON pointers of all fields that hold no other field.
fn leaves_of(path: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                leaves_of(&format!("{path}/{name}"), value, found);
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                leaves_of(&format!("{path}/{index}"), value, found);
            }
        }
        _ => found.push(path.to_owned()),
    }
}

#[test]
fn an_absence_by_one_record_as_both_neighbours_or_by_none_is_refused() {
    let chain = Chain::of(equals(1));
    let key = b"/account/none".to_vec();
    let same = Some(existence(&chain, 3, 0, Vec::new()));
    let mut bare = existence(&chain, 3, 99, Vec::new());
    bare.path.clear();
    for (left, right) in [
        (same.clone(), same.clone()),
        (Some(bare.clone()), same.clone()),
        (same, Some(bare.clone())),
        (Some(bare.clone()), Some(bare)),
        (None, None),
    ] {
        let key = key.clone();
        let proof = Proof::Nonexist(NonExistenceProof { key, left, right });
        refused(&chain, proof, Value::Null);
    }
}

#[test]
fn signatures_that_are_no_base64_are_refused() {
    let chain = Chain::of(equals(2));
    for text in [
        "", "=", "A", "A=", "====", "A===", "AAAA=", "AAA=AAAA", " ", "AAAAA",
    ] {
        let mut bundle = chain.bundle(20, "/account/7");
        bundle["signed_header"]["commit"]["signatures"][1]["signature"] = text.into();
        let refused = verify(&chain.trusted(20), &bundle).unwrap_err();
        let field = "signed_header.commit.signatures[1].signature";
        assert!(refused.to_string().contains(field), "{text}: {refused}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn made_up_steps_are_refused(
        (left, right) in (proptest::option::of((0usize..40, 0usize..8, steps())), proptest::option::of((0usize..40, 1usize..8, steps()))),
    ) {
        let chain = Chain::of(equals(1));
        let made = |side: Option<(usize, usize, Vec<InnerOp>)>| {
            side.map(|(number, cut, steps)| existence(&chain, number, cut, steps))
        };
        let key = b"/account/none".to_vec();
        let (left, right) = (made(left), made(right));
        let absence = NonExistenceProof { key, left, right: right.clone() };
        // Two true neighbours would be no lie.
        let truth = chain.state.record_proof("/account/none").proof;
        prop_assume!(truth != Some(Proof::Nonexist(absence.clone())));
        refused(&chain, Proof::Nonexist(absence), Value::Null);
        if let Some(mut right) = right {
            right.key = b"/account/none".to_vec();
            refused(&chain, Proof::Exist(right), "{}".into());
        }
    }

    /// Each field of the header and its commit in turn holds what no header has.
    #[test]
    fn other_texts_and_numbers_in_a_field_are_refused(
        which in 0usize..10_000,
        text in prop_oneof!["[0-9A-F]{0,80}", "[A-Za-z0-9+/=]{0,90}", "[-+0-9TZ:.]{0,40}", any::<String>()],
        number in any::<i64>(),
    ) {
        let chain = Chain::of(equals(2));
        let trusted = chain.trusted(20);
        let good = chain.bundle(20, "/account/none");
        let mut leaves = Vec::new();
        leaves_of("", &good, &mut leaves);
        let leaf = &leaves[which % leaves.len()];
        for with in [Value::from(text), number.into(), Value::Null, Value::from(vec![number])] {
            let mut bundle = good.clone();
            *bundle.pointer_mut(leaf).unwrap() = with;
            if bundle != good {
                prop_assert!(verify(&trusted, &bundle).is_err(), "{leaf}");
            }
        }
    }

    #[test]
    fn torn_and_overwritten_documents_are_refused(
        place in 0usize..4_000,
        length in 0usize..50,
        bytes in proptest::collection::vec(any::<u8>(), 0..50),
        digits in proptest::collection::vec(b'0'..=b'9', 0..30),
    ) {
        let chain = Chain::of(equals(2));
        let trusted = chain.trusted(20);
        let document = chain.bundle(20, "/account/none");
        let good = document.to_string().into_bytes();
        for with in [bytes, digits] {
            let mut torn = good.clone();
            let from = place.min(torn.len());
            let to = (from + length).min(torn.len());
            torn.splice(from..to, with);
            prop_assume!(torn != good);
            // White space between fields is free.
            let same = serde_json::from_slice::<Value>(&torn).is_ok_and(|torn| torn == document);
            prop_assert!(same || verify_bytes(&trusted, &torn).is_err());
        }
    }
}
