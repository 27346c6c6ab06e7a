//! Claims that bring no attestation: the node asks the coordinator, and no answer of its can do harm.

use ait_app::receipts::terms::AttestationRequest;
use ait_testkit::work::Work;
use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::{
    Chain,
    coordinator::{FakeCoordinator, attest, deny, honest},
    hash_of,
    keys::{ALICE, BOB, COORDINATOR, MINER, OTHER_COORDINATOR},
    until,
};

/// A chain on which Alice has an open escrow for `job_1`, with this coordinator.
async fn chain_with(url: &str) -> Chain {
    let chain = Chain::with(|config| {
        let coordinator = COORDINATOR.address();
        config
            .node
            .coordinator_urls
            .insert(coordinator, url.to_owned());
    })
    .await;
    chain
        .send(&ALICE.open_escrow(1, "job_1", 10_000))
        .await
        .ok();
    chain.comet.make_block().await;
    chain
}

/// Makes blocks until the claim is in one; its status.
async fn outcome(chain: &Chain) -> String {
    let path = format!("/rpc/getTx/{}", hash_of(&MINER.claim(1, "job_1")));
    until("the claim is in a block", async || {
        chain.comet.make_block().await;
        let answer = chain.get(&path).await;
        let status = answer.json["status"].as_str()?.to_owned();
        (status != "pending").then_some(status)
    })
    .await
}

async fn claim(chain: &Chain) {
    chain.send(&MINER.claim(1, "job_1")).await.ok();
}

async fn minted(chain: &Chain) -> Value {
    chain.get("/rpc/getSupply").await.ok()["minted"].clone()
}

#[tokio::test]
async fn a_claim_without_attestation_is_attested_and_paid() {
    let coordinator = FakeCoordinator::start(honest).await;
    let chain = chain_with(&coordinator.url).await;
    claim(&chain).await;
    until("the coordinator was asked", async || {
        coordinator.requests().first().cloned()
    })
    .await;
    assert_eq!(outcome(&chain).await, "committed");
    assert_eq!(minted(&chain).await, 10_500);
    let request = &coordinator.requests()[0];
    assert_eq!(Work::requested(&json!(request)), MINER.work("job_1"));
    assert_eq!(request.opened_height.get(), 2);
    // The chain does not know the key of a miner that never sent anything.
    assert_eq!(request.miner_pubkey, Some(MINER.secret().public_key()));
    let metrics = chain.get("/rpc/metrics").await.text;
    assert!(metrics.contains("ait_attestation_requests_total{outcome=\"answered\"} 1"));
}

/// Whether the claim is still paid when the coordinator answers wrongly at first.
async fn is_paid_after(wrong: impl Fn(AttestationRequest) -> Response + Send + Sync + 'static) {
    let coordinator = FakeCoordinator::start(move |request, number| {
        if number < 2 {
            wrong(request)
        } else {
            honest(request, number)
        }
    })
    .await;
    let chain = chain_with(&coordinator.url).await;
    claim(&chain).await;
    until("it was asked again", async || {
        (coordinator.requests().len() >= 3).then_some(())
    })
    .await;
    assert_eq!(outcome(&chain).await, "committed");
    assert_eq!(minted(&chain).await, 10_500);
}

#[tokio::test]
async fn a_coordinator_that_cannot_know_yet_is_asked_again() {
    is_paid_after(|_| StatusCode::CONFLICT.into_response()).await;
}

#[tokio::test]
async fn an_answer_for_another_job_counts_for_nothing() {
    is_paid_after(|mut request| {
        request.job_id = "job_2".parse().unwrap();
        Json(attest(&request, true)).into_response()
    })
    .await;
}

#[tokio::test]
async fn an_answer_for_another_escrow_of_the_job_counts_for_nothing() {
    is_paid_after(|mut request| {
        request.opened_height = request.opened_height.next();
        Json(attest(&request, true)).into_response()
    })
    .await;
}

#[tokio::test]
async fn an_answer_changed_after_signing_counts_for_nothing() {
    is_paid_after(|request| {
        let mut lie = attest(&request, false);
        lie.paid = true;
        Json(lie).into_response()
    })
    .await;
}

#[tokio::test]
async fn answers_that_are_none_count_for_nothing() {
    is_paid_after(|request| {
        let mut answer = serde_json::to_value(attest(&request, true)).unwrap();
        answer["extra"] = 1.into();
        Json(answer).into_response()
    })
    .await;
    is_paid_after(|_| "{}".into_response()).await;
    is_paid_after(|_| "x".repeat(1_000_000).into_response()).await;
    is_paid_after(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response()).await;
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = FakeCoordinator::start(honest).await;
    let target = format!("{}/attest/receipt", elsewhere.url);
    is_paid_after(move |_| Redirect::temporary(&target).into_response()).await;
    assert_eq!(elsewhere.requests(), []);
}

#[tokio::test]
async fn a_miner_that_the_chain_knows_sends_no_key() {
    let coordinator = FakeCoordinator::start(honest).await;
    let chain = chain_with(&coordinator.url).await;
    chain.send(&ALICE.transfer(2, MINER, 10_000)).await.ok();
    chain.comet.make_block().await;
    chain.send(&MINER.transfer(1, ALICE, 1)).await.ok();
    chain.comet.make_block().await;
    chain.send(&MINER.claim(2, "job_1")).await.ok();
    let request = until("the coordinator was asked", async || {
        coordinator.requests().first().cloned()
    })
    .await;
    assert_eq!(request.miner_pubkey, None);
}

