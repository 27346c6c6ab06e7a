//! `RECEIPT_REPORT`: a miner that keeps an empty account does not escape its offences, and nobody becomes
//! an offender but by its own signature and by as many coordinators as can keep it from being paid.

use ait_testkit::{
    actors::{Actor, alice, arbiter, bob, coordinator, miner, validator, witness},
    chain::{Chain, Setup},
    draft::Draft,
    work::{Says, Work},
};
use ait_tests::scenes::{refused, three, with_attesters, with_escrow, with_opening};
use serde_json::{Value, json};

/// Bob's report, with the miner's key, which the chain does not know yet.
fn report(chain: &Chain, work: &Work, answers: &[Value]) -> Draft {
    let tx = chain.report(&bob(), &miner(), work, answers);
    chain.priced(tx.with("miner_pubkey", miner().pubkey().to_string()))
}

fn denial(work: &Work) -> Value {
    work.denied_by(&coordinator())
}

fn escrow() -> (Chain, Work) {
    with_escrow(&Setup::default(), 60_000)
}

fn offences(chain: &Chain) -> u64 {
    chain
        .record(&format!("/miner/{}", miner().address()))
        .map_or(0, |record| record["offences"].as_u64().unwrap())
}

#[test]
fn a_denied_receipt_of_a_miner_without_money_becomes_its_offence() {
    let (mut chain, work) = escrow();
    let tx = report(&chain, &work, &[denial(&work)]);
    let hash = ait_app::tx::TxHash::of(&tx.wire()).to_string();
    let block = chain.commit([tx]);
    assert_eq!(block.names(), [""]);
    assert_eq!(offences(&chain), 1);
    let receipt = chain.receipt(&miner(), "rcpt_7f3a");
    assert_eq!(receipt["status"], "refused");
    assert_eq!(receipt["tx_hash"], hash);
    assert_eq!(receipt["miner_sig"], work.signed_by(&miner()));
    assert_eq!(block.events("receipt_refused").len(), 1);
    assert_eq!(chain.balance(miner().address()), 0);
    assert_eq!(chain.escrow(&alice(), "job_42")["status"], "open");
}

#[test]
fn enough_reports_ban_the_miner() {
    let setup = Setup::default().param("offence_limit", 2);
    let (mut chain, work) = with_escrow(&setup, 60_000);
    let other = work.named("other");
    let txs = [
        report(&chain, &work, &[denial(&work)]),
        report(&chain, &other, &[denial(&other)]).later(1),
    ];
    let block = chain.commit(txs);
    assert_eq!(block.names(), ["", ""]);
    assert_eq!(block.events("banned").len(), 1);
    let claim = chain.claim(&miner(), &work.named("third"));
    let (block, _) = chain.finalize([claim]);
    assert_eq!(block.names(), ["miner_banned"]);
}

#[test]
fn anybody_reports_the_coordinator_and_the_miner_too() {
    for sender in [alice(), bob(), coordinator(), miner()] {
        let setup = Setup::default().balance(&miner(), 10_000);
        let (mut chain, work) = with_escrow(&setup, 60_000);
        let payload = report(&chain, &work, &[denial(&work)]).payload;
        let tx = chain.draft(&sender, "RECEIPT_REPORT", payload);
        assert_eq!(chain.commit([tx]).names(), [""], "{}", sender.name);
    }
}

#[test]
fn a_report_pays_the_record_fee() {
    let (chain, work) = escrow();
    let tx = report(&chain, &work, &[denial(&work)]);
    let by_size = 2 + (100 * tx.payload_bytes()).div_ceil(1024);
    assert_eq!(tx.fee, by_size + 1_000);
    let refusal = chain.reject([tx.clone().fee(by_size + 999)]);
    assert_eq!(refusal.code.name(), "fee_too_low");
    let mut chain = chain;
    let before = chain.balance(validator().address());
    chain.commit([tx]);
    assert_eq!(
        chain.balance(validator().address()),
        before + by_size + 1_000
    );
}

#[test]
fn a_miners_key_that_the_chain_knows_needs_not_be_named() {
    let setup = Setup::default().balance(&miner(), 10_000);
    let (mut chain, work) = with_escrow(&setup, 60_000);
    let tx = chain.report(&bob(), &miner(), &work, &[denial(&work)]);
    refused(&mut chain, tx, "miner_key_unknown");
    let tx = chain.transfer(&miner(), &bob(), 1);
    chain.commit([tx]);
    let tx = chain.report(&bob(), &miner(), &work, &[denial(&work)]);
    assert_eq!(chain.commit([tx]).names(), [""]);
}

