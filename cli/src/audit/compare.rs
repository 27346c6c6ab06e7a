//! Owns what a difference is, and the comparison of a block with what is known of it without trust.

use std::fmt;

use serde::Serialize;
use tendermint_proto::v0_38::{abci::ExecTxResult, types::BlockId};

use super::{
    evidence::evidence_hash,
    hashes::{Hash, commit_hash, data_hash, deterministic, header_hash, whole},
    source::BlockAnswer,
};

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The block is of another height than was asked for.
    Height,
    /// The block is of another chain.
    ChainId,
    /// The block names another version of the protocol than it was to be made by.
    Version,
    /// The block's id is not its header's hash.
    HeaderHash,
    /// The header does not name the block before it.
    LastBlockId,
    /// The header's `data_hash` is not that of the transactions.
    DataHash,
    /// The header's `last_commit_hash` is not that of the votes in the block.
    LastCommitHash,
    /// The header's `evidence_hash` is not that of the evidence in the block.
    EvidenceHash,
    /// The header's `validators_hash` is not that of the validators that the blocks before elected.
    ValidatorsHash,
    /// The same of `next_validators_hash`.
    NextValidatorsHash,
    /// The validators did not commit the block.
    Commit,
    /// The app hash after the block.
    AppHash,
    /// The root over the block's results.
    ResultsHash,
    /// A result that the node keeps.
    Result,
    /// The state machine can't execute the block.
    Execution,
}

/// A difference between what a node says and what executing its blocks gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The block that it is about.
    pub height: u64,
    /// What differs.
    pub what: What,
    /// In words.
    #[serde(rename = "message")]
    pub words: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "block {}: {}", self.height, self.words)
    }
}

/// What is known of a block before it is looked at.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// Its chain.
    pub chain_id: String,
    /// Its height.
    pub height: u64,
    /// The version of the protocol in its header.
    pub version: u64,
    /// The hash of the header before it; empty for the first block.
    pub last_hash: Vec<u8>,
    /// The app hash after the block before it.
    pub app_hash: Vec<u8>,
    /// The root over the results of the block before it; `None` where that was not executed.
    pub results_hash: Option<Hash>,
    /// The hash of its validators.
    pub validators: Hash,
    /// The hash of those of the block after it.
    pub next_validators: Hash,
}

/// Every difference between a block and what is known of it, those of the block before first.
pub fn differences(answer: &BlockAnswer, expected: &Expected) -> Vec<Difference> {
    let (header, mut found) = (&answer.block.header, Vec::new());
    let height = expected.height;
    let before = height.saturating_sub(1);
    let mut add = |height: u64, what: What, words: String| {
        found.push(Difference {
            height,
            what,
            words,
        });
    };
    if u64::try_from(header.height) != Ok(height) {
        add(
            height,
            What::Height,
            format!("the node gave block {}", header.height),
        );
    }
    if header.chain_id != expected.chain_id {
        let (chain, expected) = (&header.chain_id, &expected.chain_id);
        let words = format!("it is of chain {chain:?}, not of {expected}");
        add(height, What::ChainId, words);
    }
    let version = header.version.unwrap_or_default().app;
    if version != expected.version {
        let words = format!(
            "its header has version {version} of the protocol (version.app), and the chain is at {}",
            expected.version
        );
        add(height, What::Version, words);
    }
    let mut compare = |of: u64, what: What, name: &str, said: &[u8], own: &[u8]| {
        if said != own {
            let (said, own) = (shown(said), shown(own));
            add(
                of,
                what,
                format!("{name}: the header of block {height} says {said}, found {own}"),
            );
        }
    };
    compare(
        before,
        What::AppHash,
        "app hash after it",
        &header.app_hash,
        &expected.app_hash,
    );
    if let Some(own) = &expected.results_hash {
        let name = "root over its results (last_results_hash)";
        compare(
            before,
            What::ResultsHash,
            name,
            &header.last_results_hash,
            own,
        );
    }
    let last = whole(header.last_block_id.as_ref());
    compare(
        height,
        What::LastBlockId,
        "hash of the block before",
        &last.hash,
        &expected.last_hash,
    );
    let own = &expected.validators;
    compare(
        height,
        What::ValidatorsHash,
        "validators_hash",
        &header.validators_hash,
        own,
    );
    let (name, own) = ("next_validators_hash", &expected.next_validators);
    compare(
        height,
        What::NextValidatorsHash,
        name,
        &header.next_validators_hash,
        own,
    );
    let own = data_hash(&answer.block.data.txs);
    compare(
        height,
        What::DataHash,
        "hash of its transactions (data_hash)",
        &header.data_hash,
        &own,
    );
    let own = commit_hash(&answer.block.last_commit);
    compare(
        height,
        What::LastCommitHash,
        "last_commit_hash",
        &header.last_commit_hash,
        &own,
    );
    let own = evidence_hash(answer.block.evidence());
    compare(
        height,
        What::EvidenceHash,
        "evidence_hash",
        &header.evidence_hash,
        &own,
    );
    let (said, own) = (&answer.block_id.hash, header_hash(header));
    if *said != own {
        let (said, own) = (shown(said), shown(&own));
        let words = format!(
            "its id is {said}, but its header has hash {own}: it was changed after it was made"
        );
        add(height, What::HeaderHash, words);
    }
    found.sort_by_key(|difference| difference.height);
    found
}

/// The first result that the node keeps otherwise.
pub fn first_result(
    height: u64,
    own: &[ExecTxResult],
    said: &[ExecTxResult],
) -> Option<Difference> {
    let differ = |words: String| Difference {
        height,
        what: What::Result,
        words,
    };
    let (ours, theirs) = (own.len(), said.len());
    if ours != theirs {
        return Some(differ(format!(
            "block_results has {theirs} results, found {ours}"
        )));
    }
    let mut pairs = own.iter().zip(said).enumerate();
    let (index, (own, said)) =
        pairs.find(|(_, (own, said))| deterministic(own) != deterministic(said))?;
    Some(differ(format!(
        "transaction {index} (from 0): block_results says code {}, found {}{}",
        said.code,
        own.code,
        match (own.code == said.code, own.log.is_empty()) {
            (true, _) => "; its data or gas differ".to_owned(),
            (false, true) => String::new(),
            (false, false) => format!(" ({})", own.log),
        }
    )))
}

/// The id of a block, as a commit has it.
pub fn id_of(answer: &BlockAnswer, parts: &BlockId) -> BlockId {
    BlockId {
        hash: header_hash(&answer.block.header).to_vec(),
        part_set_header: whole(Some(parts)).part_set_header,
    }
}

fn shown(hash: &[u8]) -> String {
    match hash {
        [] => "none".to_owned(),
        _ => hex::encode_upper(hash),
    }
}
