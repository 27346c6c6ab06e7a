//! `ATTESTATION_EQUIVOCATION`: which two attestations of a coordinator contradict each other, and what
//! is no evidence.

use ait_testkit::{
    actors::{Actor, alice, arbiter, bob, coordinator, miner, witness},
    chain::{Chain, Setup},
    draft::Draft,
    work::{Says, Work},
};
use ait_tests::scenes::{refused, with_attesters, with_escrow, with_opening};
use serde_json::{Value, json};

const BOND: u64 = 100_001;

/// A chain with an escrow of Alice's opened in block 1, whose coordinator bonded in block 2.
fn bonded(setup: &Setup) -> (Chain, Work) {
    let (mut chain, work) = with_escrow(setup, 60_000);
    let tx = chain.bond(&coordinator(), BOND);
    assert_eq!(chain.commit([tx]).names(), [""]);
    (chain, work)
}

fn good(work: &Work) -> Value {
    work.attested_by(&coordinator(), work.opened_height)
}

fn denial(work: &Work) -> Value {
    work.denied_by(&coordinator())
}

/// Bob's evidence that the coordinator both attested and denied a receipt.
fn evidence(chain: &Chain, work: &Work) -> Draft {
    chain.equivocation(&bob(), (work, &good(work)), (work, &denial(work)))
}

#[test]
fn good_and_damning_of_one_receipt_contradict_each_other() {
    let (chain, work) = bonded(&Setup::default());
    let praise = work.praise();
    let damning = [
        work.denial(),
        Says {
            quote_price: praise.quote_price - 1,
            ..praise
        },
        Says {
            quote_units: 0,
            paid: false,
            ..praise
        },
    ];
    for says in damning {
        let other = work.answered_by(&coordinator(), 1, says);
        let orders = [
            chain.equivocation(&bob(), (&work, &good(&work)), (&work, &other)),
            chain.equivocation(&bob(), (&work, &other), (&work, &good(&work))),
        ];
        for tx in orders {
            let block = chain.clone().commit([tx]);
            assert_eq!(block.names(), [""], "{says:?}");
            assert_eq!(block.events("coordinator_suspended").len(), 1);
        }
    }
}

#[test]
fn two_good_ones_of_different_receipts_contradict_each_other_where_only_one_can_be_paid() {
    let (mut chain, work) = bonded(&Setup::default());
    let digger = Actor::named("digger");
    let of_another = chain.work(&alice(), "job_42", &digger, "rcpt_7f3a");
    for other in [work.named("other"), work.costing(2_500, 49_999), of_another] {
        let tx = chain.equivocation(&bob(), (&work, &good(&work)), (&other, &good(&other)));
        assert_eq!(chain.clone().commit([tx]).names(), [""], "{other:?}");
    }
    let tx = chain.equivocation(&bob(), (&work, &good(&work)), (&work, &good(&work)));
    refused(&mut chain, tx, "no_contradiction");
}

#[test]
fn of_a_partial_escrow_many_receipts_may_be_good() {
    let (mut chain, work) = with_opening(&Setup::default(), |chain| {
        chain
            .open(&alice(), "job_42", 60_000, 100)
            .with("partial", true)
    });
    let other = work.named("other");
    let tx = chain.equivocation(&bob(), (&work, &good(&work)), (&other, &good(&other)));
    refused(&mut chain, tx, "no_contradiction");
    let tx = evidence(&chain, &work);
    assert_eq!(
        chain.commit([tx]).names(),
        [""],
        "but none good and damning"
    );
}

#[test]
fn what_can_both_be_true_is_no_contradiction() {
    let (mut chain, work) = bonded(&Setup::default());
    let praise = work.praise();
    let answered = |says: Says| work.answered_by(&coordinator(), 1, says);
    let generous = answered(Says {
        quote_price: praise.quote_price + 1,
        ..praise
    });
    let unpaid = answered(Says {
        paid: false,
        ..praise
    });
    let spent = answered(Says {
        not_double_spent: false,
        ..praise
    });
    let other = work.named("other");
    type Said<'a> = (&'a Work, Value);
    let pairs: [(Said<'_>, Said<'_>); 6] = [
        ((&work, good(&work)), (&work, generous)),
        ((&work, good(&work)), (&work, unpaid.clone())),
        ((&work, good(&work)), (&work, spent)),
        ((&work, unpaid), (&work, denial(&work))),
        ((&work, good(&work)), (&other, denial(&other))),
        ((&work, denial(&work)), (&other, denial(&other))),
    ];
    for ((one, answer), (another, other_answer)) in pairs {
        let tx = chain.equivocation(&bob(), (one, &answer), (another, &other_answer));
        refused(&mut chain, tx, "no_contradiction");
    }
}

