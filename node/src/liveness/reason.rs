//! Owns why no block comes, as far as it shows in what CometBFT says of its consensus and its peers.

use std::time::Duration;

use ait_api::node::StallReason;

use crate::comet::{ConsensusDump, RoundState};

/// How long consensus may stand at one step that ends by a timeout, whatever the round.
const LONGEST_STEP: Duration = Duration::from_secs(10);
/// How much longer for each round: CometBFT's timeouts grow by half a second.
const LONGER_A_ROUND: Duration = Duration::from_secs(1);

/// What a stalled node sees.
pub struct Look<'a> {
    /// CometBFT's answer; `None` where it gives none.
    pub consensus: Option<&'a ConsensusDump>,
    /// The height after the last block of this node.
    pub next: u64,
    /// Whether CometBFT fetches blocks instead of taking part.
    pub catching_up: bool,
    /// For how long consensus has been seen at the same height, round and step.
    pub unmoved: Duration,
}

/// Why the last block was not followed by another.
pub fn reason(look: &Look<'_>) -> StallReason {
    let Some(dump) = look.consensus else {
        return StallReason::Unknown;
    };
    if are_ahead(dump, look.next) {
        return StallReason::PeersPruned;
    }
    let alone = dump.peers.is_empty();
    if look.catching_up {
        return if alone {
            StallReason::NoPeers
        } else {
            StallReason::Unknown
        };
    }
    let state = &dump.round_state;
    if has_failed(state, look.unmoved) {
        return StallReason::ConsensusFailure;
    }
    match (waits_for_votes(state) && !state.has_quorum(), alone) {
        (true, true) => StallReason::NoPeers,
        (true, false) => StallReason::NoQuorum,
        (false, _) => StallReason::NoDecision,
    }
}

/// Whether most peers decide a height beyond the next one: they have the block that this node lacks,
/// and none gave it.
fn are_ahead(dump: &ConsensusDump, next: u64) -> bool {
    let ahead = dump.peers.iter().filter(|peer| peer.height() > next);
    let known = dump.peers.iter().filter(|peer| peer.height() > 0);
    ahead.count().saturating_mul(2) > known.count()
}

/// Steps that end when enough votes have come, and not before.
fn waits_for_votes(state: &RoundState) -> bool {
    matches!(state.step, PREVOTE | PRECOMMIT)
}

/// Whether consensus stands where a timeout, or what is here already, should have moved it on.
fn has_failed(state: &RoundState, unmoved: Duration) -> bool {
    let rounds = u32::try_from(state.round).unwrap_or(0);
    if unmoved < LONGEST_STEP.saturating_add(LONGER_A_ROUND.saturating_mul(rounds)) {
        return false;
    }
    match state.step {
        PROPOSE | PREVOTE_WAIT | PRECOMMIT_WAIT => true,
        PREVOTE | PRECOMMIT => state.has_quorum(),
        COMMIT => state.has_block(),
        // Between heights it may wait for as long as it was told.
        _ => false,
    }
}

const PROPOSE: u8 = 3;
const PREVOTE: u8 = 4;
const PREVOTE_WAIT: u8 = 5;
const PRECOMMIT: u8 = 6;
const PRECOMMIT_WAIT: u8 = 7;
const COMMIT: u8 = 8;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    fn dump(step: u8, votes: &str, peers: &[u64]) -> ConsensusDump {
        let peers: Vec<Value> = peers
            .iter()
            .map(|height| json!({"peer_state": {"round_state": {"height": height.to_string()}}}))
            .collect();
        let round_state = json!({
            "height": "25", "round": 1, "step": step, "start_time": "2026-01-01T00:00:00Z",
            "proposal_block": {}, "votes": [
                {"round": 0, "prevotes_bit_array": "BA{4:xxxx} 40/40 = 1.00",
                 "precommits_bit_array": "BA{4:xxxx} 40/40 = 1.00"},
                {"round": 1, "prevotes_bit_array": votes, "precommits_bit_array": votes},
            ],
        });
        serde_json::from_value(json!({"round_state": round_state, "peers": peers})).unwrap()
    }

    fn told(dump: &ConsensusDump, catching_up: bool, unmoved: Duration) -> StallReason {
        reason(&Look {
            consensus: Some(dump),
            next: 25,
            catching_up,
            unmoved,
        })
    }

    const HALF: &str = "BA{4:xx__} 20/40 = 0.50";
    const MOST: &str = "BA{4:xxx_} 30/40 = 0.75";

    #[test]
    fn too_few_votes_are_no_quorum_and_without_a_peer_no_peers() {
        for step in [PREVOTE, PRECOMMIT] {
            let stalled = told(&dump(step, HALF, &[25, 24]), false, LONG);
            assert_eq!(stalled, StallReason::NoQuorum);
            let alone = told(&dump(step, HALF, &[]), false, LONG);
            assert_eq!(alone, StallReason::NoPeers);
        }
        assert_eq!(told(&dump(1, HALF, &[]), true, LONG), StallReason::NoPeers);
    }

    #[test]
    fn peers_that_are_ahead_and_give_nothing_have_pruned() {
        for catching_up in [true, false] {
            let behind = dump(PREVOTE, HALF, &[900, 901, 25]);
            assert_eq!(told(&behind, catching_up, LONG), StallReason::PeersPruned);
        }
        let one_boasts = dump(PREVOTE, HALF, &[u64::MAX, 25, 24]);
        assert_eq!(told(&one_boasts, false, LONG), StallReason::NoQuorum);
        let unknown = dump(PREVOTE, HALF, &[0, 0]);
        assert_eq!(told(&unknown, false, LONG), StallReason::NoQuorum);
    }

    #[test]
    fn a_step_that_outlives_its_timeout_is_a_consensus_failure() {
        for (step, votes) in [
            (PROPOSE, HALF),
            (PREVOTE_WAIT, MOST),
            (PRECOMMIT_WAIT, MOST),
            (PREVOTE, MOST),
            (PRECOMMIT, MOST),
            (COMMIT, MOST),
        ] {
            let stuck = dump(step, votes, &[25]);
            assert_eq!(told(&stuck, false, LONG), StallReason::ConsensusFailure);
            let moves = told(&stuck, false, Duration::from_secs(10));
            assert_eq!(moves, StallReason::NoDecision, "step {step}");
        }
        assert_eq!(
            told(&dump(2, HALF, &[25]), false, LONG),
            StallReason::NoDecision
        );
    }

    #[test]
    fn what_does_not_show_is_unknown() {
        let blind = Look {
            consensus: None,
            next: 25,
            catching_up: false,
            unmoved: LONG,
        };
        assert_eq!(reason(&blind), StallReason::Unknown);
        assert_eq!(told(&dump(1, "", &[25]), true, LONG), StallReason::Unknown);
    }
}
