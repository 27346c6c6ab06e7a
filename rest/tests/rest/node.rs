//! What a node says of itself: health, metrics, documentation, the page; and the devnet's coordinator.

use std::time::Duration;

use axum::{Json, http::StatusCode, response::IntoResponse};
use serde_json::{Value, json};

use crate::harness::{
    Chain, Settings,
    coordinator::{FakeCoordinator, attest},
    keys::{ALICE, BOB, MINER},
    until,
};

/// Waits until the node says this of itself; the answer.
async fn health(chain: &Chain, status: u16, named: &str, reason: Value) -> Value {
    until(&format!("health says {named}"), async || {
        let answer = chain.get("/health").await;
        let told = (
            answer.status,
            &answer.json["status"],
            &answer.json["reason"],
        );
        (told == (status, &json!(named), &reason)).then_some(answer.json)
    })
    .await
}

#[tokio::test]
async fn health_says_whether_the_node_can_serve() {
    let chain = Chain::start().await;
    let mut ok = health(&chain, 200, "ok", Value::Null).await;
    let age = ok["last_block_age_seconds"].take();
    assert!(age.as_u64().is_some(), "{age}");
    assert_eq!(
        ok,
        json!({
            "status": "ok", "reason": null, "chain_id": "ait-test", "height": 1,
            "last_block_age_seconds": null, "protocol_version": 2, "planned_upgrade": null,
            "devnet": true, "faucet": true,
        })
    );
    chain.comet.set_catching_up(true);
    health(&chain, 503, "starting", Value::Null).await;
    chain.comet.set_catching_up(false);
    health(&chain, 200, "ok", Value::Null).await;
    chain.comet.go_away();
    health(&chain, 503, "stalled", json!("comet_unreachable")).await;
}

#[tokio::test]
async fn a_node_without_a_block_is_starting() {
    let chain = Chain::without_block(|_| {}).await;
    let answer = health(&chain, 503, "starting", Value::Null).await;
    assert_eq!(
        (&answer["height"], &answer["last_block_age_seconds"]),
        (&json!(0), &Value::Null)
    );
}

#[tokio::test]
async fn a_chain_that_stands_still_is_stalled_with_the_reason_and_the_last_blocks_age() {
    // The stand-in's blocks are of the past, and no more of them come.
    let still = Chain::with(|config| config.node.max_block_age = Duration::from_secs(1)).await;
    let (few, most) = ("BA{4:xx__} 20/40 = 0.50", "BA{4:xxx_} 30/40 = 0.75");
    for (step, votes, peers, reason) in [
        (4, few, &[2, 2][..], "no_quorum"),
        (4, few, &[], "no_peers"),
        (4, few, &[900, 901, 2], "peers_pruned"),
        (5, most, &[2], "no_decision"),
    ] {
        still.comet.set_consensus(step, votes, peers);
        let answer = health(&still, 503, "stalled", json!(reason)).await;
        assert_eq!(answer["height"], 1);
        let age = answer["last_block_age_seconds"].as_u64().unwrap();
        assert!(age > 86_400, "{age}");
    }
}

#[tokio::test]
async fn a_node_that_fetches_blocks_which_nobody_has_is_stalled() {
    let behind = Chain::with(|config| config.node.max_block_age = Duration::from_secs(1)).await;
    behind.comet.set_catching_up(true);
    behind.comet.set_consensus(1, "", &[900]);
    health(&behind, 503, "stalled", json!("peers_pruned")).await;
    // A block is progress.
    behind.comet.make_block().await;
    health(&behind, 503, "starting", Value::Null).await;
}

#[tokio::test]
async fn health_tells_of_a_faucet_only_where_one_answers_whoever_asks() {
    let told = async |change: fn(&mut Settings)| {
        let chain = Chain::with(change).await;
        let answer = chain.get("/health").await.json;
        (answer["devnet"].clone(), answer["faucet"].clone())
    };
    let (yes, no) = (json!(true), json!(false));
    assert_eq!(told(|_| {}).await, (yes.clone(), yes.clone()));
    assert_eq!(
        told(|config| config.rest.faucet_key = None).await,
        (yes.clone(), no.clone())
    );
    assert_eq!(
        told(|config| config.rest.devnet = false).await,
        (no.clone(), no.clone())
    );
    let with_token = |config: &mut Settings| config.rest.admin_token = Some("secret".into());
    assert_eq!(told(with_token).await, (yes, no));
}

#[tokio::test]
async fn metrics_tell_of_blocks_transactions_and_latencies() {
    let chain = Chain::start().await;
    chain.send(&ALICE.transfer(1, BOB, 250)).await.ok();
    chain.comet.make_block().await;
    chain.comet.make_block().await;
    until("both blocks are counted", async || {
        let answer = chain.get("/rpc/metrics").await;
        assert!(answer.header("content-type").starts_with("text/plain"));
        let counted = |line: &str| answer.text.lines().any(|found| found.starts_with(line));
        assert!(counted("ait_height 3"), "{}", answer.text);
        assert!(
            counted("ait_tx_total{code=\"ok\",type=\"TRANSFER\"} 1"),
            "{}",
            answer.text
        );
        assert!(counted("ait_mempool_transactions{kind=\"all\"} 0"));
        assert!(counted("ait_mempool_bytes 0"));
        assert!(counted("ait_last_block_timestamp_seconds 1767225603"));
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
    MINER.work("job_1").request(&MINER.actor())
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
    let chain = Chain::with(|config| config.rest.mock_coordinator_url = Some(url)).await;
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
    let chain = Chain::with(|config| config.rest.devnet = false).await;
    let answer = chain.post("/rpc/attest", &request()).await;
    assert_eq!(answer.refusal(), (404, "not_found"));
    let chain = Chain::start().await;
    let answer = chain.post("/rpc/attest", &request()).await;
    assert_eq!(answer.refusal(), (503, "not_configured"));
    let chain = Chain::with(|config| {
        config.rest.mock_coordinator_url = Some("http://127.0.0.1:1".into());
    })
    .await;
    let answer = chain.post("/rpc/attest", &request()).await;
    assert_eq!(answer.refusal(), (503, "coordinator_unavailable"));
}
