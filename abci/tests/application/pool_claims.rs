//! Claims in the pool: waiting for coordinators, the attestation entry, offences.

use ait_abci::limits;
use ait_app::{Code, tx::Payload};
use ait_testkit::work::Work;
use serde_json::json;

use crate::driver::{
    Comet, address, hash, key, sign, transfer, transfer_of,
    work::{
        Says, attest, attest_as, attested_claim, claim, escrow, exact_claim, opening,
        opening_with_cora, release, work,
    },
};

/// A chain with `alice`'s escrow for `job_1` open since block 1.
fn with_escrow() -> Comet {
    let mut comet = Comet::begin(&["alice", "mia"]);
    comet.submit(&escrow("alice", 1, "job_1"));
    comet.make_block();
    comet
}

#[test]
fn a_waiting_claim_is_asked_for_and_settles_when_the_answer_came() {
    let mut comet = with_escrow();
    let work = work("mia", "alice", "job_1", "r1");
    let claim = claim(&work, "mia", 1, 100);
    assert_eq!(comet.submit(&claim).code, 0);
    assert!(comet.proposal().is_empty());
    let wanted = comet.node.mempool().attestations_wanted().unwrap();
    assert_eq!(wanted.len(), 1);
    assert_eq!(Work::requested(&json!(wanted[0].request)), work);
    assert_eq!(wanted[0].request.opened_height.get(), 1);
    assert_eq!(wanted[0].coordinator, address("carol"));
    let answer = attest(&work, Says::Yes);
    comet.attestation_arrived(&hash(&claim), answer).unwrap();
    let before = comet.balance("mia");
    let block = comet.make_block();
    assert_eq!(block.len(), 2, "the attestation entry and the claim");
    assert!(block[0].0.starts_with(b"{\"attestations\":"));
    assert_eq!(block[0].1.code, 0);
    assert_eq!(Comet::code_in(&block, &claim), Some(0));
    assert!(comet.balance("mia") > before + 2_500_000);
}

#[test]
fn a_waiting_claim_blocks_nobody_but_its_successors() {
    let mut comet = with_escrow();
    let waiting = claim(&work("mia", "alice", "job_1", "r1"), "mia", 1, 9_000);
    let successor = transfer("mia", 2, 9_000);
    let other = transfer("alice", 2, 100);
    for tx in [&waiting, &successor, &other] {
        assert_eq!(comet.submit(tx).code, 0);
    }
    let block = comet.make_block();
    assert_eq!(block.len(), 1);
    assert_eq!(Comet::code_in(&block, &other), Some(0));
    assert!(comet.pool_has(&waiting) && comet.pool_has(&successor));
}

#[test]
fn an_unanswered_claim_is_dropped_after_twenty_blocks() {
    let mut comet = with_escrow();
    let waiting = claim(&work("mia", "alice", "job_1", "r1"), "mia", 1, 100);
    comet.submit(&waiting);
    for _ in 0..limits::WAITING_BLOCKS - 1 {
        comet.make_block();
    }
    assert!(comet.pool_has(&waiting));
    comet.make_block();
    assert!(!comet.pool_has(&waiting) && comet.mempool.is_empty());
}

#[test]
fn an_answer_for_another_job_or_by_another_key_is_refused_and_the_claim_waits_on() {
    let mut comet = with_escrow();
    let wanted = work("mia", "alice", "job_1", "r1");
    let claim = claim(&wanted, "mia", 1, 100);
    comet.submit(&claim);
    let other_job = attest(&work("mia", "alice", "job_2", "r1"), Says::Yes);
    let other_height = attest(&wanted.opened_in(2), Says::Yes);
    let mut other_key = attest(&wanted, Says::Yes);
    other_key.sig = key("mallory").sign(&[7; 32]);
    for answer in [other_job, other_height, other_key] {
        let refusal = comet
            .attestation_arrived(&hash(&claim), answer)
            .unwrap_err();
        assert_eq!(refusal.code, Code::InvalidAttestation);
    }
    assert_eq!(comet.node.mempool().stats().waiting_for_attestation, 1);
}

