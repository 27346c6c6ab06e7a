//! Owns what CometBFT says of a block besides its transactions (ABCI 2.0, `FinalizeBlock`), and the
//! validator updates that are answered. A leaf: everything else may name these facts.

use crate::{
    crypto::{PublicKey, sha256},
    prelude::*,
    quantity::Power,
};

/// CometBFT's address of a consensus key: the first 20 bytes of sha256 of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsensusAddress(pub [u8; 20]);

impl ConsensusAddress {
    /// The address of a consensus key.
    pub fn of(key: &PublicKey) -> Self {
        let digest = sha256(key.as_bytes());
        Self(core::array::from_fn(|i| {
            digest.get(i).copied().unwrap_or_default()
        }))
    }

    /// From the 20 bytes that CometBFT sends; `None` for another length.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

/// What CometBFT says of a block besides its transactions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockInput {
    /// Who proposed it.
    pub proposer: Option<ConsensusAddress>,
    /// Who signed the block before it and who didn't (ABCI, `CommitInfo` of `DecidedLastCommit`).
    pub last_commit: Vec<CommitVote>,
    /// Whose equivocation it proves (ABCI, `Misbehavior`).
    pub misbehaviour: Vec<ConsensusAddress>,
}

/// A validator's part in the commit of the block before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitVote {
    /// Its key.
    pub validator: ConsensusAddress,
    /// Whether its flag is not absent: it signed, be it for nil.
    pub signed: bool,
}

/// A change of CometBFT's validator set; power 0 removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValidatorUpdate {
    /// The consensus key.
    pub pubkey: PublicKey,
    /// Its voting power from H+2 on.
    pub power: Power,
}
