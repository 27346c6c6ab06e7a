//! Bad input: every refusal has its own stable code and a message that names the field and the limit,
//! and none of it moves a coin.

use ait_app::block::Entry;
use ait_tests::{
    actors::{alice, bob, miner},
    chain::{Chain, read_entries},
    draft::{Draft, canonical},
};
use serde_json::{Value, json};

/// Why these bytes are refused without looking at any state.
fn refusal(wire: &[u8]) -> (&'static str, String) {
    match read_entries(&[wire.to_vec()]).remove(0) {
        Entry::Invalid(refusal) => (refusal.code.name(), refusal.message),
        _ => panic!("accepted: {}", String::from_utf8_lossy(wire)),
    }
}

fn assert_refused(wire: &[u8], code: &str, named: &str) {
    let (name, message) = refusal(wire);
    let shown: String = String::from_utf8_lossy(wire).chars().take(300).collect();
    assert_eq!(name, code, "{message}\n{shown}");
    assert!(message.contains(named), "{named}: {message}\n{shown}");
    // Nor does it do anything where two thirds of the validators are mad.
    let mut chain = Chain::start();
    let root = chain.state.root();
    assert_eq!(chain.reject([wire.to_vec()]).code.name(), code);
    chain.finalize([wire.to_vec()]);
    assert_eq!(chain.state.root(), root);
}

fn a_transfer() -> Draft {
    let chain = Chain::start();
    chain.transfer(&alice(), &bob(), 12_345).fee(1_000)
}

/// The transfer's text with one change that leaves its signature as it was.
fn edited(from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(a_transfer().wire()).unwrap();
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1).into_bytes()
}

#[test]
fn bytes_that_are_no_json_object_are_refused() {
    let wire = a_transfer().wire();
    for cut in [0, 1, 2, 50, wire.len() - 1] {
        assert_refused(&wire[..cut], "malformed_json", "JSON");
    }
    let nested = format!("{{\"fee\":{}1{}}}", "[".repeat(8_000), "]".repeat(8_000));
    assert_refused(nested.as_bytes(), "malformed_json", "recursion");
    assert_refused(
        &[b"\xef\xbb\xbf", &wire[..]].concat(),
        "malformed_json",
        "JSON",
    );
    assert_refused(&[&wire[..], b"{}"].concat(), "malformed_json", "trailing");
    assert_refused(b"\x00\xff\xfe", "malformed_json", "JSON");
    for not_an_object in ["[]", "1", "\"TRANSFER\"", "true", "null"] {
        assert_refused(not_an_object.as_bytes(), "invalid_field", "not an object");
    }
}

#[test]
fn text_that_is_not_utf8_and_lone_surrogates_are_refused() {
    let draft = a_transfer().with("memo", "?");
    let text = String::from_utf8(draft.wire()).unwrap();
    let mut bytes = text.clone().into_bytes();
    let place = text.find("\"?\"").unwrap() + 1;
    bytes[place] = 0xff;
    assert_refused(&bytes, "malformed_json", "JSON");
    for lone in ["\\ud800", "\\udc00", "\\ud800x"] {
        let wire = text.replacen('?', lone, 1);
        assert_refused(wire.as_bytes(), "malformed_json", "JSON");
    }
}

#[test]
fn repeated_fields_are_refused_at_any_depth() {
    let cases = [
        edited("\"fee\":1000", "\"fee\":1000,\"fee\":1000"),
        edited("\"amount\":12345", "\"amount\":12345,\"amount\":12345"),
        edited("\"amount\":12345", "\"amount\":12345,\"\\u0061mount\":1"),
    ];
    for wire in cases {
        let (code, message) = refusal(&wire);
        assert_eq!(code, "malformed_json");
        assert!(message.contains("repeated field"), "{message}");
    }
}

#[test]
fn a_transaction_has_one_encoding() {
    let reordered = {
        let text = String::from_utf8(a_transfer().wire()).unwrap();
        text.replacen("{\"fee\":1000,\"nonce\":1", "{\"nonce\":1,\"fee\":1000", 1)
    };
    let cases = [
        reordered.into_bytes(),
        edited("\"fee\":1000", "\"fee\": 1000"),
        edited("TRANSFER", "\\u0054RANSFER"),
        edited("\"type\"", "\"t\\u0079pe\""),
        [a_transfer().wire(), b"\n".to_vec()].concat(),
        [b" ".to_vec(), a_transfer().wire()].concat(),
        serde_json::to_vec_pretty(&a_transfer().json()).unwrap(),
    ];
    for wire in cases {
        assert_refused(&wire, "not_canonical", "RFC 8785");
    }
}

