//! Owns what a replay reports.

use serde::Serialize;

use super::compare::Difference;

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Blocks that were executed.
    pub blocks: u64,
    /// Transactions in them.
    pub transactions: u64,
    /// Commits that more than two thirds of the power signed.
    pub commits: u64,
    /// Signatures in them.
    pub signatures: u64,
    /// Blocks whose results the node kept, and that were compared with them one by one.
    pub compared_results: u64,
}

/// What a replay came to, on standard output.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether the node's blocks and headers are what executing them gives.
    pub agrees: bool,
    /// The chain.
    pub chain_id: String,
    /// What is taken as given.
    pub trusted: String,
    /// The first block.
    pub from: u64,
    /// The last block whose app hash was to be compared.
    pub to: u64,
    #[serde(flatten)]
    pub counts: Counts,
    /// The app hash after the last block that was executed, upper-case hex.
    pub app_hash: String,
    /// What was compared of each block.
    pub verified: &'static [&'static str],
    /// What differs at the first height where something does.
    pub differences: Vec<Difference>,
}

/// What is compared of each block.
pub const VERIFIED: &[&str] = &[
    "app_hash",
    "last_results_hash",
    "validators_hash",
    "next_validators_hash",
    "data_hash",
    "last_commit_hash",
    "evidence_hash",
    "last_block_id",
    "commit_signatures",
];
