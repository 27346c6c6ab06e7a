//! Offences: claims that a miner should never have sent, and the ban that follows them.

use ait_testkit::{
    actors::{Actor, alice, bob, coordinator, miner},
    chain::{Chain, Setup},
    draft::Draft,
    work::{Says, Work},
};
use ait_tests::scenes::{miner_with_money, refused};
use serde_json::{Value, json};

/// A chain with escrows of Alice's for jobs `a` to `f`.
fn with_escrows(setup: &Setup) -> Chain {
    let mut chain = setup.start();
    let opens: Vec<_> = ["a", "b", "c", "d", "e", "f"]
        .iter()
        .zip(0..)
        .map(|(job, n)| chain.open(&alice(), job, 60_000, 10_000).later(n))
        .collect();
    assert_eq!(chain.commit(opens).codes(), [0; 6]);
    chain
}

fn work(chain: &Chain, job: &str) -> Work {
    chain.work(&alice(), job, &miner(), &format!("rcpt_{job}"))
}

fn answered(chain: &Chain, job: &str, says: Says) -> Draft {
    let work = work(chain, job);
    let answer = work.answered_by(&coordinator(), 1, says);
    chain.claim_with(&miner(), &work, Some(&answer))
}

fn damned(chain: &Chain, job: &str) -> Draft {
    answered(chain, job, work(chain, job).denial())
}

fn good(chain: &Chain, job: &str) -> Draft {
    chain.claim(&miner(), &work(chain, job))
}

/// A claim for job `a` whose signature is for job `b`; it names its opening.
fn misigned(chain: &Chain) -> Draft {
    let signed_elsewhere = work(chain, "b").signed_by(&miner());
    let answer = work(chain, "a").attested_by(&coordinator(), 1);
    let payload = work(chain, "a").claim(&signed_elsewhere, Some(&answer));
    let claim = chain.draft(&miner(), "RECEIPT_CLAIM", payload);
    chain.priced(claim.with("opened_height", 1))
}

fn record(chain: &Chain) -> Value {
    chain
        .record(&format!("/miner/{}", miner().address()))
        .unwrap_or(Value::Null)
}

#[test]
fn every_damning_answer_is_an_offence() {
    let setup = miner_with_money().param("offence_limit", 100);
    let mut chain = with_escrows(&setup);
    let praise = work(&chain, "a").praise();
    let answers = [
        Says {
            exists: false,
            ..praise
        },
        Says {
            quote_price: praise.quote_price - 1,
            ..praise
        },
        Says {
            quote_units: praise.quote_units - 1,
            ..praise
        },
        Says {
            exists: false,
            paid: false,
            not_double_spent: false,
            quote_price: 0,
            quote_units: 0,
        },
    ];
    for (count, says) in (1..).zip(answers) {
        let claim = answered(&chain, "a", says);
        let block = chain.commit([claim]);
        assert_eq!(block.code_name(0), "attestation_negative", "{says:?}");
        assert_eq!(record(&chain)["offences"], count);
    }
    assert_eq!(chain.escrow(&alice(), "a")["status"], "open");
    assert_eq!(chain.supply()["minted"], 0);
}

#[test]
fn what_is_not_in_the_miners_hands_is_no_offence() {
    let mut chain = with_escrows(&miner_with_money());
    let praise = work(&chain, "a").praise();
    for says in [
        Says {
            paid: false,
            ..praise
        },
        Says {
            not_double_spent: false,
            ..praise
        },
    ] {
        let claim = answered(&chain, "a", says);
        refused(&mut chain, claim, "attestation_negative");
    }
}

#[test]
fn a_wrong_miner_signature_for_the_opening_that_the_claim_names_is_an_offence() {
    let mut chain = with_escrows(&miner_with_money());
    let claim = misigned(&chain);
    let block = chain.commit([claim]);
    assert_eq!(block.names(), ["invalid_miner_signature"]);
    assert_eq!(record(&chain)["offences"], 1);
    let receipt = chain.record(&format!("/receipt/{}/rcpt_a", miner().address()));
    assert_eq!(receipt, None, "it refuses no receipt");
}

#[test]
fn a_wrong_miner_signature_is_none_where_the_claim_names_no_opening_or_one_of_its_own_block() {
    let mut chain = with_escrows(&miner_with_money());
    let mut silent = misigned(&chain);
    silent
        .payload
        .as_object_mut()
        .unwrap()
        .remove("opened_height");
    let silent = chain.priced(silent);
    refused(&mut chain, silent, "invalid_miner_signature");
    let height = chain.height() + 1;
    let fresh = chain
        .work(&alice(), "fresh", &miner(), "rcpt")
        .opened_in(height);
    let signed_elsewhere = fresh.named("other").signed_by(&miner());
    let claim = chain.claim_naming(&miner(), &fresh, None);
    let claim = claim
        .with("miner_sig", signed_elsewhere)
        .with("attestation", fresh.attested_by(&coordinator(), height));
    let txs = [
        chain.open(&alice(), "fresh", 60_000, 100),
        chain.priced(claim),
    ];
    let block = chain.commit(txs);
    assert_eq!(block.names(), ["", "invalid_miner_signature"]);
    assert_eq!(record(&chain), Value::Null);
}

