//! Envelopes: what they bring, what blocks name, and what becomes of it when they end.

use ait_abci::Envelope;
use ait_app::{Code, tx::Transaction};
use bytes::Bytes;
use proptest::{prelude::*, sample::select};

use crate::driver::{
    Comet, hash, transfer, transfer_of,
    work::{claim, escrow, work},
};

pub fn envelope_of<'a>(txs: impl IntoIterator<Item = &'a Transaction>) -> Bytes {
    let mut envelope = Envelope::default();
    for tx in txs {
        envelope.push(tx.to_wire().into()).unwrap();
    }
    envelope.to_wire()
}

fn run(sender: &str, nonces: std::ops::RangeInclusive<u64>) -> Vec<Transaction> {
    nonces.map(|nonce| transfer(sender, nonce, 100)).collect()
}

#[test]
fn a_block_names_the_transactions_that_an_envelope_brought_and_never_the_envelope() {
    let mut comet = Comet::begin(&["alice", "dave"]);
    let txs = [run("alice", 1..=3), run("dave", 1..=2)].concat();
    let envelope = envelope_of(&txs);
    let response = comet.submit_bytes(envelope.clone());
    assert_eq!(response.code, 0, "{}", response.log);
    assert!(txs.iter().all(|tx| comet.pool_has(tx)));
    let block = comet.make_block();
    assert!(txs.iter().all(|tx| Comet::code_in(&block, tx) == Some(0)));
    assert_eq!(block.len(), txs.len());
    assert_eq!(comet.balance("bob"), 5);
    // The recheck after it found nothing left of the envelope.
    assert!(comet.mempool.is_empty());
    assert_eq!(comet.offer(), []);
}

#[test]
fn a_block_with_an_envelope_is_rejected_and_its_result_says_why() {
    let mut comet = Comet::begin(&["alice"]);
    let envelope = envelope_of(&run("alice", 1..=2));
    assert!(!comet.accepts(vec![envelope.clone()]));
    let block = comet.decide(vec![envelope]);
    assert_eq!(block[0].1.code, Code::UnexpectedEnvelope.number());
    assert_eq!(comet.balance("alice"), 1_000_000_000);
}

#[test]
fn lines_that_the_state_refuses_are_skipped() {
    let mut comet = Comet::begin(&["alice", "dave"]);
    let good = run("alice", 1..=3);
    let dear = transfer_of("dave", 1, 100, 2_000_000_000);
    let poor = transfer("nobody", 1, 100);
    let txs = [&good[0], &dear, &good[1], &poor, &good[2]];
    assert_eq!(comet.submit_bytes(envelope_of(txs)).code, 0);
    assert!(good.iter().all(|tx| comet.pool_has(tx)));
    let block = comet.make_block();
    assert_eq!(block.len(), good.len());
}

#[test]
fn lines_may_stand_in_any_order() {
    let mut comet = Comet::begin(&["alice", "dave"]);
    let (alice, dave) = (run("alice", 1..=3), run("dave", 1..=2));
    let txs = [&alice[2], &dave[1], &alice[0], &dave[0], &alice[1]];
    assert_eq!(comet.submit_bytes(envelope_of(txs)).code, 0);
    assert_eq!(comet.node.mempool().stats().parked, 0);
    assert_eq!(comet.make_block().len(), 5);
}

#[test]
fn a_claim_in_an_envelope_waits_for_its_coordinator() {
    let mut comet = Comet::begin(&["alice", "mia"]);
    comet.submit_all([&escrow("alice", 1, "job_1")]);
    comet.make_block();
    let work = work("mia", "alice", "job_1", "r1");
    let claim = claim(&work, "mia", 1, 2_000);
    let paid = transfer("alice", 2, 100);
    assert_eq!(comet.submit_bytes(envelope_of([&claim, &paid])).code, 0);
    let wanted = comet.node.mempool().attestations_wanted().unwrap();
    assert_eq!(wanted.len(), 1);
    assert_eq!(wanted[0].hash, hash(&claim));
}

