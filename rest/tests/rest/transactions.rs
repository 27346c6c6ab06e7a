//! Sending transactions and looking them up.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::harness::{
    Chain, hash_of,
    keys::{ALICE, ALICE_CONSENSUS, BOB, FEE, Key, MINER},
    until,
};

#[tokio::test]
async fn a_transfer_is_pending_then_committed() {
    let chain = Chain::start().await;
    let tx = ALICE.transfer(1, BOB, 250);
    let sent = chain.send(&tx).await.ok();
    assert_eq!(sent, json!({"txHash": hash_of(&tx).to_string()}));

    let path = format!("/rpc/getTx/{}", hash_of(&tx).to_string().to_lowercase());
    let pending = chain.get(&path).await.ok();
    assert_eq!(pending["status"], "pending");
    assert_eq!(pending["receipt"], Value::Null);
    assert_eq!(pending["tx"]["payload"]["amount"], 250);
    assert_eq!(chain.balance(BOB).await, 0);

    let height = chain.comet.make_block().await;
    let committed = chain.get(&path).await.ok();
    assert_eq!(committed["status"], "committed");
    assert_eq!(committed["receipt"]["height"], height);
    assert_eq!(committed["receipt"]["index"], 0);
    assert_eq!(committed["receipt"]["code"], 0);
    assert_eq!(committed["receipt"]["fee"], FEE);
    assert_eq!(committed["receipt"]["events"][0]["type"], "transfer");
    assert_eq!(committed["tx"], pending["tx"]);
    assert_eq!(chain.balance(BOB).await, 250);
    assert_eq!(chain.balance(ALICE).await, 1_000_000_000 - 250 - FEE);
}

#[tokio::test]
async fn sent_again_it_is_the_same_transaction() {
    let chain = Chain::start().await;
    let tx = ALICE.transfer(1, BOB, 250);
    let first = chain.send(&tx).await.ok();
    assert_eq!(chain.send(&tx).await.ok(), first);
    chain.comet.make_block().await;
    assert_eq!(chain.send(&tx).await.ok(), first);
    assert_eq!(chain.comet.broadcasts(), 1);
    let other = ALICE.transfer(1, BOB, 251);
    assert_eq!(chain.send(&other).await.refusal(), (409, "nonce_used"));
    assert_eq!(chain.balance(BOB).await, 250);
}

#[tokio::test]
async fn many_senders_of_one_transaction_at_once_all_get_its_hash() {
    let chain = Arc::new(Chain::start().await);
    let tx = ALICE.transfer(1, BOB, 250);
    let mut sends = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (chain, tx) = (chain.clone(), tx.clone());
        sends.spawn(async move { chain.send(&tx).await.ok() });
    }
    while let Some(sent) = sends.join_next().await {
        assert_eq!(sent.unwrap()["txHash"], hash_of(&tx).to_string());
    }
    chain.comet.make_block().await;
    assert_eq!(chain.balance(BOB).await, 250);
}

#[tokio::test]
async fn any_formatting_is_taken_and_a_known_key_filled_in() {
    let chain = Chain::start().await;
    chain.send(&ALICE.transfer(1, BOB, 1)).await.ok();
    chain.comet.make_block().await;

    let tx = ALICE.transfer(2, BOB, 1);
    let mut json: Value = serde_json::from_slice(&tx.to_wire()).unwrap();
    json.as_object_mut().unwrap().remove("pubkey");
    let text = serde_json::to_string_pretty(&json).unwrap();
    let sent = chain.post_text("/rpc/sendTx", text).await.ok();
    assert_eq!(sent["txHash"], hash_of(&tx).to_string());

    let stranger = BOB.transfer(1, ALICE, 1);
    let mut json: Value = serde_json::from_slice(&stranger.to_wire()).unwrap();
    json.as_object_mut().unwrap().remove("pubkey");
    let answer = chain.post("/rpc/sendTx", &json).await;
    assert_eq!(answer.refusal(), (400, "invalid_field"));
    assert!(answer.text.contains("pubkey"), "{answer:?}");
}

#[tokio::test]
async fn a_sender_may_have_a_run_of_nonces_pending() {
    let chain = Chain::start().await;
    for nonce in 1..=5 {
        chain.send(&ALICE.transfer(nonce, BOB, 10)).await.ok();
    }
    chain.comet.make_block().await;
    assert_eq!(chain.balance(BOB).await, 50);
}