#[test]
fn a_paid_receipt_claimed_again_is_an_offence_after_twenty_blocks() {
    for (later, code, offences) in [
        (1, "receipt_already_claimed", 0),
        (20, "receipt_already_claimed", 0),
        (21, "receipt_replayed", 1),
        (100, "receipt_replayed", 1),
    ] {
        let mut chain = with_escrows(&miner_with_money());
        let claim = good(&chain, "a");
        let paid = chain.commit([claim]).height;
        chain.advance_to(paid + later - 1);
        // Whatever else the claim says: its receipt was paid.
        let replay = work(&chain, "b").named("rcpt_a").costing(1, 1);
        let claim = chain.claim(&miner(), &replay);
        assert_eq!(chain.commit([claim]).names(), [code], "{later}");
        assert_eq!(record(&chain)["offences"], offences, "{later}");
        assert_eq!(chain.receipt(&miner(), "rcpt_a")["status"], "paid");
    }
}

#[test]
fn bad_luck_is_no_offence() {
    let mut chain = with_escrows(&miner_with_money());
    let digger = Actor::named("digger");
    let taken = chain.work(&alice(), "a", &digger, "rcpt_b");
    let claim = chain.claim(&digger, &taken);
    assert_eq!(chain.commit([claim]).codes(), [0]);
    let forged = work(&chain, "c").attested_by(&bob(), 1);
    let elsewhere = work(&chain, "e").opened_in(7);
    let txs = [
        // The escrow was settled.
        chain.claim(&miner(), &work(&chain, "a")),
        // There never was one.
        chain.claim(&miner(), &work(&chain, "nowhere")),
        // The attestation is not the coordinator's.
        chain.claim_with(&miner(), &work(&chain, "c"), Some(&forged)),
        // The escrow is too small.
        chain.claim(&miner(), &work(&chain, "d").costing(1, 60_001)),
        // It was opened again.
        chain
            .claim_naming(&miner(), &elsewhere, None)
            .with("attestation", forged),
    ];
    let txs = txs
        .into_iter()
        .zip(0..)
        .map(|(tx, n)| chain.priced(tx).later(n));
    let block = chain.commit(txs.collect::<Vec<_>>());
    let expected = [
        "escrow_closed",
        "escrow_not_found",
        "invalid_attestation",
        "escrow_too_small",
        "wrong_opening",
    ];
    assert_eq!(block.names(), expected);
    assert_eq!(record(&chain), Value::Null);
}

#[test]
fn an_escrow_that_changed_earlier_in_the_block_is_no_offence_of_the_miner() {
    let mut chain = with_escrows(&miner_with_money());
    let txs = [
        chain.release(&coordinator(), &alice(), "a"),
        chain.open(&alice(), "a", 60_000, 10),
        damned(&chain, "a"),
        chain.release(&coordinator(), &alice(), "b").later(1),
        damned(&chain, "b").later(1),
    ];
    let block = chain.commit(txs);
    assert_eq!(block.code_name(2), "invalid_miner_signature");
    assert_eq!(block.code_name(4), "escrow_closed");
    assert_eq!(record(&chain), Value::Null);
}

#[test]
fn an_offence_pays_the_required_fee_and_one_that_cannot_has_no_place_in_a_block() {
    let fee = damned(&with_escrows(&Setup::default()), "a").fee;
    let setup = Setup::default().balance(&miner(), fee);
    let mut chain = with_escrows(&setup);
    let claim = damned(&chain, "a");
    let block = chain.commit([claim]);
    assert_eq!(
        (block.code_name(0), block.fee(0)),
        ("attestation_negative", fee)
    );
    assert_eq!(chain.balance(miner().address()), 0);
    let claim = damned(&chain, "a");
    let refusal = chain.reject([claim.clone()]);
    assert_eq!(refusal.code.name(), "attestation_negative");
    chain.finalize([claim]);
    assert_eq!(record(&chain)["offences"], 1);
}

#[test]
fn enough_offences_ban_a_miner_until_the_ban_ends_by_itself() {
    let setup = miner_with_money()
        .param("offence_limit", 3)
        .param("ban_blocks", 5);
    let mut chain = with_escrows(&setup);
    for job in ["a", "b"] {
        let claim = damned(&chain, job);
        let block = chain.commit([claim]);
        assert!(block.events("banned").is_empty());
    }
    // The third and a good one behind it, in block 4.
    let txs = [damned(&chain, "c"), good(&chain, "d").later(1)];
    let block = chain.commit(txs);
    assert_eq!(block.height, 4);
    assert_eq!(block.code_name(1), "miner_banned");
    let event = block.events("banned")[0];
    assert_eq!(event.get("miner"), Some(&*miner().address().to_string()));
    assert_eq!(event.get("until"), Some("9"));
    assert_eq!(record(&chain)["banned_until"], 9);
    // A banned miner's claims fail whatever they are, and are no offences.
    chain.advance_to(8);
    let txs = [good(&chain, "d"), damned(&chain, "e").later(1)];
    let block = chain.commit(txs);
    assert_eq!(block.height, 9);
    assert_eq!(block.names(), ["miner_banned", "miner_banned"]);
    assert_eq!(record(&chain)["offences"], 3);
    let claim = good(&chain, "d");
    assert_eq!(chain.commit([claim]).code_name(0), "", "block 10");
}

