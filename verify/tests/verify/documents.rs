//! A document has its fields, each once and no other, within its bounds; white space and order are free.

use ait_verify::{Bundle, LightBlock, MAX_DOCUMENT_BYTES, Malformed};
use serde_json::{Value, json};

use crate::chain::{Chain, equals, light_block, verify_bytes};

fn bundle() -> Value {
    Chain::of(equals(4)).bundle(20, "/account/7")
}

fn parse(bundle: &Value) -> Result<Bundle, Malformed> {
    Bundle::parse(bundle.to_string().as_bytes())
}

/// Every object in a document, by its JSON pointer.
fn objects(path: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.push(path.to_owned());
            for (name, value) in fields {
                objects(&format!("{path}/{name}"), value, found);
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                objects(&format!("{path}/{index}"), value, found);
            }
        }
        _ => {}
    }
}

fn assert_each_field_is_needed_and_no_other_taken(good: &Value, optional: &str) {
    let is_read = |document: &Value| match document.get("ops") {
        Some(_) => parse(document).is_ok(),
        None => LightBlock::parse(document.to_string().as_bytes()).is_ok(),
    };
    assert!(is_read(good));
    let mut paths = Vec::new();
    objects("", good, &mut paths);
    assert!(paths.len() > 10);
    for path in paths {
        let fields = |document: &mut Value| {
            let object = document.pointer_mut(&path).and_then(Value::as_object_mut);
            core::mem::take(object.unwrap())
        };
        let mut more = good.clone();
        let mut changed = fields(&mut more);
        changed.insert("more".into(), Value::Null);
        *more.pointer_mut(&path).unwrap() = Value::Object(changed);
        assert!(!is_read(&more), "{path} with another field");
        for name in fields(&mut good.clone()).keys() {
            let mut less = good.clone();
            let mut changed = fields(&mut less);
            changed.remove(name);
            *less.pointer_mut(&path).unwrap() = Value::Object(changed);
            // An app version of 0 is what CometBFT leaves out: it is another header then.
            let may_miss = [optional, "app", "ops"].contains(&name.as_str());
            assert!(may_miss || !is_read(&less), "{path} without {name}");
        }
    }
}

#[test]
fn each_field_is_needed_and_no_other_is_taken() {
    assert_each_field_is_needed_and_no_other_taken(&bundle(), "");
    let block = Chain::of(equals(4)).light_block(20);
    assert_each_field_is_needed_and_no_other_taken(&block, "next_validators");
}

#[test]
fn a_field_that_stands_twice_is_refused() {
    let text = bundle().to_string();
    for (field, again) in [
        ("\"format\":1", "\"format\":1,\"format\":1"),
        ("\"round\":2", "\"round\":2,\"round\":2"),
        ("\"chain_id\":", "\"chain_id\":\"ait-other\",\"chain_id\":"),
        ("\"hash\":", "\"hash\":\"\",\"hash\":"),
    ] {
        let twice = text.replacen(field, again, 1);
        assert_ne!(twice, text);
        Bundle::parse(twice.as_bytes()).unwrap_err();
    }
}

#[test]
fn a_refusal_names_the_field() {
    let refused = |pointer: &str, value: Value| {
        let mut bundle = bundle();
        *bundle.pointer_mut(pointer).unwrap() = value;
        parse(&bundle).unwrap_err().to_string()
    };
    let cases = [
        ("/format", json!(2), "format is 2"),
        ("/app_hash", json!("AB".repeat(32)), "app_hash is not"),
        ("/ops/0/type", json!("ics23:iavl"), "ops[0].type is not"),
        ("/ops/1/key", json!("bank"), "ops[1].key is not ait"),
        ("/ops/1/data", json!("%"), "ops[1].data is not base64"),
        (
            "/signed_header/header/validators_hash",
            json!("ab".repeat(32)),
            "signed_header.header.validators_hash is not written",
        ),
        (
            "/signed_header/commit/signatures/2/timestamp",
            json!("2026-01-01T00:00:20.500Z"),
            "signed_header.commit.signatures[2].timestamp is not written",
        ),
        (
            "/signed_header/header/time",
            json!("1969-01-01T00:00:00Z"),
            "signed_header.header",
        ),
    ];
    for (pointer, value, says) in cases {
        let said = refused(pointer, value);
        assert!(said.contains(says), "{pointer}: {said}");
    }
}

