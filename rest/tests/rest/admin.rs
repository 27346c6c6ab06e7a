//! Who may use admin routes, and what they do.

use std::sync::Arc;

use ait_app::params::admin::AdminAccept;
use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};

use crate::harness::{
    Answer, Chain,
    keys::{ADMIN, ALICE, BOB, FAUCET},
};

const TOKEN: &str = "correct horse battery staple";

async fn faucet(chain: &Chain, headers: &[(&'static str, &str)]) -> Answer {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect();
    let body = json!({"address": BOB.address(), "amount": 1_000}).to_string();
    chain
        .request(
            Method::POST,
            "/admin/mintFaucet",
            Some(body.into()),
            headers,
        )
        .await
}

#[tokio::test]
async fn with_a_token_set_only_who_has_it_may() {
    let chain = Chain::with(|config| config.rest.admin_token = Some(TOKEN.into())).await;
    for headers in [
        vec![],
        vec![("authorization", "Bearer wrong")],
        vec![("authorization", "Bearer ")],
        vec![("authorization", "correct horse battery staple")],
        vec![("authorization", "Basic correct horse battery staple")],
    ] {
        let answer = faucet(&chain, &headers).await;
        assert_eq!(answer.refusal(), (401, "unauthorized"), "{headers:?}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert!(!answer.text.contains(TOKEN));
    }
    let authorization = format!("Bearer {TOKEN}");
    faucet(&chain, &[("authorization", &authorization)])
        .await
        .ok();
    chain.comet.make_block().await;
    assert_eq!(chain.balance(BOB).await, 1_000);
}

#[tokio::test]
async fn without_a_token_they_are_off_but_on_a_devnet() {
    let off = Chain::with(|config| config.rest.devnet = false).await;
    assert_eq!(faucet(&off, &[]).await.refusal(), (403, "forbidden"));
    // An empty setting is none, not a token that everybody knows.
    let empty = Chain::with(|config| {
        config.rest.devnet = false;
        config.rest.admin_token = Some(String::new());
    })
    .await;
    let answer = faucet(&empty, &[("authorization", "Bearer ")]).await;
    assert_eq!(answer.refusal(), (403, "forbidden"));
    let devnet = Chain::start().await;
    faucet(&devnet, &[]).await.ok();
}

#[tokio::test]
async fn without_a_token_a_devnet_answers_to_loopback_alone() {
    let chain = Chain::start().await;
    for headers in [
        // A proxy on this machine that was not configured hides who asks.
        vec![("x-forwarded-for", "192.0.2.1")],
        vec![("forwarded", "for=192.0.2.1")],
        // Pages of other sites in a browser on this machine.
        vec![("origin", "https://example.org")],
        vec![("host", "example.org")],
    ] {
        let answer = faucet(&chain, &headers).await;
        assert_eq!(answer.refusal(), (403, "forbidden"), "{headers:?}");
    }
    let proxied =
        Chain::with(|config| config.rest.trusted_proxies = vec!["127.0.0.1".parse().unwrap()])
            .await;
    let answer = faucet(&proxied, &[("x-forwarded-for", "192.0.2.1")]).await;
    assert_eq!(answer.refusal(), (403, "forbidden"));
    faucet(&proxied, &[("x-forwarded-for", "127.0.0.1")])
        .await
        .ok();
}

#[tokio::test]
async fn faucet_calls_at_once_all_succeed() {
    let chain = Arc::new(Chain::start().await);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..30 {
        let chain = chain.clone();
        calls.spawn(async move { faucet(&chain, &[]).await.ok() });
    }
    let mut hashes = std::collections::BTreeSet::new();
    while let Some(call) = calls.join_next().await {
        hashes.insert(call.unwrap()["txHash"].as_str().unwrap().to_owned());
        if hashes.len() % 10 == 0 {
            chain.comet.make_block().await;
        }
    }
    assert_eq!(hashes.len(), 30);
    chain.comet.make_block().await;
    assert_eq!(chain.balance(BOB).await, 30_000);
    let path = format!("/rpc/getBalance/{}", FAUCET.address());
    assert_eq!(chain.get(&path).await.ok()["nonce"], 30);
}

#[tokio::test]
async fn the_faucet_gets_on_with_others_who_hold_its_key() {
    let chain = Chain::start().await;
    chain.send(&FAUCET.transfer(1, ALICE, 1)).await.ok();
    faucet(&chain, &[]).await.ok();
    chain.comet.make_block().await;
    chain.send(&FAUCET.transfer(3, ALICE, 1)).await.ok();
    chain.comet.make_block().await;
    faucet(&chain, &[]).await.ok();
    chain.comet.make_block().await;
    assert_eq!(chain.balance(BOB).await, 2_000);
}

#[tokio::test]
async fn faucet_requests_are_read_strictly() {
    let chain = Chain::start().await;
    let bob = BOB.address();
    for (body, status, code) in [
        (json!({"address": bob}), 400, "invalid_field"),
        (json!({"address": bob, "amount": 0}), 400, "invalid_field"),
        (json!({"address": bob, "amount": "5"}), 400, "invalid_field"),
        (
            json!({"address": bob, "amount": 1_u64 << 53}),
            400,
            "invalid_field",
        ),
        (
            json!({"address": bob, "amount": 5, "memo": "x"}),
            400,
            "invalid_field",
        ),
        (json!({"address": "bob", "amount": 5}), 400, "invalid_field"),
        (
            json!({"address": FAUCET.address(), "amount": 5}),
            422,
            "self_transfer",
        ),
        (
            json!({"address": bob, "amount": (1_u64 << 53) - 1}),
            422,
            "insufficient_balance",
        ),
        (json!([]), 400, "invalid_field"),
    ] {
        let answer = chain.post("/admin/mintFaucet", &body).await;
        assert_eq!(answer.refusal(), (status, code), "{body}");
    }
    // What was refused took no nonce.
    faucet(&chain, &[]).await.ok();
    chain.comet.make_block().await;
    assert_eq!(chain.balance(BOB).await, 1_000);
}

#[tokio::test]
async fn a_param_is_set_and_holds_from_the_next_block() {
    let chain = Chain::start().await;
    let body = json!({"key": "base_fee", "value": 7});
    chain.post("/admin/paramSet", &body).await.ok();
    chain.comet.make_block().await;
    assert_eq!(chain.get("/rpc/getParams").await.ok()["base_fee"], 7);
    for (body, status, code) in [
        (
            json!({"key": "base_fee", "value": 1_000_001}),
            422,
            "invalid_param_value",
        ),
        (
            json!({"key": "base_fee", "value": Value::Null}),
            422,
            "invalid_param_value",
        ),
        (json!({"key": "nonsense", "value": 1}), 422, "unknown_param"),
        (
            json!({"key": "evidence_max_age_num_blocks", "value": 1}),
            422,
            "param_fixed",
        ),
        (
            json!({"key": "unbonding_blocks", "value": 1}),
            422,
            "param_conflict",
        ),
        (json!({"key": "base_fee"}), 400, "invalid_field"),
        (json!({"key": 1, "value": 1}), 400, "invalid_field"),
    ] {
        let answer = chain.post("/admin/paramSet", &body).await;
        assert_eq!(answer.refusal(), (status, code), "{body}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_new_admin_is_named_and_the_params_name_the_old_one_until_it_accepts() {
    let chain = Chain::start().await;
    let body = json!({"key": "admin", "value": BOB.address()});
    chain.post("/admin/paramSet", &body).await.ok();
    chain.comet.make_block().await;
    let params = chain.get("/rpc/getParams").await.ok();
    assert_eq!(params["admin"], ADMIN.address().to_string());
    chain.send(&ALICE.transfer(1, BOB, 10_000)).await.ok();
    chain.comet.make_block().await;
    let accept = ALICE.sign(2, AdminAccept {});
    assert_eq!(
        chain.send(&accept).await.refusal(),
        (403, "not_named_admin")
    );
    chain.send(&BOB.sign(1, AdminAccept {})).await.ok();
    chain.comet.make_block().await;
    let params = chain.get("/rpc/getParams").await.ok();
    assert_eq!(params["admin"], BOB.address().to_string());
    let body = json!({"key": "base_fee", "value": 7});
    let answer = chain.post("/admin/paramSet", &body).await;
    assert_eq!(answer.refusal(), (403, "not_the_admin"));
}

#[tokio::test]
async fn a_node_without_the_keys_says_so() {
    let chain = Chain::with(|config| {
        config.rest.faucet_key = None;
        config.rest.admin_key = None;
    })
    .await;
    assert_eq!(faucet(&chain, &[]).await.refusal(), (503, "not_configured"));
    let body = json!({"key": "base_fee", "value": 7});
    let answer = chain.post("/admin/paramSet", &body).await;
    assert_eq!(answer.refusal(), (503, "not_configured"));
}

#[tokio::test]
async fn peers_are_dialled_where_cometbft_allows_it() {
    let chain = Chain::start().await;
    let addr = format!("{}@127.0.0.1:26656", "ab".repeat(20));
    let body = json!({"addr": addr});
    let answer = chain.post("/admin/peers/add", &body).await;
    assert_eq!(answer.refusal(), (503, "comet_refused"));
    assert!(answer.text.contains("rpc.unsafe"), "{}", answer.text);
    chain.comet.allow_dialling();
    chain.post("/admin/peers/add", &body).await.ok();
    assert_eq!(chain.comet.dialled(), [addr]);
    for bad in [
        json!({"addr": "127.0.0.1:26656"}),
        json!({"addr": 1}),
        json!({}),
    ] {
        let answer = chain.post("/admin/peers/add", &bad).await;
        assert_eq!(answer.refusal(), (400, "invalid_field"), "{bad}");
    }
    assert_eq!(chain.comet.dialled().len(), 1);
}