#[test]
fn a_negative_answer_puts_the_offence_into_the_block() {
    let mut comet = with_escrow();
    let work = work("mia", "alice", "job_1", "r1");
    let claim = claim(&work, "mia", 1, 100);
    comet.submit(&claim);
    comet
        .attestation_arrived(&hash(&claim), attest(&work, Says::NoSuchWork))
        .unwrap();
    let before = comet.balance("mia");
    let block = comet.make_block();
    assert_eq!(
        Comet::code_in(&block, &claim),
        Some(Code::AttestationNegative.number())
    );
    let required = exact_claim(&work, "mia", 1).fee.get();
    assert_eq!(comet.balance("mia"), before - required);
}

#[test]
fn a_negative_answer_that_cannot_be_paid_for_is_dropped() {
    let mut comet = Comet::begin(&["alice"]);
    comet.submit(&escrow("alice", 1, "job_1"));
    comet.make_block();
    let work = work("mia", "alice", "job_1", "r1");
    let claim = exact_claim(&work, "mia", 1);
    assert_eq!(comet.submit(&claim).code, 0, "an empty account can claim");
    comet
        .attestation_arrived(&hash(&claim), attest(&work, Says::NoSuchWork))
        .unwrap();
    assert!(comet.make_block().is_empty());
    assert!(!comet.pool_has(&claim) && comet.mempool.is_empty());
}

#[test]
fn a_fifth_claim_on_one_escrow_does_not_wait() {
    let mut comet = Comet::begin(&["alice"]);
    comet.submit(&escrow("alice", 1, "job_1"));
    comet.make_block();
    let codes: Vec<u32> = (0..5)
        .map(|i| {
            let miner = format!("miner {i}");
            let work = work(&miner, "alice", "job_1", &format!("r{i}"));
            comet.submit(&exact_claim(&work, &miner, 1)).code
        })
        .collect();
    assert_eq!(codes, [0, 0, 0, 0, Code::TooManyWaiting.number()]);
}

#[test]
fn only_one_of_two_answered_claims_on_an_escrow_is_proposed() {
    let mut comet = with_escrow();
    for (miner, receipt) in [("mia", "r1"), ("moe", "r2")] {
        let work = work(miner, "alice", "job_1", receipt);
        let claim = exact_claim(&work, miner, 1);
        comet.submit(&claim);
        comet
            .attestation_arrived(&hash(&claim), attest(&work, Says::Yes))
            .unwrap();
    }
    assert_eq!(comet.make_block().len(), 2, "one entry, one claim");
    comet.make_block();
    assert_eq!(comet.node.mempool().stats().transactions, 0);
}

#[test]
fn a_claim_before_its_escrow_is_parked_and_then_waits_for_its_coordinator() {
    let mut comet = Comet::begin(&["alice"]);
    let early = exact_claim(&work("mia", "alice", "job_1", "r1"), "mia", 1);
    let parked = comet.submit(&early);
    assert_eq!(parked.code, 0);
    assert!(parked.log.contains("no escrow"), "{}", parked.log);
    comet.submit(&escrow("alice", 1, "job_1"));
    comet.make_block();
    assert_eq!(comet.node.mempool().attestations_wanted().unwrap().len(), 1);
}

#[test]
fn a_proposal_whose_attestations_break_the_rule_is_rejected() {
    let mut comet = with_escrow();
    let work = work("mia", "alice", "job_1", "r1");
    let claim = claim(&work, "mia", 1, 100);
    comet.submit(&claim);
    comet
        .attestation_arrived(&hash(&claim), attest(&work, Says::Yes))
        .unwrap();
    let honest = comet.proposal();
    assert!(comet.accepts(honest.clone()));
    assert!(!comet.accepts(vec![honest[1].clone()]), "no entry");
    assert!(
        !comet.accepts(vec![honest[0].clone()]),
        "an entry nothing needs"
    );
    assert!(
        !comet.accepts(vec![honest[1].clone(), honest[0].clone()]),
        "not in front"
    );
    assert!(!comet.accepts(vec![
        honest[0].clone(),
        honest[0].clone(),
        honest[1].clone()
    ]));
    let negative = ait_app::block::attestations_wire(&[attest(&work, Says::NoSuchWork)]).unwrap();
    assert!(
        comet.accepts(vec![negative.into(), honest[1].clone()]),
        "negative is a fair answer"
    );
}

