//! Bad input: every refusal has its own stable code and a message that names the field and the limit,
//! and none of it moves a coin.

use ait_app::block::Entry;
use ait_testkit::{
    actors::{Actor, alice, bob, miner},
    chain::{Chain, new_authority, read_entries},
    draft::{Draft, canonical},
};
use ait_tests::scenes::{assert_unreadable, refusal};
use serde_json::{Value, json};

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
        assert_unreadable(&wire[..cut], "malformed_json", "JSON");
    }
    let nested = format!("{{\"fee\":{}1{}}}", "[".repeat(8_000), "]".repeat(8_000));
    assert_unreadable(nested.as_bytes(), "malformed_json", "recursion");
    assert_unreadable(
        &[b"\xef\xbb\xbf", &wire[..]].concat(),
        "malformed_json",
        "JSON",
    );
    assert_unreadable(&[&wire[..], b"{}"].concat(), "malformed_json", "trailing");
    assert_unreadable(b"\x00\xff\xfe", "malformed_json", "JSON");
    for not_an_object in ["[]", "1", "\"TRANSFER\"", "true", "null"] {
        assert_unreadable(not_an_object.as_bytes(), "invalid_field", "the whole");
    }
}

#[test]
fn text_that_is_not_utf8_and_lone_surrogates_are_refused() {
    let draft = a_transfer().with("memo", "?");
    let text = String::from_utf8(draft.wire()).unwrap();
    let mut bytes = text.clone().into_bytes();
    let place = text.find("\"?\"").unwrap() + 1;
    bytes[place] = 0xff;
    assert_unreadable(&bytes, "malformed_json", "JSON");
    for lone in ["\\ud800", "\\udc00", "\\ud800x"] {
        let wire = text.replacen('?', lone, 1);
        assert_unreadable(wire.as_bytes(), "malformed_json", "JSON");
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
        assert_unreadable(&wire, "not_canonical", "RFC 8785");
    }
}

/// An update of `authorities` whose wire has exactly this many bytes: the digits of the powers and of the
/// fee fill it up.
fn update_of(bytes: usize) -> Vec<u8> {
    let chain = Chain::start();
    let count = bytes / 292;
    let wire = |digits: usize| {
        let list: Vec<Value> = (0..count)
            .map(|n| {
                let account = Actor::named(&format!("authority {n}"));
                let own = digits.saturating_sub(n * 9).min(9);
                new_authority(&account, &account, 10_u64.pow(own.try_into().unwrap()))
            })
            .collect();
        let draft = chain.set_param("authorities", list);
        draft.fee(10_000).wire()
    };
    let missing = bytes - wire(0).len();
    wire(missing)
}

#[test]
fn more_than_16_kib_are_refused() {
    let limit = 16_384;
    let largest = update_of(limit);
    assert_eq!(largest.len(), limit);
    assert!(matches!(read_entries(&[largest])[0], Entry::Transaction(_)));
    let larger = update_of(limit + 1);
    assert_eq!(larger.len(), limit + 1);
    assert_unreadable(&larger, "too_large", "16384");
    assert_unreadable(&[b' '; 20_000], "too_large", "16384");
}

#[test]
fn exactly_the_seven_fields_are_there() {
    for field in ["type", "sender", "nonce", "fee", "payload", "pubkey", "sig"] {
        let mut json = a_transfer().json();
        json.as_object_mut().unwrap().remove(field);
        assert_unreadable(&canonical(&json), "invalid_field", field);
        json[field] = Value::Null;
        assert_unreadable(&canonical(&json), "invalid_field", field);
    }
    let mut json = a_transfer().json();
    json["gas"] = 1.into();
    assert_unreadable(&canonical(&json), "invalid_field", "gas");
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
        assert_unreadable(&wire, "invalid_field", "payload.amount");
        for field in ["nonce", "fee"] {
            let mut json = a_transfer().json();
            json[field] = value.clone();
            assert_unreadable(&canonical(&json), "invalid_field", field);
        }
    }
    for (from, to) in [
        ("\"amount\":12345", "\"amount\":-0"),
        ("\"amount\":12345", "\"amount\":12345e0"),
        ("\"amount\":12345", "\"amount\":1.2345E4"),
    ] {
        assert_unreadable(&edited(from, to), "invalid_field", "payload.amount");
    }
    assert_unreadable(
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
        (chain.top_up(&alice(), &alice(), "job", 0), "payload.amount"),
        (chain.bond(&alice(), 0), "payload.amount"),
        (chain.unbond(&alice(), 0), "payload.amount"),
        (chain.stake(&alice(), 0), "payload.amount"),
        (chain.unstake(&alice(), 0), "payload.amount"),
        (
            chain.spend_treasury(&alice(), bob().address(), 0),
            "payload.amount",
        ),
        (
            chain.claim(&miner(), &work.costing(0, 5)),
            "payload.compute_units",
        ),
        (chain.claim(&miner(), &work.costing(5, 0)), "payload.price"),
    ] {
        assert_unreadable(&draft.wire(), "invalid_field", field);
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
        assert_unreadable(&wire, "invalid_field", "payload.to");
        let mut json = a_transfer().json();
        json["sender"] = address.into();
        assert_unreadable(&canonical(&json), "invalid_field", "sender");
    }
    assert_unreadable(
        &a_transfer().with("to", 5).wire(),
        "invalid_field",
        "payload.to",
    );
}

