//! Owns the reading of a block's entries: what their bytes say, whatever the state is.

use serde_json::{Map, Value};

use super::{
    attest::Attestation,
    codes::code,
    crypto::{address_bytes, address_of, is_hex, is_key, signed, tx_hash},
    json,
    payload::{Kind, read_payload},
};

/// A transaction is no longer than this.
const LONGEST: usize = 16 * 1024;

/// The largest integer of the protocol, as transactions spell it.
pub(super) const LARGEST: u64 = (1 << 53) - 1;

/// A transaction whose signature holds.
#[derive(Debug, Clone)]
pub(super) struct Tx {
    pub(super) kind: Kind,
    pub(super) sender: String,
    pub(super) nonce: u64,
    pub(super) fee: u64,
    pub(super) pubkey: String,
    /// The length of the canonical payload.
    pub(super) payload_bytes: usize,
    pub(super) hash: String,
}

/// What an entry is.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    Tx(Box<Tx>),
    /// What a proposer puts in front of its block.
    Attestations(Vec<Attestation>),
}

/// Whether the bytes are an entry that some block could hold: a transaction as one encodes it, whose
/// sender signed it for this chain, or a proposer's attestations.
///
/// # Errors
///
/// The code of what is wrong first.
pub fn classify(bytes: &[u8], chain_id: &str) -> Result<(), u32> {
    read(bytes, chain_id).map(drop).map_err(code)
}

/// What the bytes say, or the name of the code of what is wrong with them first: size, JSON, fields, the
/// one encoding, sender, signature.
pub(super) fn read(bytes: &[u8], chain_id: &str) -> Result<Entry, &'static str> {
    if bytes.starts_with(b"AIT-ENVELOPE/1") {
        return Err("unexpected_envelope");
    }
    if bytes.starts_with(b"{\"attestations\":") {
        return read_attestations(bytes).map(Entry::Attestations);
    }
    if bytes.len() > LONGEST {
        return Err("too_large");
    }
    let value = json::parse(bytes).ok_or("malformed_json")?;
    let (tx, content, sig) = read_tx(&value, chain_id)?;
    is_canonical(bytes, &value)?;
    if address_of(&tx.pubkey) != tx.sender {
        return Err("sender_mismatch");
    }
    if !signed(&tx.pubkey, &content, &sig) {
        return Err("invalid_signature");
    }
    let hash = tx_hash(bytes);
    Ok(Entry::Tx(Box::new(Tx { hash, ..tx })))
}

fn is_canonical(bytes: &[u8], value: &Value) -> Result<(), &'static str> {
    let same = json::canonical(value).as_bytes() == bytes;
    same.then_some(()).ok_or("not_canonical")
}

/// The transaction, without its hash; the text that its sender signs; and the signature.
fn read_tx(value: &Value, chain_id: &str) -> Result<(Tx, String, String), &'static str> {
    let fields = ["fee", "nonce", "payload", "pubkey", "sender", "sig", "type"];
    let tx = object(value, &fields, &[])?;
    let name = string(tx, "type")?;
    let sender = address(tx, "sender")?;
    let (nonce, fee) = (integer(tx, "nonce", 0)?, integer(tx, "fee", 0)?);
    let pubkey = key(tx, "pubkey")?;
    let sig = signature(tx, "sig")?;
    if !Kind::NAMES.contains(&name) {
        return Err("unknown_type");
    }
    let kind = read_payload(name, &tx["payload"])?;
    if let Kind::Claim(claim) = &kind
        && claim.receipt.miner != sender
    {
        return Err("not_the_miner");
    }
    let payload = json::canonical(&tx["payload"]);
    let content = format!("AIT-TX|{chain_id}|{name}|{sender}|{nonce}|{fee}|{payload}");
    let tx = Tx {
        kind,
        sender,
        nonce,
        fee,
        pubkey,
        payload_bytes: payload.len(),
        hash: String::new(),
    };
    Ok((tx, content, sig))
}

