//! What the state does not allow: each code with the status of its kind.

use ait_app::params::{admin::AdminAccept, update::ParamUpdate};
use ait_testkit::draft::{self, payload};
use serde_json::json;

use crate::harness::{
    Chain,
    keys::{ALICE, ALICE_CONSENSUS, BOB, COORDINATOR, Key, MINER},
};

#[tokio::test]
async fn refusals_by_the_state_have_the_status_of_their_kind_and_details() {
    let chain = Chain::of_genesis(
        |genesis| {
            genesis["accounts"][COORDINATOR.address().to_string()] = json!(1_000_000);
            genesis["params"]["min_account_balance"] = json!(1_000);
        },
        |_| {},
    )
    .await;
    chain
        .send(&ALICE.open_escrow(1, "job_1", 10_000))
        .await
        .ok();
    chain.comet.make_block().await;
    let (client, coordinator) = (ALICE.address(), COORDINATOR);
    let release = |job| payload("ESCROW_RELEASE", &draft::escrow_release(client, job));
    let mut top_up = draft::escrow_topup(client, "job_1", 1);
    top_up["ttl_blocks"] = 10.into();
    let top_up = payload("ESCROW_TOPUP", &top_up);
    let cancel = payload("ESCROW_CANCEL", &json!({"job_id": "job_9"}));
    for (tx, status, code, details) in [
        (
            ALICE.transfer(2, BOB, 999),
            422,
            "below_min_balance",
            json!({"limit_param": "min_account_balance"}),
        ),
        (
            ALICE.open_escrow(2, "job_2", 999),
            422,
            "escrow_too_low",
            json!({"limit_param": "min_escrow_amount"}),
        ),
        (
            ALICE.sign(2, release("job_1")),
            403,
            "not_the_coordinator",
            json!({}),
        ),
        (
            coordinator.sign(1, release("job_9")),
            404,
            "escrow_not_found",
            json!({}),
        ),
        (
            coordinator.sign(1, top_up),
            403,
            "not_the_client",
            json!({}),
        ),
        (ALICE.sign(2, cancel), 404, "escrow_not_found", json!({})),
        (
            ALICE.sign(2, ParamUpdate::new("base_fee", b"7").unwrap()),
            403,
            "not_the_admin",
            json!({}),
        ),
        (
            ALICE.sign(2, AdminAccept {}),
            403,
            "not_named_admin",
            json!({}),
        ),
        (ALICE.unstake(2, 1), 422, "never_staked", json!({})),
        (ALICE.unbond(2, 1), 422, "bond_insufficient", json!({})),
        (MINER.claim(1, "job_9"), 404, "escrow_not_found", json!({})),
        (
            MINER.claim_on(1, "job_1", 1),
            422,
            "wrong_opening",
            json!({}),
        ),
    ] {
        let answer = chain.send(&tx).await;
        assert_eq!(answer.refusal(), (status, code), "{}", answer.text);
        for (name, value) in details.as_object().unwrap() {
            assert_eq!(&answer.json["error"]["details"][name], value, "{code}");
        }
    }
}

/// A chain on which Alice has an open escrow for `job_1`, and the miner coins of its own.
async fn chain_with_escrow() -> Chain {
    let chain = Chain::of_genesis(
        |genesis| genesis["accounts"][MINER.address().to_string()] = json!(1_000_000),
        |_| {},
    )
    .await;
    let open = ALICE.open_escrow(1, "job_1", 10_000);
    chain.send(&open).await.ok();
    chain.comet.make_block().await;
    chain
}

#[tokio::test]
async fn no_more_claims_wait_on_an_escrow_than_may() {
    let chain = chain_with_escrow().await;
    for number in 20..24 {
        let claim = Key::numbered(number).claim(1, "job_1");
        chain.send(&claim).await.ok();
    }
    let answer = chain.send(&Key::numbered(24).claim(1, "job_1")).await;
    assert_eq!(
        answer.refusal(),
        (429, "too_many_waiting"),
        "{}",
        answer.text
    );
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn who_comes_second_to_a_contest_is_told_so() {
    let chain = chain_with_escrow().await;
    let first = ALICE.stake(2, 1_000, ALICE_CONSENSUS);
    chain.send(&first).await.ok();
    let rival = MINER.stake(1, 1_000, ALICE_CONSENSUS);
    let answer = chain.send(&rival).await;
    assert_eq!(answer.refusal(), (409, "contested"), "{}", answer.text);
}

#[tokio::test]
async fn no_more_waits_behind_a_claim_than_may() {
    let chain = chain_with_escrow().await;
    chain.send(&MINER.claim(1, "job_1")).await.ok();
    for nonce in 2..=4 {
        chain.send(&MINER.transfer(nonce, BOB, 1)).await.ok();
    }
    let answer = chain.send(&MINER.transfer(5, BOB, 1)).await;
    assert_eq!(
        answer.refusal(),
        (429, "too_many_waiting"),
        "{}",
        answer.text
    );
    assert_eq!(answer.header("retry-after"), "1");
}