#[tokio::test]
async fn waiting_for_the_commit_answers_as_get_tx() {
    let chain = Arc::new(Chain::start().await);
    let tx = ALICE.transfer(1, BOB, 250);
    let waiting = tokio::spawn({
        let (chain, tx) = (chain.clone(), tx.clone());
        async move {
            chain
                .post_text("/rpc/sendTx?wait=commit", tx.to_wire())
                .await
        }
    });
    until("it is pending", async || {
        chain.node.mempool().pending(&hash_of(&tx))
    })
    .await;
    chain.comet.make_block().await;
    let answer = waiting.await.unwrap().ok();
    let found = chain
        .get(&format!("/rpc/getTx/{}", hash_of(&tx)))
        .await
        .ok();
    assert_eq!(answer, found);
    assert_eq!(answer["status"], "committed");

    // Once committed there is nothing to wait for.
    let again = chain
        .post_text("/rpc/sendTx?wait=commit", tx.to_wire())
        .await;
    assert_eq!(again.ok(), found);
}

#[tokio::test]
async fn waiting_ends_when_no_block_comes() {
    let chain = Chain::with(|config| config.rest.commit_wait = Duration::from_millis(50)).await;
    let tx = ALICE.transfer(1, BOB, 250);
    let answer = chain
        .post_text("/rpc/sendTx?wait=commit", tx.to_wire())
        .await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.json["status"], "pending");
    assert_eq!(answer.json["hash"], hash_of(&tx).to_string());
}

