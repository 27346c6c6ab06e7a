//! Owns the evidence in a block: CometBFT's JSON of it, its hash in the header, and what FinalizeBlock is told of it.

use prost::Message;
use serde::Deserialize;
use tendermint_proto::{
    google::protobuf::Timestamp,
    v0_38::{
        abci::{Misbehavior, MisbehaviorType, Validator},
        types::{
            self, Commit, DuplicateVoteEvidence, Header, LightBlock, LightClientAttackEvidence,
            SignedHeader, ValidatorSet, Vote,
        },
    },
};

use super::hashes::{Hash, merkle_root, whole};
use crate::rpc::number_in_text;

/// A proof that validators broke the rules.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", content = "value")]
pub enum Evidence {
    /// Two votes of one validator where one is allowed.
    #[serde(rename = "tendermint/DuplicateVoteEvidence")]
    DuplicateVote(Box<DuplicateVoteEvidence>),
    /// A block for light clients that is none of the chain.
    #[serde(rename = "tendermint/LightClientAttackEvidence")]
    LightClientAttack(Box<Attack>),
}

/// An attack on light clients, by CometBFT's names.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attack {
    conflicting_block: ConflictingBlock,
    #[serde(deserialize_with = "number_in_text")]
    common_height: i64,
    byzantine_validators: Option<Vec<types::Validator>>,
    #[serde(deserialize_with = "number_in_text")]
    total_voting_power: i64,
    timestamp: Timestamp,
}

#[derive(Debug, Clone, Deserialize)]
struct ConflictingBlock {
    signed_header: ConflictingHeader,
    validator_set: ValidatorSet,
}

#[derive(Debug, Clone, Deserialize)]
struct ConflictingHeader {
    header: Header,
    commit: Commit,
}

/// `evidence_hash`: of all of a block's evidence.
pub fn evidence_hash(evidence: &[Evidence]) -> Hash {
    let leaves: Vec<Vec<u8>> = evidence.iter().map(Evidence::encode).collect();
    merkle_root(&leaves)
}

/// What FinalizeBlock is told of it.
pub fn misbehavior(evidence: &[Evidence]) -> Vec<Misbehavior> {
    evidence.iter().flat_map(Evidence::misbehavior).collect()
}

impl Evidence {
    fn encode(&self) -> Vec<u8> {
        match self {
            Self::DuplicateVote(votes) => {
                let mut votes = votes.as_ref().clone();
                votes.vote_a = votes.vote_a.map(whole_vote);
                votes.vote_b = votes.vote_b.map(whole_vote);
                votes.timestamp.get_or_insert_default();
                votes.encode_to_vec()
            }
            Self::LightClientAttack(attack) => attack.message().encode_to_vec(),
        }
    }

    fn misbehavior(&self) -> Vec<Misbehavior> {
        match self {
            Self::DuplicateVote(votes) => {
                let vote = votes.vote_a.clone().unwrap_or_default();
                vec![Misbehavior {
                    r#type: MisbehaviorType::DuplicateVote as i32,
                    validator: Some(Validator {
                        address: vote.validator_address.into(),
                        power: votes.validator_power,
                    }),
                    height: vote.height,
                    time: votes.timestamp,
                    total_voting_power: votes.total_voting_power,
                }]
            }
            Self::LightClientAttack(attack) => {
                let validators = attack.byzantine_validators.iter().flatten();
                let one = |validator: &types::Validator| Misbehavior {
                    r#type: MisbehaviorType::LightClientAttack as i32,
                    validator: Some(Validator {
                        address: validator.address.clone().into(),
                        power: validator.voting_power,
                    }),
                    height: attack.common_height,
                    time: Some(attack.timestamp),
                    total_voting_power: attack.total_voting_power,
                };
                validators.map(one).collect()
            }
        }
    }
}

