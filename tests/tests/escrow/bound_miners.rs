//! `ESCROW_ASSIGN` and miners named at the opening: a stranger who gets an attestation first takes
//! nothing from the miner that an escrow is bound to.

use ait_testkit::{
    actors::{Actor, alice, arbiter, bob, coordinator, miner},
    chain::{Chain, Setup},
    work::{Says, Work},
};
use ait_tests::scenes::{
    POCKET_MONEY, miner_with_money, refused, with_attesters, with_escrow, with_opening,
};

fn digger() -> Actor {
    Actor::named("digger")
}

/// The usual setup; both the miner and its rival can pay for failures.
fn setup() -> Setup {
    miner_with_money().balance(&digger(), POCKET_MONEY)
}

/// A chain with an escrow that is bound to the miner since its opening.
fn named() -> (Chain, Work) {
    with_opening(&setup(), |chain| {
        let miner = miner().address().to_string();
        chain
            .open(&alice(), "job_42", 60_000, 1_000)
            .with("miner", miner)
    })
}

#[test]
fn only_the_miner_that_the_opening_named_may_claim() {
    let (mut chain, work) = named();
    let stolen = chain.work(&alice(), "job_42", &digger(), "rcpt");
    let claim = chain.claim(&digger(), &stolen);
    refused(&mut chain, claim, "bound_to_another_miner");
    let claim = chain.claim(&miner(), &work);
    assert_eq!(chain.commit([claim]).names(), [""]);
}

#[test]
fn an_opening_tells_whom_it_names() {
    let mut chain = setup().start();
    let tx = chain
        .open(&alice(), "job", 60_000, 100)
        .with("miner", miner().address().to_string());
    let tx = chain.priced(tx);
    let block = chain.commit([tx]);
    let event = block.events("escrow_opened")[0];
    assert_eq!(event.get("miner"), Some(&*miner().address().to_string()));
}

#[test]
fn a_miner_that_the_opening_named_is_never_replaced() {
    let (mut chain, _) = named();
    for other in [digger(), miner()] {
        let tx = chain.assign(&alice(), "job_42", &other);
        refused(&mut chain, tx, "miner_fixed");
    }
}

#[test]
fn the_coordinator_binds_a_miner_and_from_then_on_that_one_alone_may_claim() {
    let (mut chain, work) = with_escrow(&setup(), 60_000);
    let tx = chain.assign(&alice(), "job_42", &miner());
    let block = chain.commit([tx]);
    assert_eq!(block.names(), [""]);
    let escrow = chain.escrow(&alice(), "job_42");
    assert_eq!(escrow["miner"], miner().address().to_string());
    assert_eq!(escrow["assigned"], true);
    let event = block.events("escrow_assigned")[0];
    for (name, value) in [
        ("job_id", "job_42".to_owned()),
        ("client", alice().address().to_string()),
        ("coordinator", coordinator().address().to_string()),
        ("miner", miner().address().to_string()),
    ] {
        assert_eq!(event.get(name), Some(&*value), "{name}");
    }
    let stolen = chain.work(&alice(), "job_42", &digger(), "rcpt");
    let claim = chain.claim(&digger(), &stolen);
    refused(&mut chain, claim, "bound_to_another_miner");
    let claim = chain.claim(&miner(), &work);
    assert_eq!(chain.commit([claim]).names(), [""]);
}

#[test]
fn a_binding_holds_from_its_turn_in_the_block_on() {
    let (chain, work) = with_escrow(&setup(), 60_000);
    let stolen = chain.work(&alice(), "job_42", &digger(), "rcpt");
    let assign = chain.assign(&alice(), "job_42", &miner());
    let rival = chain.claim(&digger(), &stolen);
    let honest = chain.claim(&miner(), &work);
    let block = chain
        .clone()
        .commit([assign.clone(), rival.clone(), honest.clone()]);
    assert_eq!(block.names(), ["", "bound_to_another_miner", ""]);
    let block = chain.clone().commit([rival, assign, honest]);
    assert_eq!(block.names(), ["", "escrow_closed", "escrow_closed"]);
}

