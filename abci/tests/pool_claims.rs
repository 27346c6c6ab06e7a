//! Claims in the pool: waiting for coordinators, the attestation entry, offences.
#![allow(clippy::unwrap_used)]

mod driver;

use ait_abci::limits;
use ait_app::code::Code;
use driver::{Comet, attest, claim, escrow, exact_claim, terms, transfer};

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
    let terms = terms("mia", "alice", "job_1", "r1");
    let claim = claim(&terms, "mia", 1, 100);
    assert_eq!(comet.submit(&claim).code, 0);
    assert!(comet.proposal().is_empty());
    let wanted = comet.node.attestations_wanted();
    assert_eq!(wanted.len(), 1);
    assert_eq!(wanted[0].request.terms(), terms);
    assert_eq!(wanted[0].request.opened_height, 1);
    let answer = attest(&terms, 1, true);
    comet
        .node
        .attestation_arrived(&claim.hash(), answer)
        .unwrap();
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
    let waiting = claim(&terms("mia", "alice", "job_1", "r1"), "mia", 1, 9_000);
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
    let waiting = claim(&terms("mia", "alice", "job_1", "r1"), "mia", 1, 100);
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
    let wanted = terms("mia", "alice", "job_1", "r1");
    let claim = claim(&wanted, "mia", 1, 100);
    comet.submit(&claim);
    let other_job = attest(&terms("mia", "alice", "job_2", "r1"), 1, true);
    let other_height = attest(&wanted, 2, true);
    let mut other_key = attest(&wanted, 1, true);
    other_key.sig = driver::key("mallory").sign(&[7; 32]);
    for answer in [other_job, other_height, other_key] {
        let refusal = comet
            .node
            .attestation_arrived(&claim.hash(), answer)
            .unwrap_err();
        assert_eq!(refusal.code, Code::InvalidAttestation);
    }
    assert_eq!(comet.node.pool_stats().waiting_for_attestation, 1);
}

#[test]
fn a_negative_answer_puts_the_offence_into_the_block() {
    let mut comet = with_escrow();
    let terms = terms("mia", "alice", "job_1", "r1");
    let claim = claim(&terms, "mia", 1, 100);
    comet.submit(&claim);
    comet
        .node
        .attestation_arrived(&claim.hash(), attest(&terms, 1, false))
        .unwrap();
    let before = comet.balance("mia");
    let block = comet.make_block();
    assert_eq!(
        Comet::code_in(&block, &claim),
        Some(Code::AttestationNegative.number())
    );
    assert_eq!(comet.balance("mia"), before - 100, "it pays its fee");
}

#[test]
fn a_negative_answer_that_cannot_be_paid_for_is_dropped() {
    let mut comet = Comet::begin(&["alice"]);
    comet.submit(&escrow("alice", 1, "job_1"));
    comet.make_block();
    let terms = terms("mia", "alice", "job_1", "r1");
    let claim = exact_claim(&terms, "mia", 1);
    assert_eq!(comet.submit(&claim).code, 0, "an empty account can claim");
    comet
        .node
        .attestation_arrived(&claim.hash(), attest(&terms, 1, false))
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
            let terms = terms(&miner, "alice", "job_1", &format!("r{i}"));
            comet.submit(&exact_claim(&terms, &miner, 1)).code
        })
        .collect();
    assert_eq!(codes, [0, 0, 0, 0, Code::PoolFull.number()]);
}

#[test]
fn only_one_of_two_answered_claims_on_an_escrow_is_proposed() {
    let mut comet = with_escrow();
    for (miner, receipt) in [("mia", "r1"), ("moe", "r2")] {
        let terms = terms(miner, "alice", "job_1", receipt);
        let claim = exact_claim(&terms, miner, 1);
        comet.submit(&claim);
        comet
            .node
            .attestation_arrived(&claim.hash(), attest(&terms, 1, true))
            .unwrap();
    }
    assert_eq!(comet.make_block().len(), 2, "one entry, one claim");
    comet.make_block();
    assert_eq!(comet.node.pool_stats().transactions, 0);
}

#[test]
fn a_claim_before_its_escrow_is_parked_and_then_waits_for_its_coordinator() {
    let mut comet = Comet::begin(&["alice"]);
    let early = exact_claim(&terms("mia", "alice", "job_1", "r1"), "mia", 1);
    let parked = comet.submit(&early);
    assert_eq!(parked.code, 0);
    assert!(parked.log.contains("no escrow"), "{}", parked.log);
    comet.submit(&escrow("alice", 1, "job_1"));
    comet.make_block();
    assert_eq!(comet.node.attestations_wanted().len(), 1);
}

#[test]
fn a_proposal_whose_attestations_break_the_rule_is_rejected() {
    let mut comet = with_escrow();
    let terms = terms("mia", "alice", "job_1", "r1");
    let claim = claim(&terms, "mia", 1, 100);
    comet.submit(&claim);
    comet
        .node
        .attestation_arrived(&claim.hash(), attest(&terms, 1, true))
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
    let negative = ait_app::block::attestations_wire(&[attest(&terms, 1, false)]).unwrap();
    assert!(
        comet.accepts(vec![negative.into(), honest[1].clone()]),
        "negative is a fair answer"
    );
}
