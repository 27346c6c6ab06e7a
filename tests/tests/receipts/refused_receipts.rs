//! Receipts that a coordinator denied: what is kept of them, and what takes their place.

use ait_testkit::{
    actors::{alice, arbiter, bob, coordinator, miner},
    chain::Chain,
    draft::Draft,
    work::Work,
};
use ait_tests::scenes::{miner_with_money, with_attesters, with_escrow};
use serde_json::json;

fn damned(chain: &Chain, work: &Work) -> Draft {
    chain.claim_with(&miner(), work, Some(&work.denied_by(&coordinator())))
}

fn commit(chain: &mut Chain, tx: Draft) -> &'static str {
    chain.commit([tx]).code_name(0)
}

/// A chain on which the miner's receipt was refused in block 2.
fn refused() -> (Chain, Work) {
    let (mut chain, work) = with_escrow(&miner_with_money(), 60_000);
    let tx = damned(&chain, &work);
    assert_eq!(commit(&mut chain, tx), "attestation_negative");
    (chain, work)
}

#[test]
fn a_refused_receipt_is_kept_with_what_it_asked_for() {
    let (mut chain, work) = with_escrow(&miner_with_money(), 60_000);
    let tx = damned(&chain, &work);
    let hash = ait_app::tx::TxHash::of(&tx.wire()).to_string();
    let block = chain.commit([tx]);
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
        "minted": 0,
        "limited_by": null,
        "status": "refused",
        "height": 2,
        "tx_hash": hash,
    });
    assert_eq!(chain.receipt(&miner(), "rcpt_7f3a"), expected);
    let event = block.events("receipt_refused")[0];
    for (name, value) in [
        ("receipt_id", "rcpt_7f3a".to_owned()),
        ("job_id", "job_42".into()),
        ("miner", miner().address().to_string()),
        ("client", alice().address().to_string()),
        ("coordinator", coordinator().address().to_string()),
    ] {
        assert_eq!(event.get(name), Some(&*value), "{name}");
    }
}

#[test]
fn a_second_denial_of_it_is_a_second_offence_and_writes_it_anew() {
    let (mut chain, work) = refused();
    let tx = damned(&chain, &work.costing(1, 40_000));
    assert_eq!(commit(&mut chain, tx), "attestation_negative");
    let miner_record = chain.miner(&miner());
    assert_eq!(miner_record["offences"], 2);
    assert_eq!(miner_record["recent_offences"], json!([2, 3]));
    let receipt = chain.receipt(&miner(), "rcpt_7f3a");
    assert_eq!(
        (&receipt["height"], &receipt["price"]),
        (&json!(3), &json!(40_000))
    );
}

#[test]
fn good_attestations_still_pay_it_and_take_its_offence_out_of_the_window() {
    let (mut chain, work) = refused();
    chain.advance_to(50);
    let tx = chain.claim(&miner(), &work);
    assert_eq!(commit(&mut chain, tx), "");
    let receipt = chain.receipt(&miner(), "rcpt_7f3a");
    assert_eq!(
        (&receipt["status"], &receipt["height"]),
        (&json!("paid"), &json!(51))
    );
    let record = chain.miner(&miner());
    assert_eq!(record["recent_offences"], json!([]));
    assert_eq!(record["offences"], 1, "ever");
    assert_eq!(record["receipts"], 1);
}

#[test]
fn of_several_offences_of_its_height_one_goes() {
    let (mut chain, work) = with_escrow(&miner_with_money(), 60_000);
    let txs = [
        damned(&chain, &work),
        damned(&chain, &work.named("other")).later(1),
    ];
    chain.commit(txs);
    assert_eq!(chain.miner(&miner())["recent_offences"], json!([2, 2]));
    let tx = chain.claim(&miner(), &work);
    commit(&mut chain, tx);
    assert_eq!(chain.miner(&miner())["recent_offences"], json!([2]));
}

