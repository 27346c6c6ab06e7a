//! A fault in one node, or in what all are held against, ends the world with its seed and says what is wrong; the
//! same world without the fault comes to its end.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use ait_sim::{Fault, Options, Sabotage, disk::Lie, run};

const SEEDS: [u64; 2] = [21, 22];

fn options(sabotage: Option<Sabotage>) -> Options {
    Options {
        blocks: 200,
        quiet: 10,
        sabotage,
        ..Options::default()
    }
}

/// The fault that ends these worlds, which must say one of these.
fn found(sabotage: Sabotage, says: &[&str]) {
    for seed in SEEDS {
        let fault = run(seed, &options(Some(sabotage))).unwrap_err();
        let Fault { seed: of, what, .. } = &fault;
        assert_eq!(*of, seed);
        let is_named = says.iter().any(|says| what.contains(says));
        assert!(is_named, "{sabotage:?}: {fault}");
    }
}

#[test]
fn without_a_fault_these_worlds_come_to_their_end() {
    for seed in SEEDS {
        run(seed, &options(None)).unwrap();
    }
}

#[test]
fn a_fault_names_the_command_that_shows_it_again() {
    let fault = run(21, &options(Some(Sabotage::OtherAppHash))).unwrap_err();
    let command = fault.command(&options(None));
    assert_eq!(command, "ait-sim --seed 21 --blocks 200 --quiet 10");
}

#[test]
fn a_disk_that_forgets_an_acknowledged_block() {
    let lie = Sabotage::Disk(Lie::ForgetsTheLastBlock);
    found(lie, &["had acknowledged"]);
}

#[test]
fn a_disk_that_flips_a_bit_of_a_record() {
    let lie = Sabotage::Disk(Lie::FlipsABit);
    found(
        lie,
        &["corrupt", "it stopped", "have the root", "does not start"],
    );
}

#[test]
fn a_node_that_answers_another_code() {
    found(Sabotage::OtherCode, &["is not that of the first node"]);
}

#[test]
fn nodes_that_all_answer_another_code() {
    found(Sabotage::OtherCodeEverywhere, &["the model says of entry"]);
}

#[test]
fn a_node_that_leaves_an_event_out() {
    // The first to answer is held against the model.
    found(
        Sabotage::MissingEvent,
        &[
            "is not that of the first node",
            "the model says of the block",
        ],
    );
}

#[test]
fn a_node_that_rejects_what_it_must_accept() {
    found(Sabotage::WrongVerdict, &["does not accept a proposal"]);
}

#[test]
fn a_node_with_another_app_hash() {
    found(Sabotage::OtherAppHash, &["is not that of the first node"]);
}

#[test]
fn a_record_that_is_not_the_models() {
    found(
        Sabotage::OtherRecord,
        &["are not those of the reference model", "the model says of"],
    );
}

#[test]
fn a_replay_that_begins_too_late() {
    found(Sabotage::SkippedReplay, &["out of step", "was not decided"]);
}