#[tokio::test]
async fn who_waits_for_a_replaced_transaction_is_told_that_it_was_dropped() {
    let chain = Arc::new(Chain::start().await);
    let tx = ALICE.transfer(1, BOB, 250);
    let waiting = tokio::spawn({
        let (chain, tx) = (chain.clone(), tx.clone());
        async move {
            chain
                .post_text("/rpc/sendTx?wait=commit", tx.to_wire())
                .await
        }
    });
    until("it is pending", async || {
        chain.node.mempool().pending(&hash_of(&tx))
    })
    .await;
    let dearer = ALICE.sign_with_fee(1, 2 * FEE, ALICE.transfer(1, BOB, 7).payload);
    chain.send(&dearer).await.ok();
    chain.comet.make_block().await;
    chain.comet.make_block().await;
    let told = waiting.await.unwrap().ok();
    assert_eq!(chain.balance(BOB).await, 7);
    let found = chain.tx(&tx).await;
    assert_eq!(told, found);
    assert_eq!(found["status"], "dropped");
    assert_eq!(found["hash"], hash_of(&tx).to_string());
    assert_eq!(found["reason"]["code"], "dropped");
    assert_eq!(found["reason"]["codespace"], "auth");
    assert_ne!(found["reason"]["message"], "");
    assert_eq!(
        (&found["receipt"], &found["tx"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn a_transaction_that_was_dropped_may_be_sent_again() {
    let chain = Chain::start().await;
    let tx = BOB.transfer(1, ALICE, 7);
    // Its sender can pay it as long as the transfer before it is not in another block.
    chain.send(&ALICE.transfer(1, BOB, 10_000)).await.ok();
    chain.comet.make_block().await;
    chain.send(&tx).await.ok();
    let dearer = BOB.sign_with_fee(1, 2 * FEE, BOB.transfer(1, ALICE, 8).payload);
    chain.send(&dearer).await.ok();
    chain.comet.make_block().await;
    chain.comet.make_block().await;
    assert_eq!(chain.tx(&tx).await["status"], "dropped");
    assert_eq!(chain.send(&tx).await.refusal(), (409, "nonce_used"));
    assert_eq!(chain.tx(&dearer).await["status"], "committed");
}

#[tokio::test]
async fn submit_receipt_takes_claims_only() {
    let chain = Chain::start().await;
    let transfer = ALICE.transfer(1, BOB, 1).to_wire();
    let answer = chain.post_text("/rpc/submitReceipt", transfer).await;
    assert_eq!(answer.refusal(), (400, "invalid_field"));

    chain
        .send(&ALICE.open_escrow(1, "job_1", 10_000))
        .await
        .ok();
    chain.comet.make_block().await;
    let claim = MINER.claim(1, "job_1");
    let answer = chain.post_text("/rpc/submitReceipt", claim.to_wire()).await;
    assert_eq!(answer.ok()["txHash"], hash_of(&claim).to_string());
}

#[tokio::test]
async fn fees_are_estimated_as_they_are_required() {
    let chain = Chain::start().await;
    let tx = ALICE.transfer(1, BOB, 250);
    let json: Value = serde_json::from_slice(&tx.to_wire()).unwrap();
    let body = json!({"type": "TRANSFER", "payload": json["payload"]});
    let fee = chain.post("/rpc/estimateFee", &body).await.ok();
    let bytes = json["payload"].to_string().len() as u64;
    let required = 2 + (100 * bytes).div_ceil(1024);
    assert_eq!(fee, json!({"fee": required, "recommended": required}));

    let claim = MINER.claim(1, "job_1");
    let json: Value = serde_json::from_slice(&claim.to_wire()).unwrap();
    let body = json!({"type": "RECEIPT_CLAIM", "payload": json["payload"]});
    let fee = chain.post("/rpc/estimateFee", &body).await.ok();
    assert_eq!(fee, json!({"fee": claim.fee, "recommended": claim.fee}));
}

#[tokio::test]
async fn a_record_is_estimated_unless_the_sender_has_it() {
    let chain = Chain::start().await;
    chain
        .send(&ALICE.stake(1, 1_000_000, ALICE_CONSENSUS))
        .await
        .ok();
    chain.comet.make_block().await;
    let question = |sender: Option<Key>| {
        let mut body = json!({"type": "STAKE", "payload": {"amount": 1_000_000}});
        if let Some(sender) = sender {
            body["sender"] = json!(sender.address());
        }
        body
    };
    let required = 2 + (100 * json!({"amount": 1_000_000}).to_string().len() as u64).div_ceil(1024);
    for (sender, fee) in [
        (None, required + 1_000),
        (Some(BOB), required + 1_000),
        (Some(ALICE), required),
    ] {
        let answer = chain.post("/rpc/estimateFee", &question(sender)).await.ok();
        assert_eq!(answer["fee"], fee);
    }
    for bad in [
        json!({"type": "STAKE", "payload": {"amount": 1}, "sender": null}),
        json!({"type": "STAKE", "payload": {"amount": 1}, "sender": "alice"}),
        json!({"type": "STAKE", "payload": {"amount": 0}}),
        json!({"type": "STAKE"}),
        json!({"type": "STAKE", "payload": {"amount": 1}, "fee": 1}),
    ] {
        let answer = chain.post("/rpc/estimateFee", &bad).await;
        assert_eq!(answer.refusal(), (400, "invalid_field"), "{bad}");
    }
}

#[tokio::test]
async fn simulation_shows_what_would_change_and_changes_nothing() {
    let chain = Chain::start().await;
    let body = json!({
        "type": "ESCROW_OPEN", "sender": ALICE.address(),
        "payload": {
            "job_id": "job_1", "coordinator": crate::harness::keys::COORDINATOR.address(),
            "amount": 5_000, "ttl_blocks": 10,
        },
    });
    let answer = chain.post("/rpc/simulate", &body).await.ok();
    assert_eq!(answer["code"], 0);
    let fee = answer["fee"].as_u64().unwrap();
    assert_eq!(answer["required_fee"], fee);
    assert_eq!(answer["balances"][0]["before"], 1_000_000_000);
    assert_eq!(answer["balances"][0]["after"], 1_000_000_000 - 5_000 - fee);
    assert_eq!(answer["escrows"][0]["before"], Value::Null);
    assert_eq!(answer["escrows"][0]["after"]["remaining"], 5_000);
    assert_eq!(chain.balance(ALICE).await, 1_000_000_000);

    let body = json!({
        "type": "TRANSFER", "sender": ALICE.address(),
        "payload": {"to": BOB.address(), "amount": 2_000_000_000_u64},
    });
    let answer = chain.post("/rpc/simulate", &body).await.ok();
    assert_eq!(
        (answer["code"].as_u64(), &answer["codespace"]),
        (Some(30), &json!("bank"))
    );
}

#[tokio::test]
async fn no_fee_is_estimated_for_a_param_that_there_is_not() {
    let chain = Chain::start().await;
    let payload = json!({"key": "no_such_param", "value": null});
    let asked = json!({"type": "PARAM_UPDATE", "payload": payload});
    let answer = chain.post("/rpc/estimateFee", &asked).await;
    assert_eq!(answer.refusal(), (422, "unknown_param"));
}
