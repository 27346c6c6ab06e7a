//! Owns what a transaction is (SPEC section 3) and the only dispatch over its kinds; each kind's
//! fields, checks, effects and events stand in a file of its own.

pub mod auth;
pub mod codec;
pub mod escrow_open;
pub mod escrow_release;
pub mod execute;
mod offence;
pub mod param_update;
pub mod receipt_claim;
pub mod stake;
pub mod transfer;
pub mod unjail;
pub mod unstake;

#[cfg(test)]
mod tests;

use std::fmt;

pub use codec::{MAX_WIRE_BYTES, canonicalise};
pub use escrow_open::EscrowOpen;
pub use escrow_release::EscrowRelease;
pub use execute::{Context, Outcome, TxResult, run};
pub use param_update::ParamUpdate;
pub use receipt_claim::ReceiptClaim;
pub use stake::Stake;
pub use transfer::Transfer;
pub use unjail::Unjail;
pub use unstake::Unstake;

use crate::{
    address::Address,
    code::Code,
    crypto::{PublicKey, SecretKey, Signature, sha256},
    error::{Failure, Refusal},
    events::Event,
    identifiers::ChainId,
    json::Json,
    state::overlay::{Overlay, View},
};

/// sha256 of a transaction's wire bytes: the hash CometBFT uses. Prints as upper-case hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxHash(pub [u8; 32]);

impl TxHash {
    /// The hash of wire bytes.
    pub fn of(wire: &[u8]) -> Self {
        Self(sha256(wire))
    }

    /// Reads 64 hex characters of either case.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

impl fmt::Display for TxHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(self.0))
    }
}

impl fmt::Debug for TxHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a transaction does, by its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// `TRANSFER`
    Transfer(Transfer),
    /// `ESCROW_OPEN`
    EscrowOpen(EscrowOpen),
    /// `ESCROW_RELEASE`
    EscrowRelease(EscrowRelease),
    /// `RECEIPT_CLAIM`
    ReceiptClaim(Box<ReceiptClaim>),
    /// `PARAM_UPDATE`
    ParamUpdate(ParamUpdate),
    /// `STAKE`
    Stake(Stake),
    /// `UNSTAKE`
    Unstake(Unstake),
    /// `UNJAIL`
    Unjail(Unjail),
}

impl Payload {
    /// The names of all kinds, as they stand in `type`.
    pub const KINDS: &'static [&'static str] = &[
        "TRANSFER",
        "ESCROW_OPEN",
        "ESCROW_RELEASE",
        "RECEIPT_CLAIM",
        "PARAM_UPDATE",
        "STAKE",
        "UNSTAKE",
        "UNJAIL",
    ];

    /// The kind, as it stands in `type`.
    pub fn kind(&self) -> &'static str {
        match self {
            Payload::Transfer(_) => "TRANSFER",
            Payload::EscrowOpen(_) => "ESCROW_OPEN",
            Payload::EscrowRelease(_) => "ESCROW_RELEASE",
            Payload::ReceiptClaim(_) => "RECEIPT_CLAIM",
            Payload::ParamUpdate(_) => "PARAM_UPDATE",
            Payload::Stake(_) => "STAKE",
            Payload::Unstake(_) => "UNSTAKE",
            Payload::Unjail(_) => "UNJAIL",
        }
    }

    /// Reads the payload of a kind, for a sender.
    ///
    /// # Errors
    /// [`Code::UnknownType`], or a refusal that names the field.
    pub fn parse(kind: &str, json: &Json, sender: Address) -> Result<Self, Refusal> {
        match kind {
            "TRANSFER" => Ok(Payload::Transfer(Transfer::parse(json)?)),
            "ESCROW_OPEN" => Ok(Payload::EscrowOpen(EscrowOpen::parse(json)?)),
            "ESCROW_RELEASE" => Ok(Payload::EscrowRelease(EscrowRelease::parse(json)?)),
            "RECEIPT_CLAIM" => {
                let claim = ReceiptClaim::parse(json, sender)?;
                Ok(Payload::ReceiptClaim(Box::new(claim)))
            }
            "PARAM_UPDATE" => Ok(Payload::ParamUpdate(ParamUpdate::parse(json)?)),
            "STAKE" => Ok(Payload::Stake(Stake::parse(json)?)),
            "UNSTAKE" => Ok(Payload::Unstake(Unstake::parse(json)?)),
            "UNJAIL" => Ok(Payload::Unjail(Unjail::parse(json)?)),
            other => {
                let shown: String = other.chars().take(64).collect();
                Err(Refusal::new(
                    Code::UnknownType,
                    format!("type {shown:?} is none of {}", Self::KINDS.join(", ")),
                ))
            }
        }
    }

    /// The payload's fields, the inverse of [`Payload::parse`].
    pub fn to_json(&self) -> Json {
        match self {
            Payload::Transfer(payload) => payload.to_json(),
            Payload::EscrowOpen(payload) => payload.to_json(),
            Payload::EscrowRelease(payload) => payload.to_json(),
            Payload::ReceiptClaim(payload) => payload.to_json(),
            Payload::ParamUpdate(payload) => payload.to_json(),
            Payload::Stake(payload) => payload.to_json(),
            Payload::Unstake(payload) => payload.to_json(),
            Payload::Unjail(payload) => payload.to_json(),
        }
    }

    /// Whether the required fee comes out of an escrow rather than the sender's balance.
    pub fn fee_comes_from_escrow(&self) -> bool {
        matches!(self, Payload::ReceiptClaim(_))
    }

    fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<'_, V>,
    ) -> Result<Vec<Event>, Failure> {
        match self {
            Payload::Transfer(payload) => payload.execute(context, overlay),
            Payload::EscrowOpen(payload) => payload.execute(context, overlay),
            Payload::EscrowRelease(payload) => payload.execute(context, overlay),
            Payload::ReceiptClaim(payload) => payload.execute(context, overlay),
            Payload::ParamUpdate(payload) => payload.execute(context, overlay),
            Payload::Stake(payload) => payload.execute(context, overlay),
            Payload::Unstake(payload) => payload.execute(context, overlay),
            Payload::Unjail(payload) => payload.execute(context, overlay),
        }
    }
}

