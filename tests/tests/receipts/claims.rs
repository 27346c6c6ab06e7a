//! `RECEIPT_CLAIM`: what makes a receipt pay, what it pays, and that it pays once.

use ait_app::address::Address;
use ait_testkit::{
    actors::{Actor, alice, bob, coordinator, miner},
    chain::{Chain, Setup},
    work::{Says, Work},
};
use ait_tests::scenes::{miner_with_money, refused, with_escrow, with_opening};
use serde_json::json;

#[test]
fn a_miner_with_an_empty_account_can_claim() {
    let (mut chain, work) = with_escrow(&Setup::default(), 60_000);
    assert_eq!(
        chain.record(&format!("/account/{}", miner().address())),
        None
    );
    let claim = chain.claim(&miner(), &work);
    assert_eq!(chain.commit([claim]).codes(), [0]);
    assert_eq!(chain.balance(miner().address()), 2_500 * 1_000 + 50_000);
    assert_eq!(chain.nonce(miner().address()), 1);
}

#[test]
fn what_a_miner_offers_above_the_required_fee_is_its_own_to_pay() {
    let (mut chain, work) = with_escrow(&Setup::default(), 60_000);
    let claim = chain.claim(&miner(), &work);
    let required = claim.fee;
    let refusal = chain.reject([claim.clone().fee(required + 1)]);
    assert_eq!(refusal.code.name(), "fee_not_affordable");
    let says = format!("1 of the fee of {}", required + 1);
    assert!(refusal.message.contains(&says), "{refusal}");
    let refusal = chain.reject([claim.clone().fee(required - 1)]);
    assert_eq!(refusal.code.name(), "fee_too_low");
    assert_eq!(chain.commit([claim]).codes(), [0]);
}

#[test]
fn the_receipt_is_kept_with_all_that_it_paid() {
    let setup = Setup::default().param("treasury_bps", 250);
    let (mut chain, work) = with_escrow(&setup, 60_000);
    let claim = chain.claim(&miner(), &work);
    let hash = ait_app::tx::TxHash::of(&claim.wire()).to_string();
    let fee = claim.fee;
    let block = chain.commit([claim]);
    let minted = 2_500_000 + 125_000 + 62_500;
    let expected = json!({
        "receipt_id": "rcpt_7f3a",
        "job_id": "job_42",
        "client": alice().address().to_string(),
        "miner": miner().address().to_string(),
        "coordinator": coordinator().address().to_string(),
        "compute_units": 2_500,
        "price": 50_000,
        "output_hash": work.output_hash,
        "miner_sig": work.signed_by(&miner()),
        "opened_height": 1,
        "minted": minted,
        "limited_by": null,
        "status": "paid",
        "height": 2,
        "tx_hash": hash,
    });
    assert_eq!(chain.receipt(&miner(), "rcpt_7f3a"), expected);
    assert_eq!(chain.balance(Address::treasury()), 62_500);
    assert_eq!(chain.supply()["minted"], minted);
    let event = block.events("receipt_claimed")[0];
    for (name, value) in [
        ("receipt_id", "rcpt_7f3a"),
        ("job_id", "job_42"),
        ("miner", &miner().address().to_string()),
        ("client", &alice().address().to_string()),
        ("coordinator", &coordinator().address().to_string()),
        ("compute_units", "2500"),
        ("price", "50000"),
        ("minted", &minted.to_string()),
    ] {
        assert_eq!(event.get(name), Some(value), "{name}");
    }
    assert_eq!(event.get("limited_by"), None);
    let event = block.events("escrow_settled")[0];
    assert_eq!(event.get("paid"), Some("50000"));
    assert_eq!(event.get("fee"), Some(&*fee.to_string()));
    assert_eq!(event.get("returned"), Some(&*(10_000 - fee).to_string()));
    let expected = json!({
        "address": miner().address().to_string(),
        "banned_until": 0,
        "epoch": 0,
        "epoch_units": 0,
        "offences": 0,
        "receipts": 1,
        "recent_offences": [],
        "score": 0,
        "units_total": 2_500,
    });
    assert_eq!(chain.miner(&miner()), expected);
}

