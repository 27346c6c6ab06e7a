//! A full pool: who leaves for whom, and what it costs.

use std::time::Instant;

use ait_abci::limits;
use ait_app::{Code, tx::Transaction};

use crate::driver::{Comet, sign, transfer, work::stake};

/// The longest run of one sender.
const RUN: u64 = limits::MAX_NONCES_AHEAD;

/// A pool of 20,000 transfers of 79 senders, each with this fee, and funded newcomers.
fn full(fee: impl Fn(usize, u64) -> u64) -> (Comet, Vec<Vec<Transaction>>) {
    let count = limits::MAX_TRANSACTIONS.div_ceil(RUN as usize);
    let names: Vec<String> = (0..count).map(|i| format!("sender {i}")).collect();
    let newcomers: Vec<String> = (0..40).map(|i| format!("newcomer {i}")).collect();
    let funded: Vec<&str> = names.iter().chain(&newcomers).map(String::as_str).collect();
    let mut comet = Comet::begin(&funded);
    let mut left = limits::MAX_TRANSACTIONS;
    let mut runs = Vec::new();
    for (i, name) in names.iter().enumerate() {
        let length = left.min(RUN as usize);
        left -= length;
        let run: Vec<_> = (1..=length as u64)
            .map(|nonce| transfer(name, nonce, fee(i, nonce)))
            .collect();
        comet.submit_all(&run);
        runs.push(run);
    }
    assert_eq!(
        comet.node.mempool().stats().transactions,
        limits::MAX_TRANSACTIONS
    );
    (comet, runs)
}

#[test]
fn a_tenth_more_a_byte_takes_the_place_of_the_last_of_the_run_that_is_worth_least() {
    // Sender 7 pays least, but for one transaction in the middle of sender 9's run.
    let fee = |sender: usize, nonce: u64| match (sender, nonce) {
        (7, _) => 110,
        (9, 100) => 105,
        _ => 200,
    };
    let (mut comet, runs) = full(fee);
    let same = comet.submit(&transfer("newcomer 0", 1, 105));
    assert_eq!(same.code, Code::PoolFull.number(), "{}", same.log);
    // The 157 from sender 9's cheap one on are worth 105, the last of them first.
    let better = transfer("newcomer 0", 1, 150);
    comet.submit_all([&better]);
    let cheap = &runs[9];
    assert_eq!(comet.dropped(&cheap[255]), Some("pool_full"));
    assert!(comet.pool_has(&cheap[254]));
    let run: Vec<_> = (2..=157)
        .map(|nonce| transfer("newcomer 0", nonce, 150))
        .collect();
    comet.submit_all(&run);
    assert!(!comet.pool_has(&cheap[99]) && comet.pool_has(&cheap[98]));
    assert!(comet.pool_has(&runs[7][255]));
    comet.submit_all([&transfer("newcomer 1", 1, 150)]);
    assert_eq!(comet.dropped(&runs[7][255]), Some("pool_full"));

    // What stands behind a cheap one is worth no more than it.
    let hidden = [
        transfer("newcomer 2", 1, 200),
        transfer("newcomer 2", 2, 105),
    ];
    comet.submit_all([&hidden[0]]);
    assert_eq!(comet.submit(&hidden[1]).code, Code::PoolFull.number());

    let before = comet.mempool.len();
    comet.decide(Vec::new());
    assert_eq!(
        comet.node.mempool().stats().transactions,
        limits::MAX_TRANSACTIONS
    );
    assert_eq!(
        comet.mempool.len(),
        limits::MAX_TRANSACTIONS,
        "{before} before"
    );
}

#[test]
fn five_thousand_leave_between_two_commits_and_replacements_need_no_room() {
    let (mut comet, runs) = full(|_, _| 100);
    let mut evicted = 0;
    for i in 0..20 {
        for nonce in 1..=RUN {
            let newcomer = transfer(&format!("newcomer {i}"), nonce, 200);
            match comet.submit(&newcomer).code {
                0 => evicted += 1,
                code => assert_eq!(code, Code::PoolFull.number()),
            }
        }
    }
    assert_eq!(evicted, limits::MAX_EVICTIONS);
    let replacement = transfer("sender 0", 1, 110);
    comet.submit_all([&replacement]);
    assert_eq!(comet.dropped(&runs[0][0]), Some("dropped"));
    assert_eq!(
        comet.node.mempool().stats().transactions,
        limits::MAX_TRANSACTIONS
    );
    comet.decide(Vec::new());
    comet.submit_all([&transfer("newcomer 30", 1, 200)]);
}

#[test]
fn a_commit_with_a_full_pool_judges_no_signature_again() {
    let count = limits::MAX_TRANSACTIONS.div_ceil(RUN as usize);
    let names: Vec<String> = (0..count).map(|i| format!("sender {i}")).collect();
    let funded: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut comet = Comet::begin(&funded);
    for (i, name) in funded.iter().enumerate() {
        let key = format!("key {i}");
        let one = stake(name, 1, 2_000, &key);
        let others = (2..=RUN).map(|nonce| sign(name, nonce, 2_000, one.payload.clone()));
        let run: Vec<_> = [one.clone()].into_iter().chain(others).collect();
        let room = limits::MAX_TRANSACTIONS - comet.mempool.len();
        comet.submit_all(run.iter().take(room));
    }
    let stats = comet.node.mempool().stats();
    assert_eq!(
        (stats.transactions, stats.parked),
        (limits::MAX_TRANSACTIONS, 0)
    );
    let judged = comet.judged_signatures();
    assert_eq!(judged, count as u64);
    let begun = Instant::now();
    comet.decide(Vec::new());
    eprintln!(
        "a commit and {} rechecks: {:?}",
        comet.mempool.len(),
        begun.elapsed()
    );
    assert_eq!(comet.judged_signatures(), judged);
    let begun = Instant::now();
    let block = comet.make_block();
    eprintln!("a block of {} stakes: {:?}", block.len(), begun.elapsed());
    assert_eq!(comet.judged_signatures(), judged);
}

#[test]
fn twenty_thousand_transactions_that_cannot_run_yet_hold_five_hundred_places() {
    let count = if cfg!(debug_assertions) { 60 } else { 1_250 };
    let names: Vec<String> = (0..count).map(|i| format!("sender {i}")).collect();
    let mut comet = Comet::begin(&["alice"]);
    let mut kept = 0;
    for name in &names {
        for nonce in 2..18 {
            kept += usize::from(comet.submit(&transfer(name, nonce, 100)).code == 0);
        }
    }
    assert_eq!(kept, limits::MAX_PARKED);
    comet.submit_all(&[transfer("alice", 1, 100)]);
    assert_eq!(comet.make_block().len(), 1);
    for _ in 0..limits::PARKED_BLOCKS {
        comet.make_block();
    }
    assert_eq!(comet.node.mempool().stats().transactions, 0);
}
