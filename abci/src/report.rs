//! Owns what is logged of a committed block.

use std::time::Duration;

use ait_app::events::Event;

use crate::records::CommittedBlock;

/// Events that an operator is told of, each with a line: what befalls validators, miners, coordinators
/// and the rules. Transfers and jobs are not among them.
const TOLD: [&str; 7] = [
    "jailed",
    "unjailed",
    "slashed",
    "banned",
    "coordinator_suspended",
    "param_updated",
    "admin_changed",
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
    );
}