#[test]
fn more_than_16_kib_are_refused() {
    let limit = 16_384;
    let update = |bytes: usize| {
        let chain = Chain::start();
        let draft = chain.set_param("none", "x".repeat(bytes)).fee(10_000);
        draft.wire()
    };
    let shortest = update(0).len();
    let largest = update(limit - shortest);
    assert_eq!(largest.len(), limit);
    assert!(matches!(read_entries(&[largest])[0], Entry::Transaction(_)));
    assert_refused(&update(limit - shortest + 1), "too_large", "16384");
}

#[test]
fn exactly_the_seven_fields_are_there() {
    for field in ["type", "sender", "nonce", "fee", "payload", "pubkey", "sig"] {
        let mut json = a_transfer().json();
        json.as_object_mut().unwrap().remove(field);
        assert_refused(&canonical(&json), "invalid_field", field);
        json[field] = Value::Null;
        assert_refused(&canonical(&json), "invalid_field", field);
    }
    let mut json = a_transfer().json();
    json["gas"] = 1.into();
    assert_refused(&canonical(&json), "invalid_field", "gas");
}

#[test]
fn numbers_are_integers_up_to_2_to_the_53_minus_1() {
    let bad = [
        json!(-1),
        json!(0.5),
        json!(12345.0),
        json!(1_u64 << 53),
        json!(u64::MAX),
        json!(1e30),
        json!("12345"),
        json!(true),
        json!([1]),
        json!({}),
        json!(null),
    ];
    for value in bad {
        let wire = a_transfer().with("amount", value.clone()).wire();
        assert_refused(&wire, "invalid_field", "payload.amount");
        for field in ["nonce", "fee"] {
            let mut json = a_transfer().json();
            json[field] = value.clone();
            assert_refused(&canonical(&json), "invalid_field", field);
        }
    }
    for (from, to) in [
        ("\"amount\":12345", "\"amount\":-0"),
        ("\"amount\":12345", "\"amount\":12345e0"),
        ("\"amount\":12345", "\"amount\":1.2345E4"),
    ] {
        assert_refused(&edited(from, to), "invalid_field", "payload.amount");
    }
    assert_refused(
        &edited("\"amount\":12345", "\"amount\":012345"),
        "malformed_json",
        "JSON",
    );
    let (_, message) = refusal(&a_transfer().with("amount", 1_u64 << 53).wire());
    assert!(message.contains("9007199254740991"), "{message}");
}

#[test]
fn what_must_be_more_than_zero_is() {
    let chain = Chain::start();
    let work = chain.work(&alice(), "job", &miner(), "rcpt");
    for (draft, field) in [
        (chain.transfer(&alice(), &bob(), 0), "payload.amount"),
        (chain.open(&alice(), "job", 0, 5), "payload.amount"),
        (chain.open(&alice(), "job", 5, 0), "payload.ttl_blocks"),
        (
            chain.claim(&miner(), &work.costing(0, 5)),
            "payload.compute_units",
        ),
        (chain.claim(&miner(), &work.costing(5, 0)), "payload.price"),
    ] {
        assert_refused(&draft.wire(), "invalid_field", field);
    }
}

#[test]
fn addresses_have_one_spelling() {
    let good = bob().address().to_string();
    let mixed = format!("{}{}", &good[..20], good[20..].to_uppercase());
    let typo = if good.ends_with('q') { "p" } else { "q" };
    let bad = [
        String::new(),
        "ait1".into(),
        good.to_uppercase(),
        mixed,
        format!("{}{typo}", &good[..good.len() - 1]),
        good.replacen("ait1", "cosmos1", 1),
        format!("{good} "),
        "x".repeat(5_000),
    ];
    for address in bad {
        let wire = a_transfer().with("to", address.clone()).wire();
        assert_refused(&wire, "invalid_address", "payload.to");
        let mut json = a_transfer().json();
        json["sender"] = address.into();
        assert_refused(&canonical(&json), "invalid_address", "sender");
    }
    assert_refused(
        &a_transfer().with("to", 5).wire(),
        "invalid_field",
        "payload.to",
    );
}

