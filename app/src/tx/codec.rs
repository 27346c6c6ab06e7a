//! Owns a transaction's bytes (PROTOCOL section 3): wire bytes, sign bytes, and what counts as
//! canonical.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{hash::TxHash, kinds::Payload, wire::Wire};
use crate::{
    address::Address,
    code::Code,
    crypto::{PublicKey, SecretKey, Signature, sha256},
    error::Refusal,
    identifiers::ChainId,
    json,
    prelude::*,
    quantity::{Nonce, Uait},
    state::Key,
};

/// The largest transaction: 16 KiB of wire bytes.
pub const MAX_WIRE_BYTES: usize = 16 * 1024;

/// A transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Who sends it; the address of `pubkey`.
    pub sender: Address,
    /// The sender's nonce + 1.
    pub nonce: Nonce,
    /// What it offers.
    pub fee: Uait,
    /// What it asks for.
    pub payload: Payload,
    /// The sender's key.
    pub pubkey: PublicKey,
    /// Over [`Transaction::sign_bytes`].
    pub sig: Signature,
}

/// The seven fields in canonical order, the payload as its text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields<'a> {
    fee: Uait,
    nonce: Nonce,
    #[serde(borrow)]
    payload: &'a RawValue,
    pubkey: PublicKey,
    sender: Address,
    sig: Signature,
    r#type: alloc::borrow::Cow<'a, str>,
}

impl Serialize for Transaction {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Printed<'a> {
            fee: Uait,
            nonce: Nonce,
            payload: &'a Payload,
            pubkey: PublicKey,
            sender: Address,
            sig: Signature,
            r#type: &'static str,
        }
        Printed {
            fee: self.fee,
            nonce: self.nonce,
            payload: &self.payload,
            pubkey: self.pubkey,
            sender: self.sender,
            sig: self.sig,
            r#type: self.payload.kind(),
        }
        .serialize(serializer)
    }
}

impl Transaction {
    /// Keys of records that it will read, as far as they can be told without a state. Nothing depends on
    /// them but how soon they are read from disk.
    pub fn reads(&self) -> Vec<Key> {
        let mut keys = self.payload.reads(&self.sender);
        keys.push(Key::Account(self.sender));
        keys
    }

    /// Signs a payload as the transaction of the key's account.
    pub fn sign(
        chain_id: &ChainId,
        key: &SecretKey,
        nonce: Nonce,
        fee: Uait,
        payload: impl Into<Payload>,
    ) -> Self {
        let pubkey = key.public_key();
        let mut transaction = Self {
            sender: Address::of(&pubkey),
            nonce,
            fee,
            payload: payload.into(),
            pubkey,
            sig: Signature::from_bytes([0; 64]),
        };
        transaction.sig = key.sign(&transaction.sign_bytes(chain_id));
        transaction
    }

    /// What was read, with its key.
    pub(super) fn of(read: Wire<'_>, pubkey: PublicKey) -> Self {
        Self {
            sender: read.sender,
            nonce: read.nonce,
            fee: read.fee,
            payload: read.payload,
            pubkey,
            sig: read.sig,
        }
    }

    /// The canonical wire bytes.
    pub fn to_wire(&self) -> Vec<u8> {
        // Every transaction serialises: its types hold text, integers, flags and lists of them.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Its hash on the chain.
    pub fn hash(&self) -> TxHash {
        TxHash::of(&self.to_wire())
    }

    /// The 32 bytes that `sig` signs.
    pub fn sign_bytes(&self, chain_id: &ChainId) -> [u8; 32] {
        let payload = serde_json::to_vec(&self.payload).unwrap_or_default();
        self.sign_bytes_of(chain_id, &payload)
    }

    fn sign_bytes_of(&self, chain_id: &ChainId, payload: &[u8]) -> [u8; 32] {
        let kind = self.payload.kind();
        let (sender, nonce, fee) = (self.sender, self.nonce, self.fee);
        let mut text = format!("AIT-TX|{chain_id}|{kind}|{sender}|{nonce}|{fee}|").into_bytes();
        text.extend_from_slice(payload);
        sha256(&text)
    }
}

/// Reads wire bytes. Also gives the length of the canonical payload.
///
/// # Errors
/// A code of `auth` (or of a payload's own), with a message that names the field and the limit.
pub fn decode(wire: &[u8]) -> Result<(Transaction, usize), Refusal> {
    let Some(read) = Wire::read(wire) else {
        return decode_slowly(wire);
    };
    let key = read.key()?.public_key();
    let payload_bytes = read.payload_text().len();
    Ok((Transaction::of(read, key), payload_bytes))
}

/// Reads wire bytes as [`decode`] does, in any formatting at first, and compares what it read, printed,
/// with them. It finds the reason where there is one, and is what tests hold [`Wire::read`] against.
///
/// # Errors
/// As [`decode`].
pub fn decode_slowly(wire: &[u8]) -> Result<(Transaction, usize), Refusal> {
    refuse_other_entries(wire)?;
    check_size(wire.len())?;
    json::check_well_formed(wire)?;
    let fields: Fields<'_> = json::read(wire, "")?;
    let payload_bytes = fields.payload.get().len();
    let tx = Transaction {
        sender: fields.sender,
        nonce: fields.nonce,
        fee: fields.fee,
        payload: Payload::read(&fields.r#type, fields.payload.get())?,
        pubkey: fields.pubkey,
        sig: fields.sig,
    };
    tx.payload.check_sender(&tx.sender)?;
    let canonical = tx.to_wire();
    if canonical != wire {
        if !json::says_the_same(wire, &canonical) {
            return Err(Refusal::field("a list stands where an object belongs"));
        }
        return Err(Refusal::new(
            Code::NotCanonical,
            "the transaction is not in RFC 8785 canonical form (sorted fields, no white space)",
        ));
    }
    Ok((tx, payload_bytes))
}

/// What stands in blocks or mempools and is no transaction, refused by its own name.
pub(super) fn refuse_other_entries(wire: &[u8]) -> Result<(), Refusal> {
    if wire.starts_with(b"{\"attestations\":") {
        return Err(Refusal::new(
            Code::UnexpectedAttestations,
            "ATTESTATIONS entries are written by proposers alone",
        ));
    }
    if wire.starts_with(ENVELOPE_LINE) {
        return Err(Refusal::new(
            Code::UnexpectedEnvelope,
            "an envelope is no transaction",
        ));
    }
    Ok(())
}

/// How an envelope begins (PROTOCOL section 3).
pub const ENVELOPE_LINE: &[u8] = b"AIT-ENVELOPE/1";

pub(super) fn check_size(bytes: usize) -> Result<(), Refusal> {
    if bytes > MAX_WIRE_BYTES {
        return Err(Refusal::new(
            Code::TooLarge,
            format!("the transaction has {bytes} bytes, more than {MAX_WIRE_BYTES}"),
        ));
    }
    Ok(())
}