#[test]
fn only_the_escrows_coordinator_assigns() {
    let (mut chain, _) = with_attesters(&setup().balance(&arbiter(), POCKET_MONEY), 1);
    for sender in [alice(), bob(), miner(), arbiter()] {
        let payload = chain.assign(&alice(), "job_42", &miner()).payload;
        let tx = chain.draft(&sender, "ESCROW_ASSIGN", payload);
        refused(&mut chain, tx, "not_the_coordinator");
    }
    let tx = chain.assign(&alice(), "job_42", &miner());
    assert_eq!(chain.commit([tx]).names(), [""]);
}

#[test]
fn a_lone_coordinator_may_assign_another_miner() {
    for threshold in [None, Some(1)] {
        let (mut chain, _) = match threshold {
            None => with_escrow(&setup(), 60_000),
            Some(threshold) => with_attesters(&setup(), threshold),
        };
        let first = chain.assign(&alice(), "job_42", &digger());
        let second = chain.assign(&alice(), "job_42", &miner()).later(1);
        assert_eq!(chain.commit([first, second]).names(), ["", ""]);
        let escrow = chain.escrow(&alice(), "job_42");
        assert_eq!(escrow["miner"], miner().address().to_string());
    }
}

#[test]
fn with_a_threshold_above_one_an_assignment_is_for_good() {
    let (mut chain, _) = with_attesters(&setup(), 2);
    let tx = chain.assign(&alice(), "job_42", &miner());
    assert_eq!(chain.commit([tx]).names(), [""]);
    for other in [digger(), miner()] {
        let tx = chain.assign(&alice(), "job_42", &other);
        refused(&mut chain, tx, "miner_fixed");
    }
}

#[test]
fn assigning_names_what_is_not_there_or_not_open_before_who_may() {
    let (mut chain, work) = with_escrow(&setup(), 60_000);
    let by_bob = |chain: &Chain, job: &str| {
        let payload = chain.assign(&alice(), job, &miner()).payload;
        chain.draft(&bob(), "ESCROW_ASSIGN", payload)
    };
    let tx = by_bob(&chain, "none");
    refused(&mut chain, tx, "escrow_not_found");
    let claim = chain.claim(&miner(), &work);
    chain.commit([claim]);
    let tx = by_bob(&chain, "job_42");
    refused(&mut chain, tx, "escrow_closed");
}

#[test]
fn a_lone_coordinator_releases_a_bound_escrow_and_one_of_several_does_not() {
    for (threshold, code) in [(1, ""), (2, "miner_bound"), (3, "miner_bound")] {
        let (mut chain, _) = with_attesters(&setup(), threshold);
        let tx = chain.assign(&alice(), "job_42", &miner());
        chain.commit([tx]);
        let tx = chain.release(&coordinator(), &alice(), "job_42");
        assert_eq!(chain.commit([tx]).names(), [code]);
    }
    // While nobody is bound, nobody's work is lost.
    let (mut chain, _) = with_attesters(&setup(), 3);
    let tx = chain.release(&coordinator(), &alice(), "job_42");
    assert_eq!(chain.commit([tx]).names(), [""]);
}

#[test]
fn an_attestation_of_a_strangers_claim_does_not_ban_the_bound_miner() {
    // The coordinator attested a stranger first, and calls the miner's own claim a second spending.
    let setup = setup().param("offence_limit", 1);
    let (mut chain, work) = with_escrow(&setup, 60_000);
    let tx = chain.assign(&alice(), "job_42", &miner());
    chain.commit([tx]);
    let says = Says {
        not_double_spent: false,
        ..work.praise()
    };
    let answer = work.answered_by(&coordinator(), 1, says);
    let claim = chain.claim_with(&miner(), &work, Some(&answer));
    refused(&mut chain, claim, "attestation_negative");
    let claim = chain.claim(&miner(), &work);
    assert_eq!(chain.commit([claim]).names(), [""]);
}
