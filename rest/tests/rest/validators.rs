//! Who validates and who could: `getValidators`, bans in `getMiner`, and the metrics of staking.

use ait_app::crypto::{PublicKey, SecretKey};
use axum::{Json, response::IntoResponse};
use serde_json::{Value, json};

use crate::harness::{
    Chain,
    coordinator::{FakeCoordinator, deny},
    hash_of,
    keys::{
        ALICE, ALICE_CONSENSUS, CONSENSUS, COORDINATOR, Key, MINER, MINER_CONSENSUS, VALIDATOR,
    },
    proofs::holds,
    until,
};

fn consensus_key(key: Key) -> PublicKey {
    key.secret().public_key()
}

fn shown(answer: &Value, key: Key) -> Value {
    let address = json!(key.address());
    let mut listed = answer["validators"].as_array().unwrap().iter();
    let found = listed.find(|validator| validator["address"] == address);
    found.cloned().unwrap_or_default()
}

/// A chain under compute-backed proof from block 4 on, in which Alice was jailed for downtime in block 6 and
/// the miner, who staked in block 5, waits for the epoch's end in block 8.
async fn chain_with_a_jailed_and_a_waiting_validator() -> Chain {
    let chain = Chain::of_genesis(
        |genesis| {
            for key in [VALIDATOR, MINER] {
                genesis["accounts"][key.address().to_string()] = json!(100_000_000);
            }
            let params = json!({"consensus_mode": "cbp", "epoch_blocks": 4, "downtime_window": 2});
            for (name, value) in params.as_object().unwrap() {
                genesis["params"][name] = value.clone();
            }
        },
        |_| {},
    )
    .await;
    for (key, amount, consensus) in [
        (VALIDATOR, 30_000_000, CONSENSUS),
        (ALICE, 10_000_000, ALICE_CONSENSUS),
    ] {
        chain.send(&key.stake(1, amount, consensus)).await.ok();
    }
    for _ in 2..=4 {
        chain.comet.make_block().await;
    }
    chain.comet.set_validators(&[
        (consensus_key(CONSENSUS), -125_001),
        (consensus_key(ALICE_CONSENSUS), 125_001),
    ]);
    chain.comet.stop_signing(consensus_key(ALICE_CONSENSUS));
    let stake = MINER.stake(1, 2_000_000, MINER_CONSENSUS);
    chain.send(&stake).await.ok();
    for _ in 5..=6 {
        chain.comet.make_block().await;
    }
    chain
}

#[tokio::test]
async fn validators_are_those_of_the_genesis() {
    let chain = Chain::start().await;
    chain.comet.set_validators(&[(consensus_key(CONSENSUS), 0)]);
    let answer = chain.prove("/rpc/getValidators").await.ok();
    assert_eq!(answer["height"], 1);
    assert_eq!(answer["mode"], "poa");
    assert_eq!(
        answer["validators"],
        json!([{
            "address": VALIDATOR.address(), "pubkey": consensus_key(CONSENSUS), "power": 10,
            "stake": 0, "score": 0, "jailed_until": 0, "missed_blocks": 0, "proven": true, "proposer_priority": 0,
        }])
    );
    assert!(holds(&answer["proofs"][0]));
}

#[tokio::test]
async fn the_jailed_and_the_waiting_are_listed_without_power() {
    let chain = chain_with_a_jailed_and_a_waiting_validator().await;
    let answer = chain.prove("/rpc/getValidators").await.ok();
    assert_eq!(answer["height"], 6);
    assert_eq!(answer["mode"], "cbp");
    assert_eq!(
        shown(&answer, VALIDATOR),
        json!({
            "address": VALIDATOR.address(), "pubkey": consensus_key(CONSENSUS), "power": 500_001,
            "stake": 30_000_000, "score": 0, "jailed_until": 0, "missed_blocks": 0,
            "proven": true, "proposer_priority": -125_001,
        })
    );
    // CometBFT's own set is two blocks late: Alice is in it still.
    assert_eq!(
        shown(&answer, ALICE),
        json!({
            "address": ALICE.address(), "pubkey": consensus_key(ALICE_CONSENSUS), "power": 0,
            "stake": 10_000_000 - 1_000, "score": 0, "jailed_until": 606, "missed_blocks": 0,
            "proven": false, "proposer_priority": 125_001,
        })
    );
    assert_eq!(
        shown(&answer, MINER),
        json!({
            "address": MINER.address(), "pubkey": consensus_key(MINER_CONSENSUS), "power": 0,
            "stake": 2_000_000, "score": 0, "jailed_until": 0, "missed_blocks": 0,
            "proven": false, "proposer_priority": null,
        })
    );
    let listed = answer["validators"].as_array().unwrap();
    let mut without_power = [ALICE.address(), MINER.address()];
    without_power.sort();
    let expected = [VALIDATOR.address(), without_power[0], without_power[1]];
    let order: Vec<_> = listed.iter().map(|one| one["address"].clone()).collect();
    assert_eq!(order, expected.map(|address| json!(address)));
    let proofs = answer["proofs"].as_array().unwrap();
    assert_eq!(proofs.len(), 3);
    for (proof, validator) in proofs.iter().zip(listed) {
        assert!(holds(proof));
        let address = validator["address"].as_str().unwrap();
        assert_eq!(proof["key"], format!("/validator/{address}"));
    }
}