/// A chain on which `alice` opened the escrow `job_1` as this says, and carol may pay fees.
fn with_opening(open: Payload) -> Comet {
    let mut comet = Comet::begin(&["alice", "mia", "carol"]);
    comet.submit_all(&[sign("alice", 1, 2_000, open)]);
    comet.make_block();
    comet
}

#[test]
fn a_claim_that_a_partner_must_attest_is_not_kept_without_attestations() {
    let mut comet = with_opening(opening_with_cora("job_1", 60_000));
    let work = work("mia", "alice", "job_1", "r1");
    let bare = comet.submit(&claim(&work, "mia", 1, 100));
    assert_eq!(bare.code, Code::AttestationMissing.number());
    let attested = attested_claim(&work, "mia", 1, attest_as("cora", &work, Says::Yes));
    assert_eq!(comet.submit(&attested).code, 0);
    assert_eq!(Comet::code_in(&comet.make_block(), &attested), Some(0));
}

#[test]
fn an_answer_that_is_negative_and_not_the_miners_fault_drops_the_claim() {
    let mut comet = with_escrow();
    let work = work("mia", "alice", "job_1", "r1");
    let claim = claim(&work, "mia", 1, 100);
    comet.submit(&claim);
    comet
        .attestation_arrived(&hash(&claim), attest(&work, Says::NotPaid))
        .unwrap();
    assert!(comet.make_block().is_empty());
    assert!(!comet.pool_has(&claim) && comet.mempool.is_empty());
    assert_eq!(comet.dropped(&claim), Some("attestation_negative"));
}

#[test]
fn at_most_three_transactions_wait_behind_a_claim() {
    let mut comet = with_escrow();
    let waiting = claim(&work("mia", "alice", "job_1", "r1"), "mia", 1, 100);
    comet.submit_all([&waiting]);
    let behind: Vec<_> = (2..=4).map(|nonce| transfer("mia", nonce, 100)).collect();
    comet.submit_all(&behind);
    let refused = comet.submit(&transfer("mia", 5, 100));
    assert_eq!(refused.code, Code::TooManyWaiting.number());
    assert_eq!(comet.node.mempool().stats().waiting_for_attestation, 4);
    assert!(comet.proposal().is_empty());
    let answer = attest(&work("mia", "alice", "job_1", "r1"), Says::Yes);
    comet.attestation_arrived(&hash(&waiting), answer).unwrap();
    assert_eq!(comet.node.mempool().stats().waiting_for_attestation, 0);
    assert_eq!(
        comet.make_block().len(),
        5,
        "an entry, the claim and all behind it"
    );
}

#[test]
fn a_claim_that_begins_to_wait_keeps_no_more_than_three_behind_it() {
    let mut comet = Comet::begin(&["alice", "mia"]);
    comet.submit_all(&[claim(&work("mia", "alice", "job_1", "r1"), "mia", 1, 100)]);
    let behind: Vec<_> = (2..=9).map(|nonce| transfer("mia", nonce, 100)).collect();
    comet.submit_all(&behind);
    assert_eq!(
        comet.node.mempool().stats().parked,
        9,
        "its escrow is not open yet"
    );
    comet.submit_all(&[escrow("alice", 1, "job_1")]);
    comet.make_block();
    let stats = comet.node.mempool().stats();
    assert_eq!((stats.waiting_for_attestation, stats.parked), (4, 4));
    assert_eq!(comet.dropped(&behind[3]), Some("too_many_waiting"));
    assert_eq!(comet.dropped(&behind[2]), None);
}

#[test]
fn a_claim_with_its_attestation_finds_a_place_among_four_that_wait() {
    let mut comet = with_escrow();
    let mut empty = Vec::new();
    for i in 0..4 {
        let name = format!("empty {i}");
        let work = work(&name, "alice", "job_1", "r1");
        empty.push(exact_claim(&work, &name, 1));
    }
    comet.submit_all(&empty);
    let work = work("mia", "alice", "job_1", "r1");
    let real = attested_claim(&work, "mia", 1, attest(&work, Says::Yes));
    comet.submit_all([&real]);
    let gone: Vec<_> = empty.iter().filter(|tx| !comet.pool_has(tx)).collect();
    assert_eq!(gone, [&empty[3]], "the last to come gives way");
    assert_eq!(comet.dropped(&empty[3]), Some("contested"));
    let block = comet.make_block();
    assert_eq!(Comet::code_in(&block, &real), Some(0));
    assert_eq!(
        comet.node.mempool().stats().transactions,
        0,
        "the escrow is settled"
    );
    assert!(comet.mempool.is_empty());
}