#[test]
fn a_coordinator_is_convicted_once_in_an_opening_and_again_in_another() {
    let (mut chain, work) = bonded(&Setup::default());
    let tx = chain.open(&alice(), "job_43", 60_000, 100);
    chain.commit([tx]);
    let tx = evidence(&chain, &work);
    chain.commit([tx]);
    let convicted = json!([coordinator().address().to_string()]);
    assert_eq!(chain.escrow(&alice(), "job_42")["convicted"], convicted);
    let tx = evidence(&chain, &work.named("other"));
    refused(&mut chain, tx, "already_convicted");
    let elsewhere = chain.work(&alice(), "job_43", &miner(), "rcpt");
    let tx = evidence(&chain, &elsewhere);
    assert_eq!(chain.commit([tx]).names(), [""]);
    let half = BOND - BOND / 2;
    assert_eq!(chain.coordinator(&coordinator())["bond"], half - half / 2);
}

#[test]
fn each_coordinator_of_an_escrow_is_convicted_for_itself() {
    let (mut chain, work) = with_attesters(&Setup::default(), 3);
    let mut all = vec![];
    for who in [witness(), coordinator()] {
        let (good, denial) = (work.attested_by(&who, 1), work.denied_by(&who));
        let tx = chain.equivocation(&bob(), (&work, &good), (&work, &denial));
        assert_eq!(chain.commit([tx]).names(), [""]);
        all.push(who.address());
    }
    all.sort();
    let expected: Vec<String> = all.iter().map(ToString::to_string).collect();
    assert_eq!(
        chain.escrow(&alice(), "job_42")["convicted"],
        json!(expected)
    );
}

#[test]
fn evidence_is_of_one_coordinator_of_the_escrow() {
    let (mut chain, work) = with_attesters(&Setup::default(), 2);
    let stranger = Actor::named("stranger");
    for (one, other) in [
        (coordinator(), arbiter()),
        (arbiter(), coordinator()),
        (stranger.clone(), stranger.clone()),
        (coordinator(), stranger),
    ] {
        let good = work.attested_by(&one, 1);
        let denial = work.denied_by(&other);
        let tx = chain.equivocation(&bob(), (&work, &good), (&work, &denial));
        refused(&mut chain, tx, "not_its_coordinator");
    }
}

#[test]
fn evidence_is_rightly_signed_for_this_chain_and_this_opening() {
    let (mut chain, work) = bonded(&Setup::default());
    let elsewhere = Work {
        chain_id: "other-chain".into(),
        ..work.clone()
    };
    for wrong in [
        work.answered_with(&coordinator(), &bob(), 1, work.denial()),
        denial(&elsewhere),
        work.opened_in(2).denied_by(&coordinator()),
        denial(&work.named("other")),
    ] {
        for (a, b) in [(good(&work), wrong.clone()), (wrong, good(&work))] {
            let tx = chain.equivocation(&bob(), (&work, &a), (&work, &b));
            refused(&mut chain, tx, "invalid_attestation");
        }
    }
}

#[test]
fn evidence_names_an_opening_that_the_record_shows() {
    let setup = Setup::default().param("escrow_max_ttl_blocks", 1_000);
    let (mut chain, work) = bonded(&setup);
    let nowhere = Work {
        job_id: "none".into(),
        ..work.clone()
    };
    let tx = evidence(&chain, &nowhere);
    refused(&mut chain, tx, "escrow_not_found");
    let tx = evidence(&chain, &work.opened_in(2));
    refused(&mut chain, tx, "wrong_opening");
    let tx = chain.release(&coordinator(), &alice(), "job_42");
    chain.commit([tx]);
    // As long as the record is there.
    chain.advance_to(900);
    let tx = evidence(&chain, &work);
    assert_eq!(chain.clone().commit([tx]).names(), [""]);
    chain.advance_to(1_100);
    let tx = evidence(&chain, &work);
    refused(&mut chain, tx, "escrow_not_found");
}

#[test]
fn evidence_of_a_settled_escrow_counts_for_ever() {
    let (mut chain, work) = bonded(&Setup::default());
    let claim = chain.claim(&miner(), &work);
    chain.commit([claim]);
    chain.advance_to(300);
    let other = work.named("other");
    let tx = chain.equivocation(&bob(), (&work, &good(&work)), (&other, &good(&other)));
    assert_eq!(chain.commit([tx]).names(), [""]);
}
