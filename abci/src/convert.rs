//! Owns the translation between the state machine's words and CometBFT's protobuf messages.

use ait_app::{
    Refusal,
    block::{BlockInput, CommitVote, ConsensusAddress, ValidatorUpdate},
    crypto::PublicKey,
    events::Event,
    quantity::Power,
    tx::TxResult,
};
use prost::Message as _;
use tendermint_proto::v0_38::{
    abci::{
        CommitInfo, Event as ProtoEvent, EventAttribute, ExecTxResult, Misbehavior,
        ResponseCheckTx, Validator, ValidatorUpdate as ProtoUpdate,
    },
    crypto::{PublicKey as ProtoKey, public_key::Sum},
    types::BlockIdFlag,
};

/// What CometBFT says of a block besides its transactions. Every kind of misbehaviour that it proves
/// (duplicate votes, an attack on light clients) is equivocation.
pub fn block_input(
    proposer: &[u8],
    last_commit: Option<&CommitInfo>,
    misbehaviour: &[Misbehavior],
) -> BlockInput {
    let address = |validator: &Option<Validator>| {
        let address = validator.as_ref().map(|validator| &validator.address);
        address.and_then(|bytes| ConsensusAddress::from_slice(bytes))
    };
    let votes = last_commit.map_or(&[][..], |commit| &commit.votes);
    BlockInput {
        proposer: ConsensusAddress::from_slice(proposer),
        last_commit: votes
            .iter()
            .filter_map(|vote| {
                Some(CommitVote {
                    validator: address(&vote.validator)?,
                    signed: vote.block_id_flag != BlockIdFlag::Absent as i32,
                })
            })
            .collect(),
        misbehaviour: misbehaviour
            .iter()
            .filter_map(|proven| address(&proven.validator))
            .collect(),
    }
}

/// Events as CometBFT indexes them.
pub fn events(events: &[Event]) -> Vec<ProtoEvent> {
    events
        .iter()
        .map(|event| ProtoEvent {
            r#type: event.kind.as_ref().to_owned(),
            attributes: event
                .attributes
                .iter()
                .map(|attribute| EventAttribute {
                    key: attribute.key.as_ref().to_owned(),
                    value: attribute.value.clone(),
                    index: attribute.index,
                })
                .collect(),
        })
        .collect()
}

/// The result of a transaction in a block. Gas stays 0: it is hashed into the header, and fees are
/// this chain's measure.
pub fn tx_result(result: &TxResult) -> ExecTxResult {
    ExecTxResult {
        code: result.code,
        codespace: result.codespace.clone(),
        log: result.log.clone(),
        events: events(&result.events),
        ..ExecTxResult::default()
    }
}

/// What of a result is hashed into the next header (`last_results_hash`): CometBFT leaves out events, and the words for
/// people.
pub fn hashed_result(code: u32) -> Vec<u8> {
    let hashed = ExecTxResult {
        code,
        ..ExecTxResult::default()
    };
    hashed.encode_to_vec()
}

/// CheckTx's yes, with a remark for people.
pub fn accepted(log: &str) -> ResponseCheckTx {
    ResponseCheckTx {
        log: log.to_owned(),
        ..ResponseCheckTx::default()
    }
}

/// CheckTx's no.
pub fn refused(refusal: &Refusal) -> ResponseCheckTx {
    ResponseCheckTx {
        code: refusal.code.number(),
        codespace: refusal.code.codespace().to_owned(),
        log: refusal.message.clone(),
        ..ResponseCheckTx::default()
    }
}

/// A change of the validator set. Powers are at most 2^53-1, so they fit.
pub fn validator_update(pubkey: &PublicKey, power: Power) -> ProtoUpdate {
    ProtoUpdate {
        pub_key: Some(ProtoKey {
            sum: Some(Sum::Ed25519(pubkey.as_bytes().to_vec())),
        }),
        power: i64::try_from(power.get()).unwrap_or(i64::MAX),
    }
}

/// All changes of a block.
pub fn validator_updates(updates: &[ValidatorUpdate]) -> Vec<ProtoUpdate> {
    updates
        .iter()
        .map(|update| validator_update(&update.pubkey, update.power))
        .collect()
}

#[cfg(test)]
mod tests {
    use tendermint_proto::v0_38::abci::VoteInfo;

    use super::*;

    fn validator(bytes: &[u8]) -> Option<Validator> {
        Some(Validator {
            address: bytes.to_vec().into(),
            power: 1,
        })
    }

    #[test]
    fn only_an_absent_vote_is_a_missed_block() {
        let flags = [
            BlockIdFlag::Absent,
            BlockIdFlag::Commit,
            BlockIdFlag::Nil,
            BlockIdFlag::Unknown,
        ];
        let votes = flags.map(|flag| VoteInfo {
            validator: validator(&[flag as u8; 20]),
            block_id_flag: flag as i32,
        });
        let commit = CommitInfo {
            round: 0,
            votes: votes.to_vec(),
        };
        let input = block_input(&[7; 20], Some(&commit), &[]);
        assert_eq!(input.proposer, Some(ConsensusAddress([7; 20])));
        let signed: Vec<bool> = input.last_commit.iter().map(|vote| vote.signed).collect();
        assert_eq!(signed, [false, true, true, true]);
    }

    #[test]
    fn what_names_no_validator_is_passed_over() {
        let evidence = |validator| Misbehavior {
            validator,
            ..Misbehavior::default()
        };
        let misbehaviour = [
            evidence(None),
            evidence(validator(&[1])),
            evidence(validator(&[2; 20])),
        ];
        let input = block_input(b"", None, &misbehaviour);
        assert_eq!(input.proposer, None);
        assert!(input.last_commit.is_empty());
        assert_eq!(input.misbehaviour, [ConsensusAddress([2; 20])]);
    }
}