#[test]
fn unknown_types_are_refused_by_name() {
    for kind in ["MINT", "transfer", "", "stake", &"X".repeat(9_000)] {
        let mut json = a_transfer().json();
        json["type"] = kind.into();
        let shown: String = kind.chars().take(64).collect();
        assert_unreadable(&canonical(&json), "unknown_type", &shown);
    }
    let mut json = a_transfer().json();
    json["type"] = 5.into();
    assert_unreadable(&canonical(&json), "invalid_field", "type");
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
        assert_unreadable(&canonical(&json), "invalid_field", "pubkey");
    }
}

#[test]
fn signatures_are_by_the_sender_for_this_chain_and_this_content() {
    let draft = a_transfer();
    assert_unreadable(
        &draft.clone().for_chain("ait-devnet-2").wire(),
        "invalid_signature",
        "sig",
    );
    assert_unreadable(
        &draft.clone().signed_by(&bob()).wire(),
        "sender_mismatch",
        "sender",
    );
    let mut json = draft.json();
    json["sender"] = bob().address().to_string().into();
    assert_unreadable(&canonical(&json), "sender_mismatch", "sender");
    for (field, value) in [("nonce", json!(2)), ("fee", json!(1_001))] {
        let mut json = draft.json();
        json[field] = value;
        assert_unreadable(&canonical(&json), "invalid_signature", "sig");
    }
    assert_unreadable(
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
        assert_unreadable(&canonical(&json), "invalid_field", "sig");
    }
    let mut json = draft.json();
    json["sig"] = "00".repeat(64).into();
    assert_unreadable(&canonical(&json), "invalid_signature", "sig");
}

#[test]
fn what_begins_as_an_envelope_is_called_one_whatever_follows() {
    for bytes in [
        "AIT-ENVELOPE/1",
        "AIT-ENVELOPE/1\n{}\n{}",
        "AIT-ENVELOPE/12",
    ] {
        assert_unreadable(bytes.as_bytes(), "unexpected_envelope", "envelope");
    }
}

#[test]
fn the_first_fault_in_the_order_of_decoding_is_the_code() {
    // Each has the faults of those behind it too.
    type Fault<'a> = (&'a str, &'a dyn Fn(&mut Value));
    let faults: [Fault<'_>; 4] = [
        ("invalid_field", &|json| json["fee"] = json!(-1)),
        ("unknown_type", &|json| json["type"] = json!("MINT")),
        ("invalid_field", &|json| {
            json["payload"]["amount"] = json!(0)
        }),
        ("sender_mismatch", &|json| {
            json["sender"] = json!(bob().address().to_string());
        }),
    ];
    for (n, (code, _)) in faults.iter().enumerate() {
        let mut json = a_transfer().json();
        for (_, fault) in &faults[n..] {
            fault(&mut json);
        }
        assert_eq!(refusal(&canonical(&json)).0, *code);
        assert_eq!(
            refusal(&[b"[", &canonical(&json)[..]].concat()).0,
            "malformed_json"
        );
    }
    let mut misspelt = a_transfer().json();
    misspelt["sender"] = json!(bob().address().to_string());
    let pretty = serde_json::to_vec_pretty(&misspelt).unwrap();
    assert_eq!(refusal(&pretty).0, "not_canonical");
}
