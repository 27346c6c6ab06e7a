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
