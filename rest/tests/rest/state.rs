//! Reads of the committed state, and the proofs that go with them.

use serde_json::{Value, json};

use ait_app::{quantity::Units, receipts::record::Miner, state::View};

use crate::harness::{
    Chain,
    coordinator::{FakeCoordinator, honest},
    hash_of,
    keys::{ADMIN, ALICE, BOB, COORDINATOR, FAUCET, FEE, MINER, MINER_CONSENSUS, VALIDATOR},
    proofs::holds,
    until,
};

#[tokio::test]
async fn an_account_never_seen_has_zeros_and_a_proof_of_absence() {
    let chain = Chain::start().await;
    let path = format!("/rpc/getBalance/{}", BOB.address());
    assert_eq!(
        chain.get(&path).await.ok(),
        json!({"balance": 0, "nonce": 0})
    );
    let proven = chain.prove(&path).await.ok();
    assert_eq!(proven["balance"], 0);
    assert_eq!(proven["proof"]["value"], Value::Null);
    assert!(holds(&proven["proof"]));
    assert_eq!(
        chain.get(&format!("{path}?prove=false")).await.ok()["proof"],
        Value::Null
    );
}

#[tokio::test]
async fn a_balance_is_proved_under_the_root_of_its_block() {
    let chain = Chain::start().await;
    chain.send(&ALICE.transfer(1, BOB, 250)).await.ok();
    chain.comet.make_block().await;
    let path = format!("/rpc/getBalance/{}", ALICE.address());
    let answer = chain.prove(&path).await.ok();
    assert_eq!(answer["balance"], 1_000_000_000 - 250 - FEE);
    assert_eq!(answer["nonce"], 1);
    let proof = &answer["proof"];
    assert_eq!(proof["height"], 2);
    assert_eq!(proof["key"], format!("/account/{}", ALICE.address()));
    let record: Value = serde_json::from_str(proof["value"].as_str().unwrap()).unwrap();
    assert_eq!(record["balance"], answer["balance"]);
    assert_eq!(record["nonce"], 1);
    let block = chain.get("/rpc/getBlock/2").await.ok();
    assert_eq!(proof["app_hash"], block["stateRoot"]);
    assert!(holds(proof));
    // The next block's header says so, too.
    let next = chain.comet.make_block().await;
    let header = chain.comet.app_hash_in_header(next);
    assert_eq!(proof["app_hash"], header);
}

#[tokio::test]
async fn a_proof_holds_for_nothing_else() {
    let chain = Chain::start().await;
    let path = format!("/rpc/getBalance/{}", ALICE.address());
    let proof = chain.prove(&path).await.ok()["proof"].clone();
    assert!(holds(&proof));
    let absent = format!("/rpc/getBalance/{}", BOB.address());
    let absent = chain.prove(&absent).await.ok()["proof"].clone();
    assert!(holds(&absent));
    for (field, value) in [
        (
            "value",
            json!({"balance": 1, "nonce": 1, "pubkey": null})
                .to_string()
                .into(),
        ),
        ("value", Value::Null),
        ("key", absent["key"].clone()),
        ("app_hash", "00".repeat(32).into()),
    ] {
        let mut lie = proof.clone();
        lie[field] = value;
        if field == "key" {
            lie["ops"][0]["key"] = lie["key"].clone();
        }
        assert!(!holds(&lie), "{lie}");
    }
    let mut lie = absent.clone();
    lie["value"] = proof["value"].clone();
    assert!(!holds(&lie));
}

#[tokio::test]
async fn what_was_never_opened_or_paid_is_404_with_proof() {
    let chain = Chain::start().await;
    let escrow = format!("/rpc/getEscrow/{}/job_1", ALICE.address());
    let receipt = format!("/rpc/getReceipt/{}/receipt_1", MINER.address());
    for path in [escrow, receipt] {
        let plain = chain.get(&path).await;
        assert_eq!(plain.refusal(), (404, "not_found"));
        assert_eq!(plain.json["proof"], Value::Null);
        let proven = chain.prove(&path).await;
        assert_eq!(proven.refusal(), (404, "not_found"));
        assert_eq!(proven.json["proof"]["value"], Value::Null);
        assert!(holds(&proven.json["proof"]));
    }
}

