//! Many transactions in one request: `sendTxs`.

use std::sync::Arc;

use ait_app::tx::Transaction;
use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};

use crate::harness::{
    Chain, hash_of,
    keys::{ALICE, BOB, FAUCET, Key},
    until,
};

fn wires(txs: &[Transaction]) -> Vec<Vec<u8>> {
    txs.iter().map(Transaction::to_wire).collect()
}

/// What became of each: its hash, or the code of its error.
fn told(answers: &[Value]) -> Vec<String> {
    let told = answers.iter().map(|answer| match &answer["txHash"] {
        Value::String(hash) => hash.clone(),
        _ => answer["error"]["code"].as_str().unwrap().to_owned(),
    });
    told.collect()
}

#[tokio::test]
async fn lines_are_answered_by_lines_in_their_order() {
    let chain = Chain::start().await;
    let txs = [
        ALICE.transfer(1, BOB, 1),
        FAUCET.transfer(1, BOB, 20),
        ALICE.transfer(2, BOB, 300),
        FAUCET.transfer(2, BOB, 4_000),
    ];
    let answers = chain.send_lines(&wires(&txs)).await;
    let hashes = txs.each_ref().map(|tx| hash_of(tx).to_string());
    assert_eq!(told(&answers), hashes);
    chain.comet.make_block().await;
    assert_eq!(chain.balance(BOB).await, 4_321);
    // Sent again they are the same.
    assert_eq!(told(&chain.send_lines(&wires(&txs)).await), hashes);
    assert_eq!(chain.comet.broadcasts(), 1, "as one envelope");
}

#[tokio::test]
async fn a_list_is_answered_by_a_list() {
    let chain = Chain::start().await;
    let txs = [ALICE.transfer(1, BOB, 1), ALICE.transfer(2, BOB, 20)];
    let list: Vec<Value> = txs
        .iter()
        .map(|tx| serde_json::to_value(tx).unwrap())
        .collect();
    let text = serde_json::to_string_pretty(&list).unwrap();
    let answer = chain.post_text("/rpc/sendTxs", text).await;
    assert!(
        answer
            .header("content-type")
            .starts_with("application/json")
    );
    let answers = answer.ok();
    let hashes = txs.each_ref().map(|tx| hash_of(tx).to_string());
    assert_eq!(told(answers.as_array().unwrap()), hashes);
    chain.comet.make_block().await;
    assert_eq!(chain.balance(BOB).await, 21);
}

#[tokio::test]
async fn what_is_refused_stops_no_other_and_says_why_in_its_place() {
    let chain = Chain::start().await;
    let mut forged = ALICE.transfer(2, BOB, 5);
    forged.sig = ALICE.transfer(2, BOB, 6).sig;
    let mut lines = wires(&[
        ALICE.transfer(1, BOB, 1),
        forged,
        BOB.transfer(1, ALICE, 1),
        ALICE.transfer(3, BOB, 1),
        ALICE.transfer(2, BOB, 2),
        ALICE.transfer(3, ALICE, 3),
        ALICE.transfer(3, BOB, 2_000_000_000),
        FAUCET.transfer(1, BOB, 40),
        ALICE.transfer(3, BOB, 80),
    ]);
    lines.insert(1, b"nonsense".to_vec());
    lines.insert(2, Vec::new());
    lines.push(b"[]".to_vec());
    lines.push(vec![b'['; 100_000]);
    let answers = chain.send_lines(&lines).await;
    let hash = |tx: Transaction| hash_of(&tx).to_string();
    assert_eq!(
        told(&answers),
        [
            hash(ALICE.transfer(1, BOB, 1)).as_str(),
            "malformed_json",
            "malformed_json",
            "invalid_signature",
            "fee_not_affordable",
            "nonce_gap",
            &hash(ALICE.transfer(2, BOB, 2)),
            "self_transfer",
            "insufficient_balance",
            &hash(FAUCET.transfer(1, BOB, 40)),
            &hash(ALICE.transfer(3, BOB, 80)),
            "invalid_field",
            "body_too_large",
        ]
    );
    chain.comet.make_block().await;
    assert_eq!(chain.balance(BOB).await, 1 + 2 + 40 + 80);
}

