//! How often a client may send.

use std::num::NonZeroU32;

use reqwest::{Method, header::HeaderMap};
use serde_json::json;

use crate::harness::{Chain, Settings};

const BURST: usize = 10;

fn limited(config: &mut Settings) {
    config.rest.devnet = false;
    config.rest.admin_token = Some("token".into());
    config.rest.rate_per_second = NonZeroU32::MIN;
    config.rest.rate_burst = NonZeroU32::new(BURST as u32).unwrap();
}

/// How many of `tries` requests of this client were let through.
async fn let_through(chain: &Chain, path: &str, client: &str, tries: usize) -> usize {
    let mut passed = 0;
    for _ in 0..tries {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", client.parse().unwrap());
        let body = Some(b"{}".to_vec());
        let answer = chain.request(Method::POST, path, body, headers).await;
        if answer.status == 429 {
            assert_eq!(answer.refusal().1, "rate_limited");
            assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
        } else {
            passed += 1;
        }
    }
    passed
}

#[tokio::test]
async fn a_client_that_sends_too_much_gets_429_and_may_still_read() {
    let chain = Chain::with(limited).await;
    let passed = let_through(&chain, "/rpc/sendTx", "192.0.2.1", 3 * BURST).await;
    assert!((BURST..3 * BURST).contains(&passed), "{passed}");
    // An unconfigured proxy's word counts for nothing: this is the same client.
    assert!(let_through(&chain, "/rpc/submitReceipt", "192.0.2.2", BURST).await < BURST);
    assert!(let_through(&chain, "/admin/mintFaucet", "192.0.2.3", BURST).await < BURST);
    chain.get("/rpc/getHead").await.ok();
    chain.get("/health").await.ok();
    let body = json!({"type": "TRANSFER", "payload": {}});
    assert_eq!(chain.post("/rpc/estimateFee", &body).await.status, 400);
    assert!(
        chain
            .get("/rpc/metrics")
            .await
            .text
            .contains("ait_rate_limited_total")
    );
}

#[tokio::test]
async fn behind_a_configured_proxy_each_client_has_its_own_limit() {
    let chain = Chain::with(|config| {
        limited(config);
        config.rest.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    assert!(let_through(&chain, "/rpc/sendTx", "192.0.2.1", 3 * BURST).await < 3 * BURST);
    assert_eq!(
        let_through(&chain, "/rpc/sendTx", "192.0.2.2", BURST).await,
        BURST
    );
}

#[tokio::test]
async fn each_transaction_of_a_batch_counts() {
    let chain = Chain::with(limited).await;
    let lines = |count: usize| vec!["{}"; count].join("\n");
    let answer = chain.post_text("/rpc/sendTxs", lines(BURST + 2)).await;
    assert_eq!(answer.refusal(), (429, "rate_limited"));
    assert_eq!(answer.json["error"]["details"]["limit"], BURST);
    let answer = chain.post_text("/rpc/sendTxs", lines(BURST - 1)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = chain.post_text("/rpc/sendTxs", lines(BURST)).await;
    assert_eq!(answer.refusal(), (429, "rate_limited"));
    assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
}

#[tokio::test]
async fn loopback_is_exempt_on_a_devnet() {
    let chain = Chain::with(|config| {
        limited(config);
        config.rest.devnet = true;
    })
    .await;
    for _ in 0..3 * BURST {
        let answer = chain.post("/rpc/sendTx", &json!({})).await;
        assert_eq!(answer.refusal(), (400, "invalid_field"));
    }
}