#[tokio::test]
async fn a_claim_that_the_coordinator_answers_negatively_is_dropped_with_the_reason() {
    let coordinator =
        FakeCoordinator::start(|request, _| Json(attest(&request, false)).into_response()).await;
    let chain = chain_with(&coordinator.url).await;
    claim(&chain).await;
    assert_eq!(outcome(&chain).await, "dropped");
    let view = chain.tx(&MINER.claim(1, "job_1")).await;
    assert_eq!(view["reason"]["code"], "attestation_negative");
    assert_eq!(view["reason"]["codespace"], "receipt");
    assert_eq!(
        (&view["receipt"], &view["tx"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(minted(&chain).await, 0);
    let path = format!("/rpc/getEscrow/{}/job_1", ALICE.address());
    assert_eq!(chain.get(&path).await.ok()["status"], "open");
}

#[tokio::test]
async fn work_that_the_coordinator_denies_is_refused_in_a_block() {
    let coordinator =
        FakeCoordinator::start(|request, _| Json(deny(&request)).into_response()).await;
    let chain = chain_with(&coordinator.url).await;
    // An offence is one where its fee can be paid.
    chain.send(&ALICE.transfer(2, MINER, 10_000)).await.ok();
    chain.comet.make_block().await;
    claim(&chain).await;
    assert_eq!(outcome(&chain).await, "failed");
    assert_eq!(minted(&chain).await, 0);
    let path = format!("/rpc/getReceipt/{}/receipt_job_1", MINER.address());
    let receipt = chain.get(&path).await.ok();
    assert_eq!(receipt["status"], "refused");
    assert_eq!(
        (&receipt["minted"], &receipt["limited_by"]),
        (&0.into(), &Value::Null)
    );
    let path = format!("/rpc/getMiner/{}", MINER.address());
    assert_eq!(chain.get(&path).await.ok()["offences"], 1);
}

#[tokio::test]
async fn a_coordinator_that_is_away_harms_nobody_else() {
    // Nobody listens there.
    let chain = chain_with("http://127.0.0.1:1").await;
    claim(&chain).await;
    chain.send(&ALICE.transfer(2, MINER, 77)).await.ok();
    chain.comet.make_block().await;
    assert_eq!(chain.balance(MINER).await, 77);
    let path = format!("/rpc/getTx/{}", hash_of(&MINER.claim(1, "job_1")));
    assert_eq!(chain.get(&path).await.ok()["status"], "pending");
    assert_eq!(minted(&chain).await, 0);
}

#[tokio::test]
async fn a_coordinator_that_never_answers_delays_no_other() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let honest = FakeCoordinator::start(honest).await;
    let chain = Chain::with(|config| {
        let urls = &mut config.node.coordinator_urls;
        let url = format!("http://{}", silent.local_addr().unwrap());
        urls.insert(OTHER_COORDINATOR.address(), url);
        urls.insert(COORDINATOR.address(), honest.url.clone());
    })
    .await;
    let open = ALICE.open_escrow_with(OTHER_COORDINATOR, 1, "job_1", 10_000);
    chain.send(&open).await.ok();
    chain
        .send(&ALICE.open_escrow(2, "job_2", 10_000))
        .await
        .ok();
    chain.comet.make_block().await;
    claim(&chain).await;
    // It is asked, and takes the question without a word.
    let connection = silent.accept().await.unwrap();
    chain.send(&BOB.claim(1, "job_2")).await.ok();
    until("the other is paid", async || {
        chain.comet.make_block().await;
        (minted(&chain).await == 10_500).then_some(())
    })
    .await;
    drop(connection);
}

#[tokio::test]
async fn a_coordinator_without_a_configured_address_is_never_asked() {
    let coordinator = FakeCoordinator::start(honest).await;
    let chain = Chain::with(|config| {
        // The address of somebody else.
        let url = coordinator.url.clone();
        config.node.coordinator_urls.insert(ALICE.address(), url);
    })
    .await;
    chain
        .send(&ALICE.open_escrow(1, "job_1", 10_000))
        .await
        .ok();
    chain.comet.make_block().await;
    claim(&chain).await;
    for _ in 0..3 {
        chain.comet.make_block().await;
    }
    assert_eq!(coordinator.requests(), []);
}

#[tokio::test]
async fn claims_of_one_escrow_are_each_asked_about() {
    let coordinator = FakeCoordinator::start(honest).await;
    let chain = chain_with(&coordinator.url).await;
    chain
        .send(&ALICE.open_escrow(2, "job_2", 10_000))
        .await
        .ok();
    chain.comet.make_block().await;
    claim(&chain).await;
    chain.send(&MINER.claim_on(2, "job_2", 3)).await.ok();
    until("both are paid", async || {
        chain.comet.make_block().await;
        (minted(&chain).await == 21_000).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_answer_by_a_revoked_key_counts_for_nothing() {
    let coordinator = FakeCoordinator::start(honest).await;
    let chain = chain_with(&coordinator.url).await;
    let revoke = async |keys: Value| {
        let body = serde_json::json!({"key": "revoked_keys", "value": keys});
        chain.post("/admin/paramSet", &body).await.ok();
        chain.comet.make_block().await;
    };
    revoke(serde_json::json!([COORDINATOR.secret().public_key()])).await;
    claim(&chain).await;
    until("it was asked again", async || {
        (coordinator.requests().len() >= 2).then_some(())
    })
    .await;
    chain.comet.make_block().await;
    assert_eq!(minted(&chain).await, 0);
    assert_eq!(
        chain.tx(&MINER.claim(1, "job_1")).await["status"],
        "pending"
    );
    revoke(serde_json::json!([])).await;
    chain.attested(&MINER.claim(1, "job_1")).await;
    assert_eq!(outcome(&chain).await, "committed");
}