#[test]
fn ids_keep_to_their_alphabet_and_length() {
    let chain = Chain::start();
    let open = chain.open(&alice(), "job", 5, 5);
    let work = chain.work(&alice(), "job", &miner(), "rcpt");
    let claim = chain.claim(&miner(), &work);
    for bad in ["", ".hidden", "a/b", "a|b", "a b", "ä", &"x".repeat(65)] {
        assert_refused(
            &open.clone().with("job_id", bad).wire(),
            "invalid_field",
            "payload.job_id",
        );
        let wire = claim.clone().with("receipt_id", bad).wire();
        assert_refused(&wire, "invalid_field", "payload.receipt_id");
    }
    let longest = "x".repeat(64);
    for good in ["a", "A.b-c_9", "-", "_", &longest] {
        let wire = open.clone().with("job_id", good).wire();
        assert!(
            matches!(read_entries(&[wire])[0], Entry::Transaction(_)),
            "{good}"
        );
    }
    for hash in [
        "",
        "sha256:",
        &"a".repeat(64),
        &format!("sha256:{}", "A".repeat(64)),
    ] {
        let wire = claim.clone().with("output_hash", hash).wire();
        assert_refused(&wire, "invalid_field", "payload.output_hash");
    }
}

#[test]
fn unknown_types_are_refused_by_name() {
    for kind in ["MINT", "transfer", "", "stake", &"X".repeat(9_000)] {
        let mut json = a_transfer().json();
        json["type"] = kind.into();
        let shown: String = kind.chars().take(64).collect();
        assert_refused(&canonical(&json), "unknown_type", &shown);
    }
    let mut json = a_transfer().json();
    json["type"] = 5.into();
    assert_refused(&canonical(&json), "invalid_field", "type");
}

#[test]
fn payloads_of_another_kind_are_refused() {
    let mut json = a_transfer().json();
    json["type"] = "ESCROW_OPEN".into();
    assert_refused(&canonical(&json), "invalid_field", "payload");
    for payload in [json!([]), json!("x"), json!({}), json!(null), json!(7)] {
        let mut json = a_transfer().json();
        json["payload"] = payload;
        assert_refused(&canonical(&json), "invalid_field", "payload");
    }
    let wire = a_transfer().with("tip", 1).wire();
    assert_refused(&wire, "invalid_field", "payload.tip");
}

#[test]
fn a_key_that_is_no_key_is_refused_and_so_is_a_small_one() {
    let small = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    ];
    let no_point = "0200000000000000000000000000000000000000000000000000000000000000";
    let upper = alice().pubkey().to_string().to_uppercase();
    let short = &alice().pubkey().to_string()[..62];
    for key in small.into_iter().chain([no_point, &upper, short, "", "zz"]) {
        let mut json = a_transfer().json();
        json["pubkey"] = key.into();
        if let Ok(bytes) = hex::decode(key)
            && bytes.len() == 32
        {
            // The address that such a key would have, and the signature that it would accept.
            json["sender"] = ait_tests::model::address_of(key).into();
            json["sig"] = format!("01{}", "00".repeat(63)).into();
        }
        assert_refused(&canonical(&json), "invalid_public_key", "pubkey");
    }
}

#[test]
fn signatures_are_by_the_sender_for_this_chain_and_this_content() {
    let draft = a_transfer();
    assert_refused(
        &draft.clone().for_chain("ait-devnet-2").wire(),
        "invalid_signature",
        "sig",
    );
    assert_refused(
        &draft.clone().signed_by(&bob()).wire(),
        "sender_mismatch",
        "sender",
    );
    let mut json = draft.json();
    json["sender"] = bob().address().to_string().into();
    assert_refused(&canonical(&json), "sender_mismatch", "sender");
    for (field, value) in [("nonce", json!(2)), ("fee", json!(1_001))] {
        let mut json = draft.json();
        json[field] = value;
        assert_refused(&canonical(&json), "invalid_signature", "sig");
    }
    assert_refused(
        &edited("\"amount\":12345", "\"amount\":12346"),
        "invalid_signature",
        "sig",
    );
    for sig in [
        String::new(),
        "00".repeat(63),
        "AB".repeat(64),
        "zz".repeat(64),
    ] {
        let mut json = draft.json();
        json["sig"] = sig.into();
        assert_refused(&canonical(&json), "invalid_field", "sig");
    }
    let mut json = draft.json();
    json["sig"] = "00".repeat(64).into();
    assert_refused(&canonical(&json), "invalid_signature", "sig");
}
