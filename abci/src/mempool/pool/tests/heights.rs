//! What a height alone makes fail, with no record that says so: it leaves once a proposal left it out, or in
//! its turn.

use std::collections::HashSet;

use ait_testkit::{actors::Actor, draft};
use serde_json::json;

use super::{
    super::touched::SWEPT_SENDERS,
    world::{Tx, World, address, sign, work},
};
use crate::records::Verdict;

/// A report that came in time, and is too late after some empty blocks.
fn outdated() -> (World, Tx) {
    let mut world = World::begin_with(|setup| setup.param("offence_window_blocks", 3));
    let fields = draft::escrow_open("job_1", address("carol"), 60_000, 1_000);
    world.decide_some(&[sign("alice", 1, 2_000_000, "ESCROW_OPEN", &fields)]);
    let fields = draft::escrow_release(address("alice"), "job_1");
    world.decide_some(&[sign("carol", 1, 2_000, "ESCROW_RELEASE", &fields)]);
    let miner = Actor::named("mia");
    let work = work("mia", "alice", "r1", 1);
    let denial = work.denied_by(&Actor::named("carol"));
    let mut fields = work.report(&work.signed_by(&miner), &[denial]);
    fields["miner_pubkey"] = json!(miner.pubkey());
    let report = sign("dave", 1, 2_000_000, "RECEIPT_REPORT", &fields);
    assert_eq!(world.submit(&report), Verdict::Ready);
    for _ in 0..4 {
        world.decide_some(&[]);
        world.recheck(&HashSet::new());
    }
    assert!(world.reference.pending(&report.verified.hash).is_none());
    (world, report)
}

#[test]
fn what_a_proposal_left_out_is_judged_again_at_the_next_commit() {
    let (mut world, report) = outdated();
    assert!(world.pool.pending(&report.verified.hash).is_some());
    world.propose();
    world.compare();
    let why = world.pool.dropped(&report.verified.hash).unwrap();
    assert_eq!(why.code.name(), "report_too_late");
}

#[test]
fn what_no_proposal_left_out_is_judged_again_in_its_turn() {
    let (mut world, report) = outdated();
    world.pool.swept_senders = SWEPT_SENDERS;
    assert!(world.pool.pending(&report.verified.hash).is_some());
    world.decide_some(&[]);
    world.compare();
    assert!(world.pool.dropped(&report.verified.hash).is_some());
}

#[test]
fn every_sender_has_its_turn() {
    let (mut world, report) = outdated();
    world.pool.swept_senders = 1;
    let others = ["alice", "admin", "bob"].map(|from| {
        let fields = draft::escrow_open("job_2", address("carol"), 60_000, 1_000);
        sign(
            from,
            1 + u64::from(from == "alice"),
            2_000_000,
            "ESCROW_OPEN",
            &fields,
        )
    });
    for tx in &others {
        world.submit(tx);
    }
    let senders = 3;
    for _ in 0..senders {
        world.decide_some(&[]);
    }
    assert!(world.pool.dropped(&report.verified.hash).is_some());
}
