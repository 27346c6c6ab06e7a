//! Claims without an attestation that no answer of a coordinator could make pay: none of them waits.

use ait_app::{
    Code,
    tx::{Payload, Transaction},
};
use ait_testkit::work::Work;
use serde_json::json;

use crate::driver::{
    Comet, sign,
    work::{
        Says, assign, attest, attested_claim, claim, exact_claim, opening, opening_with,
        opening_with_cora, work,
    },
};

/// What CheckTx answers at once, and that nothing is kept.
fn refused(comet: &mut Comet, claim: &Transaction, code: Code) {
    let answer = comet.submit(claim);
    assert_eq!(answer.code, code.number(), "{}", answer.log);
    assert!(!comet.pool_has(claim));
    assert_eq!(comet.node.mempool().stats().waiting_for_attestation, 0);
    assert!(
        comet
            .node
            .mempool()
            .attestations_wanted()
            .unwrap()
            .is_empty()
    );
}

/// A chain on which `alice` has opened these escrows, in block 1.
fn chain(opened: Vec<Payload>) -> Comet {
    let mut comet = Comet::begin(&["alice", "mia", "moe", "admin", "carol"]);
    for (nonce, open) in (1..).zip(opened) {
        assert_eq!(comet.submit(&sign("alice", nonce, 2_000, open)).code, 0);
    }
    comet.make_block();
    comet
}

fn mias(receipt: &str) -> Work {
    work("mia", "alice", "job_1", receipt)
}

#[test]
fn an_unattested_claim_that_can_never_pay_is_refused_at_once() {
    let mut comet = chain(vec![opening("job_1", 60_000)]);
    let dear = mias("r1").costing(2_500, 60_001);
    refused(
        &mut comet,
        &claim(&dear, "mia", 1, 100),
        Code::EscrowTooSmall,
    );
    let earlier = mias("r1").opened_in(9);
    let forged = claim(&earlier, "mia", 1, 100);
    refused(&mut comet, &forged, Code::InvalidMinerSignature);
    comet.submit(&assign("alice", "job_1", "moe", 1));
    comet.make_block();
    let late = claim(&mias("r1"), "mia", 1, 100);
    refused(&mut comet, &late, Code::BoundToAnotherMiner);
}

#[test]
fn an_unattested_claim_of_what_was_paid_is_refused_at_once() {
    let part = opening_with("job_1", 60_000, json!({"partial": true}));
    let mut comet = chain(vec![part]);
    let work = mias("r1").costing(2_500, 10_000);
    comet.submit_all([&attested_claim(&work, "mia", 1, attest(&work, Says::Yes))]);
    assert_eq!(comet.make_block().len(), 1);
    let again = claim(&work, "mia", 2, 100);
    refused(&mut comet, &again, Code::ReceiptAlreadyClaimed);
}

#[test]
fn an_unattested_claim_on_an_escrow_of_several_is_refused_at_once() {
    let mut comet = chain(vec![opening_with_cora("job_1", 60_000)]);
    let claim = exact_claim(&mias("r1"), "mia", 1);
    refused(&mut comet, &claim, Code::AttestationMissing);
}