#[test]
fn a_settled_escrow_names_the_receipt_that_settled_it_and_stays() {
    let (mut chain, work) = with_escrow(&Setup::default(), 60_000);
    let claim = chain.claim(&miner(), &work);
    chain.commit([claim]);
    let escrow = chain.escrow(&alice(), "job_42");
    let expected = json!({"miner": miner().address().to_string(), "receipt_id": "rcpt_7f3a"});
    assert_eq!(escrow["last_receipt"], expected);
    assert_eq!(escrow["status"], "settled");
    assert_eq!(escrow["reason"], "settled");
    assert_eq!(escrow["closed_height"], 2);
    assert_eq!(escrow["deleted_height"], json!(null));
    let figures = ["amount", "remaining", "paid", "claims"].map(|name| escrow[name].clone());
    assert_eq!(figures, [60_000, 0, 50_000, 1].map(|n| json!(n)));
}

#[test]
fn a_receipt_pays_its_miner_only_once() {
    let (mut chain, work) = with_escrow(&miner_with_money(), 60_000);
    let tx = chain.open(&bob(), "job_42", 60_000, 1_000);
    chain.commit([tx]);
    let claim = chain.claim(&miner(), &work);
    assert_eq!(chain.commit([claim]).codes(), [0]);
    let again = chain.work(&bob(), "job_42", &miner(), "rcpt_7f3a");
    let claim = chain.claim(&miner(), &again);
    refused(&mut chain, claim, "receipt_already_claimed");
    assert_eq!(chain.supply()["minted"], 2_625_000);
}

#[test]
fn another_miners_receipt_of_the_same_name_is_another_receipt() {
    // A client that uses up a receipt's name in a decoy job takes nothing from the miner.
    let (mut chain, work) = with_escrow(&Setup::default(), 60_000);
    let digger = Actor::named("digger");
    let tx = chain.open(&alice(), "decoy", 1_000, 100);
    chain.commit([tx]);
    let decoy = chain
        .work(&alice(), "decoy", &digger, "rcpt_7f3a")
        .costing(1, 1);
    let txs = [chain.claim(&digger, &decoy), chain.claim(&miner(), &work)];
    assert_eq!(chain.commit(txs).names(), ["", ""]);
    assert_eq!(chain.receipt(&miner(), "rcpt_7f3a")["price"], 50_000);
    assert_eq!(chain.receipt(&digger, "rcpt_7f3a")["price"], 1);
}

#[test]
fn an_escrow_pays_only_one_receipt() {
    let (mut chain, work) = with_escrow(&miner_with_money(), 200_000);
    let claim = chain.claim(&miner(), &work);
    assert_eq!(chain.commit([claim]).codes(), [0]);
    let renamed = work.named("rcpt_other");
    let claim = chain.claim(&miner(), &renamed);
    refused(&mut chain, claim, "escrow_closed");
}

#[test]
fn two_claims_for_one_escrow_in_a_block_pay_one_of_them() {
    let (mut chain, work) = with_escrow(&miner_with_money(), 200_000);
    let before = chain.balance(miner().address());
    let digger = Actor::named("digger");
    let rival = chain.work(&alice(), "job_42", &digger, "rcpt_rival");
    let txs = [chain.claim(&digger, &rival), chain.claim(&miner(), &work)];
    let block = chain.commit(txs);
    assert_eq!(block.names(), ["", "escrow_closed"]);
    assert_eq!(
        chain.balance(miner().address()),
        before - block.fee(1),
        "the loser pays its fee and no more"
    );
}