#[test]
fn a_fifth_sender_with_an_attested_claim_outbids_or_is_contested() {
    let mut comet = with_escrow();
    let claims: Vec<_> = (0..6)
        .map(|i| {
            let name = format!("miner {i}");
            let work = work(&name, "alice", "job_1", "r1");
            attested_claim(&work, &name, 1, attest(&work, Says::Yes))
        })
        .collect();
    comet.submit_all(&claims[..4]);
    let fifth = comet.submit(&claims[4]);
    assert_eq!(fifth.code, Code::Contested.number());
    let work = work("mia", "alice", "job_1", "r1");
    let dear = {
        let attested = attested_claim(&work, "mia", 1, attest(&work, Says::Yes));
        sign("mia", 1, attested.fee.get() * 2, attested.payload)
    };
    comet.submit_all([&dear]);
    assert_eq!(comet.node.mempool().stats().transactions, 4);
    assert_eq!(Comet::code_in(&comet.make_block(), &dear), Some(0));
}

#[test]
fn a_released_escrow_parks_its_claims_and_a_settled_one_drops_them() {
    let mut comet = with_opening(opening("job_1", 60_000));
    let work = work("mia", "alice", "job_1", "r1");
    let waiting = claim(&work, "mia", 1, 100);
    comet.submit_all(&[waiting.clone(), release("alice", "job_1", 1)]);
    comet.make_block();
    assert_eq!(
        comet.node.mempool().stats().parked,
        1,
        "it may be opened again"
    );
    assert!(comet.pool_has(&waiting));
    for _ in 0..limits::PARKED_BLOCKS {
        comet.make_block();
    }
    assert_eq!(comet.dropped(&waiting), Some("escrow_closed"));
    let mut comet = with_opening(opening("job_1", 60_000));
    let attested = attested_claim(&work, "mia", 1, attest(&work, Says::Yes));
    let late = exact_claim(
        &crate::driver::work::work("moe", "alice", "job_1", "r2"),
        "moe",
        1,
    );
    comet.submit_all(&[attested, late.clone()]);
    comet.make_block();
    assert_eq!(comet.dropped(&late), Some("escrow_closed"));
    assert!(comet.mempool.is_empty());
}

#[test]
fn a_free_claim_holds_no_run_of_transactions_in_the_pool() {
    let mut comet = with_escrow();
    comet.submit_all(&[transfer_of("mia", 1, 100, 999_000_000)]);
    comet.make_block();
    // The account has something for fees left; its claim costs it nothing.
    let claim = exact_claim(&work("mia", "alice", "job_1", "r1"), "mia", 2);
    comet.submit_all(&[claim]);
    let codes: Vec<u32> = (3..300)
        .map(|nonce| comet.submit(&transfer("mia", nonce, 100)).code)
        .collect();
    let kept = codes.iter().filter(|code| **code == 0).count();
    assert_eq!(
        kept,
        limits::MAX_BEHIND_CLAIM + limits::MAX_PARKED_OF_SENDER
    );
    for _ in 0..limits::PARKED_BLOCKS {
        comet.make_block();
    }
    assert_eq!(comet.node.mempool().stats().transactions, 4);
    for _ in 0..limits::WAITING_BLOCKS {
        comet.make_block();
    }
    assert!(comet.node.mempool().stats().waiting_for_attestation == 0);
}

#[test]
fn a_second_claim_of_what_a_pending_one_pays_is_refused_without_a_block_that_is_not_there() {
    let mut comet = with_escrow();
    let work = work("mia", "alice", "job_1", "r1");
    let claim = |nonce| attested_claim(&work, "mia", nonce, attest(&work, Says::Yes));
    assert_eq!(comet.submit(&claim(1)).code, 0);
    let refused = comet.submit(&claim(2));
    assert_eq!(refused.code, Code::ReceiptAlreadyClaimed.number());
    assert!(
        refused.log.contains("r1 was paid already"),
        "{}",
        refused.log
    );
}