#[test]
fn as_many_coordinators_must_damn_as_can_keep_the_receipt_from_being_paid() {
    for (threshold, needed) in [(1, 3), (2, 2), (3, 1)] {
        let (chain, work) = with_attesters(&Setup::default(), threshold);
        let all: Vec<Value> = three().iter().map(|who| work.denied_by(who)).collect();
        for count in 1..=3 {
            let mut chain = chain.clone();
            let tx = report(&chain, &work, &all[..count]);
            let enough = count >= needed;
            if enough {
                assert_eq!(chain.commit([tx]).names(), [""]);
                assert_eq!(offences(&chain), 1);
            } else {
                refused(&mut chain, tx, "too_few_attestations");
            }
        }
    }
}

#[test]
fn a_report_may_name_them_in_any_order_and_each_once() {
    let (chain, work) = with_attesters(&Setup::default(), 2);
    let [first, second] = [coordinator(), arbiter()].map(|who| work.denied_by(&who));
    let tx = report(&chain, &work, &[second.clone(), first.clone()]);
    assert_eq!(chain.clone().commit([tx]).names(), [""]);
    let mut chain = chain;
    let tx = report(&chain, &work, &[first.clone(), first]);
    refused(&mut chain, tx, "invalid_attestation");
}

#[test]
fn a_report_needs_the_escrow_of_that_opening() {
    let (mut chain, work) = escrow();
    let nowhere = Work {
        job_id: "none".into(),
        ..work.clone()
    };
    let tx = report(&chain, &nowhere, &[denial(&nowhere)]);
    refused(&mut chain, tx, "escrow_not_found");
    let later = work.opened_in(2);
    let tx = report(&chain, &later, &[denial(&later)]);
    refused(&mut chain, tx, "wrong_opening");
    // Reopened, the earlier opening is gone.
    let tx = chain.release(&coordinator(), &alice(), "job_42");
    chain.commit([tx]);
    let tx = chain.open(&alice(), "job_42", 60_000, 100);
    chain.commit([tx]);
    let tx = report(&chain, &work, &[denial(&work)]);
    refused(&mut chain, tx, "wrong_opening");
}

#[test]
fn a_closed_escrow_is_reported_on_for_the_window_of_offences() {
    for (later, code) in [(10, ""), (11, "report_too_late")] {
        let setup = Setup::default().param("offence_window_blocks", 10);
        let (mut chain, work) = with_escrow(&setup, 60_000);
        let tx = chain.release(&coordinator(), &alice(), "job_42");
        let closed = chain.commit([tx]).height;
        chain.advance_to(closed + later - 1);
        let tx = report(&chain, &work, &[denial(&work)]);
        assert_eq!(chain.commit([tx]).names(), [code]);
    }
}

#[test]
fn another_receipt_of_a_settled_escrow_can_be_reported() {
    let (mut chain, work) = escrow();
    let claim = chain.claim(&miner(), &work);
    chain.commit([claim]);
    let other = work.named("other");
    let tx = report(&chain, &other, &[denial(&other)]);
    assert_eq!(chain.commit([tx]).names(), [""]);
}

#[test]
fn a_report_of_a_deleted_escrow_finds_none() {
    let setup = Setup::default().param("escrow_max_ttl_blocks", 3);
    let (mut chain, work) = with_opening(&setup, |chain| chain.open(&alice(), "job_42", 60_000, 3));
    chain.advance_to(7);
    let tx = report(&chain, &work, &[denial(&work)]);
    refused(&mut chain, tx, "escrow_not_found");
}

#[test]
fn a_receipt_is_reported_once() {
    let (mut chain, work) = escrow();
    let tx = report(&chain, &work, &[denial(&work)]);
    chain.commit([tx]);
    let tx = report(&chain, &work, &[denial(&work)]);
    refused(&mut chain, tx, "receipt_already_refused");
    assert_eq!(offences(&chain), 1);
}