#[test]
fn a_claim_needs_an_open_escrow_of_that_client_for_that_job() {
    let (mut chain, work) = with_escrow(&miner_with_money(), 60_000);
    for changed in [
        Work {
            job_id: "job_43".into(),
            ..work.clone()
        },
        Work {
            client: bob().address().to_string(),
            ..work.clone()
        },
    ] {
        let answer = changed.attested_by(&coordinator(), 1);
        let claim = chain.claim_with(&miner(), &changed, Some(&answer));
        refused(&mut chain, claim, "escrow_not_found");
    }
    let tx = chain.release(&coordinator(), &alice(), "job_42");
    chain.commit([tx]);
    let claim = chain.claim(&miner(), &work);
    refused(&mut chain, claim, "escrow_closed");
}

#[test]
fn the_escrow_must_hold_the_price_and_by_itself_the_required_fee() {
    let (chain, work) = with_escrow(&miner_with_money(), 60_000);
    for (price, code) in [(60_000, ""), (60_001, "escrow_too_small")] {
        let mut chain = chain.clone();
        let claim = chain.claim(&miner(), &work.costing(1, price));
        assert_eq!(chain.commit([claim]).names(), [code]);
    }
    let setup = miner_with_money()
        .param("base_fee", 10_000)
        .param("fee_per_kib", 0);
    for (amount, code) in [(10_000, ""), (9_999, "escrow_too_small")] {
        let (mut chain, work) = with_escrow(&setup, amount);
        let claim = chain.claim(&miner(), &work.costing(1, 5_000));
        assert_eq!(chain.commit([claim]).names(), [code]);
    }
}

#[test]
fn a_generous_quote_is_good_and_the_price_stays_the_receipts() {
    let (mut chain, work) = with_escrow(&Setup::default(), 60_000);
    let says = Says {
        quote_price: 1 << 50,
        quote_units: 1 << 50,
        ..work.praise()
    };
    let answer = work.answered_by(&coordinator(), 1, says);
    let claim = chain.claim_with(&miner(), &work, Some(&answer));
    assert_eq!(chain.commit([claim]).codes(), [0]);
    assert_eq!(chain.balance(miner().address()), 2_500_000 + 50_000);
}

#[test]
fn one_account_may_be_client_coordinator_and_miner_at_once() {
    let alone = coordinator();
    let mut chain = Chain::start();
    let tx = chain.open(&alone, "own", 60_000, 10);
    let opening_fee = tx.fee;
    chain.commit([tx]);
    let work = chain.work(&alone, "own", &alone, "rcpt_own");
    let claim = chain.claim(&alone, &work);
    let claim_fee = claim.fee;
    assert_eq!(chain.commit([claim]).codes(), [0]);
    let expected = 1_000_000_000 - opening_fee - claim_fee + 2_500_000 + 125_000;
    assert_eq!(chain.balance(alone.address()), expected);
}

#[test]
fn a_claim_may_name_the_opening_that_it_means() {
    let (mut chain, work) = with_escrow(&miner_with_money(), 60_000);
    for wrong in [0, 2, (1_u64 << 53) - 1] {
        let claim = chain.claim(&miner(), &work).with("opened_height", wrong);
        let claim = chain.priced(claim);
        refused(&mut chain, claim, "wrong_opening");
    }
    let claim = chain.claim(&miner(), &work).with("opened_height", 1);
    let claim = chain.priced(claim);
    assert_eq!(chain.commit([claim]).names(), [""]);
}

/// A chain on which `job_42` was opened in block 1, released in 2 and opened again in 3.
fn reopened() -> (Chain, Work) {
    let (mut chain, work) = with_escrow(&miner_with_money(), 60_000);
    let tx = chain.release(&coordinator(), &alice(), "job_42");
    chain.commit([tx]);
    let tx = chain.open(&alice(), "job_42", 60_000, 1_000);
    chain.commit([tx]);
    assert_eq!(chain.opened_height(&alice(), "job_42"), 3);
    (chain, work)
}

