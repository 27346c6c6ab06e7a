//! Owns a transaction's bytes (SPEC section 3): wire bytes, sign bytes, and what counts as canonical.

use std::collections::BTreeMap;

use super::{Payload, Transaction, TxHash};
use crate::{
    address::Address,
    amount,
    code::Code,
    crypto::{PublicKey, sha256},
    error::Refusal,
    identifiers::ChainId,
    json::{Fields, Json},
};

/// The largest transaction: 16 KiB of wire bytes.
pub const MAX_WIRE_BYTES: usize = 16 * 1024;

const FIELDS: [&str; 7] = ["type", "sender", "nonce", "fee", "payload", "pubkey", "sig"];

impl Transaction {
    /// The canonical wire bytes.
    pub fn to_wire(&self) -> Vec<u8> {
        // Every value of a `Transaction` has a canonical form: `Json` without `Unsupported`.
        self.to_json().canonical().unwrap_or_default()
    }

    /// The transaction's hash on the chain.
    pub fn hash(&self) -> TxHash {
        TxHash::of(&self.to_wire())
    }

    /// The transaction as JSON.
    pub fn to_json(&self) -> Json {
        Json::Object(BTreeMap::from([
            ("type".into(), Json::String(self.payload.kind().into())),
            ("sender".into(), Json::String(self.sender.to_string())),
            ("nonce".into(), Json::Integer(self.nonce)),
            ("fee".into(), Json::Integer(self.fee)),
            ("payload".into(), self.payload.to_json()),
            ("pubkey".into(), Json::String(self.pubkey.to_string())),
            ("sig".into(), Json::String(self.sig.to_string())),
        ]))
    }

    /// The 32 bytes that `sig` signs.
    pub fn sign_bytes(&self, chain_id: &ChainId) -> [u8; 32] {
        let payload = self.payload.to_json().canonical().unwrap_or_default();
        let kind = self.payload.kind();
        sign_bytes(chain_id, kind, &self.sender, self.nonce, self.fee, &payload)
    }
}

/// sha256 of `AIT-TX|chain_id|type|sender|nonce|fee|payload`, the payload canonical.
pub fn sign_bytes(
    chain_id: &ChainId,
    kind: &str,
    sender: &Address,
    nonce: u64,
    fee: u64,
    payload: &[u8],
) -> [u8; 32] {
    let mut text = format!("AIT-TX|{chain_id}|{kind}|{sender}|{nonce}|{fee}|").into_bytes();
    text.extend_from_slice(payload);
    sha256(&text)
}

/// Reads wire bytes, accepting the canonical encoding alone, so that one transaction has one hash.
/// Also gives the bytes of its canonical payload.
///
/// # Errors
/// A code of `auth` (or of an id's own), with a message that names the field and the limit.
pub fn decode(wire: &[u8]) -> Result<(Transaction, usize), Refusal> {
    check_size(wire.len())?;
    let json = Json::parse(wire)?;
    let transaction = from_json(&json)?;
    if json.canonical()? != wire {
        return Err(Refusal::new(
            Code::NotCanonical,
            "the transaction is not in RFC 8785 canonical form (sorted fields, no white space)",
        ));
    }
    let payload_bytes = transaction.payload.to_json().canonical()?.len();
    Ok((transaction, payload_bytes))
}

/// Brings a transaction in any formatting into its wire bytes. `known_key` is asked for a missing
/// `pubkey` (SPEC section 3: REST fills in what the account's record knows).
///
/// # Errors
/// As [`decode`].
pub fn canonicalise(
    text: &[u8],
    known_key: impl FnOnce(&Address) -> Option<PublicKey>,
) -> Result<Vec<u8>, Refusal> {
    let mut json = Json::parse(text)?;
    if let Json::Object(fields) = &mut json
        && !fields.contains_key("pubkey")
        && let Some(Json::String(sender)) = fields.get("sender")
        && let Ok(sender) = sender.parse()
        && let Some(key) = known_key(&sender)
    {
        fields.insert("pubkey".into(), Json::String(key.to_string()));
    }
    from_json(&json)?;
    let wire = json.canonical()?;
    check_size(wire.len())?;
    Ok(wire)
}

fn check_size(bytes: usize) -> Result<(), Refusal> {
    if bytes > MAX_WIRE_BYTES {
        return Err(Refusal::new(
            Code::TooLarge,
            format!("the transaction has {bytes} bytes, more than {MAX_WIRE_BYTES}"),
        ));
    }
    Ok(())
}

fn from_json(json: &Json) -> Result<Transaction, Refusal> {
    // Before its fields, which are not a transaction's.
    if let Json::Object(fields) = json
        && matches!(fields.get("type"), Some(Json::String(kind)) if kind == "ATTESTATIONS")
    {
        return Err(Refusal::new(
            Code::UnexpectedAttestations,
            "ATTESTATIONS entries are written by proposers alone",
        ));
    }
    let fields = Fields::open(json, "", &FIELDS, &[])?;
    let kind = fields.string("type")?;
    let sender = fields.parsed("sender")?;
    Ok(Transaction {
        sender,
        nonce: fields.integer("nonce", 0..=amount::MAX)?,
        fee: fields.integer("fee", 0..=amount::MAX)?,
        payload: Payload::parse(kind, fields.json("payload")?, sender)?,
        pubkey: fields.parsed("pubkey")?,
        sig: fields.parsed("sig")?,
    })
}
