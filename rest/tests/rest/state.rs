//! Reads of the committed state, and the proofs that go with them.

use serde_json::{Value, json};

use crate::harness::{
    Chain,
    coordinator::{FakeCoordinator, honest},
    keys::{ADMIN, ALICE, BOB, COORDINATOR, FAUCET, FEE, MINER, VALIDATOR},
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
    let proven = chain.get(&format!("{path}?prove=true")).await.ok();
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
    let path = format!("/rpc/getBalance/{}?prove=true", ALICE.address());
    let answer = chain.get(&path).await.ok();
    assert_eq!(answer["balance"], 1_000_000_000 - 250 - FEE);
    assert_eq!(answer["nonce"], 1);
    let proof = &answer["proof"];
    assert_eq!(proof["height"], 2);
    assert_eq!(proof["key"], format!("/account/{}", ALICE.address()));
    let record: Value = serde_json::from_str(proof["value"].as_str().unwrap()).unwrap();
    assert_eq!(record["balance"], answer["balance"]);
    assert_eq!(record["nonce"], 1);
    let block = chain.get("/rpc/getBlock/2").await.ok();
    assert_eq!(proof["root"], block["stateRoot"]);
    assert!(holds(proof));
    let mut lie = proof.clone();
    lie["value"] = json!({"balance": 1, "nonce": 1}).to_string().into();
    assert!(!holds(&lie));
}

#[tokio::test]
async fn what_was_never_opened_or_paid_is_404_with_proof() {
    let chain = Chain::start().await;
    let escrow = format!("/rpc/getEscrow/{}/job_1", ALICE.address());
    for path in [escrow, "/rpc/getReceipt/receipt_1".to_owned()] {
        let plain = chain.get(&path).await;
        assert_eq!(plain.refusal(), (404, "not_found"));
        assert_eq!(plain.json["proof"], Value::Null);
        let proven = chain.get(&format!("{path}?prove=true")).await;
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
        config.coordinator_urls.insert(COORDINATOR.address(), url);
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
        let record = chain.node.transaction(&claim.hash()).unwrap()?;
        assert_eq!(record.result.code, 0, "{}", record.result.log);
        Some(())
    })
    .await;
}

#[tokio::test]
async fn an_escrow_is_open_until_its_claim_settles_it() {
    let (chain, _coordinator) = chain_with_escrow().await;
    let path = format!("/rpc/getEscrow/{}/job_1?prove=true", ALICE.address());
    let escrow = chain.get(&path).await.ok();
    assert_eq!(escrow["status"], "open");
    assert_eq!(escrow["amount"], 10_000);
    assert_eq!(escrow["opened_height"], 2);
    assert_eq!(escrow["expires_height"], 1_002);
    assert!(holds(&escrow["proof"]));
    assert_eq!(chain.get("/rpc/getSupply").await.ok()["escrows"], 10_000);
    claim(&chain).await;
    assert_eq!(chain.get(&path).await.ok()["status"], "settled");
    assert_eq!(chain.get("/rpc/getSupply").await.ok()["escrows"], 0);
}

#[tokio::test]
async fn receipt_miner_and_supply_tell_of_a_claim() {
    let (chain, _coordinator) = chain_with_escrow().await;
    claim(&chain).await;
    let receipt = chain
        .get("/rpc/getReceipt/receipt_job_1?prove=true")
        .await
        .ok();
    assert_eq!(receipt["minted"], 10_000 + 500);
    assert_eq!(
        receipt["tx_hash"],
        MINER.claim(1, "job_1").hash().to_string()
    );
    assert!(holds(&receipt["proof"]));
    let path = format!("/rpc/getMiner/{}?prove=true", MINER.address());
    let miner = chain.get(&path).await.ok();
    assert_eq!(miner["receipts"], 1);
    assert_eq!(miner["units_total"], 10);
    assert_eq!(miner["banned_until"], 0);
    assert!(holds(&miner["proof"]));
    let supply = chain.get("/rpc/getSupply?prove=true").await.ok();
    assert_eq!(supply["minted"], 10_500);
    let of = |name: &str| supply[name].as_u64().unwrap();
    let held = of("balances") + of("escrows") + of("stakes") + of("unbonding");
    assert_eq!(of("total"), held);
    assert_eq!(of("total"), of("genesis") + of("minted") - of("burned"));
    assert!(holds(&supply["proof"]));
}

#[tokio::test]
async fn the_proposers_entry_is_listed_and_found_like_a_transaction() {
    let (chain, _coordinator) = chain_with_escrow().await;
    claim(&chain).await;
    let receipt = chain.get("/rpc/getReceipt/receipt_job_1").await.ok();
    let path = format!("/rpc/getBlock/{}", receipt["height"]);
    let block = chain.get(&path).await.ok();
    assert_eq!(block["txs"][0]["type"], "ATTESTATIONS");
    let hash = block["txs"][0]["hash"].as_str().unwrap();
    let entry = chain.get(&format!("/rpc/getTx/{hash}")).await.ok();
    assert_eq!(entry["tx"]["attestations"][0]["paid"], true);
    assert_eq!(entry["receipt"]["index"], 0);
    assert_eq!(entry["receipt"]["code"], 0);
}

#[tokio::test]
async fn a_miner_who_never_claimed_has_a_clean_record() {
    let chain = Chain::start().await;
    let path = format!("/rpc/getMiner/{}?prove=true", MINER.address());
    let miner = chain.get(&path).await.ok();
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
    let proven = chain.get("/rpc/getParams?prove=true").await.ok();
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
