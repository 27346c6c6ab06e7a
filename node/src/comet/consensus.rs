//! Owns the shape of CometBFT's `dump_consensus_state`, as far as it tells why no block comes.

use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::answers::{null_as_empty, number_in_text};

/// `dump_consensus_state`.
#[derive(Debug, Clone, Deserialize)]
pub struct ConsensusDump {
    /// Where consensus stands.
    pub round_state: RoundState,
    /// What is known of each peer.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub peers: Vec<PeerEntry>,
}

/// Where consensus stands.
#[derive(Debug, Clone, Deserialize)]
pub struct RoundState {
    /// The height that is being decided.
    #[serde(deserialize_with = "number_in_text")]
    pub height: u64,
    pub round: i64,
    /// The step, 1 (new height) to 8 (commit).
    pub step: u8,
    /// When the height's first round begins or began, RFC 3339.
    #[serde(default)]
    start_time: String,
    /// The block, once all of it is here.
    #[serde(default)]
    proposal_block: Option<serde::de::IgnoredAny>,
    /// The votes of each round.
    #[serde(default, deserialize_with = "null_as_empty")]
    votes: Vec<RoundVotes>,
}

/// The votes of a round.
#[derive(Debug, Clone, Deserialize)]
struct RoundVotes {
    round: i64,
    #[serde(default)]
    prevotes_bit_array: String,
    #[serde(default)]
    precommits_bit_array: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct PeerEntry {
    peer_state: PeerState,
}

#[derive(Debug, Clone, Deserialize)]
struct PeerState {
    round_state: PeerRoundState,
}

#[derive(Debug, Clone, Deserialize)]
struct PeerRoundState {
    #[serde(deserialize_with = "number_in_text")]
    height: u64,
}

impl PeerEntry {
    /// The height that it decides; 0 where it has not said.
    pub fn height(&self) -> u64 {
        self.peer_state.round_state.height
    }
}

impl RoundState {
    /// Whether the block of this height is here.
    pub fn has_block(&self) -> bool {
        self.proposal_block.is_some()
    }

    /// Whether the height's first round is yet to begin at `now`, Unix seconds: the pause between two
    /// blocks.
    pub fn is_pausing(&self, now: i64) -> bool {
        OffsetDateTime::parse(&self.start_time, &Rfc3339)
            .is_ok_and(|start| start.unix_timestamp() > now)
    }

    /// Whether more than two thirds of the power voted in this round, as far as this node has heard:
    /// in the step for prevotes, and in that for precommits.
    pub fn has_quorum(&self) -> bool {
        let votes = self.votes.iter().find(|votes| votes.round == self.round);
        votes.is_some_and(|votes| {
            let last = match self.step {
                0..=5 => &votes.prevotes_bit_array,
                _ => &votes.precommits_bit_array,
            };
            is_above_two_thirds(last)
        })
    }
}

/// Reads CometBFT's `BA{4:x_xx} 30/40 = 0.75`: the power that voted, and all.
fn is_above_two_thirds(votes: &str) -> bool {
    let powers = || {
        let (_, powers) = votes.split_once("} ")?;
        let (powers, _) = powers.split_once(" =")?;
        let (voted, total) = powers.split_once('/')?;
        Some((voted.parse::<u128>().ok()?, total.parse::<u128>().ok()?))
    };
    powers().is_some_and(|(voted, total)| voted.saturating_mul(3) > total.saturating_mul(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_of_cometbft_is_read() {
        let dump: ConsensusDump = serde_json::from_str(
            r#"{"round_state":{"height":"25","round":0,"step":4,"start_time":"2026-11-25T16:50:38.3Z",
                "proposal_block":null,"votes":[{"round":0,"prevotes":["nil-Vote"],
                "prevotes_bit_array":"BA{4:__xx} 20/40 = 0.50","precommits":[],
                "precommits_bit_array":"BA{4:____} 0/40 = 0.00"}]},
                "peers":[{"node_address":"a","peer_state":{"round_state":{"height":"24","round":0},
                "stats":{"votes":"1"}}}]}"#,
        )
        .unwrap();
        let state = dump.round_state;
        assert_eq!((state.height, state.round, state.step), (25, 0, 4));
        assert!(!state.has_block() && !state.has_quorum());
        assert_eq!(dump.peers[0].height(), 24);
        let start = 1_795_625_438;
        assert!(state.is_pausing(start - 1) && !state.is_pausing(start));
    }

    #[test]
    fn two_thirds_are_no_quorum_and_more_are() {
        for (votes, quorum) in [
            ("BA{3:xx_} 20/30 = 0.67", false),
            ("BA{3:xx_} 21/30 = 0.70", true),
            ("BA{1:x} 10/10 = 1.00", true),
            ("nil-BitArray", false),
            ("", false),
        ] {
            assert_eq!(is_above_two_thirds(votes), quorum, "{votes}");
        }
    }
}