/// A chain on which Alice has an open escrow for `job_1`, with a coordinator that says yes.
async fn chain_with_escrow() -> (Chain, FakeCoordinator) {
    let coordinator = FakeCoordinator::start(honest).await;
    let url = coordinator.url.clone();
    let chain = Chain::with(|config| {
        config
            .node
            .coordinator_urls
            .insert(COORDINATOR.address(), url);
    })
    .await;
    chain
        .send(&ALICE.open_escrow(1, "job_1", 10_000))
        .await
        .ok();
    chain.comet.make_block().await;
    (chain, coordinator)
}

/// Lets the miner claim it, and makes blocks until it is paid.
async fn claim(chain: &Chain) {
    let claim = MINER.claim(1, "job_1");
    chain.send(&claim).await.ok();
    until("the claim is paid", async || {
        chain.comet.make_block().await;
        let record = chain.node.reader().transaction(&hash_of(&claim)).unwrap()?;
        assert_eq!(record.result.code, 0, "{}", record.result.log);
        Some(())
    })
    .await;
}

#[tokio::test]
async fn an_escrow_is_open_until_its_claim_settles_it() {
    let (chain, _coordinator) = chain_with_escrow().await;
    let path = format!("/rpc/getEscrow/{}/job_1", ALICE.address());
    let escrow = chain.prove(&path).await.ok();
    let mut record: Value =
        serde_json::from_str(escrow["proof"]["value"].as_str().unwrap()).unwrap();
    record["proof"] = escrow["proof"].clone();
    assert_eq!(escrow, record);
    assert_eq!(
        record,
        json!({
            "amount": 10_000, "assigned": false, "attesters": [], "cancelled": false, "claims": 0,
            "client": ALICE.address(), "closed_height": null, "convicted": [],
            "coordinator": COORDINATOR.address(), "deleted_height": null, "expires_height": 1_002,
            "job_id": "job_1", "keys": [COORDINATOR.secret().public_key()], "last_receipt": null,
            "miner": null, "opened_height": 2, "paid": 0, "partial": false, "reason": null,
            "remaining": 10_000, "status": "open", "threshold": 1, "proof": record["proof"],
        })
    );
    assert!(holds(&escrow["proof"]));
    assert_eq!(chain.get("/rpc/getSupply").await.ok()["escrows"], 10_000);
    claim(&chain).await;
    let escrow = chain.prove(&path).await.ok();
    assert_eq!(
        (&escrow["status"], &escrow["reason"]),
        (&json!("settled"), &json!("settled"))
    );
    assert_eq!(
        (&escrow["paid"], &escrow["claims"]),
        (&json!(500), &json!(1))
    );
    assert_eq!(escrow["remaining"], 0);
    assert_eq!(
        escrow["last_receipt"],
        json!({"miner": MINER.address(), "receipt_id": "receipt_job_1"})
    );
    assert!(holds(&escrow["proof"]));
    assert_eq!(chain.get("/rpc/getSupply").await.ok()["escrows"], 0);
}

#[tokio::test]
async fn receipt_miner_and_supply_tell_of_a_claim() {
    let (chain, _coordinator) = chain_with_escrow().await;
    claim(&chain).await;
    let path = format!("/rpc/getReceipt/{}/receipt_job_1", MINER.address());
    let receipt = chain.prove(&path).await.ok();
    assert_eq!(receipt["status"], "paid");
    assert_eq!(receipt["limited_by"], Value::Null);
    assert_eq!(receipt["opened_height"], 2);
    assert_eq!(receipt["minted"], 10_000 + 500);
    assert_eq!(
        receipt["tx_hash"],
        hash_of(&MINER.claim(1, "job_1")).to_string()
    );
    assert!(holds(&receipt["proof"]));
    let path = format!("/rpc/getMiner/{}", MINER.address());
    let miner = chain.prove(&path).await.ok();
    assert_eq!(miner["receipts"], 1);
    assert_eq!(miner["units_total"], 10);
    assert_eq!(miner["banned_until"], 0);
    assert!(holds(&miner["proof"]));
    let supply = chain.prove("/rpc/getSupply").await.ok();
    assert_eq!(supply["minted"], 10_500);
    let of = |name: &str| supply[name].as_u64().unwrap();
    let held = of("balances") + of("escrows") + of("stakes") + of("bonds") + of("unbonding");
    assert_eq!(of("total"), held);
    assert_eq!(of("total"), of("genesis") + of("minted") - of("burned"));
    assert!(holds(&supply["proof"]));
}