fn read_attestations(bytes: &[u8]) -> Result<Vec<Attestation>, &'static str> {
    let value = json::parse(bytes).ok_or("malformed_json")?;
    let entry = object(&value, &["attestations", "type"], &[])?;
    if string(entry, "type")? != "ATTESTATIONS" {
        return Err("invalid_field");
    }
    let list = array(entry, "attestations")?;
    let list: Result<Vec<_>, _> = list.iter().map(Attestation::read).collect();
    let list = list?;
    is_canonical(bytes, &value)?;
    Ok(list)
}

/// The fields of an object that has all of the first list, perhaps some of the second, and no other.
pub(super) fn object<'a>(
    value: &'a Value,
    required: &[&str],
    optional: &[&str],
) -> Result<&'a Map<String, Value>, &'static str> {
    let fields = value.as_object().ok_or("invalid_field")?;
    let known = |name: &String| required.contains(&&**name) || optional.contains(&&**name);
    let complete = required.iter().all(|name| fields.contains_key(*name));
    (complete && fields.keys().all(known))
        .then_some(fields)
        .ok_or("invalid_field")
}

pub(super) type Fields = Map<String, Value>;

/// An integer of the protocol that is at least so much.
pub(super) fn integer(fields: &Fields, name: &str, least: u64) -> Result<u64, &'static str> {
    between(fields, name, least, LARGEST)
}

pub(super) fn between(
    fields: &Fields,
    name: &str,
    least: u64,
    most: u64,
) -> Result<u64, &'static str> {
    let given = fields[name].as_u64();
    given
        .filter(|given| (least..=most).contains(given))
        .ok_or("invalid_field")
}

pub(super) fn string<'a>(fields: &'a Fields, name: &str) -> Result<&'a str, &'static str> {
    fields[name].as_str().ok_or("invalid_field")
}

fn string_that(
    fields: &Fields,
    name: &str,
    fits: impl Fn(&str) -> bool,
) -> Result<String, &'static str> {
    let text = string(fields, name)?;
    fits(text).then(|| text.to_owned()).ok_or("invalid_field")
}

pub(super) fn address(fields: &Fields, name: &str) -> Result<String, &'static str> {
    string_that(fields, name, |text| address_bytes(text).is_some())
}

pub(super) fn key(fields: &Fields, name: &str) -> Result<String, &'static str> {
    string_that(fields, name, is_key)
}

pub(super) fn signature(fields: &Fields, name: &str) -> Result<String, &'static str> {
    string_that(fields, name, |text| is_hex(text, 64))
}

/// A `job_id` or `receipt_id`.
pub(super) fn id(fields: &Fields, name: &str) -> Result<String, &'static str> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    string_that(fields, name, |text| {
        (1..=64).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(letter)
    })
}

pub(super) fn output_hash(fields: &Fields) -> Result<String, &'static str> {
    string_that(fields, "output_hash", |text| {
        text.strip_prefix("sha256:")
            .is_some_and(|hash| is_hex(hash, 32))
    })
}

pub(super) fn boolean(fields: &Fields, name: &str) -> Result<bool, &'static str> {
    fields[name].as_bool().ok_or("invalid_field")
}

pub(super) fn array<'a>(fields: &'a Fields, name: &str) -> Result<&'a [Value], &'static str> {
    let list = fields[name].as_array();
    list.map(Vec::as_slice).ok_or("invalid_field")
}

/// A field that is `true` or not there.
pub(super) fn only_true(fields: &Fields, name: &str) -> Result<bool, &'static str> {
    match fields.get(name) {
        None => Ok(false),
        Some(value) if value == true => Ok(true),
        Some(_) => Err("invalid_field"),
    }
}

/// A field that need not be there.
pub(super) fn optional<T>(
    fields: &Fields,
    name: &str,
    read: impl Fn(&Fields, &str) -> Result<T, &'static str>,
) -> Result<Option<T>, &'static str> {
    let there = fields.contains_key(name);
    there.then(|| read(fields, name)).transpose()
}