/// A transaction as it travels: exactly seven fields (SPEC section 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Who sends it and pays for it.
    pub sender: Address,
    /// The account's nonce + 1.
    pub nonce: u64,
    /// uait offered.
    pub fee: u64,
    /// What it does.
    pub payload: Payload,
    /// The sender's key.
    pub pubkey: PublicKey,
    /// Over [`codec::sign_bytes`].
    pub sig: Signature,
}

impl Transaction {
    /// Makes and signs a transaction of `key`'s account.
    pub fn sign(
        chain_id: &ChainId,
        key: &SecretKey,
        nonce: u64,
        fee: u64,
        payload: Payload,
    ) -> Self {
        let pubkey = key.public_key();
        let mut transaction = Self {
            sender: Address::of(&pubkey),
            nonce,
            fee,
            payload,
            pubkey,
            sig: Signature::from_bytes([0; 64]),
        };
        transaction.sig = key.sign(&transaction.sign_bytes(chain_id));
        transaction
    }
}

/// A transaction whose encoding and signature were checked, with what was computed on the way.
/// A pure function of (wire bytes, chain id), so it may be remembered by its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedTx {
    /// The transaction.
    pub tx: Transaction,
    /// Its hash.
    pub hash: TxHash,
    /// Bytes of its canonical payload, which its fee is for.
    pub payload_bytes: usize,
    /// For a claim: whether `miner_sig` holds. A claim with a wrong one is well-formed: it is an offence.
    pub miner_sig_holds: bool,
}

impl VerifiedTx {
    /// Decodes wire bytes and checks everything that needs no state: canonical encoding, fields,
    /// key, signature for this chain.
    ///
    /// # Errors
    /// The refusal; such a transaction has no effect at all (SPEC section 3).
    pub fn verify(wire: &[u8], chain_id: &ChainId) -> Result<Self, Refusal> {
        let (tx, payload_bytes) = codec::decode(wire)?;
        auth::check_signature(&tx, chain_id)?;
        Ok(Self::trusted(tx, TxHash::of(wire), payload_bytes, chain_id))
    }

    /// For transactions whose signature is not asked for (simulation).
    pub(crate) fn trusted(
        tx: Transaction,
        hash: TxHash,
        payload_bytes: usize,
        chain_id: &ChainId,
    ) -> Self {
        let miner_sig_holds = match &tx.payload {
            Payload::ReceiptClaim(claim) => tx
                .pubkey
                .verifies(&claim.terms.sign_bytes(chain_id), &claim.miner_sig),
            _ => false,
        };
        Self {
            tx,
            hash,
            payload_bytes,
            miner_sig_holds,
        }
    }
}
