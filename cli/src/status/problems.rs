//! Owns what is wrong with a node by what is seen of it, and what to do about it.

use std::fmt::Display;

use ait_api::node::{Health, HealthStatus, PlannedUpgrade, StallReason};
use ait_app::quantity;

use super::Status;
use crate::place::NodePlace;

/// Blocks behind the furthest peer from which on a node is late: one that is decided meanwhile is none.
const LATE: u64 = 3;

/// REST does not answer.
pub fn no_rest(error: &impl Display) -> String {
    format!("REST does not answer ({error}): does `ait start` run, and is AIT_NODE its address?")
}

/// CometBFT does not answer.
pub fn no_comet(place: &NodePlace, error: &impl Display) -> String {
    let url = &place.comet_rpc;
    format!("CometBFT does not answer at {url} ({error}): does it run? Its log says why not")
}

/// The node is another chain's.
pub fn other_chain(health: &Health, place: &NodePlace) -> String {
    let (found, expected) = (&health.chain_id, &place.store.chain_id);
    format!(
        "the node that answers is of chain {found}, not of {expected}: name its address in AIT_NODE"
    )
}

/// Adds what is wrong by what was seen.
pub fn find(status: &mut Status) {
    let mut found = Vec::new();
    if let Some(node) = &status.node {
        found.extend(health(node.status, node.reason));
        found.extend(node.planned_upgrade.as_ref().and_then(upgrade));
    }
    if let Some(comet) = &status.comet
        && !comet.catching_up
        && comet.lag >= LATE
    {
        found.push(format!(
            "it is {} blocks behind its furthest peer: look whether its disk and processor keep up",
            comet.lag
        ));
    }
    if let Some(record) = status
        .validator
        .as_ref()
        .and_then(|own| own.record.as_ref())
    {
        found.extend(validator(record));
    }
    if let Some(disk) = &status.disk
        && disk.is_nearly_full()
    {
        found.push(format!(
            "{} bytes are free on the disk of {}: make room, or keep fewer blocks (KEEP_BLOCKS)",
            disk.free_bytes,
            disk.store.display()
        ));
    }
    status.problems.extend(found);
}

fn health(status: HealthStatus, reason: Option<StallReason>) -> Option<String> {
    let what = match (status, reason) {
        (HealthStatus::Ok, _) => return None,
        (HealthStatus::Starting, _) => "it has no block yet, or fetches those that it missed: wait",
        (_, Some(StallReason::CometUnreachable)) => {
            "CometBFT does not answer the application: look into its log, and at COMETBFT_RPC"
        }
        (_, Some(StallReason::ConsensusFailure)) => {
            "consensus failed: CometBFT's log says CONSENSUS FAILURE; keep the data, report it"
        }
        (_, Some(StallReason::PeersPruned)) => {
            "its peers have pruned the next block: join by a snapshot, or find a peer that keeps all"
        }
        (_, Some(StallReason::NoPeers)) => {
            "no peer is connected: look at persistent_peers, firewalls and P2P_BIND"
        }
        (_, Some(StallReason::NoQuorum)) => {
            "too few validators are heard of: they are away, or cut off from this node"
        }
        (_, Some(StallReason::NoDecision)) => {
            "no round decides: proposers are slow or away; look at the clocks"
        }
        (_, Some(StallReason::Unknown) | None) => "no block comes: look into CometBFT's log",
    };
    Some(what.to_owned())
}

fn upgrade(planned: &PlannedUpgrade) -> Option<String> {
    let PlannedUpgrade {
        height,
        name,
        known,
    } = planned;
    (!known).then(|| {
        format!(
            "block {height} begins with the upgrade {name:?}, which this ait does not have: install one that has it \
             before that block"
        )
    })
}

fn validator(record: &super::Record) -> Option<String> {
    match record.jailed_until {
        0 => None,
        quantity::MAX => Some("its validator is jailed for good: it signed twice".to_owned()),
        until => Some(format!(
            "its validator is jailed: `ait tx unjail` works from block {until} on"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{CometView, NodeView, Record, ValidatorView, disk::Disk};

    fn comet(lag: u64, catching_up: bool) -> CometView {
        CometView {
            id: String::new(),
            moniker: String::new(),
            version: String::new(),
            earliest_block: 1,
            latest_block: 100,
            catching_up,
            peers: 1,
            highest_peer: Some(100 + lag),
            lag,
        }
    }

    fn disk(free_bytes: u64) -> Disk {
        Disk {
            store: "node/chain.db".into(),
            store_bytes: 1,
            comet_bytes: None,
            free_bytes,
            disk_bytes: 1_000,
            snapshots: Vec::new(),
        }
    }

    fn jailed(jailed_until: u64) -> ValidatorView {
        let key = ait_app::crypto::SecretKey::from_seed([7; 32]);
        ValidatorView {
            consensus_pubkey: key.public_key(),
            record: Some(Record {
                address: String::new(),
                power: 0,
                missed_blocks: 0,
                jailed_until,
                proven: true,
            }),
        }
    }

    fn planned(known: bool) -> PlannedUpgrade {
        PlannedUpgrade {
            height: 500,
            name: "sooner".to_owned(),
            known,
        }
    }

    #[test]
    fn an_upgrade_that_the_program_does_not_have_is_a_problem_before_its_block() {
        let mut status = Status::default();
        status.node = Some(NodeView {
            status: HealthStatus::Ok,
            reason: None,
            height: 100,
            last_block_age_seconds: Some(1),
            protocol_version: Some(2),
            planned_upgrade: Some(planned(false)),
        });
        let said = found(status);
        assert!(
            said.contains("block 500") && said.contains("\"sooner\""),
            "{said}"
        );
    }

    fn found(mut status: Status) -> String {
        find(&mut status);
        status.problems.join("; ")
    }

    #[test]
    fn a_node_that_is_well_has_no_problem() {
        let status = Status {
            node: Some(NodeView {
                status: HealthStatus::Ok,
                reason: None,
                height: 100,
                last_block_age_seconds: Some(1),
                protocol_version: Some(3),
                planned_upgrade: Some(planned(true)),
            }),
            comet: Some(comet(1, false)),
            validator: Some(jailed(0)),
            disk: Some(disk(50)),
            ..Status::default()
        };
        assert_eq!(found(status), "");
    }

    #[test]
    fn each_problem_says_what_to_do() {
        let stalled = |reason| Status {
            node: Some(NodeView {
                status: HealthStatus::Stalled,
                reason: Some(reason),
                height: 100,
                last_block_age_seconds: None,
                protocol_version: None,
                planned_upgrade: None,
            }),
            ..Status::default()
        };
        for (reason, advice) in [
            (StallReason::NoPeers, "P2P_BIND"),
            (StallReason::PeersPruned, "snapshot"),
            (StallReason::CometUnreachable, "COMETBFT_RPC"),
        ] {
            assert!(found(stalled(reason)).contains(advice), "{reason:?}");
        }
        let with_comet = |comet| Status {
            comet: Some(comet),
            ..Status::default()
        };
        assert!(found(with_comet(comet(30, false))).contains("30 blocks behind"));
        assert_eq!(found(with_comet(comet(30, true))), "");
        let with_validator = |until| Status {
            validator: Some(jailed(until)),
            ..Status::default()
        };
        assert!(found(with_validator(140)).contains("from block 140 on"));
        assert!(found(with_validator(quantity::MAX)).contains("for good"));
        let full = Status {
            disk: Some(disk(49)),
            ..Status::default()
        };
        assert!(found(full).contains("KEEP_BLOCKS"));
    }
}
