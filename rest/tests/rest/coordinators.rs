//! What is known of a coordinator: `getCoordinator`.

use ait_testkit::draft::payload;
use serde_json::{Value, json};

use crate::harness::{
    Chain,
    coordinator::{FakeCoordinator, honest},
    keys::{ALICE, BOB, COORDINATOR, Key, MINER, OPENED},
    proofs::holds,
};

async fn coordinator(chain: &Chain, key: Key) -> Value {
    let path = format!("/rpc/getCoordinator/{}", key.address());
    let answer = chain.prove(&path).await.ok();
    assert!(holds(&answer["proof"]));
    answer
}

#[tokio::test]
async fn an_account_that_is_none_has_a_clean_record_and_a_proof_of_absence() {
    let chain = Chain::start().await;
    let mut answer = coordinator(&chain, BOB).await;
    assert_eq!(answer["proof"]["value"], Value::Null);
    answer["proof"] = Value::Null;
    assert_eq!(
        answer,
        json!({
            "address": BOB.address(), "pubkey": null, "bond": 0, "unbonding": [], "epoch_minted": 0,
            "opened": 0, "settled": 0, "released": 0, "cancelled": 0, "expired": 0,
            "suspended": false, "proof": null,
        })
    );
    // One that the params name and no escrow yet.
    let registered = coordinator(&chain, COORDINATOR).await;
    assert_eq!(
        registered["pubkey"],
        json!(COORDINATOR.secret().public_key())
    );
    assert_eq!(registered["proof"]["value"], Value::Null);
}

#[tokio::test]
async fn its_escrows_and_what_they_minted_in_the_epoch_are_counted() {
    let attester = FakeCoordinator::start(honest).await;
    let url = attester.url.clone();
    let chain = Chain::of_genesis(
        |genesis| genesis["params"]["epoch_blocks"] = json!(10),
        |config| {
            config
                .node
                .coordinator_urls
                .insert(COORDINATOR.address(), url);
        },
    )
    .await;
    for (nonce, job) in [(1, "job_1"), (2, "job_2")] {
        chain
            .send(&ALICE.open_escrow(nonce, job, 10_000))
            .await
            .ok();
    }
    chain.comet.make_block().await;
    let claim = MINER.claim(1, "job_1");
    chain.send(&claim).await.ok();
    chain.attested(&claim).await;
    chain.comet.make_block().await;
    let answer = coordinator(&chain, COORDINATOR).await;
    assert_eq!(
        (&answer["opened"], &answer["settled"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(answer["epoch_minted"], 10_500);
    while chain.comet.make_block().await < 10 {}
    // A new epoch: the record itself still has the last one's.
    let answer = coordinator(&chain, COORDINATOR).await;
    assert_eq!(answer["epoch_minted"], 0);
    let record: Value = serde_json::from_str(answer["proof"]["value"].as_str().unwrap()).unwrap();
    assert_eq!(record["epoch_minted"], 10_500);
}

#[tokio::test]
async fn one_that_contradicted_itself_is_suspended_until_it_has_another_key() {
    let chain = Chain::start().await;
    chain
        .send(&ALICE.open_escrow(1, "job_1", 10_000))
        .await
        .ok();
    chain.comet.make_block().await;
    let work = MINER.work("job_1");
    let praised = work.attested_by(&COORDINATOR.actor(), OPENED);
    let denied = work.denied_by(&COORDINATOR.actor());
    let fields = work.equivocation(&praised, &work, &denied);
    let evidence = payload("ATTESTATION_EQUIVOCATION", &fields);
    chain.send(&ALICE.sign(2, evidence.clone())).await.ok();
    chain.comet.make_block().await;
    let convicted = coordinator(&chain, COORDINATOR).await;
    assert_eq!(convicted["suspended"], true);
    let again = chain.send(&ALICE.sign(3, evidence)).await;
    assert_eq!(again.refusal(), (409, "already_convicted"));
    let open = chain.send(&ALICE.open_escrow(3, "job_2", 10_000)).await;
    assert_eq!(open.refusal(), (422, "coordinator_suspended"));

    let other_key = Key::numbered(200).secret().public_key();
    let body = json!({
        "key": "coordinators", "value": {COORDINATOR.address().to_string(): other_key},
    });
    chain.post("/admin/paramSet", &body).await.ok();
    chain.comet.make_block().await;
    let answer = coordinator(&chain, COORDINATOR).await;
    assert_eq!(
        (&answer["suspended"], &answer["pubkey"]),
        (&json!(false), &json!(other_key))
    );
    chain
        .send(&ALICE.open_escrow(3, "job_2", 10_000))
        .await
        .ok();
}
