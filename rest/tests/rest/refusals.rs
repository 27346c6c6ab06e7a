//! What bad input gets: a stable code, a fitting status, a message that names field and limit, and no effect.

use ait_app::{
    quantity::{Nonce, Uait},
    tx::Transaction,
};
use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};

use crate::harness::{
    Chain,
    keys::{ALICE, BOB, CONSENSUS, FEE},
};

/// A transfer of Alice's with one field changed, signed before the change.
fn changed(field: &str, value: Value) -> Vec<u8> {
    let mut json: Value = serde_json::from_slice(&ALICE.transfer(1, BOB, 250).to_wire()).unwrap();
    match field.strip_prefix("payload.") {
        Some(field) => json["payload"][field] = value,
        None => json[field] = value,
    }
    json.to_string().into_bytes()
}

/// Sends each and asserts that it is refused so, reaches no mempool, and moves no coin.
async fn all_are_refused(cases: Vec<(&str, Vec<u8>, u16, &str)>) {
    let chain = Chain::start().await;
    for (what, body, status, code) in cases {
        let answer = chain.post_text("/rpc/sendTx", body).await;
        assert_eq!(answer.refusal(), (status, code), "{what}: {}", answer.text);
        assert_ne!(answer.json["error"]["message"], "", "{what}");
    }
    assert_eq!(chain.comet.broadcasts(), 0);
    chain.comet.make_block().await;
    assert_eq!(chain.balance(ALICE).await, 1_000_000_000);
    assert_eq!(chain.balance(BOB).await, 0);
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let wire = ALICE.transfer(1, BOB, 250).to_wire();
    let open = wire[..wire.len() - 1].to_vec();
    let repeated = [open.as_slice(), br#","fee":9}"#].concat();
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let not_utf8 = b"{\"type\":\"\xff\"}".to_vec();
    let marked = [b"\xef\xbb\xbf", wire.as_slice()].concat();
    all_are_refused(vec![
        ("empty", Vec::new(), 400, "malformed_json"),
        ("truncated", open, 400, "malformed_json"),
        ("repeated field", repeated, 400, "malformed_json"),
        ("nested deeply", deep.into(), 400, "malformed_json"),
        ("not UTF-8", not_utf8, 400, "malformed_json"),
        ("byte order mark", marked, 400, "malformed_json"),
        ("a list", b"[]".to_vec(), 400, "invalid_field"),
    ])
    .await;
}

#[tokio::test]
async fn wrong_fields_are_refused_by_name() {
    let chain = Chain::start().await;
    for (field, value) in [
        ("extra", json!(1)),
        ("fee", json!(null)),
        ("nonce", json!("1")),
        ("payload.amount", json!(0)),
        ("payload.amount", json!(1_u64 << 53)),
        ("payload.amount", json!(-1)),
        ("payload.amount", json!(1.5)),
        ("payload.amount", json!("250")),
        ("payload.memo", json!("x".repeat(257))),
        ("payload.extra", json!(1)),
    ] {
        let answer = chain
            .post_text("/rpc/sendTx", changed(field, value.clone()))
            .await;
        assert_eq!(answer.refusal(), (400, "invalid_field"), "{field} {value}");
        assert!(answer.text.contains(field), "{field}: {}", answer.text);
    }
}

#[tokio::test]
async fn who_did_not_sign_is_refused() {
    let other_chain = Transaction::sign(
        &"ait-other".parse().unwrap(),
        &ALICE.secret(),
        Nonce::constant(1),
        Uait::constant(FEE),
        ALICE.transfer(1, BOB, 250).payload,
    );
    let upper = changed(
        "payload.to",
        json!(BOB.address().to_string().to_uppercase()),
    );
    let anothers_key = changed("pubkey", json!(BOB.secret().public_key()));
    let small_order = changed("pubkey", json!(format!("01{}", "00".repeat(31))));
    let content = changed("payload.amount", json!(251));
    let proposers = br#"{"attestations":[],"type":"ATTESTATIONS"}"#.to_vec();
    let envelope = b"AIT-ENVELOPE/1\n{}\n{}".to_vec();
    all_are_refused(vec![
        (
            "unknown type",
            changed("type", json!("MINT")),
            400,
            "unknown_type",
        ),
        (
            "a proposer's entry",
            proposers,
            400,
            "unexpected_attestations",
        ),
        ("an envelope", envelope, 400, "unexpected_envelope"),
        ("upper-case address", upper, 400, "invalid_field"),
        ("another's key", anothers_key, 400, "sender_mismatch"),
        ("small-order key", small_order, 400, "invalid_field"),
        ("another content", content, 400, "invalid_signature"),
        (
            "another chain",
            other_chain.to_wire(),
            400,
            "invalid_signature",
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_the_state_does_not_allow_is_refused_at_once() {
    let cheap = ALICE.sign_with_fee(1, 1, ALICE.transfer(1, BOB, 1).payload);
    let large = changed("payload.memo", json!("x".repeat(17 * 1024)));
    let larger = changed("payload.memo", json!("x".repeat(70 * 1024)));
    let wire = |tx: Transaction| tx.to_wire();
    all_are_refused(vec![
        ("over 16 KiB", large, 413, "too_large"),
        ("over 64 KiB", larger, 413, "body_too_large"),
        (
            "nonce used",
            wire(ALICE.transfer(0, BOB, 1)),
            409,
            "nonce_used",
        ),
        (
            "nonce skipped",
            wire(ALICE.transfer(3, BOB, 1)),
            409,
            "nonce_gap",
        ),
        (
            "nonce far ahead",
            wire(ALICE.transfer(9_999, BOB, 1)),
            409,
            "nonce_too_far_ahead",
        ),
        ("fee too low", wire(cheap), 422, "fee_too_low"),
        (
            "fee too dear",
            wire(BOB.transfer(1, ALICE, 1)),
            422,
            "fee_not_affordable",
        ),
        (
            "amount too dear",
            wire(ALICE.transfer(1, BOB, 2_000_000_000)),
            422,
            "insufficient_balance",
        ),
        (
            "to oneself",
            wire(ALICE.transfer(1, ALICE, 1)),
            422,
            "self_transfer",
        ),
    ])
    .await;
}

#[tokio::test]
async fn details_name_the_field() {
    let chain = Chain::start().await;
    let body = changed("payload.amount", json!(0));
    let answer = chain.post_text("/rpc/sendTx", body).await;
    assert_eq!(
        answer.json["error"]["details"],
        json!({"field": "payload.amount"})
    );
    let cheap = ALICE.sign_with_fee(1, 1, ALICE.transfer(1, BOB, 1).payload);
    let answer = chain.send(&cheap).await;
    assert_eq!(answer.json["error"]["details"], json!({"field": "fee"}));
    let answer = chain.get("/rpc/nonsense").await;
    assert_eq!(answer.json["error"]["details"], json!({}));
}

#[tokio::test]
async fn a_transaction_over_16_kib_is_too_large() {
    let chain = Chain::start().await;
    // A param's value is the one field that may be long.
    let authorities: Vec<Value> = (0..200)
        .map(|power| {
            json!({
                "address": ALICE.address(), "power": power + 1,
                "pubkey": CONSENSUS.secret().public_key(),
            })
        })
        .collect();
    let body = changed(
        "payload",
        json!({"key": "authorities", "value": authorities}),
    );
    let mut json: Value = serde_json::from_slice(&body).unwrap();
    json["type"] = "PARAM_UPDATE".into();
    let answer = chain.post("/rpc/sendTx", &json).await;
    assert_eq!(answer.refusal(), (413, "too_large"), "{}", answer.text);
    assert!(answer.text.contains("16384"));
}

#[tokio::test]
async fn nonsense_in_paths_and_queries_is_refused() {
    let chain = Chain::start().await;
    let alice = ALICE.address();
    let cases = [
        ("/rpc/getTx/123".to_owned(), 400),
        (format!("/rpc/getTx/{}", "zz".repeat(32)), 400),
        (format!("/rpc/getTx/{}", "ab".repeat(32)), 404),
        ("/rpc/getBlock/latest".to_owned(), 400),
        ("/rpc/getBlock/-1".to_owned(), 400),
        ("/rpc/getBlock/01".to_owned(), 400),
        ("/rpc/getBlock/1.0".to_owned(), 400),
        ("/rpc/getBlock/9007199254740992".to_owned(), 400),
        ("/rpc/getBlock/99999999999999999999".to_owned(), 400),
        ("/rpc/getBlock/0".to_owned(), 404),
        ("/rpc/getBlock/2".to_owned(), 404),
        ("/rpc/getBlock/9007199254740991".to_owned(), 404),
        (format!("/rpc/getBlock/{}", "AB".repeat(32)), 404),
        ("/rpc/getBalance/alice".to_owned(), 400),
        (
            format!("/rpc/getBalance/{}", alice.to_string().to_uppercase()),
            400,
        ),
        (format!("/rpc/getBalance/{alice}?prove=yes"), 400),
        (format!("/rpc/getBalance/{alice}?proof=true"), 400),
        (
            format!("/rpc/getBalance/{alice}?prove=true&prove=true"),
            400,
        ),
        (format!("/rpc/getEscrow/{alice}/.hidden"), 400),
        (format!("/rpc/getEscrow/{alice}/a%20b"), 400),
        (format!("/rpc/getEscrow/{alice}/a%2Fb"), 400),
        ("/rpc/getEscrow/alice/job_1".to_owned(), 400),
        (format!("/rpc/getReceipt/{alice}/{}", "x".repeat(65)), 400),
        (format!("/rpc/getReceipt/{alice}/%FF"), 400),
        ("/rpc/getReceipt/alice/receipt_1".to_owned(), 400),
        ("/rpc/getReceipt/receipt_1".to_owned(), 404),
        ("/rpc/getAccount/alice".to_owned(), 400),
        ("/rpc/getCoordinator/alice".to_owned(), 400),
        ("/rpc/getMiner/miner".to_owned(), 400),
        ("/rpc/nonsense".to_owned(), 404),
        ("/web/nonsense.js".to_owned(), 404),
        ("/web/..%2FCargo.toml".to_owned(), 404),
        ("/rpc/getBalance/".to_owned(), 404),
    ];
    for (path, status) in cases {
        let answer = chain.get(&path).await;
        assert_eq!(answer.refusal().0, status, "{path}: {}", answer.text);
    }
    let query = chain.post("/rpc/sendTx?wait=forever", &json!({})).await;
    assert_eq!(query.refusal(), (400, "invalid_request"));
}

#[tokio::test]
async fn other_methods_are_refused_as_such() {
    let chain = Chain::start().await;
    for (method, path) in [
        (Method::GET, "/rpc/sendTx"),
        (Method::POST, "/rpc/getHead"),
        (Method::DELETE, "/health"),
        (Method::PUT, "/admin/paramSet"),
    ] {
        let answer = chain.request(method, path, None, HeaderMap::new()).await;
        assert_eq!(answer.refusal(), (405, "method_not_allowed"), "{path}");
        assert!(!answer.header("allow").is_empty(), "{path}");
    }
    let head = chain
        .request(Method::HEAD, "/rpc/getSupply", None, HeaderMap::new())
        .await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}

#[tokio::test]
async fn what_the_mempool_refuses_is_told_and_may_be_sent_again() {
    let chain = Chain::start().await;
    let tx = ALICE.transfer(1, BOB, 250);
    for (words, status, code) in [
        (
            "mempool is full: number of txs 20000 (max: 20000)",
            429,
            "pool_full",
        ),
        ("Tx too large. Max size is 10, but got 20", 413, "too_large"),
        (
            "broadcast confirmation not received: context deadline",
            503,
            "comet_refused",
        ),
    ] {
        chain.comet.refuse_next(words);
        let answer = chain.send(&tx).await;
        assert_eq!(answer.refusal(), (status, code));
    }
    chain.send(&tx).await.ok();
}

#[tokio::test]
async fn without_cometbft_reads_go_on_and_transactions_get_503() {
    let chain = Chain::start().await;
    chain.comet.go_away();
    let answer = chain.send(&ALICE.transfer(1, BOB, 250)).await;
    assert_eq!(answer.refusal(), (503, "comet_unavailable"));
    let answer = chain.get("/rpc/getBlock/1").await;
    assert_eq!(answer.refusal(), (503, "comet_unavailable"));
    assert_eq!(chain.get("/p2p/peers").await.refusal().0, 503);
    assert_eq!(chain.balance(ALICE).await, 1_000_000_000);
    chain.get("/rpc/getHead").await.ok();
}

#[tokio::test]
async fn before_the_first_block_reads_say_that_the_node_starts() {
    let chain = Chain::without_block(|_| {}).await;
    let alice = ALICE.address();
    for path in [
        "/rpc/getHead".to_owned(),
        "/rpc/getBlock/1".to_owned(),
        format!("/rpc/getBalance/{alice}"),
        "/rpc/getSupply".to_owned(),
        "/rpc/getParams".to_owned(),
        "/rpc/getValidators".to_owned(),
    ] {
        assert_eq!(
            chain.get(&path).await.refusal(),
            (503, "starting"),
            "{path}"
        );
    }
    let health = chain.get("/health").await;
    assert_eq!(
        (health.status, &health.json["status"]),
        (503, &json!("starting"))
    );
}
