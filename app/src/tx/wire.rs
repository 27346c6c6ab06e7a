//! Owns the fast way to read a transaction's wire bytes (PROTOCOL section 3.2): one pass that proves
//! their canonical form by comparing as it reads. The payload is a slice of them and nothing is printed
//! again. It says no without a reason; [`super::codec`] finds reasons.

use sha2::{Digest, Sha256};

use super::{codec::MAX_WIRE_BYTES, kinds::Payload};
use crate::{
    address::{Address, TEXT_LENGTH},
    crypto::{CurveKey, Signature, lower_hex},
    error::Refusal,
    identifiers::ChainId,
    json::canonical::integer,
    prelude::*,
    quantity::{Nonce, Uait},
};

/// The canonical bytes of a transaction, read. Whether `pubkey` is a point of the curve is not known
/// yet: finding out costs more than all else here, and verifying the signature finds out too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire<'a> {
    /// What it offers.
    pub fee: Uait,
    /// The sender's nonce + 1.
    pub nonce: Nonce,
    /// What it asks for.
    pub payload: Payload,
    /// What may be the sender's key.
    pub pubkey: [u8; 32],
    /// Who sends it.
    pub sender: Address,
    /// The signature.
    pub sig: Signature,
    text: Texts<'a>,
}

/// The fields as they stand in the wire bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Texts<'a> {
    fee: &'a [u8],
    nonce: &'a [u8],
    payload: &'a [u8],
    sender: &'a [u8],
}

impl<'a> Wire<'a> {
    /// Reads wire bytes; `None` where they are no transaction in canonical form.
    pub fn read(wire: &'a [u8]) -> Option<Self> {
        if wire.len() > MAX_WIRE_BYTES {
            return None;
        }
        let rest = wire.strip_prefix(b"{\"fee\":")?;
        let (fee, fee_text, rest) = integer(rest)?;
        let rest = rest.strip_prefix(b",\"nonce\":")?;
        let (nonce, nonce_text, rest) = integer(rest)?;
        let rest = rest.strip_prefix(b",\"payload\":")?;
        // The fields behind the payload have lengths of their own, so they are found from the end; what
        // remains must be the payload, whole.
        let rest = rest.strip_suffix(b"\"}")?;
        let quote = rest.iter().rposition(|byte| *byte == b'"')?;
        let (rest, kind) = rest.split_at_checked(quote.checked_add(1)?)?;
        let (rest, sig) = rest.strip_suffix(b"\",\"type\":\"")?.split_last_chunk()?;
        let rest = rest.strip_suffix(b"\",\"sig\":\"")?;
        let (rest, sender_text) = rest.split_last_chunk::<TEXT_LENGTH>()?;
        let rest = rest.strip_suffix(b"\",\"sender\":\"")?;
        let (rest, pubkey) = rest.split_last_chunk()?;
        let payload_text = rest.strip_suffix(b",\"pubkey\":\"")?;
        let sender: Address = text(sender_text)?.parse().ok()?;
        let payload = Payload::read_canonical(text(kind)?, payload_text)?;
        payload.check_sender(&sender).ok()?;
        Some(Self {
            fee: Uait::new(fee)?,
            nonce: Nonce::new(nonce)?,
            payload,
            pubkey: hex_of::<64, 32>(pubkey)?,
            sender,
            sig: Signature::from_bytes(hex_of::<128, 64>(sig)?),
            text: Texts {
                fee: fee_text,
                nonce: nonce_text,
                payload: payload_text,
                sender: sender_text,
            },
        })
    }

    /// The canonical payload.
    pub fn payload_text(&self) -> &'a [u8] {
        self.text.payload
    }

    /// The 32 bytes that `sig` signs (PROTOCOL section 3.3).
    pub fn sign_bytes(&self, chain_id: &ChainId) -> [u8; 32] {
        let Texts {
            fee,
            nonce,
            payload,
            sender,
        } = self.text;
        let mut hash = Sha256::new_with_prefix(b"AIT-TX");
        let kind = self.payload.kind().as_bytes();
        for part in [
            chain_id.as_str().as_bytes(),
            kind,
            sender,
            nonce,
            fee,
            payload,
        ] {
            hash.update(b"|");
            hash.update(part);
        }
        hash.finalize().into()
    }

    /// The key with its point.
    ///
    /// # Errors
    /// [`crate::Code::InvalidField`] where `pubkey` is no key.
    pub(super) fn key(&self) -> Result<CurveKey, Refusal> {
        CurveKey::of(&self.pubkey).map_err(|error| Refusal::field(format!("field pubkey: {error}")))
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    core::str::from_utf8(bytes).ok()
}

fn hex_of<const CHARACTERS: usize, const BYTES: usize>(
    characters: &[u8; CHARACTERS],
) -> Option<[u8; BYTES]> {
    lower_hex(text(characters)?)
}
