//! Claims without an attestation that no answer of a coordinator could make pay: none of them waits.
#![allow(clippy::unwrap_used)]

mod driver;

use ait_app::{
    Code, escrow::open::EscrowOpen, quantity::Height, receipts::terms::ReceiptTerms,
    tx::Transaction,
};
use driver::{
    Comet, sign, uait,
    work::{Says, assign, attest, attested_claim, claim, exact_claim, opening, terms, with_cora},
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
fn chain(opened: Vec<EscrowOpen>) -> Comet {
    let mut comet = Comet::begin(&["alice", "mia", "moe", "admin", "carol"]);
    for (nonce, open) in (1..).zip(opened) {
        assert_eq!(comet.submit(&sign("alice", nonce, 2_000, open)).code, 0);
    }
    comet.make_block();
    comet
}

fn mias(receipt: &str) -> ReceiptTerms {
    terms("mia", "alice", "job_1", receipt)
}

#[test]
fn an_unattested_claim_that_can_never_pay_is_refused_at_once() {
    let mut comet = chain(vec![opening("job_1", 60_000)]);
    let dear = ReceiptTerms {
        price: uait(60_001),
        ..mias("r1")
    };
    refused(
        &mut comet,
        &claim(&dear, "mia", 1, 100),
        Code::EscrowTooSmall,
    );
    let earlier = ReceiptTerms {
        opened_height: Height::constant(9),
        ..mias("r1")
    };
    let forged = claim(&earlier, "mia", 1, 100);
    refused(&mut comet, &forged, Code::InvalidMinerSignature);
    comet.submit(&assign("alice", "job_1", "moe", 1));
    comet.make_block();
    let late = claim(&mias("r1"), "mia", 1, 100);
    refused(&mut comet, &late, Code::BoundToAnotherMiner);
}

#[test]
fn an_unattested_claim_of_what_was_paid_is_refused_at_once() {
    let part = EscrowOpen {
        partial: true,
        ..opening("job_1", 60_000)
    };
    let mut comet = chain(vec![part]);
    let terms = ReceiptTerms {
        price: uait(10_000),
        ..mias("r1")
    };
    comet.submit_all([&attested_claim(&terms, "mia", 1, attest(&terms, Says::Yes))]);
    assert_eq!(comet.make_block().len(), 1);
    let again = claim(&terms, "mia", 2, 100);
    refused(&mut comet, &again, Code::ReceiptAlreadyClaimed);
}

#[test]
fn an_unattested_claim_on_an_escrow_of_several_is_refused_at_once() {
    let mut comet = chain(vec![with_cora(opening("job_1", 60_000))]);
    let claim = exact_claim(&mias("r1"), "mia", 1);
    refused(&mut comet, &claim, Code::AttestationMissing);
}