#[test]
fn nobody_is_reported_for_a_receipt_that_it_never_signed() {
    let (mut chain, work) = escrow();
    for signer in [bob(), coordinator()] {
        let payload = work.report(&work.signed_by(&signer), &[denial(&work)]);
        let tx = chain
            .draft(&bob(), "RECEIPT_REPORT", payload)
            .with("miner_pubkey", miner().pubkey().to_string());
        let tx = chain.priced(tx);
        refused(&mut chain, tx, "invalid_miner_signature");
    }
    let dearer = work.costing(2_500, 60_000);
    let payload = dearer.report(&work.signed_by(&miner()), &[denial(&dearer)]);
    let tx = chain
        .draft(&bob(), "RECEIPT_REPORT", payload)
        .with("miner_pubkey", miner().pubkey().to_string());
    let tx = chain.priced(tx);
    refused(&mut chain, tx, "invalid_miner_signature");
    assert_eq!(offences(&chain), 0);
}

#[test]
fn only_the_escrows_coordinators_damn() {
    let stranger = Actor::named("stranger");
    let setup = Setup::default().coordinators(&[&coordinator(), &stranger]);
    let (mut chain, work) = with_escrow(&setup, 60_000);
    let elsewhere = Work {
        chain_id: "other-chain".into(),
        ..work.clone()
    };
    for answer in [
        work.denied_by(&stranger),
        denial(&work.named("other")),
        denial(&elsewhere),
        work.answered_with(&coordinator(), &stranger, 1, work.denial()),
        work.opened_in(2).denied_by(&coordinator()),
    ] {
        let tx = report(&chain, &work, &[answer]);
        refused(&mut chain, tx, "invalid_attestation");
    }
}

#[test]
fn what_does_not_blame_the_miner_does_not_damn() {
    let (mut chain, work) = escrow();
    let praise = work.praise();
    for says in [
        praise,
        Says {
            paid: false,
            ..praise
        },
        Says {
            not_double_spent: false,
            paid: false,
            ..praise
        },
    ] {
        let answer = work.answered_by(&coordinator(), 1, says);
        let tx = report(&chain, &work, &[answer]);
        refused(&mut chain, tx, "not_damning");
    }
}

#[test]
fn the_attestations_are_judged_one_by_one_and_their_number_last() {
    let (mut chain, work) = with_attesters(&Setup::default(), 1);
    let mild = work.answered_by(&coordinator(), 1, work.praise());
    let forged = work.answered_with(&arbiter(), &bob(), 1, work.denial());
    let damning = work.denied_by(&witness());
    let cases = [
        (vec![mild.clone(), forged.clone()], "not_damning"),
        (vec![forged, mild.clone()], "invalid_attestation"),
        (vec![damning.clone(), mild], "not_damning"),
        (vec![damning], "too_few_attestations"),
    ];
    for (answers, code) in cases {
        let tx = report(&chain, &work, &answers);
        refused(&mut chain, tx, code);
    }
}

#[test]
fn the_checks_of_a_report_come_in_their_order() {
    // Paid, of a miner that the chain does not know, unsigned and not attested.
    let setup = Setup::default().param("offence_window_blocks", 5);
    let (mut chain, work) = with_escrow(&setup, 60_000);
    let claim = chain.claim(&miner(), &work);
    chain.commit([claim]);
    let digger = Actor::named("digger");
    let of = |miner: &Actor, change: &dyn Fn(Work) -> Work| {
        let work = change(chain.work(&alice(), "job_42", miner, "rcpt_7f3a"));
        let forged = work.answered_by(&bob(), work.opened_height, work.praise());
        let payload = work.report(&"00".repeat(64), &[forged]);
        chain.draft(&bob(), "RECEIPT_REPORT", payload)
    };
    let same = |work: Work| work;
    let cases = [
        (of(&miner(), &|work| work.opened_in(9)), "wrong_opening"),
        (of(&miner(), &same), "receipt_already_claimed"),
        (of(&digger, &same), "miner_key_unknown"),
        (
            of(&digger, &same).with("miner_pubkey", digger.pubkey().to_string()),
            "invalid_miner_signature",
        ),
    ];
    let late = of(&miner(), &same);
    for (tx, code) in cases {
        let mut chain = chain.clone();
        let tx = chain.priced(tx);
        refused(&mut chain, tx, code);
    }
    chain.advance_to(10);
    refused(&mut chain, late, "report_too_late");
}

#[test]
fn a_report_takes_nothing_from_anybody_and_pays_nobody() {
    let (mut chain, work) = escrow();
    let before: Vec<Value> = ["minted", "burned", "escrows"]
        .map(|name| chain.supply()[name].clone())
        .to_vec();
    let tx = report(&chain, &work, &[denial(&work)]);
    chain.commit([tx]);
    let after = ["minted", "burned", "escrows"].map(|name| chain.supply()[name].clone());
    assert_eq!(json!(before), json!(after));
}