#[test]
fn other_work_under_its_name_replaces_it_and_keeps_its_offence() {
    let (chain, work) = refused();
    let mut elsewhere = chain.clone();
    let tx = elsewhere.open(&alice(), "job_43", 60_000, 100);
    elsewhere.commit([tx]);
    let other_job = elsewhere.work(&alice(), "job_43", &miner(), "rcpt_7f3a");
    let other_output = Work {
        output_hash: format!("sha256:{}", "ab".repeat(32)),
        ..work.clone()
    };
    for other in [
        other_job,
        other_output,
        work.costing(2_499, 50_000),
        work.costing(2_500, 49_999),
    ] {
        let mut chain = elsewhere.clone();
        let tx = chain.claim(&miner(), &other);
        assert_eq!(commit(&mut chain, tx), "", "{other:?}");
        let record = chain.miner(&miner());
        assert_eq!(record["recent_offences"], json!([2]), "{other:?}");
        let receipt = chain.receipt(&miner(), "rcpt_7f3a");
        assert_eq!(receipt["status"], "paid");
        assert_eq!(receipt["job_id"], other.job_id);
    }
}

#[test]
fn the_same_work_for_another_opening_is_other_work() {
    let (mut chain, work) = refused();
    let tx = chain.release(&coordinator(), &alice(), "job_42");
    chain.commit([tx]);
    let tx = chain.open(&alice(), "job_42", 60_000, 100);
    chain.commit([tx]);
    let tx = chain.claim(&miner(), &work.opened_in(4));
    assert_eq!(commit(&mut chain, tx), "");
    assert_eq!(chain.miner(&miner())["recent_offences"], json!([2]));
}

#[test]
fn a_ban_that_runs_does_not_end_with_the_offence() {
    let setup = miner_with_money()
        .param("offence_limit", 1)
        .param("ban_blocks", 3);
    let (mut chain, work) = with_escrow(&setup, 60_000);
    let tx = damned(&chain, &work);
    commit(&mut chain, tx);
    assert_eq!(chain.miner(&miner())["banned_until"], 5);
    let tx = chain.claim(&miner(), &work);
    assert_eq!(commit(&mut chain, tx), "miner_banned");
    chain.advance_to(5);
    let tx = chain.claim(&miner(), &work);
    assert_eq!(commit(&mut chain, tx), "");
    assert_eq!(
        chain.miner(&miner())["banned_until"],
        5,
        "it stays in the record"
    );
}

#[test]
fn a_refused_receipt_is_no_replay_however_old_it_is() {
    let (mut chain, work) = refused();
    chain.advance_to(100);
    let tx = damned(&chain, &work);
    assert_eq!(commit(&mut chain, tx), "attestation_negative");
}

#[test]
fn a_paid_receipt_is_never_refused() {
    let (mut chain, work) = with_escrow(&miner_with_money(), 60_000);
    let tx = chain.claim(&miner(), &work);
    commit(&mut chain, tx);
    let tx = damned(&chain, &work);
    assert_eq!(commit(&mut chain, tx), "receipt_already_claimed");
    let denial = [work.denied_by(&coordinator())];
    let tx = chain.report(&bob(), &miner(), &work, &denial);
    assert_eq!(commit(&mut chain, tx), "receipt_already_claimed");
    assert_eq!(chain.receipt(&miner(), "rcpt_7f3a")["status"], "paid");
}

#[test]
fn two_of_three_pay_what_a_reported_receipt_asked_for() {
    let (mut chain, work) = with_attesters(&miner_with_money(), 2);
    let denials = [work.denied_by(&coordinator()), work.denied_by(&arbiter())];
    let report = chain.report(&bob(), &miner(), &work, &denials);
    let report = report.with("miner_pubkey", miner().pubkey().to_string());
    let report = chain.priced(report);
    assert_eq!(commit(&mut chain, report), "");
    assert_eq!(chain.receipt(&miner(), "rcpt_7f3a")["status"], "refused");
    // One of them thinks better of it.
    let claim = chain.claim_by(
        &miner(),
        &work,
        &[&arbiter(), &ait_testkit::actors::witness()],
    );
    assert_eq!(commit(&mut chain, claim), "");
    assert_eq!(chain.receipt(&miner(), "rcpt_7f3a")["status"], "paid");
    assert_eq!(chain.miner(&miner())["recent_offences"], json!([]));
}
