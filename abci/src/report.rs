//! Owns what is logged of a committed block.

use std::time::Duration;

use ait_app::{
    events::Event,
    upgrades::{
        known::Upgrade,
        record::{Plan, ProtocolVersion},
    },
};

use crate::records::CommittedBlock;

/// Events that an operator is told of, each with a line: what befalls validators, miners, coordinators
/// and the rules. Transfers and jobs are not among them.
const TOLD: [&str; 8] = [
    "jailed",
    "unjailed",
    "slashed",
    "banned",
    "coordinator_suspended",
    "param_updated",
    "admin_changed",
    "upgraded",
];

/// Logs a committed block: one line, and one for each of its events that an operator is told of.
/// `took` is the time of FinalizeBlock and Commit, `validator_updates` how many CometBFT was sent.
pub fn log(block: &CommittedBlock, validator_updates: usize, took: Duration) {
    let head = &block.info;
    let failed = block.txs.iter().filter(|tx| tx.result.code != 0).count();
    tracing::info!(
        component = "abci",
        event = "block",
        height = head.height,
        txs = block.txs.len(),
        failed,
        proposer = %head.proposer,
        app_hash = head.app_hash,
        latency_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    );
    let of_txs = block.txs.iter().flat_map(|tx| &tx.result.events);
    for event in of_txs.chain(&block.events) {
        if TOLD.contains(&event.kind.as_ref()) {
            log_event(head.height, event);
        }
    }
    if validator_updates > 0 {
        tracing::info!(
            component = "abci",
            event = "validators_changed",
            height = head.height,
            updates = validator_updates,
        );
    }
}

fn log_event(height: u64, event: &Event) {
    tracing::info!(
        component = "abci",
        event = event.kind.as_ref(),
        height,
        validator = event.get("validator"),
        coordinator = event.get("coordinator"),
        miner = event.get("miner"),
        amount = event.get("amount"),
        until = event.get("until"),
        reason = event.get("reason"),
        param = event.get("key"),
        admin = event.get("admin"),
        name = event.get("name"),
        version = event.get("version"),
    );
}

/// Logs that an upgrade is planned, and whether this node, which executes versions up to `newest`, has it.
pub fn log_plan(plan: &Plan, newest: ProtocolVersion) {
    let (height, name) = (plan.height.get(), plan.name.as_str());
    let known = Upgrade::named(name).is_some_and(|upgrade| upgrade.version() <= newest);
    if known {
        tracing::info!(component = "abci", event = "upgrade_planned", height, name);
    } else {
        tracing::warn!(
            component = "abci",
            event = "upgrade_planned",
            height,
            name,
            message = "this node does not have it and halts before that block: start an ait that has it on the same home",
        );
    }
}
