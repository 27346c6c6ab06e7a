//! `?replace=false`: what is pending stays.

use std::sync::Arc;

use reqwest::{Method, header::HeaderMap};
use serde_json::Value;

use crate::harness::{
    Chain, hash_of,
    keys::{ALICE, BOB, FAUCET, FEE},
};

const KEEPING: &str = "/rpc/sendTx?replace=false";

#[tokio::test]
async fn a_pending_transaction_is_replaced_only_for_who_lets_it_be() {
    let chain = Chain::start().await;
    let tx = ALICE.transfer(1, BOB, 250);
    let dearer = ALICE.sign_with_fee(1, 9 * FEE, ALICE.transfer(1, BOB, 7).payload);
    let first = chain.post_text(KEEPING, tx.to_wire()).await.ok();
    let answer = chain.post_text(KEEPING, dearer.to_wire()).await;
    assert_eq!(answer.refusal(), (409, "nonce_pending"));
    assert!(
        answer.text.contains(&hash_of(&tx).to_string()),
        "{answer:?}"
    );
    assert_eq!(chain.tx(&tx).await["status"], "pending");
    assert_eq!(chain.comet.broadcasts(), 1, "CometBFT never saw it");
    // Sent again, pending and committed, it is the same.
    assert_eq!(chain.post_text(KEEPING, tx.to_wire()).await.ok(), first);

    chain.send(&dearer).await.ok();
    chain.comet.make_block().await;
    assert_eq!(chain.balance(BOB).await, 7);
    let again = chain.post_text(KEEPING, dearer.to_wire()).await.ok();
    assert_eq!(again["txHash"], hash_of(&dearer).to_string());
    let answer = chain.post_text(KEEPING, tx.to_wire()).await;
    assert_eq!(answer.refusal(), (409, "nonce_used"));
}

#[tokio::test]
async fn of_many_with_one_nonce_sent_at_once_one_is_taken_and_stays() {
    let chain = Arc::new(Chain::start().await);
    let mut sends = tokio::task::JoinSet::new();
    for amount in 1..=10_u64 {
        let chain = chain.clone();
        let payload = ALICE.transfer(1, BOB, amount).payload;
        // Each would replace all before it.
        let tx = ALICE.sign_with_fee(1, FEE << amount, payload);
        sends.spawn(async move {
            let answer = chain.post_text(KEEPING, tx.to_wire()).await;
            (amount, answer.status)
        });
    }
    let mut taken = Vec::new();
    while let Some(sent) = sends.join_next().await {
        match sent.unwrap() {
            (amount, 200) => taken.push(amount),
            (_, status) => assert_eq!(status, 409),
        }
    }
    assert_eq!(taken.len(), 1, "{taken:?}");
    chain.comet.make_block().await;
    assert_eq!(chain.balance(BOB).await, taken[0]);
}

#[tokio::test]
async fn batches_replace_nothing_where_that_is_asked_for() {
    let chain = Chain::start().await;
    chain.send(&ALICE.transfer(1, BOB, 250)).await.ok();
    let dearer = ALICE.sign_with_fee(1, 9 * FEE, ALICE.transfer(1, BOB, 7).payload);
    let lines = [dearer.to_wire(), ALICE.transfer(2, BOB, 1).to_wire()].join(&b'\n');
    let path = "/rpc/sendTxs?replace=false";
    let answer = chain
        .request(Method::POST, path, Some(lines), HeaderMap::new())
        .await;
    let answers: Vec<Value> = answer
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers[0]["error"]["code"], "nonce_pending");
    assert!(answers[1]["txHash"].is_string(), "{answers:?}");
    chain.comet.make_block().await;
    assert_eq!(chain.balance(BOB).await, 251);
    for path in ["/rpc/sendTx?replace=perhaps", "/rpc/sendTxs?replace=1"] {
        let answer = chain.post_text(path, dearer.to_wire()).await;
        assert_eq!(answer.refusal(), (400, "invalid_request"));
    }
}

#[tokio::test]
async fn the_faucet_replaces_nothing_of_others_that_hold_its_key() {
    let chain = Chain::with(|config| config.rest.devnet = true).await;
    let others = FAUCET.transfer(1, BOB, 5);
    chain.send(&others).await.ok();
    let body = serde_json::json!({"address": BOB.address(), "amount": 7});
    chain.post("/admin/mintFaucet", &body).await.ok();
    chain.comet.make_block().await;
    assert_eq!(chain.balance(BOB).await, 12);
}
