//! Payloads that say what none can: each is refused by its own name before any state is looked at.

use ait_app::block::Entry;
use ait_testkit::{
    actors::{Actor, alice, arbiter, bob, coordinator, miner},
    chain::{Chain, read_entries},
    draft::{Draft, canonical},
};
use ait_tests::scenes::assert_unreadable;
use serde_json::{Value, json};

#[test]
fn an_opening_says_nothing_that_no_escrow_can_be() {
    let chain = Chain::start();
    let open = chain.open(&alice(), "job", 60_000, 5);
    let names = |count: usize| -> Vec<String> {
        (0..count)
            .map(|n| Actor::named(&format!("attester {n}")).address().to_string())
            .collect()
    };
    let twice = [names(1), names(1)].concat();
    let itself = vec![coordinator().address().to_string()];
    let cases = [
        (
            open.clone().with("ttl_blocks", 10_000_001),
            "payload.ttl_blocks",
        ),
        (open.clone().with("partial", false), "payload.partial"),
        (open.clone().with("partial", 1), "payload.partial"),
        (open.clone().with("partial", json!(null)), "payload.partial"),
        (open.clone().with("miner", "nobody"), "payload.miner"),
        (open.clone().with("miner", json!(null)), "payload.miner"),
        (open.clone().with("threshold", 1), "threshold"),
        (open.clone().with("attesters", names(0)), "attesters"),
        (open.clone().with("attesters", names(5)), "attesters"),
        (open.clone().with("attesters", twice), "attesters"),
        (open.clone().with("attesters", itself), "attesters"),
        (open.clone().with("attesters", "ait1"), "payload.attesters"),
    ];
    for (draft, named) in cases {
        assert_unreadable(&draft.wire(), "invalid_field", named);
    }
    for (threshold, fits) in [(0, false), (1, true), (3, true), (4, false), (6, false)] {
        let draft = open.clone().with("attesters", names(2));
        let wire = draft.with("threshold", threshold).wire();
        let read = read_entries(std::slice::from_ref(&wire)).remove(0);
        assert_eq!(matches!(read, Entry::Transaction(_)), fits, "{threshold}");
        if !fits {
            assert_unreadable(&wire, "invalid_field", "threshold");
        }
    }
}

#[test]
fn a_claim_brings_its_attestations_in_one_way() {
    let chain = Chain::start();
    let work = chain.work(&alice(), "job", &miner(), "rcpt");
    let answer = work.attested_by(&coordinator(), 0);
    let claim = chain.claim(&miner(), &work);
    let list = |count: usize| vec![answer.clone(); count];
    let bare = chain.claim_with(&miner(), &work, None);
    let cases = [
        (claim.clone().with("attestations", list(1)), "attestations"),
        (
            bare.clone().with("attestations", list(0)),
            "payload.attestations",
        ),
        (
            bare.clone().with("attestations", list(6)),
            "payload.attestations",
        ),
        (
            bare.clone().with("attestations", json!(null)),
            "payload.attestations",
        ),
        (
            bare.clone().with("attestation", json!(null)),
            "payload.attestation",
        ),
        (bare.clone().with("final", false), "payload.final"),
        (
            bare.clone().with("opened_height", -1),
            "payload.opened_height",
        ),
        (
            bare.clone().with("opened_height", json!(null)),
            "payload.opened_height",
        ),
    ];
    for (draft, named) in cases {
        assert_unreadable(&draft.wire(), "invalid_field", named);
    }
    let wire = bare.with("attestations", list(5)).wire();
    assert!(matches!(read_entries(&[wire])[0], Entry::Transaction(_)));
}