impl Attack {
    fn message(&self) -> LightClientAttackEvidence {
        let ConflictingBlock {
            signed_header,
            validator_set,
        } = self.conflicting_block.clone();
        let ConflictingHeader {
            mut header,
            mut commit,
        } = signed_header;
        header.version.get_or_insert_default();
        header.time.get_or_insert_default();
        header.last_block_id = Some(whole(header.last_block_id.as_ref()));
        commit.block_id = Some(whole(commit.block_id.as_ref()));
        for signature in &mut commit.signatures {
            signature.timestamp.get_or_insert_default();
        }
        LightClientAttackEvidence {
            conflicting_block: Some(LightBlock {
                signed_header: Some(SignedHeader {
                    header: Some(header),
                    commit: Some(commit),
                }),
                validator_set: Some(ValidatorSet {
                    // CometBFT leaves it out of the bytes that it hashes.
                    total_voting_power: 0,
                    ..validator_set
                }),
            }),
            common_height: self.common_height,
            byzantine_validators: self.byzantine_validators.clone().unwrap_or_default(),
            total_voting_power: self.total_voting_power,
            timestamp: Some(self.timestamp),
        }
    }
}

/// Go writes every embedded message, be it empty.
fn whole_vote(mut vote: Vote) -> Vote {
    vote.block_id = Some(whole(vote.block_id.as_ref()));
    vote.timestamp.get_or_insert_default();
    vote
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What CometBFT 0.38.26 writes of an `EvidenceList` (libs/json) with an attack on light clients by two of three
    /// validators; the third did not sign.
    const ATTACK: &str = include_str!("light_client_attack.json");

    fn attack() -> Vec<Evidence> {
        serde_json::from_str(ATTACK).unwrap()
    }

    /// The same list's `Hash` and `ABCI` in CometBFT.
    #[test]
    fn an_attack_on_light_clients_has_the_hash_that_cometbft_gives_it() {
        assert_eq!(
            hex::encode_upper(evidence_hash(&attack())),
            "B8AD08E6D5796D5911916AF2ABA88CDC25E7793FCADD0E7A5810FDEB8C0D9D1C"
        );
    }

    #[test]
    fn finalize_block_is_told_of_each_validator_that_attacked() {
        let found = misbehavior(&attack());
        let told: Vec<(String, i64)> = found
            .iter()
            .map(|one| {
                let validator = one.validator.clone().unwrap();
                (hex::encode_upper(validator.address), validator.power)
            })
            .collect();
        let expected = [
            ("5EF3B5F25C54946D4A89FC0D09D2F126614540F2", 30),
            ("E3DE5B0E722E746438764491C6BED192894B2FE1", 10),
        ];
        assert_eq!(
            told,
            expected.map(|(address, power)| (address.to_owned(), power))
        );
        for one in found {
            assert_eq!(one.r#type, MisbehaviorType::LightClientAttack as i32);
            // Since the height that the attackers and the chain have in common.
            assert_eq!((one.height, one.total_voting_power), (4, 60));
            let time = one.time.unwrap();
            assert_eq!((time.seconds, time.nanos), (1_769_860_800, 500_000_000));
        }
    }

    #[test]
    fn whatever_is_changed_in_an_attack_changes_its_hash() {
        let right = evidence_hash(&attack());
        for (found, with) in [
            ("\"CommonHeight\": \"4\"", "\"CommonHeight\": \"5\""),
            (
                "\"TotalVotingPower\": \"60\"",
                "\"TotalVotingPower\": \"61\"",
            ),
            ("\"signature\": null", "\"signature\": \"AAAA\""),
            (
                "\"proposer_priority\": \"20\"",
                "\"proposer_priority\": \"21\"",
            ),
            ("\"app\": \"2\"", "\"app\": \"3\""),
        ] {
            let changed = ATTACK.replacen(found, with, 1);
            assert_ne!(changed, ATTACK, "{found}");
            let changed: Vec<Evidence> = serde_json::from_str(&changed).unwrap();
            assert_ne!(evidence_hash(&changed), right, "{with}");
        }
    }
}
