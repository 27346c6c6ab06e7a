//! A bundle that claims something else than its header and proofs say is refuted.

use ait_verify::Rejection;
use base64::{Engine, engine::general_purpose::STANDARD};
use ics23::{CommitmentProof, commitment_proof::Proof};
use prost_ics23::Message;
use serde_json::{Value, json};

use crate::{
    chain::{Chain, all, commit, equals, verify},
    state::{State, account, ops},
};

const KEY: &str = "/account/7";
const ABSENT: &str = "/account/none";

/// How a bundle of a key is refuted once it is changed.
fn refuted(key: &str, change: impl Fn(&mut Value, &Chain)) -> Rejection {
    let chain = Chain::of(equals(4));
    let trusted = chain.trusted(20);
    let mut bundle = chain.bundle(20, key);
    verify(&trusted, &bundle).unwrap();
    change(&mut bundle, &chain);
    let refused = verify(&trusted, &bundle).unwrap_err();
    assert!(refused.is_refuted(), "{refused}");
    assert_eq!(refused.needs_between(), None);
    refused
}

#[test]
fn another_value() {
    let refused = refuted(KEY, |bundle, _| bundle["value"] = account(8).into());
    assert_eq!(refused.code(), 19);
    let refused = refuted(KEY, |bundle, _| bundle["value"] = "".into());
    assert_eq!(refused.code(), 19);
}

#[test]
fn a_record_as_absent_and_an_absence_as_record() {
    let refused = refuted(KEY, |bundle, _| bundle["value"] = Value::Null);
    assert_eq!(refused, Rejection::ProofKind { present: true });
    let refused = refuted(ABSENT, |bundle, _| bundle["value"] = account(1).into());
    assert_eq!(refused, Rejection::ProofKind { present: false });
}

#[test]
fn another_key_in_one_place_or_in_both() {
    for place in ["key", "ops"] {
        let refused = refuted(KEY, |bundle, _| match place {
            "key" => bundle["key"] = "/account/8".into(),
            _ => bundle["ops"][0]["key"] = "/account/8".into(),
        });
        assert_eq!(refused.code(), 1);
    }
    for (key, other) in [(KEY, "/account/8"), (ABSENT, "/account/nobody")] {
        let refused = refuted(key, |bundle, _| {
            bundle["key"] = other.into();
            bundle["ops"][0]["key"] = other.into();
        });
        let key = other.to_owned();
        assert_eq!(refused, Rejection::RecordProof { key });
    }
}

#[test]
fn another_height() {
    for height in [0, 19, 21, u64::MAX] {
        let refused = refuted(KEY, |bundle, _| bundle["height"] = height.into());
        let header = 21;
        assert_eq!(refused, Rejection::BundleHeight { height, header });
    }
}

#[test]
fn a_good_proof_under_the_app_hash_of_another_state() {
    let other = State::of_accounts(3);
    let refused = refuted(KEY, |bundle, _| {
        bundle["app_hash"] = hex::encode(other.app_hash()).into();
        bundle["ops"] = ops(
            "/account/2",
            &other.record_proof("/account/2"),
            &other.root_proof(),
        );
        bundle["key"] = "/account/2".into();
        bundle["value"] = account(2).into();
    });
    assert_eq!(refused.code(), 16);
}

#[test]
fn a_root_that_is_not_under_the_app_hash() {
    let other = State::of_accounts(3);
    let refused = refuted(KEY, |bundle, _| {
        bundle["ops"][1] = ops(KEY, &other.record_proof(KEY), &other.root_proof())[1].clone();
    });
    assert_eq!(refused, Rejection::RootProof);
}

#[test]
fn a_proof_of_another_state_under_a_good_root() {
    let other = State::of_accounts(3);
    let refused = refuted(ABSENT, |bundle, _| {
        bundle["ops"][0] = ops(ABSENT, &other.record_proof(ABSENT), &other.root_proof())[0].clone();
    });
    assert_eq!(refused.code(), 19);
}

#[test]
fn an_absence_shown_by_neighbours_that_are_not_next_to_each_other() {
    let refused = refuted(KEY, |bundle, chain| {
        // Of the state without the record: the neighbours are right, but what lies between them is hidden.
        let mut wide = None;
        for number in 100..1_000 {
            let proof = chain.state.record_proof(&format!("/account/{number}"));
            let Some(Proof::Nonexist(absence)) = proof.proof else {
                panic!("it has no such record")
            };
            wide = match (wide, absence) {
                (None, absence) if absence.left.is_none() => Some(absence),
                (Some(mut first), absence) if absence.right.is_none() => {
                    first.left = first.right.take();
                    first.right = absence.left;
                    first.key = KEY.into();
                    bundle["ops"][0]["data"] = encoded(Proof::Nonexist(first));
                    bundle["value"] = Value::Null;
                    return;
                }
                (wide, _) => wide,
            };
        }
        panic!("none of those keys lies beyond the first and the last record")
    });
    assert_eq!(refused.code(), 19);
}

fn encoded(proof: Proof) -> Value {
    let proof = CommitmentProof { proof: Some(proof) };
    STANDARD.encode(proof.encode_to_vec()).into()
}

#[test]
fn steps_in_another_order_of_another_kind_or_number() {
    for change in [
        |ops: &mut Vec<Value>| ops.swap(0, 1),
        |ops: &mut Vec<Value>| ops.truncate(1),
        |ops: &mut Vec<Value>| ops.push(ops[1].clone()),
        |ops: &mut Vec<Value>| ops[0]["type"] = "ics23:iavl".into(),
        |ops: &mut Vec<Value>| ops[1]["key"] = "bank".into(),
        |ops: &mut Vec<Value>| ops[0]["data"] = "".into(),
        |ops: &mut Vec<Value>| ops[0]["data"] = ops[1]["data"].clone(),
    ] {
        let refused = refuted(KEY, |bundle, _| {
            change(bundle["ops"].as_array_mut().unwrap())
        });
        assert!([1, 19].contains(&refused.code()), "{refused}");
    }
}

#[test]
fn the_same_proof_in_another_encoding() {
    let data = |bundle: &Value| bundle["ops"][0]["data"].as_str().unwrap().to_owned();
    let changes: [&dyn Fn(Vec<u8>) -> Vec<u8>; 2] = [
        // A field that nobody knows.
        &|bytes| [bytes, vec![0xf8, 0x01, 0x01]].concat(),
        // The same message once more: protobuf merges them.
        &|bytes| [bytes.clone(), bytes].concat(),
    ];
    for change in changes {
        let refused = refuted(KEY, |bundle, _| {
            let bytes = change(STANDARD.decode(data(bundle)).unwrap());
            bundle["ops"][0]["data"] = STANDARD.encode(bytes).into();
        });
        assert_eq!(refused.code(), 1);
    }
}

#[test]
fn a_header_of_another_app_hash_that_nobody_signed() {
    let refused = refuted(KEY, |bundle, _| {
        let other = State::of_accounts(3);
        bundle["signed_header"]["header"]["app_hash"] = hex::encode_upper(other.app_hash()).into();
    });
    assert_eq!(refused.code(), 16);
}

#[test]
fn another_chain() {
    let refused = refuted(KEY, |bundle, chain| {
        let mut header = chain.header(21);
        header["chain_id"] = "ait-other".into();
        let set = chain.set(21);
        bundle["signed_header"] =
            json!({"header": header, "commit": commit(&header, &set, &all(&set))});
    });
    let (expected, got) = ("ait-test".into(), "ait-other".into());
    assert_eq!(refused, Rejection::OtherChain { expected, got });
}
