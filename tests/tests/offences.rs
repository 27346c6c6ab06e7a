//! Offences: claims that a miner should never have sent, and the ban that follows them.

use ait_tests::{
    actors::{Actor, alice, bob, coordinator, miner},
    chain::{Chain, Setup},
    draft::Draft,
    work::{Says, Work},
};
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

fn negative(chain: &Chain, job: &str) -> Draft {
    let work = work(chain, job);
    let says = Says {
        paid: false,
        ..work.praise()
    };
    let answer = work.answered_by(&coordinator(), 1, says);
    chain.claim_with(&miner(), &work, Some(&answer))
}

fn good(chain: &Chain, job: &str) -> Draft {
    chain.claim(&miner(), &work(chain, job))
}

fn record(chain: &Chain) -> Value {
    chain
        .record(&format!("/miner/{}", miner().address()))
        .unwrap_or(Value::Null)
}

#[test]
fn every_way_of_being_negative_is_an_offence() {
    let setup = Setup::default().param("offence_limit", 100);
    let mut chain = with_escrows(&setup);
    let praise = work(&chain, "a").praise();
    let answers = [
        Says {
            exists: false,
            ..praise
        },
        Says {
            paid: false,
            ..praise
        },
        Says {
            not_double_spent: false,
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
    ];
    for (count, says) in (1..).zip(answers) {
        let work = work(&chain, "a");
        let answer = work.answered_by(&coordinator(), 1, says);
        let claim = chain.claim_with(&miner(), &work, Some(&answer));
        let block = chain.commit([claim]);
        assert_eq!(block.code_name(0), "attestation_negative", "{says:?}");
        assert_eq!(record(&chain)["offences"], count);
    }
    assert_eq!(chain.escrow(&alice(), "a")["status"], "open");
    assert_eq!(chain.supply()["minted"], 0);
}

#[test]
fn a_wrong_miner_signature_and_a_replay_are_offences() {
    let mut chain = with_escrows(&Setup::default());
    let signed_elsewhere = work(&chain, "b").signed_by(&miner());
    let answer = work(&chain, "a").attested_by(&coordinator(), 1);
    let payload = work(&chain, "a").claim(&signed_elsewhere, Some(&answer));
    let claim = chain.draft(&miner(), "RECEIPT_CLAIM", payload);
    assert_eq!(
        chain.commit([claim]).code_name(0),
        "invalid_miner_signature"
    );
    assert_eq!(record(&chain)["offences"], 1);

    let claim = good(&chain, "a");
    assert_eq!(chain.commit([claim]).code_name(0), "");
    let replay = work(&chain, "b").named("rcpt_a");
    let claim = chain.claim(&miner(), &replay);
    assert_eq!(chain.commit([claim]).code_name(0), "receipt_replayed");
    assert_eq!(record(&chain)["offences"], 2);
}

#[test]
fn bad_luck_is_no_offence() {
    let mut chain = with_escrows(&Setup::default());
    let digger = Actor::named("digger");
    let taken = chain.work(&alice(), "a", &digger, "rcpt_b");
    let claim = chain.claim(&digger, &taken);
    assert_eq!(chain.commit([claim]).codes(), [0]);
    let forged = work(&chain, "c").attested_by(&bob(), 1);
    let txs = [
        // Somebody else took the receipt id.
        good(&chain, "b"),
        // The escrow was settled.
        chain.claim(&miner(), &work(&chain, "a")).later(1),
        // There never was one.
        chain.claim(&miner(), &work(&chain, "nowhere")).later(2),
        // The attestation is not the coordinator's.
        chain
            .claim_with(&miner(), &work(&chain, "c"), Some(&forged))
            .later(3),
        // The escrow is too small.
        chain
            .claim(&miner(), &work(&chain, "d").costing(1, 60_000))
            .later(4),
    ];
    let block = chain.commit(txs);
    let names: Vec<_> = (0..5).map(|i| block.code_name(i)).collect();
    let expected = [
        "receipt_already_claimed",
        "escrow_closed",
        "escrow_not_found",
        "invalid_attestation",
        "escrow_too_small",
    ];
    assert_eq!(names, expected);
    assert_eq!(record(&chain), Value::Null);
}

#[test]
fn an_escrow_that_changed_earlier_in_the_block_is_no_offence_of_the_miner() {
    let mut chain = with_escrows(&Setup::default());
    let txs = [
        chain.release(&coordinator(), &alice(), "a"),
        chain.open(&alice(), "a", 60_000, 10),
        negative(&chain, "a"),
        chain.release(&coordinator(), &alice(), "b").later(1),
        negative(&chain, "b").later(1),
    ];
    let block = chain.commit(txs);
    assert_eq!(block.code_name(2), "invalid_attestation");
    assert_eq!(block.code_name(4), "escrow_closed");
    assert_eq!(record(&chain), Value::Null);
}

#[test]
fn an_offence_pays_what_the_miner_has_of_its_fee() {
    let setup = Setup::default().balance(&miner(), 30);
    let mut chain = with_escrows(&setup);
    let claim = negative(&chain, "a");
    assert!(claim.fee > 30);
    let block = chain.commit([claim]);
    assert_eq!(block.result(0).fee, 30);
    assert_eq!(chain.balance(miner().address()), 0);
    let claim = negative(&chain, "a");
    let block = chain.commit([claim]);
    assert_eq!(
        (block.code_name(0), block.result(0).fee),
        ("attestation_negative", 0)
    );
}

#[test]
fn enough_offences_ban_a_miner_until_the_ban_ends_by_itself() {
    let setup = Setup::default()
        .param("offence_limit", 3)
        .param("ban_blocks", 5);
    let mut chain = with_escrows(&setup);
    for job in ["a", "b"] {
        let claim = negative(&chain, job);
        let block = chain.commit([claim]);
        assert!(block.events("banned").is_empty());
    }
    // The third and a good one behind it, in block 4.
    let txs = [negative(&chain, "c"), good(&chain, "d").later(1)];
    let block = chain.commit(txs);
    assert_eq!(block.height, 4);
    assert_eq!(block.code_name(1), "miner_banned");
    let event = block.events("banned")[0];
    assert_eq!(event.get("miner"), Some(&*miner().address().to_string()));
    assert_eq!(event.get("until"), Some("9"));
    assert_eq!(record(&chain)["banned_until"], 9);
    // A banned miner's claims fail whatever they are, and are no offences.
    chain.advance_to(8);
    let txs = [good(&chain, "d"), negative(&chain, "e").later(1)];
    let block = chain.commit(txs);
    assert_eq!(block.height, 9);
    assert_eq!(
        (block.code_name(0), block.code_name(1)),
        ("miner_banned", "miner_banned")
    );
    assert_eq!(record(&chain)["offences"], 3);
    let claim = good(&chain, "d");
    assert_eq!(chain.commit([claim]).code_name(0), "", "block 10");
}

#[test]
fn offences_out_of_the_window_do_not_add_up() {
    let setup = Setup::default()
        .param("offence_limit", 2)
        .param("offence_window_blocks", 5);
    for (second, banned) in [(6, true), (7, false)] {
        let mut chain = with_escrows(&setup);
        let claim = negative(&chain, "a");
        assert_eq!(chain.commit([claim]).height, 2);
        chain.advance_to(second - 1);
        let claim = negative(&chain, "b");
        let block = chain.commit([claim]);
        assert_eq!(!block.events("banned").is_empty(), banned, "block {second}");
        assert_eq!(record(&chain)["offences"], 2, "all are counted for ever");
    }
}

#[test]
fn after_a_ban_offences_within_the_window_still_count() {
    let setup = Setup::default()
        .param("offence_limit", 2)
        .param("offence_window_blocks", 100)
        .param("ban_blocks", 3);
    let mut chain = with_escrows(&setup);
    let txs = [negative(&chain, "a"), negative(&chain, "b").later(1)];
    let block = chain.commit(txs);
    assert_eq!((block.height, block.events("banned").len()), (2, 1));
    chain.advance_to(5);
    let claim = negative(&chain, "c");
    let block = chain.commit([claim]);
    assert_eq!(block.events("banned")[0].get("until"), Some("9"));
}

#[test]
fn only_the_offender_is_banned() {
    let setup = Setup::default().param("offence_limit", 1);
    let mut chain = with_escrows(&setup);
    let claim = negative(&chain, "a");
    assert_eq!(chain.commit([claim]).events("banned").len(), 1);
    let digger = Actor::named("digger");
    let work = chain.work(&alice(), "b", &digger, "rcpt_digger");
    let claim = chain.claim(&digger, &work);
    assert_eq!(chain.commit([claim]).codes(), [0]);
    assert_eq!(record(&chain)["receipts"], json!(0));
}

#[test]
fn an_honest_proposer_keeps_an_offence_whose_fee_can_be_paid_and_leaves_other_failures_out() {
    let setup = Setup::default().balance(&miner(), 1_000);
    let chain = with_escrows(&setup);
    let offence = negative(&chain, "a").wire();
    let poor = Actor::named("poor miner");
    let work = chain.work(&alice(), "b", &poor, "rcpt_poor");
    let says = Says {
        paid: false,
        ..work.praise()
    };
    let answer = work.answered_by(&coordinator(), 1, says);
    let unpayable = chain.claim_with(&poor, &work, Some(&answer)).wire();
    let failing = chain.transfer(&alice(), &alice(), 1).wire();
    let fine = chain.transfer(&bob(), &alice(), 1).wire();
    let candidates = [offence.clone(), unpayable, failing, fine.clone()].map(|wire| (wire, None));
    assert_eq!(chain.propose(&candidates), [offence, fine]);
}