#[test]
fn an_attestation_is_whole_and_of_the_right_types() {
    let chain = Chain::start();
    let work = chain.work(&alice(), "job", &miner(), "rcpt");
    let good = work.attested_by(&coordinator(), 0);
    let changed = |field: &str, value: Value| {
        let mut answer = good.clone();
        answer[field] = value;
        answer
    };
    let cases = [
        (changed("exists", json!(1)), "payload.attestation.exists"),
        (changed("paid", json!(null)), "payload.attestation.paid"),
        (changed("sig", json!("00")), "payload.attestation.sig"),
        (
            changed("coordinator", json!("me")),
            "payload.attestation.coordinator",
        ),
        (
            changed("quote", json!({"price": 1})),
            "payload.attestation.quote",
        ),
        (
            changed("quote", json!({"price": -1, "compute_units": 1})),
            "payload.attestation.quote.price",
        ),
        (changed("note", json!("")), "note"),
    ];
    for (answer, named) in cases {
        let draft = chain.claim_with(&miner(), &work, Some(&answer));
        assert_unreadable(&draft.wire(), "invalid_field", named);
    }
}

#[test]
fn a_reports_key_is_the_miners_or_is_left_out() {
    let chain = Chain::start();
    let work = chain.work(&alice(), "job", &miner(), "rcpt");
    let report = chain.report(&bob(), &miner(), &work, &[work.denied_by(&coordinator())]);
    let named = report
        .clone()
        .with("miner_pubkey", arbiter().pubkey().to_string());
    assert_unreadable(&named.wire(), "invalid_field", "payload.miner_pubkey");
    let empty = report.clone().with("attestations", json!([]));
    assert_unreadable(&empty.wire(), "invalid_field", "payload.attestations");
    let wire = report
        .with("miner_pubkey", miner().pubkey().to_string())
        .wire();
    assert!(matches!(read_entries(&[wire])[0], Entry::Transaction(_)));
}

#[test]
fn an_update_of_a_param_that_could_never_hold_is_no_transaction() {
    let chain = Chain::start();
    let cases = [
        (chain.set_param("none", 1), "unknown_param", "none"),
        (
            chain.set_param("evidence_max_age_num_blocks", 1),
            "param_fixed",
            "evidence_max_age_num_blocks",
        ),
        (
            chain.set_param("base_fee", 1_000_001),
            "invalid_param_value",
            "base_fee",
        ),
        (
            chain.set_param("base_fee", "2"),
            "invalid_param_value",
            "base_fee",
        ),
        (
            chain.set_param("base_fee", json!(null)),
            "invalid_param_value",
            "base_fee",
        ),
    ];
    for (draft, code, named) in cases {
        assert_unreadable(&draft.wire(), code, named);
    }
    let mut json = chain.set_param("base_fee", 2).json();
    json["payload"].as_object_mut().unwrap().remove("value");
    assert_unreadable(&canonical(&json), "invalid_field", "payload");
}

#[test]
fn ids_keep_to_their_alphabet_and_length() {
    let chain = Chain::start();
    let open = chain.open(&alice(), "job", 5, 5);
    let work = chain.work(&alice(), "job", &miner(), "rcpt");
    let claim = chain.claim(&miner(), &work);
    for bad in ["", ".hidden", "a/b", "a|b", "a b", "ä", &"x".repeat(65)] {
        assert_unreadable(
            &open.clone().with("job_id", bad).wire(),
            "invalid_field",
            "payload.job_id",
        );
        let wire = claim.clone().with("receipt_id", bad).wire();
        assert_unreadable(&wire, "invalid_field", "payload.receipt_id");
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
        assert_unreadable(&wire, "invalid_field", "payload.output_hash");
    }
}

/// The transfer whose payload is another's.
fn a_transfer() -> Draft {
    let chain = Chain::start();
    chain.transfer(&alice(), &bob(), 12_345).fee(1_000)
}

#[test]
fn payloads_of_another_kind_are_refused() {
    let mut json = a_transfer().json();
    json["type"] = "ESCROW_OPEN".into();
    assert_unreadable(&canonical(&json), "invalid_field", "payload");
    for payload in [json!([]), json!("x"), json!({}), json!(null), json!(7)] {
        let mut json = a_transfer().json();
        json["payload"] = payload;
        assert_unreadable(&canonical(&json), "invalid_field", "payload");
    }
    let wire = a_transfer().with("tip", 1).wire();
    assert_unreadable(&wire, "invalid_field", "payload.tip");
}
