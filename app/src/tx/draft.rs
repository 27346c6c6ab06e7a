//! Owns a transaction in the making, as people write it: JSON in any formatting, with parts left out
//! that the node can tell.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    codec::{Transaction, check_size},
    kinds::Payload,
    wire::Wire,
};
use crate::{
    address::Address,
    crypto::{PublicKey, Signature},
    error::Refusal,
    json,
    prelude::*,
    quantity::{Nonce, Uait},
};

/// A transaction of which only kind, sender and payload are sure.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Who would send it.
    pub sender: Address,
    /// What it asks for.
    pub payload: Payload,
    /// Its nonce, where it says one.
    pub nonce: Option<Nonce>,
    /// What it offers, where it says so.
    pub fee: Option<Uait>,
    /// The sender's key, where it is there.
    pub pubkey: Option<PublicKey>,
    /// The signature, where it is there.
    pub sig: Option<Signature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields<'a> {
    #[serde(default, deserialize_with = "json::present")]
    fee: Option<Uait>,
    #[serde(default, deserialize_with = "json::present")]
    nonce: Option<Nonce>,
    #[serde(borrow)]
    payload: &'a RawValue,
    #[serde(default, deserialize_with = "json::present")]
    pubkey: Option<PublicKey>,
    sender: Address,
    #[serde(default, deserialize_with = "json::present")]
    sig: Option<Signature>,
    r#type: alloc::borrow::Cow<'a, str>,
}

impl Draft {
    /// Reads one in any formatting.
    ///
    /// # Errors
    /// A refusal that names the field and the limit.
    pub fn read(text: &[u8]) -> Result<Self, Refusal> {
        json::check_well_formed(text)?;
        let fields: Fields<'_> = json::read(text, "")?;
        let payload = Payload::read(&fields.r#type, fields.payload.get())?;
        payload.check_sender(&fields.sender)?;
        let canonical = serde_json::to_vec(&payload).unwrap_or_default();
        if !json::says_the_same(fields.payload.get().as_bytes(), &canonical) {
            return Err(Refusal::field(
                "field payload: a list stands where an object belongs",
            ));
        }
        Ok(Self {
            sender: fields.sender,
            payload,
            nonce: fields.nonce,
            fee: fields.fee,
            pubkey: fields.pubkey,
            sig: fields.sig,
        })
    }

    /// The whole transaction, with the sender's key as far as it is known elsewhere.
    ///
    /// # Errors
    /// A refusal that names the field that is missing.
    pub fn complete(self, known_key: Option<PublicKey>) -> Result<Transaction, Refusal> {
        let missing = |name: &str| Refusal::field(format!("field {name} is missing"));
        Ok(Transaction {
            sender: self.sender,
            nonce: self.nonce.ok_or_else(|| missing("nonce"))?,
            fee: self.fee.ok_or_else(|| missing("fee"))?,
            payload: self.payload,
            pubkey: self.pubkey.or(known_key).ok_or_else(|| missing("pubkey"))?,
            sig: self.sig.ok_or_else(|| missing("sig"))?,
        })
    }
}

/// Brings a transaction in any formatting into its wire bytes. `known_key` is asked for a missing
/// `pubkey` (PROTOCOL section 3: REST fills in what the account's record knows).
///
/// # Errors
/// A refusal that names the field and the limit.
pub fn canonicalise(
    text: &[u8],
    known_key: impl FnOnce(&Address) -> Option<PublicKey>,
) -> Result<Vec<u8>, Refusal> {
    // As programs send it: nothing has to be found out that CheckTx does not.
    if Wire::read(text).is_some() {
        return Ok(text.to_vec());
    }
    super::codec::refuse_other_entries(text)?;
    let draft = Draft::read(text)?;
    let known = match draft.pubkey {
        Some(_) => None,
        None => known_key(&draft.sender),
    };
    let wire = draft.complete(known)?.to_wire();
    check_size(wire.len())?;
    Ok(wire)
}
