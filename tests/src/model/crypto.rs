//! Owns addresses, keys and signatures.

use std::{cell::RefCell, collections::HashMap};

use bech32::{Bech32, Hrp, primitives::decode::CheckedHrpstring};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

thread_local! {
    /// The hashes of keys that were asked for: every block asks for those of all consensus keys.
    static KNOWN: RefCell<HashMap<String, [u8; 20]>> = RefCell::default();
}

/// Keys whose hashes are remembered.
const MOST_KNOWN: usize = 1_000;

/// sha256(pubkey)[0..20]: an account's address, and what CometBFT calls a validator by.
pub fn short_hash(pubkey: &str) -> [u8; 20] {
    if let Some(known) = KNOWN.with_borrow(|known| known.get(pubkey).copied()) {
        return known;
    }
    let hash = short(&hex::decode(pubkey).unwrap());
    KNOWN.with_borrow_mut(|known| {
        if known.len() < MOST_KNOWN {
            known.insert(pubkey.to_owned(), hash);
        }
    });
    hash
}

fn short(bytes: &[u8]) -> [u8; 20] {
    Sha256::digest(bytes)[..20].try_into().unwrap()
}

/// sha256(pubkey)[0..20] as an address.
pub fn address_of(pubkey: &str) -> String {
    address(&short_hash(pubkey))
}

/// The account without a key that collects what is nobody's.
pub fn treasury() -> String {
    address(&short(b"ait-module/treasury"))
}

fn address(bytes: &[u8]) -> String {
    bech32::encode::<Bech32>(Hrp::parse("ait").unwrap(), bytes).unwrap()
}

/// The bytes of an address; `None` where the text is none, in its only spelling.
pub fn address_bytes(text: &str) -> Option<[u8; 20]> {
    let checked = CheckedHrpstring::new::<Bech32>(text).ok()?;
    let bytes: Vec<u8> = checked.byte_iter().collect();
    let bytes: [u8; 20] = bytes.try_into().ok()?;
    // Nor upper case, nor padding that is not zero.
    (address(&bytes) == text).then_some(bytes)
}

/// Lower-case hex of so many bytes.
pub fn is_hex(text: &str, bytes: usize) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 2 * bytes && text.bytes().all(digit)
}

/// A key that somebody can have: a point of the curve that is not of small order.
pub fn is_key(text: &str) -> bool {
    is_hex(text, 32) && key(text).is_some_and(|key| !key.is_weak())
}

fn key(text: &str) -> Option<VerifyingKey> {
    let bytes: [u8; 32] = hex::decode(text).ok()?.try_into().ok()?;
    VerifyingKey::from_bytes(&bytes).ok()
}

/// Whether the key signed sha256 of the text, strictly.
pub fn signed(pubkey: &str, text: &str, sig: &str) -> bool {
    let sig: [u8; 64] = hex::decode(sig).unwrap().try_into().unwrap();
    let sig = Signature::from_bytes(&sig);
    key(pubkey).is_some_and(|key| key.verify_strict(&Sha256::digest(text), &sig).is_ok())
}

/// The hash that CometBFT and users call a transaction by.
pub fn tx_hash(wire: &[u8]) -> String {
    hex::encode_upper(Sha256::digest(wire))
}
