//! Transactions of different senders that compete for the same: the pool holds one.

use ait_app::{Code, tx::Transaction};

use crate::driver::{
    Comet, sign, transfer,
    work::{escrow, evidence, report, stake, work},
};

/// `alice`'s escrow for `job_1`, open since block 1.
fn with_escrow() -> Comet {
    let mut comet = Comet::begin(&["alice", "dave", "erin", "frank"]);
    comet.submit_all(&[escrow("alice", 1, "job_1")]);
    comet.make_block();
    comet
}

/// Two rivals at the same fee, then one at 10 % more.
fn only_a_tenth_more_displaces(comet: &mut Comet, rival: impl Fn(&str, u64) -> Transaction) {
    let first = rival("dave", 10_000);
    let successor = transfer("dave", 2, 100);
    comet.submit_all([&first, &successor]);
    for fee in [5_000, 10_000, 10_999] {
        let refused = comet.submit(&rival("erin", fee));
        assert_eq!(refused.code, Code::Contested.number(), "{}", refused.log);
    }
    let dearer = rival("erin", 11_000);
    comet.submit_all([&dearer]);
    assert!(!comet.pool_has(&first) && comet.pool_has(&dearer));
    assert_eq!(comet.dropped(&first), Some("contested"));
    assert_eq!(
        comet.node.mempool().stats().parked,
        1,
        "dave's next one has a gap now"
    );
    let block = comet.make_block();
    assert_eq!(Comet::code_in(&block, &dearer), Some(0));
    assert!(comet.mempool_has(&successor) && !comet.mempool_has(&first));
}

#[test]
fn one_stake_is_held_of_those_that_name_one_consensus_key() {
    let mut comet = with_escrow();
    only_a_tenth_more_displaces(&mut comet, |from, fee| stake(from, 1, fee, "a key"));
}

#[test]
fn one_report_is_held_of_those_about_one_receipt() {
    let mut comet = with_escrow();
    let work = work("mia", "alice", "job_1", "r1");
    only_a_tenth_more_displaces(&mut comet, |from, fee| report(from, 1, fee, &work, "mia"));
}

#[test]
fn one_piece_of_evidence_is_held_against_a_coordinator_in_one_opening() {
    let mut comet = with_escrow();
    let [a, b] = ["r1", "r2"].map(|receipt| work("mia", "alice", "job_1", receipt));
    only_a_tenth_more_displaces(&mut comet, |from, fee| evidence(from, 1, fee, [&a, &b]));
}

#[test]
fn rivals_for_different_things_do_not_compete() {
    let mut comet = with_escrow();
    let receipts = ["r1", "r2"].map(|receipt| work("mia", "alice", "job_1", receipt));
    comet.submit_all([
        &stake("dave", 1, 10_000, "a key"),
        &stake("erin", 1, 10_000, "another key"),
        &report("dave", 2, 10_000, &receipts[0], "mia"),
        &report("erin", 2, 10_000, &receipts[1], "mia"),
    ]);
    assert_eq!(comet.make_block().len(), 4);
}

#[test]
fn a_sender_may_name_its_own_key_again() {
    let mut comet = with_escrow();
    comet.submit_all(&[1, 2, 3].map(|nonce| stake("dave", nonce, 10_000, "a key")));
    let rival = stake("erin", 1, 10_999, "a key");
    assert_eq!(comet.submit(&rival).code, Code::Contested.number());
    assert_eq!(comet.make_block().len(), 3);
}

#[test]
fn a_parked_rival_keeps_nobody_out() {
    let mut comet = with_escrow();
    let parked = stake("dave", 9, 900_000, "a key");
    comet.submit_all([&parked]);
    assert_eq!(comet.node.mempool().stats().parked, 1);
    let ready = stake("erin", 1, 2_000, "a key");
    comet.submit_all([&ready]);
    assert_eq!(comet.dropped(&parked), Some("contested"));
    assert_eq!(comet.submit(&parked).code, Code::Contested.number());
    assert_eq!(Comet::code_in(&comet.make_block(), &ready), Some(0));
}

#[test]
fn what_a_lost_replacement_displaced_revives_only_where_nobody_took_its_place() {
    let mut comet = with_escrow();
    let original = stake("dave", 1, 10_000, "a key");
    comet.submit_all([&original]);
    let lost = sign("dave", 1, 20_000, transfer("dave", 1, 1).payload);
    assert_eq!(comet.submit_when_full(&lost).code, 0);
    let other = stake("erin", 1, 2_000, "a key");
    comet.submit_all([&other]);
    for _ in 0..3 {
        comet.decide(Vec::new());
    }
    let held = [&original, &other].map(|tx| comet.pool_has(tx));
    assert_eq!(held, [true, false], "one of them, the one that pays more");
    assert_eq!(comet.dropped(&lost), Some("dropped"));
    assert_eq!(comet.dropped(&other), Some("contested"));
    assert_eq!(Comet::code_in(&comet.make_block(), &original), Some(0));
}

#[test]
fn thousands_of_rivals_for_one_key_hold_one_place() {
    let count = if cfg!(debug_assertions) { 300 } else { 19_890 };
    let names: Vec<String> = (0..count).map(|i| format!("rival {i}")).collect();
    let funded: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut comet = Comet::begin(&funded);
    let codes: Vec<u32> = funded
        .iter()
        .map(|name| comet.submit(&stake(name, 1, 2_000, "a key")).code)
        .collect();
    assert_eq!(codes[0], 0);
    assert!(
        codes[1..]
            .iter()
            .all(|code| *code == Code::Contested.number())
    );
    assert_eq!(comet.node.mempool().stats().transactions, 1);
    assert_eq!(comet.judged_signatures(), 1, "the others cost no check");
    assert_eq!(comet.make_block().len(), 1);
}