#[test]
fn offences_out_of_the_window_do_not_add_up() {
    let setup = miner_with_money()
        .param("offence_limit", 2)
        .param("offence_window_blocks", 5);
    for (second, banned) in [(6, true), (7, false)] {
        let mut chain = with_escrows(&setup);
        let claim = damned(&chain, "a");
        assert_eq!(chain.commit([claim]).height, 2);
        chain.advance_to(second - 1);
        let claim = damned(&chain, "b");
        let block = chain.commit([claim]);
        assert_eq!(!block.events("banned").is_empty(), banned, "block {second}");
        assert_eq!(record(&chain)["offences"], 2, "all are counted for ever");
        let recent = if banned { json!([2, 6]) } else { json!([7]) };
        assert_eq!(record(&chain)["recent_offences"], recent);
    }
}

#[test]
fn after_a_ban_offences_within_the_window_still_count() {
    let setup = miner_with_money()
        .param("offence_limit", 2)
        .param("offence_window_blocks", 100)
        .param("ban_blocks", 3);
    let mut chain = with_escrows(&setup);
    let txs = [damned(&chain, "a"), damned(&chain, "b").later(1)];
    let block = chain.commit(txs);
    assert_eq!((block.height, block.events("banned").len()), (2, 1));
    chain.advance_to(5);
    let claim = damned(&chain, "c");
    let block = chain.commit([claim]);
    assert_eq!(block.events("banned")[0].get("until"), Some("9"));
}

#[test]
fn an_offence_halves_the_work_that_counts() {
    let mut chain = with_escrows(&miner_with_money());
    let tx = chain.first_stake(&miner(), &Actor::named("miner's key"), 10);
    chain.commit([tx]);
    let claim = chain.claim(&miner(), &work(&chain, "a").costing(25, 50_000));
    chain.commit([claim]);
    assert_eq!(record(&chain)["epoch_units"], 25);
    chain.advance_to(10);
    let claim = chain.claim(&miner(), &work(&chain, "b").costing(7, 50_000));
    chain.commit([claim]);
    let before = record(&chain);
    assert_eq!(
        (&before["score"], &before["epoch_units"]),
        (&json!(25), &json!(7))
    );
    let claim = damned(&chain, "c");
    chain.commit([claim]);
    let after = record(&chain);
    assert_eq!(
        (&after["score"], &after["epoch_units"]),
        (&json!(12), &json!(3))
    );
    assert_eq!(after["units_total"], before["units_total"]);
}

#[test]
fn only_the_offender_is_banned() {
    let setup = miner_with_money().param("offence_limit", 1);
    let mut chain = with_escrows(&setup);
    let claim = damned(&chain, "a");
    assert_eq!(chain.commit([claim]).events("banned").len(), 1);
    let digger = Actor::named("digger");
    let work = chain.work(&alice(), "b", &digger, "rcpt_digger");
    let claim = chain.claim(&digger, &work);
    assert_eq!(chain.commit([claim]).codes(), [0]);
    assert_eq!(record(&chain)["receipts"], json!(0));
}

#[test]
fn a_ban_bars_claims_and_nothing_else() {
    let setup = miner_with_money().param("offence_limit", 1);
    let mut chain = with_escrows(&setup);
    let claim = damned(&chain, "a");
    chain.commit([claim]);
    let txs = [
        chain.transfer(&miner(), &alice(), 1),
        chain.open(&miner(), "own", 5_000, 10).later(1),
        chain
            .first_stake(&miner(), &Actor::named("miner's key"), 10)
            .later(2),
    ];
    assert_eq!(chain.commit(txs).names(), ["", "", ""]);
}

#[test]
fn an_honest_proposer_keeps_an_offence_whose_fee_can_be_paid_and_leaves_other_failures_out() {
    let setup = Setup::default().balance(&miner(), 1_000);
    let chain = with_escrows(&setup);
    let offence = damned(&chain, "a").wire();
    let poor = Actor::named("poor miner");
    let work = chain.work(&alice(), "b", &poor, "rcpt_poor");
    let claim = chain.claim_with(&poor, &work, Some(&work.denied_by(&coordinator())));
    let unpayable = claim.wire();
    let failing = chain.transfer(&alice(), &alice(), 1).wire();
    let fine = chain.transfer(&bob(), &alice(), 1).wire();
    let candidates = [offence.clone(), unpayable, failing, fine.clone()].map(|wire| (wire, None));
    assert_eq!(chain.propose(&candidates), [offence, fine]);
}