#[tokio::test]
async fn without_cometbft_the_validators_have_no_priority() {
    let chain = chain_with_a_jailed_and_a_waiting_validator().await;
    let with = chain.get("/rpc/getValidators").await.ok();
    chain.comet.go_away();
    let without = until("the last connection is gone", async || {
        let answer = chain.get("/rpc/getValidators").await.ok();
        let mut priorities = answer["validators"].as_array().unwrap().iter();
        let gone = priorities.all(|one| one["proposer_priority"].is_null());
        gone.then_some(answer)
    })
    .await;
    for key in [VALIDATOR, ALICE, MINER] {
        let mut expected = shown(&with, key);
        expected["proposer_priority"] = Value::Null;
        assert_eq!(shown(&without, key), expected);
    }
}

#[tokio::test]
async fn priorities_are_found_on_every_page_of_cometbft() {
    let chain = Chain::start().await;
    let others = (100..=249).map(|seed| SecretKey::from_seed([seed; 32]).public_key());
    let mut set: Vec<_> = others.map(|key| (key, 1)).collect();
    set.push((consensus_key(CONSENSUS), -150));
    chain.comet.set_validators(&set);
    let answer = chain.get("/rpc/getValidators").await.ok();
    assert_eq!(shown(&answer, VALIDATOR)["proposer_priority"], -150);
    assert_eq!(answer["validators"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn of_those_without_power_the_hundred_with_the_most_stake_are_listed() {
    let crowd: Vec<Key> = (20..122).map(Key::numbered).collect();
    let rich = |genesis: &mut Value| {
        for key in &crowd {
            genesis["accounts"][key.address().to_string()] = json!(10_000_000);
        }
    };
    let chain = Chain::of_genesis(rich, |_| {}).await;
    for (key, more) in crowd.iter().zip(0..) {
        chain.send(&key.stake(1, 1_000_000 + more, *key)).await.ok();
    }
    chain.comet.make_block().await;
    let answer = chain.get("/rpc/getValidators").await.ok();
    let listed = answer["validators"].as_array().unwrap();
    assert_eq!(listed.len(), 101);
    assert_eq!(listed[0]["address"], json!(VALIDATOR.address()));
    for (key, place) in crowd.iter().zip(0..) {
        let is_listed = shown(&answer, *key) != Value::Null;
        assert_eq!(is_listed, place >= 2, "{place}");
    }
}

#[tokio::test]
async fn metrics_tell_of_power_stakes_and_burns() {
    let chain = chain_with_a_jailed_and_a_waiting_validator().await;
    let metrics = chain.get("/rpc/metrics").await.text;
    for line in [
        "ait_validators 1",
        "ait_validators_power 500001",
        "ait_stakes_uait 41999000",
        "ait_burned_uait 1000",
    ] {
        assert!(metrics.lines().any(|one| one == line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn a_ban_is_shown_until_it_is_over() {
    let coordinator =
        FakeCoordinator::start(|request, _| Json(deny(&request)).into_response()).await;
    let url = coordinator.url.clone();
    let chain = Chain::of_genesis(
        |genesis| {
            genesis["accounts"][MINER.address().to_string()] = json!(1_000_000);
            genesis["params"]["offence_limit"] = json!(1);
            genesis["params"]["ban_blocks"] = json!(3);
        },
        |config| {
            config
                .node
                .coordinator_urls
                .insert(COORDINATOR.address(), url);
        },
    )
    .await;
    chain
        .send(&ALICE.open_escrow(1, "job_1", 10_000))
        .await
        .ok();
    chain.comet.make_block().await;
    let claim = MINER.claim(1, "job_1");
    chain.send(&claim).await.ok();
    let offence = until("the offence is in a block", async || {
        chain.comet.make_block().await;
        Some(
            chain
                .node
                .reader()
                .transaction(&hash_of(&claim))
                .unwrap()?
                .height,
        )
    })
    .await;
    let path = format!("/rpc/getMiner/{}", MINER.address());
    let mut miner = chain.get(&path).await.ok();
    assert_eq!(miner["offences"], 1);
    let last = miner["banned_until"].as_u64().unwrap();
    assert_eq!(last, offence + 3);
    for height in offence + 1..=last {
        assert_eq!(miner["banned_until"], last, "before block {height}");
        assert_eq!(chain.comet.make_block().await, height);
        miner = chain.get(&path).await.ok();
    }
    assert_eq!(miner["banned_until"], 0);
    assert_eq!(miner["offences"], 1);
    // The record itself remembers.
    let miner = chain.prove(&path).await.ok();
    let record: Value = serde_json::from_str(miner["proof"]["value"].as_str().unwrap()).unwrap();
    assert_eq!(record["banned_until"], last);
    assert!(holds(&miner["proof"]));
}