#[test]
fn a_receipt_for_an_earlier_opening_is_worth_nothing_in_a_later_one() {
    let (mut chain, work) = reopened();
    let claim = chain.claim(&miner(), &work).with("opened_height", 1);
    let claim = chain.priced(claim);
    refused(&mut chain, claim, "wrong_opening");
    // Kept silent, the opening is that of now, and the signature is for another.
    let claim = chain.claim(&miner(), &work);
    refused(&mut chain, claim, "invalid_miner_signature");
    let claim = chain.claim(&miner(), &work.opened_in(3));
    assert_eq!(chain.commit([claim]).names(), [""]);
}

#[test]
fn an_escrow_that_is_opened_again_under_a_claim_makes_no_offender_of_its_miner() {
    let (mut chain, work) = with_escrow(&miner_with_money(), 60_000);
    let named = chain.claim(&miner(), &work).with("opened_height", 1);
    let named = chain.priced(named);
    let txs = [
        chain.release(&coordinator(), &alice(), "job_42"),
        chain.open(&alice(), "job_42", 60_000, 1_000),
        chain.claim(&miner(), &work),
        named.later(1),
    ];
    let block = chain.commit(txs);
    let expected = ["", "", "invalid_miner_signature", "wrong_opening"];
    assert_eq!(block.names(), expected);
    let record = chain.record(&format!("/miner/{}", miner().address()));
    assert_eq!(record, None);
    // In a later block it is the client's doing as well.
    let claim = chain.claim(&miner(), &work);
    refused(&mut chain, claim, "invalid_miner_signature");
}

#[test]
fn the_checks_of_a_claim_come_in_their_order() {
    // Bound to Bob, final where it may not stand, unsigned, too dear, and not attested.
    let (chain, work) = with_opening(&miner_with_money(), |chain| {
        let miner = bob().address().to_string();
        chain
            .open(&alice(), "job_42", 60_000, 1_000)
            .with("miner", miner)
    });
    let faulty = chain
        .claim_with(&miner(), &work.costing(1, 70_000), None)
        .with("final", true)
        .with("miner_sig", "00".repeat(64))
        .with("attestations", [work.attested_by(&bob(), 1)].to_vec());
    let code = |change: &dyn Fn(ait_testkit::draft::Draft) -> ait_testkit::draft::Draft,
                free: bool| {
        let mut chain = chain.clone();
        if free {
            // The same escrow, bound to nobody.
            let tx = chain.release(&coordinator(), &alice(), "job_42");
            chain.commit([tx]);
            let tx = chain.open(&alice(), "job_42", 60_000, 1_000);
            chain.commit([tx]);
        }
        let claim = chain.priced(change(faulty.clone()));
        chain.commit([claim]).code_name(0)
    };
    let reopened = work.opened_in(3).costing(1, 70_000);
    let signed = reopened.signed_by(&miner());
    let cheap = work.opened_in(3).costing(1, 60_000);
    let without = |mut draft: ait_testkit::draft::Draft, field: &str| {
        draft.payload.as_object_mut().unwrap().remove(field);
        draft
    };
    assert_eq!(
        code(&|draft| draft.with("job_id", "none"), false),
        "escrow_not_found"
    );
    assert_eq!(
        code(&|draft| draft.with("opened_height", 7), false),
        "wrong_opening"
    );
    assert_eq!(code(&|draft| draft, false), "bound_to_another_miner");
    assert_eq!(code(&|draft| draft, true), "final_not_allowed");
    assert_eq!(
        code(&|draft| without(draft, "final"), true),
        "invalid_miner_signature"
    );
    let too_dear = |draft| without(draft, "final").with("miner_sig", signed.clone());
    assert_eq!(code(&too_dear, true), "escrow_too_small");
    let unattested = |draft| {
        without(draft, "final")
            .with("price", 60_000)
            .with("miner_sig", cheap.signed_by(&miner()))
    };
    assert_eq!(code(&unattested, true), "invalid_attestation");
}
