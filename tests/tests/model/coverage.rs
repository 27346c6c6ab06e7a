//! The random chains of the reference model's test are worth something: they meet every code that a
//! block can give, every kind of transaction succeeds in them, and every event is told with every reason.

use std::collections::{BTreeMap, BTreeSet};

use ait_tests::{
    model::{CODES, name_of},
    plan::{self, build_block},
};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde_json::Value;

/// Only the pool gives these.
const OF_THE_POOL: &[&str] = &[
    "nonce_too_far_ahead",
    "pool_full",
    "replacement_underpriced",
    "dropped",
    "contested",
    "too_many_waiting",
    "too_many_parked",
    "nonce_pending",
];

const KINDS: &[&str] = &[
    "TRANSFER",
    "ESCROW_OPEN",
    "ESCROW_ASSIGN",
    "ESCROW_TOPUP",
    "ESCROW_CANCEL",
    "ESCROW_RELEASE",
    "RECEIPT_CLAIM",
    "RECEIPT_REPORT",
    "COORDINATOR_BOND",
    "COORDINATOR_UNBOND",
    "ATTESTATION_EQUIVOCATION",
    "PARAM_UPDATE",
    "ADMIN_ACCEPT",
    "TREASURY_SPEND",
    "STAKE",
    "UNSTAKE",
    "UNJAIL",
];

/// Events, those with reasons once for each.
const EVENTS: &[&str] = &[
    "transfer",
    "escrow_opened",
    "escrow_assigned",
    "escrow_topped_up",
    "escrow_cancelled",
    "escrow_settled",
    "escrow_refunded expired",
    "escrow_refunded cancelled",
    "escrow_refunded released",
    "receipt_claimed",
    "receipt_claimed price",
    "receipt_claimed coordinator",
    "receipt_claimed supply",
    "receipt_refused",
    "param_updated",
    "admin_changed",
    "staked",
    "unstaked",
    "unbonded stake",
    "unbonded bond",
    "bonded",
    "bond_unbonding",
    "jailed downtime",
    "jailed equivocation",
    "unjailed",
    "slashed downtime",
    "slashed equivocation",
    "slashed equivocation of a coordinator",
    "banned",
    "coordinator_suspended",
    "treasury_spent",
    "upgraded",
];

fn event_name((kind, attributes): &ait_tests::model::Event) -> String {
    let special = ["reason", "kind", "limited_by"];
    let found = attributes
        .iter()
        .find(|(name, _)| special.contains(&&**name));
    let of_coordinator = kind == "slashed" && attributes[0].0 == "coordinator";
    let suffix = if of_coordinator {
        " of a coordinator"
    } else {
        ""
    };
    let reason = found.map_or(String::new(), |(_, value)| format!(" {value}"));
    format!("{kind}{reason}{suffix}")
}

#[test]
fn random_chains_meet_every_code_kind_and_event_of_a_block() {
    let mut runner = TestRunner::deterministic();
    let strategy = plan::chain(32);
    let mut codes: BTreeMap<&str, u32> = BTreeMap::new();
    let mut kinds: BTreeMap<String, u32> = BTreeMap::new();
    let mut events: BTreeMap<String, u32> = BTreeMap::new();
    let mut accepted = [0, 0];
    for _ in 0..500 {
        let (start, plans) = strategy.new_tree(&mut runner).unwrap().current();
        let mut model = start.model();
        for plan in &plans {
            let built = build_block(&model, plan);
            let outcome = model.block(&built.wires, &built.engine);
            accepted[usize::from(outcome.accepted)] += 1;
            let own = outcome.events.iter();
            let all = own.chain(outcome.entries.iter().flat_map(|entry| &entry.events));
            for event in all {
                *events.entry(event_name(event)).or_default() += 1;
            }
            for (wire, entry) in built.wires.iter().zip(&outcome.entries) {
                *codes.entry(name_of(entry.code)).or_default() += 1;
                if entry.code == 0 {
                    let tx: Value = serde_json::from_slice(wire).unwrap();
                    let kind = tx["type"].as_str().unwrap().to_owned();
                    *kinds.entry(kind).or_default() += 1;
                }
            }
        }
    }
    eprintln!("{accepted:?} {codes:#?} {kinds:#?} {events:#?}");
    assert!(accepted[0] > 1_000 && accepted[1] > 1_000);
    let wanted = CODES.iter().map(|row| row.1);
    let wanted: BTreeSet<&str> = wanted.filter(|name| !OF_THE_POOL.contains(name)).collect();
    let missed: Vec<_> = wanted
        .iter()
        .filter(|name| !codes.contains_key(**name))
        .collect();
    assert!(missed.is_empty(), "never met: {missed:?}");
    let missed: Vec<_> = KINDS
        .iter()
        .filter(|kind| !kinds.contains_key(**kind))
        .collect();
    assert!(missed.is_empty(), "never done: {missed:?}");
    let missed: Vec<_> = EVENTS
        .iter()
        .filter(|name| !events.contains_key(**name))
        .collect();
    assert!(missed.is_empty(), "never told: {missed:?}");
    let unknown: Vec<_> = events
        .keys()
        .filter(|name| !EVENTS.contains(&&***name))
        .collect();
    assert!(unknown.is_empty(), "unknown: {unknown:?}");
}
