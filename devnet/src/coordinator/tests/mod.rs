//! The mock coordinator over HTTP, against a node that says what each test wants.

mod setup;

use std::sync::Arc;

use ait_app::{
    address::Address,
    escrow::record::{Binding, EscrowStatus},
    quantity::Height,
    receipts::attestation::Answer,
};
use ait_client::{AssignRequest, Assigned};
use serde_json::{Value, json};

use self::setup::*;
use super::state::Policy;

#[tokio::test]
async fn a_receipt_is_attested_with_the_coordinator_s_signature() {
    let setup = setup().await;
    let receipt = receipt("r-1", 500);
    let attestation = setup.ask(&receipt, |_| {}).await.unwrap();
    assert_eq!(attestation.answer(&receipt.terms), Answer::Good);
    assert_eq!(attestation.coordinator, setup.address);
    let chain = "ait-devnet".parse().unwrap();
    let signed = attestation.sign_bytes(&chain, &receipt.terms);
    assert!(setup.key.public_key().verifies(&signed, &attestation.sig));
}

#[tokio::test]
async fn no_two_answers_contradict_each_other_also_after_restarts() {
    let mut setup = setup().await;
    let (first, second, damned) = (
        receipt("r-1", 500),
        receipt("r-2", 500),
        receipt("r-3", 801),
    );
    let good = setup.ask(&first, |_| {}).await.unwrap();
    assert_eq!(good.answer(&first.terms), Answer::Good);
    let bad = setup.ask(&damned, |_| {}).await.unwrap();
    assert_eq!(bad.answer(&damned.terms), Answer::Damning);
    for _ in 0..2 {
        assert_eq!(setup.ask(&first, |_| {}).await, Ok(good.clone()));
        assert_eq!(setup.ask(&damned, |_| {}).await, Ok(bad.clone()));
        assert_eq!(
            setup.ask(&second, |_| {}).await,
            denied(409, "other_receipt")
        );
        let other = receipt_of(8, "r-1", 500);
        assert_eq!(setup.ask(&other, |_| {}).await, denied(409, "taken"));
        setup.restart().await;
        // What the chain shows by now changes no answer that was given.
        setup.change_escrow(|escrow| {
            escrow.status = EscrowStatus::Settled {
                closed_height: Height::constant(20),
            }
        });
        assert_eq!(setup.ask(&first, |_| {}).await, Ok(good.clone()));
        setup.change_escrow(|escrow| *escrow = open_escrow());
    }
}

#[tokio::test]
async fn many_at_once_get_no_more_than_one_good_answer() {
    let setup = Arc::new(setup().await);
    let mut asking = tokio::task::JoinSet::new();
    for i in 0..20 {
        let setup = setup.clone();
        asking.spawn(async move { setup.ask(&receipt(&format!("r-{i}"), 500), |_| {}).await });
    }
    let answers = asking.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    let mut refused = answers.into_iter().filter_map(Result::err);
    assert!(refused.all(|refusal| refusal == (409, "other_receipt".to_owned())));
}

#[tokio::test]
async fn parts_of_a_partial_job_are_attested_up_to_what_remains_and_what_was_quoted() {
    let setup = setup().await;
    setup.change_escrow(|escrow| escrow.partial = true);
    for id in ["r-1", "r-2"] {
        let part = receipt(id, 400);
        let answer = setup.ask(&part, |_| {}).await.unwrap();
        assert_eq!(answer.answer(&part.terms), Answer::Good, "{id}");
    }
    let beyond = setup.ask(&receipt("r-3", 1), |_| {}).await;
    assert_eq!(beyond, denied(409, "quote_used_up"));
}

#[tokio::test]
async fn nothing_is_signed_for_a_wrong_miner_signature_or_chain() {
    let setup = setup().await;
    let receipt = receipt("r-1", 500);
    let other = key(8).public_key();
    for (name, value, code) in [
        (
            "miner_sig",
            json!("00".repeat(64)),
            "invalid_miner_signature",
        ),
        ("price", json!(499), "invalid_miner_signature"),
        ("opened_height", json!(18), "invalid_miner_signature"),
        ("miner_pubkey", json!(other), "miner_mismatch"),
        ("chain_id", json!("other"), "wrong_chain_id"),
    ] {
        let refused = setup.ask(&receipt, |body| body[name] = value).await;
        assert_eq!(refused, denied(400, code), "{name}");
    }
    let refused = setup.ask(&receipt, |body| body["price"] = json!("1")).await;
    assert_eq!(refused, denied(400, "invalid_field"));
    let huge = "x".repeat(20_000);
    let refused = setup
        .ask(&receipt, |body| body["extra"] = json!(huge))
        .await;
    assert_eq!(refused, denied(413, "too_large"));
}

#[tokio::test]
async fn what_it_cannot_know_yet_is_neither_attested_nor_denied_for_good() {
    let setup = setup().await;
    let receipt = receipt("r-1", 500);
    setup.node.lock().unwrap().height = 16;
    let too_early = setup.ask(&receipt, |_| {}).await;
    assert_eq!(too_early, denied(409, "height_unknown"));
    setup.node.lock().unwrap().height = 17;
    setup.node.lock().unwrap().escrow = None;
    let unknown = setup.ask(&receipt, |_| {}).await;
    assert_eq!(unknown, denied(409, "escrow_unknown"));
    setup.node.lock().unwrap().escrow = Some(open_escrow());
    setup.change_escrow(|escrow| escrow.opened_height = Height::constant(16));
    let unknown = setup.ask(&receipt, |_| {}).await;
    assert_eq!(unknown, denied(409, "escrow_unknown"));
    setup.change_escrow(|escrow| *escrow = open_escrow());
    assert!(setup.ask(&receipt, |_| {}).await.unwrap().paid);
}

