//! What a node says of itself: health, metrics, documentation, the page; and the devnet's coordinator.

use std::time::Duration;

use axum::{Json, http::StatusCode, response::IntoResponse};
use serde_json::{Value, json};

use crate::harness::{
    Chain,
    coordinator::{FakeCoordinator, attest},
    keys::{ALICE, BOB, MINER},
};
use ait_app::receipts::terms::AttestationRequest;

#[tokio::test]
async fn health_says_whether_the_node_can_serve() {
    let chain = Chain::start().await;
    let ok = chain.get("/health").await.ok();
    assert_eq!(
        ok,
        json!({"status": "ok", "chain_id": "ait-test", "height": 1})
    );
    chain.comet.set_catching_up(true);
    let answer = chain.get("/health").await;
    assert_eq!(
        (answer.status, &answer.json["status"]),
        (503, &json!("starting"))
    );
    chain.comet.set_catching_up(false);
    chain.get("/health").await.ok();
    chain.comet.go_away();
    let answer = chain.get("/health").await;
    assert_eq!(
        (answer.status, &answer.json["status"]),
        (503, &json!("no_comet"))
    );
}

#[tokio::test]
async fn a_last_block_that_is_too_old_is_no_health() {
    // The stand-in's blocks are of the past.
    let old = Chain::with(|config| config.max_block_age = Duration::from_secs(60)).await;
    let answer = old.get("/health").await;
    assert_eq!(
        (answer.status, &answer.json["status"]),
        (503, &json!("stale"))
    );
    assert_eq!(answer.json["height"], 1);
}

#[tokio::test]
async fn metrics_tell_of_blocks_transactions_and_latencies() {
    let chain = Chain::start().await;
    chain.send(&ALICE.transfer(1, BOB, 250)).await.ok();
    chain.comet.make_block().await;
    chain.comet.make_block().await;
    crate::harness::until("both blocks are counted", async || {
        let answer = chain.get("/rpc/metrics").await;
        assert!(answer.header("content-type").starts_with("text/plain"));
        let counted = |line: &str| answer.text.lines().any(|found| found.starts_with(line));
        assert!(counted("ait_height 3"), "{}", answer.text);
        assert!(
            counted("ait_tx_total{code=\"ok\",type=\"TRANSFER\"} 1"),
            "{}",
            answer.text
        );
        assert!(counted("ait_pool_transactions"));
        assert!(counted("ait_peers 0"));
        assert!(counted(
            "ait_http_request_seconds_count{method=\"POST\",route=\"/rpc/sendTx\",status=\"200\"} 1"
        ));
        assert!(counted(
            "ait_comet_request_seconds_count{method=\"broadcast_tx_sync\"} 1"
        ));
        counted("ait_block_interval_seconds_count 2").then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_documentation_is_served() {
    let chain = Chain::start().await;
    let document = chain.get("/openapi.json").await.ok();
    assert_eq!(document["openapi"], "3.1.0");
}

#[tokio::test]
async fn the_page_is_served_with_what_it_may_do() {
    let chain = Chain::start().await;
    let page = chain.get("/").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'self'"), "{policy}");
    // Everything the page names is there.
    let named = page
        .text
        .split('"')
        .filter(|text| text.starts_with("/web/"));
    let mut count = 0;
    for path in named {
        let file = chain.get(path).await;
        assert_eq!(file.status, 200, "{path}");
        assert!(!file.text.is_empty());
        count += 1;
    }
    assert!(count > 0);
    let script = chain.get("/web/app.js").await;
    assert_eq!(
        script.header("content-type"),
        "text/javascript; charset=utf-8"
    );
}

fn request() -> Value {
    let terms = MINER.terms("job_1");
    let chain_id: ait_app::identifiers::ChainId = "ait-test".parse().unwrap();
    let request = AttestationRequest {
        miner_sig: MINER.secret().sign(&terms.sign_bytes(&chain_id)),
        chain_id,
        receipt_id: terms.receipt_id,
        job_id: terms.job_id,
        client: terms.client,
        miner: terms.miner,
        compute_units: terms.compute_units,
        price: terms.price,
        output_hash: terms.output_hash,
        opened_height: terms.opened_height,
        miner_pubkey: None,
    };
    serde_json::to_value(request).unwrap()
}

#[tokio::test]
async fn a_devnet_passes_attestations_on() {
    let coordinator = FakeCoordinator::start(|request, number| match number {
        0 => Json(attest(&request, true)).into_response(),
        1 => (
            StatusCode::CONFLICT,
            Json(json!({"error": {"code": "a", "codespace": "rest", "message": "b"}})),
        )
            .into_response(),
        2 => "x".repeat(100_000).into_response(),
        _ => "no JSON".into_response(),
    })
    .await;
    let url = coordinator.url.clone();
    let chain = Chain::with(|config| config.mock_coordinator_url = Some(url)).await;
    let answer = chain.post("/rpc/attest", &request()).await.ok();
    assert_eq!(answer["paid"], true);
    assert_eq!(chain.post("/rpc/attest", &request()).await.status, 409);
    for _ in 0..2 {
        let answer = chain.post("/rpc/attest", &request()).await;
        assert_eq!(answer.refusal(), (503, "coordinator_unavailable"));
    }
}

#[tokio::test]
async fn elsewhere_there_is_no_mock_coordinator() {
    let chain = Chain::with(|config| config.devnet = false).await;
    let answer = chain.post("/rpc/attest", &request()).await;
    assert_eq!(answer.refusal(), (404, "not_found"));
    let chain = Chain::start().await;
    let answer = chain.post("/rpc/attest", &request()).await;
    assert_eq!(answer.refusal(), (503, "not_configured"));
    let chain = Chain::with(|config| {
        config.mock_coordinator_url = Some("http://127.0.0.1:1".into());
    })
    .await;
    let answer = chain.post("/rpc/attest", &request()).await;
    assert_eq!(answer.refusal(), (503, "coordinator_unavailable"));
}