#[tokio::test]
async fn the_proposers_entry_is_listed_and_found_like_a_transaction() {
    let (chain, _coordinator) = chain_with_escrow().await;
    claim(&chain).await;
    let path = format!("/rpc/getReceipt/{}/receipt_job_1", MINER.address());
    let receipt = chain.get(&path).await.ok();
    let path = format!("/rpc/getBlock/{}?txs=full", receipt["height"]);
    let block = chain.get(&path).await.ok();
    assert_eq!(block["txs"][0]["type"], "ATTESTATIONS");
    let hash = block["txs"][0]["hash"].as_str().unwrap();
    let entry = chain.get(&format!("/rpc/getTx/{hash}")).await.ok();
    assert_eq!(entry["tx"]["attestations"][0]["paid"], true);
    assert_eq!(entry["receipt"]["index"], 0);
    assert_eq!(entry["receipt"]["code"], 0);
}

#[tokio::test]
async fn a_score_is_shown_as_of_the_last_epoch_and_proved_as_it_was_written() {
    let coordinator = FakeCoordinator::start(honest).await;
    let url = coordinator.url.clone();
    let chain = Chain::of_genesis(
        |genesis| {
            genesis["accounts"][MINER.address().to_string()] = json!(100_000_000);
            genesis["params"]["epoch_blocks"] = json!(10);
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
    let stake = MINER.stake(1, 1_000_000, MINER_CONSENSUS);
    chain.send(&stake).await.ok();
    chain.comet.make_block().await;
    let claim = MINER.claim(2, "job_1");
    chain.send(&claim).await.ok();
    chain.attested(&claim).await;
    chain.comet.make_block().await;
    let path = format!("/rpc/getMiner/{}", MINER.address());
    let fresh = chain.prove(&path).await.ok();
    assert_eq!(
        (&fresh["score"], &fresh["epoch_units"]),
        (&json!(0), &json!(10))
    );
    // Two epochs end: the units become the score, of which nine tenths remain.
    while chain.comet.make_block().await < 20 {}
    let later = chain.prove(&path).await.ok();
    assert_eq!(
        (&later["score"], &later["epoch_units"]),
        (&json!(9), &json!(0))
    );
    assert_eq!(later["units_total"], 10);
    let stored = later["proof"]["value"].as_str().unwrap();
    let mut record: Miner = serde_json::from_str(stored).unwrap();
    assert_eq!(
        (record.score, record.epoch_units),
        (Units::ZERO, Units::constant(10))
    );
    assert!(holds(&later["proof"]));
    // Who has the record brings it up to date likewise.
    let state = &chain.node.reader().newest().unwrap().state;
    let consensus = state.consensus().unwrap();
    record.roll(consensus.epochs, &consensus.decays);
    assert_eq!(later["score"], record.score.get());
    let account = format!("/rpc/getAccount/{}", MINER.address());
    let account = chain.get(&account).await.ok();
    assert_eq!(account["miner"], serde_json::to_value(&record).unwrap());
}

#[tokio::test]
async fn a_miner_who_never_claimed_has_a_clean_record() {
    let chain = Chain::start().await;
    let path = format!("/rpc/getMiner/{}", MINER.address());
    let miner = chain.prove(&path).await.ok();
    for name in [
        "score",
        "epoch_units",
        "units_total",
        "receipts",
        "offences",
        "banned_until",
    ] {
        assert_eq!(miner[name], 0, "{name}");
    }
    assert_eq!(miner["proof"]["value"], Value::Null);
    assert!(holds(&miner["proof"]));
}

#[tokio::test]
async fn params_are_all_there_and_proved_each() {
    let chain = Chain::start().await;
    let params = chain.get("/rpc/getParams").await.ok();
    assert_eq!(params["base_fee"], 2);
    assert_eq!(params["mint_per_unit"], 1_000);
    assert_eq!(params["admin"], ADMIN.address().to_string());
    assert_eq!(params["consensus_mode"], "poa");
    let proven = chain.prove("/rpc/getParams").await.ok();
    let proofs = proven["proofs"].as_array().unwrap();
    assert_eq!(proofs.len(), params.as_object().unwrap().len());
    assert!(proofs.iter().all(holds));
}

#[tokio::test]
async fn nobody_but_the_sender_and_the_recipient_changes() {
    let chain = Chain::start().await;
    let before = chain.balance(FAUCET).await;
    chain.send(&ALICE.transfer(1, BOB, 250)).await.ok();
    chain.comet.make_block().await;
    assert_eq!(chain.balance(FAUCET).await, before);
    assert_eq!(chain.balance(VALIDATOR).await, FEE);
}
