//! Who may wait for a coordinator where not all can.

use ait_abci::limits;
use ait_app::{
    Code,
    tx::{Payload, Transaction},
};
use serde_json::json;

use crate::driver::{
    Comet, address, hash, sign, transfer,
    work::{Says, assign, attest, claim, exact_claim, opening, opening_with, work},
};

/// A chain on which `alice` opened `count` escrows, the amounts by job; and `carol` may pay fees.
fn with_escrows(open: impl Fn(u64) -> Payload, count: u64) -> Comet {
    let mut comet = Comet::begin(&["alice", "carol", "mia"]);
    let mut nonce = 0;
    while nonce < count {
        let last = count.min(nonce + limits::MAX_NONCES_AHEAD);
        let txs: Vec<_> = (nonce..last)
            .map(|job| sign("alice", job + 1, 2_000, open(job)))
            .collect();
        comet.submit_all(&txs);
        nonce = last;
        comet.make_block();
    }
    comet
}

/// A free claim of its own miner on a job.
fn claim_on(job: u64, opened: u64) -> Transaction {
    let miner = format!("miner of {job}");
    claim_of(&miner, job, 1, opened)
}

fn claim_of(miner: &str, job: u64, nonce: u64, opened: u64) -> Transaction {
    let mut work = work(miner, "alice", &format!("job_{job}"), &format!("r{job}"));
    work.opened_height = opened;
    exact_claim(&work, miner, nonce)
}

fn block_of(job: u64) -> u64 {
    job / limits::MAX_NONCES_AHEAD + 1
}

#[test]
fn a_thousand_wait_and_more_money_or_a_binding_takes_the_place_of_less() {
    const COUNT: u64 = limits::MAX_WAITING as u64;
    // Each escrow has a little more than the one before; the last three are the newcomers'.
    let amount = |job: u64| if job == COUNT { 60_000 } else { 100_000 + job };
    let open = |job: u64| opening(&format!("job_{job}"), amount(job));
    let mut comet = with_escrows(open, COUNT + 3);
    let claims: Vec<_> = (0..COUNT).map(|job| claim_on(job, block_of(job))).collect();
    comet.submit_all(&claims);
    assert_eq!(comet.node.mempool().stats().waiting_for_attestation, 1_000);
    assert_eq!(
        comet.node.mempool().attestations_wanted().unwrap().len(),
        1_000
    );

    let poorest = claim_on(COUNT, block_of(COUNT));
    assert_eq!(comet.submit(&poorest).code, Code::TooManyWaiting.number());
    let richer = claim_on(COUNT + 1, block_of(COUNT + 1));
    comet.submit_all([&richer]);
    assert_eq!(comet.dropped(&claims[0]), Some("too_many_waiting"));
    assert!(comet.pool_has(&claims[1]));

    // Bound to its sender, the poorest comes before all that are not.
    comet.submit_all([&assign(
        "alice",
        &format!("job_{COUNT}"),
        &format!("miner of {COUNT}"),
        1,
    )]);
    comet.make_block();
    comet.submit_all([&poorest]);
    assert_eq!(comet.dropped(&claims[1]), Some("too_many_waiting"));
    let richest = claim_on(COUNT + 2, block_of(COUNT + 2));
    comet.submit_all([&richest]);
    assert!(comet.pool_has(&poorest), "nor does more money displace it");
    assert_eq!(comet.dropped(&claims[2]), Some("too_many_waiting"));
    assert_eq!(comet.node.mempool().stats().waiting_for_attestation, 1_000);
}

#[test]
fn what_stands_behind_a_claim_counts_and_goes_with_it() {
    const COUNT: u64 = limits::MAX_WAITING as u64;
    let open = |job: u64| {
        let amount = if job == 0 { 60_000 } else { 100_000 };
        opening(&format!("job_{job}"), amount)
    };
    let mut comet = with_escrows(open, COUNT);
    let first = claim_of("mia", 0, 1, 1);
    let behind = [2, 3].map(|nonce| transfer("mia", nonce, 100));
    comet.submit_all([&first]);
    comet.submit_all(&behind);
    let others: Vec<_> = (1..COUNT - 2)
        .map(|job| claim_on(job, block_of(job)))
        .collect();
    comet.submit_all(&others);
    assert_eq!(comet.node.mempool().stats().waiting_for_attestation, 1_000);
    let full = comet.submit(&transfer("mia", 4, 100));
    assert_eq!(full.code, Code::TooManyWaiting.number());
    let newcomer = claim_on(COUNT - 2, block_of(COUNT - 2));
    comet.submit_all([&newcomer]);
    for gone in [&first, &behind[0], &behind[1]] {
        assert_eq!(comet.dropped(gone), Some("too_many_waiting"));
    }
    assert_eq!(comet.node.mempool().stats().waiting_for_attestation, 998);
    comet.make_block();
    assert_eq!(
        comet.mempool.len(),
        998,
        "rechecks let go of the displaced ones"
    );
}

#[test]
fn a_claim_on_an_escrow_bound_to_its_sender_waits_as_any_other() {
    let open = |job: u64| {
        let bound = json!({"miner": address("mia")});
        opening_with(&format!("job_{job}"), 60_000, bound)
    };
    let mut comet = with_escrows(open, 1);
    comet.submit_all([&claim_of("mia", 0, 1, 1)]);
    let other = comet.submit(&claim_of("moe", 0, 1, 1));
    assert_eq!(other.code, Code::BoundToAnotherMiner.number());
    assert_eq!(comet.node.mempool().stats().waiting_for_attestation, 1);
}

#[test]
fn claims_parked_for_escrows_that_open_at_once_are_held_to_the_limits_of_waiting() {
    let mut comet = Comet::begin(&["alice"]);
    let early: Vec<_> = (0..4)
        .flat_map(|i| {
            let miner = format!("miner {i}");
            (1..=2).map(move |nonce| {
                let mut work = work(&miner, "alice", "job_0", &format!("r{nonce}"));
                work.opened_height = 1;
                exact_claim(&work, &miner, nonce)
            })
        })
        .collect();
    comet.submit_all(&early);
    assert_eq!(comet.node.mempool().stats().parked, 8);
    comet.submit_all([&sign("alice", 1, 2_000, opening("job_0", 60_000))]);
    comet.make_block();
    let stats = comet.node.mempool().stats();
    assert_eq!(stats.waiting_for_attestation, limits::MAX_WAITING_OF_ESCROW);
    assert_eq!(stats.transactions, 4);
}

#[test]
fn the_answer_for_a_claim_that_was_replaced_is_not_taken_for_its_replacement() {
    let mut comet = with_escrows(|_| opening("job_0", 60_000), 1);
    let older = work("mia", "alice", "job_0", "r1");
    let newer = work("mia", "alice", "job_0", "r2");
    let first = claim(&older, "mia", 1, 100);
    let second = claim(&newer, "mia", 1, 200);
    comet.submit_all([&first, &second]);
    let wanted = comet.node.mempool().attestations_wanted().unwrap();
    assert_eq!(wanted.len(), 1);
    assert_eq!(wanted[0].hash, hash(&second));
    let late = attest(&older, Says::Yes);
    let refusal = comet.attestation_arrived(&hash(&first), late);
    assert_eq!(refusal.unwrap_err().code, Code::Dropped);
    let answer = attest(&newer, Says::Yes);
    comet.attestation_arrived(&hash(&second), answer).unwrap();
    let block = comet.make_block();
    assert_eq!(Comet::code_in(&block, &second), Some(0));
}