#[tokio::test]
async fn a_thousand_of_many_senders_are_taken_at_once() {
    let crowd: Vec<Key> = (20..120).map(Key::numbered).collect();
    let chain = Chain::of_genesis(
        |genesis| {
            for key in &crowd {
                genesis["accounts"][key.address().to_string()] = json!(1_000_000);
            }
        },
        |_| {},
    )
    .await;
    let runs = (1..=10).flat_map(|nonce| crowd.iter().map(move |key| (key, nonce)));
    let txs: Vec<Transaction> = runs
        .map(|(key, nonce)| key.transfer(nonce, BOB, 1))
        .collect();
    let answers = chain.send_lines(&wires(&txs)).await;
    let hashes: Vec<String> = txs.iter().map(|tx| hash_of(tx).to_string()).collect();
    assert_eq!(told(&answers), hashes);
    chain.comet.make_block().await;
    assert_eq!(chain.balance(BOB).await, 1_000);
}

#[tokio::test]
async fn a_request_has_one_to_a_thousand_transactions() {
    let chain = Chain::start().await;
    let many = |count: usize| vec!["{}"; count];
    for body in [
        String::new(),
        "\n".to_owned(),
        "[]".to_owned(),
        many(1_001).join("\n"),
    ] {
        let answer = chain.post_text("/rpc/sendTxs", body).await;
        assert_eq!(answer.refusal(), (400, "invalid_request"));
        assert_eq!(answer.json["error"]["details"]["limit"], 1_000);
    }
    let list = format!("[{}]", many(1_001).join(","));
    let answer = chain.post_text("/rpc/sendTxs", list).await;
    assert_eq!(answer.refusal(), (400, "invalid_field"));
    assert!(answer.text.contains("1000"), "{}", answer.text);
    let answer = chain.post_text("/rpc/sendTxs", "[{},").await;
    assert_eq!(answer.refusal(), (400, "malformed_json"));
    let answer = chain.post_text("/rpc/sendTxs", vec![b' '; 17 << 20]).await;
    assert_eq!(answer.refusal(), (413, "body_too_large"));
    assert_eq!(answer.json["error"]["details"]["limit_bytes"], 16 << 20);
    // A thousand are read, however little they are worth.
    let answers = chain.send_lines(&vec![b"{}".to_vec(); 1_000]).await;
    assert_eq!(told(&answers), vec!["invalid_field"; 1_000]);
}

#[tokio::test]
async fn what_the_request_says_of_its_form_counts() {
    let chain = Chain::start().await;
    let send = async |kind: &str, body: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", kind.parse().unwrap());
        let body = Some(body.as_bytes().to_vec());
        chain
            .request(Method::POST, "/rpc/sendTxs", body, headers)
            .await
    };
    let answer = send("application/json; charset=utf-8", "{}").await;
    assert_eq!(answer.refusal(), (400, "invalid_field"));
    let answer = send("application/x-ndjson", "[{}]").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    assert!(answer.text.contains("invalid_field"), "{}", answer.text);
}

#[tokio::test]
async fn without_cometbft_each_is_told_and_nothing_hangs() {
    let chain = Arc::new(Chain::start().await);
    chain.comet.go_away();
    let txs: Vec<Transaction> = (1..=100)
        .map(|nonce| ALICE.transfer(nonce, BOB, 1))
        .collect();
    let answers = until("the last connection is gone", async || {
        let answers = told(&chain.send_lines(&wires(&txs)).await);
        let all = answers.iter().all(|code| code == "comet_unavailable");
        all.then_some(answers)
    })
    .await;
    assert_eq!(answers.len(), 100);
}