#[test]
fn an_envelope_is_kept_while_half_of_it_is_pending_and_the_rest_is_then_handed_over_singly() {
    let mut comet = Comet::begin(&["alice"]);
    let txs = run("alice", 1..=5);
    let wires: Vec<Bytes> = txs.iter().map(|tx| tx.to_wire().into()).collect();
    let envelope = envelope_of(&txs);
    assert_eq!(comet.submit_bytes(envelope.clone()).code, 0);
    comet.decide(wires[..2].to_vec());
    assert_eq!(comet.mempool, [envelope]);
    assert_eq!(comet.offer(), []);
    comet.decide(wires[2..3].to_vec());
    assert!(comet.mempool.is_empty());
    assert_eq!(comet.offer(), [hash(&txs[3]), hash(&txs[4])]);
    assert_eq!(comet.mempool, wires[3..]);
    for _ in 0..3 {
        comet.decide(Vec::new());
    }
    assert_eq!(comet.make_block().len(), 2);
}

#[test]
fn what_was_pending_before_an_envelope_came_does_not_end_with_it() {
    let mut comet = Comet::begin(&["alice", "dave"]);
    let own = transfer("dave", 1, 100);
    comet.submit_all([&own]);
    let txs = run("alice", 1..=3);
    let all = txs.iter().chain([&own]);
    assert_eq!(comet.submit_bytes(envelope_of(all)).code, 0);
    let wires: Vec<Bytes> = txs.iter().map(|tx| tx.to_wire().into()).collect();
    comet.decide(wires);
    assert_eq!(comet.mempool, [Bytes::from(own.to_wire())]);
    assert_eq!(comet.offer(), []);
}

#[test]
fn what_cometbft_lost_with_an_envelope_is_handed_over_singly() {
    let mut comet = Comet::begin(&["alice"]);
    let txs = run("alice", 1..=3);
    assert_eq!(comet.check(envelope_of(&txs)).code, 0);
    for _ in 0..2 {
        comet.decide(Vec::new());
        assert_eq!(comet.offer(), []);
    }
    comet.decide(Vec::new());
    let hashes: Vec<_> = txs.iter().map(hash).collect();
    assert_eq!(comet.offer(), hashes);
    assert_eq!(comet.mempool.len(), 3);
}

#[test]
fn a_new_cometbft_is_offered_what_envelopes_had_brought() {
    let mut comet = Comet::begin(&["alice"]);
    let txs = run("alice", 1..=3);
    assert_eq!(comet.submit_bytes(envelope_of(&txs)).code, 0);
    comet.mempool.clear();
    comet.node.info();
    assert_eq!(comet.offer().len(), 3);
    assert_eq!(comet.make_block().len(), 3);
}

/// Transfers of a few senders, some of which replace others, come too early or can't be paid.
fn any_transfers() -> impl Strategy<Value = Vec<Transaction>> {
    let senders = select(&["alice", "carol", "dave", "nobody"][..]);
    let amounts = select(&[1_u64, 990_000_000, 2_000_000_000][..]);
    let one = (senders, 1..6_u64, 100..130_u64, amounts)
        .prop_map(|(from, nonce, fee, amount)| transfer_of(from, nonce, fee, amount));
    prop::collection::vec(one, 2..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn an_envelope_never_changes_what_a_block_would_be(txs in any_transfers()) {
        let funded = ["alice", "carol", "dave"];
        let (mut singly, mut together) = (Comet::begin(&funded), Comet::begin(&funded));
        if together.submit_bytes(envelope_of(&txs)).code != 0 {
            // Nothing of it is kept, and what could be is handed over singly.
            prop_assert_eq!(together.node.mempool().stats().transactions, 0);
            together.offer();
        }
        for tx in &txs {
            singly.submit(tx);
        }
        prop_assert_eq!(together.proposal(), singly.proposal());
        prop_assert_eq!(together.make_block(), singly.make_block());
        together.offer();
        prop_assert_eq!(together.proposal(), singly.proposal());
    }
}