#[tokio::test]
async fn an_escrow_of_other_coordinators_or_another_key_is_not_attested() {
    let setup = setup().await;
    setup.change_escrow(|escrow| escrow.attesters[0].key = key(8).public_key());
    let refused = setup.ask(&receipt("r-1", 500), |_| {}).await;
    assert_eq!(refused, denied(400, "not_our_escrow"));
    setup.change_escrow(|escrow| escrow.attesters[0].address = address(8));
    let refused = setup.ask(&receipt("r-1", 500), |_| {}).await;
    assert_eq!(refused, denied(400, "not_our_escrow"));
    assert_eq!(
        setup.want(MINER).await,
        Err((400, "not_our_escrow".to_owned()))
    );
}

#[tokio::test]
async fn a_miner_s_key_comes_with_the_request_or_from_the_chain() {
    let setup = setup().await;
    let receipt = receipt("r-1", 500);
    let without_key = |body: &mut Value| {
        body.as_object_mut().unwrap().remove("miner_pubkey");
    };
    let unknown = setup.ask(&receipt, without_key).await;
    assert_eq!(unknown, denied(409, "miner_key_unknown"));
    setup.node.lock().unwrap().miner_key = Some(key(MINER).public_key().to_string());
    let attested = setup.ask(&receipt, without_key).await.unwrap();
    assert_eq!(attested.answer(&receipt.terms), Answer::Good);
}

#[tokio::test]
async fn six_fields_get_the_facts_and_no_signature() {
    let setup = setup().await;
    let body = json!({
        "job_id": "job_42", "client": Address::module("client"), "miner": address(MINER),
        "price": 500, "compute_units": 10, "output_hash": format!("sha256:{}", "00".repeat(32)),
    });
    let bytes = body.to_string().into_bytes();
    let facts: Value = setup
        .coordinator
        .post("/attest/receipt", bytes)
        .await
        .unwrap();
    assert_eq!(facts["exists"], true);
    assert_eq!(facts["paid"], true);
    assert_eq!(facts["not_double_spent"], true);
    assert_eq!(facts["quote"]["price"], QUOTED);
    assert!(facts.get("sig").is_none() && facts.get("coordinator").is_none());
    // They commit to nothing.
    assert!(setup.ask(&receipt_of(8, "r-1", 600), |_| {}).await.is_ok());
}

#[tokio::test]
async fn the_first_miner_that_asks_is_bound_and_others_are_refused_also_after_a_restart() {
    let mut setup = setup().await;
    let assigned = setup.want(MINER).await.unwrap();
    assert_eq!(assigned.miner, address(MINER));
    assert!(assigned.tx_hash.is_some());
    assert!(setup.want(MINER).await.is_ok(), "asked again");
    assert_eq!(setup.want(8).await, Err((409, "taken".to_owned())));
    setup.restart().await;
    assert_eq!(setup.want(8).await, Err((409, "taken".to_owned())));
    let stolen = setup.ask(&receipt_of(8, "r-1", 500), |_| {}).await;
    assert_eq!(stolen, denied(409, "taken"));
    {
        let node = setup.node.lock().unwrap();
        let tx = &node.sent[0];
        assert_eq!(node.sent.len(), 1, "sent once");
        assert_eq!(tx["type"], "ESCROW_ASSIGN");
        assert_eq!(tx["payload"]["miner"], address(MINER).to_string());
        assert_eq!((&tx["nonce"], &tx["fee"]), (&json!(5), &json!(60)));
    }
    setup.change_escrow(|escrow| escrow.binding = Binding::Assigned(address(MINER)));
    assert_eq!(
        setup.want(MINER).await.unwrap().tx_hash,
        None,
        "the chain shows it"
    );
    setup.change_escrow(|escrow| escrow.binding = Binding::Assigned(address(8)));
    let other = setup.want(MINER).await;
    assert_eq!(other, Err((409, "bound_to_another_miner".to_owned())));
}

#[tokio::test]
async fn assignments_are_for_those_who_sign_for_them_and_only_of_open_escrows() {
    let setup = setup().await;
    let (client, job) = (Address::module("client"), "job_42".parse().unwrap());
    let opening = (client, job, Height::constant(17));
    let chain = "ait-devnet".parse().unwrap();
    let mut forged = AssignRequest::sign(&chain, &setup.address, opening, &key(8));
    forged.miner = address(MINER);
    forged.miner_pubkey = Some(key(MINER).public_key());
    let refused = setup
        .coordinator
        .post_json::<Assigned>("/assign", &forged)
        .await;
    let refused = said(refused);
    assert_eq!(refused, Err((400, "invalid_signature".to_owned())));
    setup.change_escrow(|escrow| escrow.expires_height = Height::constant(21));
    assert_eq!(
        setup.want(MINER).await,
        Err((409, "escrow_closed".to_owned()))
    );
    assert!(setup.node.lock().unwrap().sent.is_empty());
}

#[tokio::test]
async fn a_coordinator_that_assigns_nobody_says_so() {
    let setup = setup_with(Policy::None).await;
    assert_eq!(
        setup.want(MINER).await,
        Err((409, "assigns_nobody".to_owned()))
    );
    assert!(setup.ask(&receipt("r-1", 500), |_| {}).await.is_ok());
}
