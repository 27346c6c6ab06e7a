//! Owns what CometBFT 0.38 asks of the application for a block: InitChain from the genesis (consensus/replay.go), and
//! FinalizeBlock from a block and the validators of the one before (state/execution.go). Executes nothing.

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::value::RawValue;
use tendermint_proto::{
    google::protobuf::{Duration, Timestamp},
    v0_38::{
        abci::{
            CommitInfo, RequestFinalizeBlock, RequestInitChain, Validator, ValidatorUpdate,
            VoteInfo,
        },
        crypto::{PublicKey, public_key::Sum},
        types::{
            AbciParams, BlockParams, Commit, CommitSig, ConsensusParams, EvidenceParams,
            ValidatorParams,
        },
    },
};

use super::{
    evidence,
    hashes::header_hash,
    source::Block,
    validators::{Member, ValidatorSet},
};
use crate::rpc::number_in_text;

const NANOSECONDS: i64 = 1_000_000_000;

/// CometBFT's genesis file, as far as InitChain is told of it.
#[derive(Deserialize)]
struct Genesis<'a> {
    chain_id: String,
    genesis_time: Timestamp,
    #[serde(default)]
    initial_height: Option<String>,
    consensus_params: Params,
    #[serde(default)]
    validators: Option<Vec<GenesisValidator>>,
    #[serde(borrow)]
    app_state: &'a RawValue,
}

#[derive(Deserialize)]
struct Params {
    block: BlockLimits,
    evidence: Evidence,
    validator: KeyTypes,
}

/// `consensus_params.block`.
#[derive(Deserialize)]
struct BlockLimits {
    #[serde(deserialize_with = "number_in_text")]
    max_bytes: i64,
    #[serde(deserialize_with = "number_in_text")]
    max_gas: i64,
}

#[derive(Deserialize)]
struct Evidence {
    #[serde(deserialize_with = "number_in_text")]
    max_age_num_blocks: i64,
    /// Nanoseconds.
    #[serde(deserialize_with = "number_in_text")]
    max_age_duration: i64,
    #[serde(default)]
    max_bytes: Option<String>,
}

#[derive(Deserialize)]
struct KeyTypes {
    pub_key_types: Vec<String>,
}

#[derive(Deserialize)]
struct GenesisValidator {
    pub_key: Sum,
    #[serde(deserialize_with = "number_in_text")]
    power: i64,
}

/// InitChain of a genesis that [`ait_home::genesis::check`] took.
///
/// # Errors
/// What of it is not understood.
pub fn init_chain(genesis: &str) -> Result<RequestInitChain> {
    let genesis: Genesis<'_> =
        serde_json::from_str(genesis).context("the genesis is none of CometBFT")?;
    let params = genesis.consensus_params;
    let initial_height = match genesis.initial_height.as_deref() {
        None | Some("0" | "") => 1,
        Some(height) => height
            .parse()
            .context("initial_height of the genesis is no number")?,
    };
    let validators = genesis.validators.unwrap_or_default().into_iter();
    let age = params.evidence.max_age_duration;
    let max_bytes = params.evidence.max_bytes.as_deref().unwrap_or("0");
    let consensus_params = ConsensusParams {
        block: Some(BlockParams {
            max_bytes: params.block.max_bytes,
            max_gas: params.block.max_gas,
        }),
        evidence: Some(EvidenceParams {
            max_age_num_blocks: params.evidence.max_age_num_blocks,
            max_age_duration: Some(Duration {
                seconds: age / NANOSECONDS,
                nanos: i32::try_from(age % NANOSECONDS).unwrap_or(0),
            }),
            max_bytes: max_bytes
                .parse()
                .context("evidence.max_bytes of the genesis is no number")?,
        }),
        validator: Some(ValidatorParams {
            pub_key_types: params.validator.pub_key_types,
        }),
        abci: Some(AbciParams::default()),
        ..ConsensusParams::default()
    };
    Ok(RequestInitChain {
        time: Some(genesis.genesis_time),
        chain_id: genesis.chain_id,
        consensus_params: Some(consensus_params),
        validators: validators
            .map(|validator| ValidatorUpdate {
                pub_key: Some(PublicKey {
                    sum: Some(validator.pub_key),
                }),
                power: validator.power,
            })
            .collect(),
        app_state_bytes: genesis.app_state.get().as_bytes().to_vec().into(),
        initial_height,
    })
}

/// FinalizeBlock of a block, whose `last_commit` `before` signed: the validators of the block before it, none before
/// the first.
pub fn finalize_block(block: &Block, before: Option<&ValidatorSet>) -> RequestFinalizeBlock {
    let header = &block.header;
    let decided = before.map(|before| last_commit(&block.last_commit, before));
    RequestFinalizeBlock {
        txs: block.data.txs.iter().cloned().map(Into::into).collect(),
        decided_last_commit: Some(decided.unwrap_or_default()),
        misbehavior: evidence::misbehavior(block.evidence()),
        hash: header_hash(header).to_vec().into(),
        height: header.height,
        time: header.time,
        next_validators_hash: header.next_validators_hash.clone().into(),
        proposer_address: header.proposer_address.clone().into(),
    }
}

/// Every validator in the set's order, with how it voted.
fn last_commit(commit: &Commit, before: &ValidatorSet) -> CommitInfo {
    let votes = before.members().iter().zip(&commit.signatures);
    let vote = |(member, signature): (&Member, &CommitSig)| VoteInfo {
        validator: Some(Validator {
            address: member.address.clone().into(),
            power: member.power,
        }),
        block_id_flag: signature.block_id_flag,
    };
    CommitInfo {
        round: commit.round,
        votes: votes.map(vote).collect(),
    }
}
