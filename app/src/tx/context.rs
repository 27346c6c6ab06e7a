//! Owns what a transaction is executed with, besides the records: the block's facts and its own.

use crate::{
    address::Address,
    crypto::{PublicKey, Signature},
    error::InvariantViolation,
    identifiers::ChainId,
    params::table::Params,
    quantity::{Height, Uait},
    receipts::attestation::Attestation,
    staking::record::Consensus,
    state::{State, View},
    tx::hash::TxHash,
    upgrades::{known::Due, record::ProtocolVersion},
};

/// Who judges the signatures inside payloads. They are a pure function of key, digest and signature,
/// so a node may remember what it judged once.
pub trait Signatures {
    /// Whether `signature` is `key`'s over `digest`, by `verify_strict`.
    fn hold(&self, key: &PublicKey, digest: &[u8; 32], signature: &Signature) -> bool;
}

/// Judges each signature anew.
#[derive(Debug, Clone, Copy, Default)]
pub struct Anew;

impl Signatures for Anew {
    fn hold(&self, key: &PublicKey, digest: &[u8; 32], signature: &Signature) -> bool {
        key.verifies(digest, signature)
    }
}

/// What all transactions of a block share: facts after the block before it.
pub struct BlockContext<'a> {
    /// The chain.
    pub chain_id: &'a ChainId,
    /// The block's height.
    pub height: Height,
    /// The params it runs under.
    pub params: &'a Params,
    /// The mode in force, the epochs and the admin's candidate.
    pub consensus: Consensus,
    /// The upgrade that it begins with.
    pub due: Due,
    /// The version of the protocol that it runs under.
    pub version: ProtocolVersion,
    /// Who judges signatures.
    pub signatures: &'a dyn Signatures,
}

impl<'a> BlockContext<'a> {
    /// Of the block after `state`.
    ///
    /// # Errors
    /// [`InvariantViolation`] when the state has no consensus record.
    pub fn after(
        state: &'a State,
        signatures: &'a dyn Signatures,
    ) -> Result<Self, InvariantViolation> {
        let height = state.height().next();
        let protocol = state.protocol();
        let due = protocol.due(height, ProtocolVersion::NEWEST);
        Ok(Self {
            chain_id: state.chain_id(),
            height,
            version: due.version(protocol.version),
            due,
            params: state.params(),
            consensus: state.consensus()?,
            signatures,
        })
    }
}

/// What one transaction is executed with.
pub struct Context<'a> {
    /// Its block.
    pub block: &'a BlockContext<'a>,
    /// Who sent it.
    pub sender: Address,
    /// The sender's key.
    pub pubkey: PublicKey,
    /// What it offers.
    pub fee: Uait,
    /// What it must pay.
    pub required_fee: Uait,
    /// Its hash.
    pub tx_hash: TxHash,
    /// For a claim that brings none: the attestation in front of the block.
    pub attestation: Option<&'a Attestation>,
}