#[test]
fn what_is_too_large_is_not_read() {
    let large = vec![b' '; MAX_DOCUMENT_BYTES + 1];
    let says = "has 1048577 bytes: at most 1048576 are read";
    assert!(
        Bundle::parse(&large)
            .unwrap_err()
            .to_string()
            .contains(says)
    );
    assert!(
        LightBlock::parse(&large)
            .unwrap_err()
            .to_string()
            .contains(says)
    );
    let mut bundle = bundle();
    bundle["value"] = "v".repeat((64 << 10) + 1).into();
    let said = parse(&bundle).unwrap_err().to_string();
    assert_eq!(said, "value has 65537 bytes: at most 65536 are read");
    bundle["value"] = "v".repeat(64 << 10).into();
    parse(&bundle).unwrap();
    bundle["key"] = "k".repeat(1_025).into();
    let said = parse(&bundle).unwrap_err().to_string();
    assert_eq!(said, "key has 1025 bytes: at most 1024 are read");
}

#[test]
fn white_space_and_the_order_of_fields_are_free() {
    let chain = Chain::of(equals(4));
    let pretty = serde_json::to_string_pretty(&bundle()).unwrap();
    verify_bytes(&chain.trusted(20), pretty.as_bytes()).unwrap();
    let reversed: Vec<String> = bundle()
        .as_object()
        .unwrap()
        .iter()
        .rev()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    let reversed = format!("{{{}}}", reversed.join(","));
    verify_bytes(&chain.trusted(20), reversed.as_bytes()).unwrap();
}

#[test]
fn an_answer_with_a_proof_in_it_is_read_by_its_proof() {
    let chain = Chain::of(equals(4));
    let answer = json!({"address": "/account/8", "balance": 999, "proof": bundle()});
    let verified = verify_bytes(&chain.trusted(20), answer.to_string().as_bytes()).unwrap();
    assert_eq!(verified.key, "/account/7");
    assert_eq!(verified.value.as_deref(), chain.state.value("/account/7"));
    let twice = format!("{{\"proof\":{0},\"proof\":{0}}}", bundle());
    Bundle::parse(twice.as_bytes()).unwrap_err();
}

#[test]
fn what_a_document_claims_can_be_asked_before_it_is_verified() {
    let bundle = parse(&bundle()).unwrap();
    assert_eq!((bundle.height(), bundle.header_height()), (20, 21));
    assert_eq!(
        (bundle.chain_id(), bundle.key()),
        ("ait-test", "/account/7")
    );
    let block = light_block(&Chain::of(equals(1)).light_block(20));
    assert_eq!((block.height(), block.chain_id()), (20, "ait-test"));
}

#[test]
fn what_is_no_document_is_refused() {
    for text in [
        "",
        "null",
        "[]",
        "{}",
        "{\"proof\":null}",
        "1",
        "\"\"",
        "{\"proof\":[]}",
    ] {
        Bundle::parse(text.as_bytes()).unwrap_err();
        LightBlock::parse(text.as_bytes()).unwrap_err();
    }
    let deep = "[".repeat(100_000);
    for text in [
        deep.clone(),
        format!("{{\"proof\":{deep}"),
        format!("{{\"signed_header\":{deep}"),
    ] {
        Bundle::parse(text.as_bytes()).unwrap_err();
        LightBlock::parse(text.as_bytes()).unwrap_err();
    }
    Bundle::parse(b"\xff\xfe").unwrap_err();
}
