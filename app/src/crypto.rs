//! Owns ed25519 keys and signatures and sha256 as the protocol uses them (PROTOCOL section 2).
//! Verification is `verify_strict` everywhere: a batch equation accepts other signatures, and a
//! disagreement between two nodes would fork the chain.

use core::{fmt, str::FromStr};

use ed25519_dalek::{Signer, SigningKey, Verifier, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::{error::Refusal, json, prelude::*};

/// sha256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// `N` bytes of exactly `2 * N` lower-case hex characters.
pub fn lower_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    // Without a branch for each character: which ones come is random, so branches would be guessed wrong.
    let mut all = 0;
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let (high, low) = (HEX[usize::from(*high)], HEX[usize::from(*low)]);
        all |= high | low;
        *byte = high << 4 | low & 15;
    }
    (all < 16).then_some(bytes)
}

/// The value of each lower-case hex character; more than 15 for all other characters.
#[expect(clippy::as_conversions, reason = "no `From` is const")]
const HEX: [u8; 256] = {
    let mut values = [0xff; 256];
    let mut value: u8 = 0;
    while value < 16 {
        let character = b"0123456789abcdef"[value as usize];
        values[character as usize] = value;
        value += 1;
    }
    values
};

/// An ed25519 public key: 32 bytes, written as 64 lower-case hex characters. Always a point of the
/// curve that is not of small order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// From its 32 bytes.
    ///
    /// # Errors
    /// [`crate::Code::InvalidField`] when they are no point of the curve or one of small order.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, Refusal> {
        let key = CurveKey::of(&bytes).map_err(|error| Refusal::field(error.to_string()))?;
        Ok(key.public_key())
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether `signature` is this key's over `digest`, by `verify_strict`.
    pub fn verifies(&self, digest: &[u8; 32], signature: &Signature) -> bool {
        CurveKey::of(&self.0).is_ok_and(|key| key.verifies(digest, signature))
    }
}

/// Bytes that are no key.
#[derive(Debug, thiserror::Error)]
#[error("public key {}: not an ed25519 point, or of small order", hex::encode(.0))]
pub(crate) struct NoKey([u8; 32]);

/// A public key with its point, which takes a tenth of the time of a verification to find: for who needs
/// to know that bytes are a key, and whether it signed.
pub(crate) struct CurveKey(VerifyingKey);

impl CurveKey {
    /// Of a key's 32 bytes.
    ///
    /// # Errors
    /// When they are no point of the curve or one of small order.
    pub(crate) fn of(bytes: &[u8; 32]) -> Result<Self, NoKey> {
        let key = VerifyingKey::from_bytes(bytes).ok();
        key.filter(|key| !key.is_weak())
            .map(Self)
            .ok_or(NoKey(*bytes))
    }

    /// The key alone.
    pub(crate) fn public_key(&self) -> PublicKey {
        PublicKey(self.0.to_bytes())
    }

    /// Whether `signature` is this key's over `digest`, by `verify_strict`.
    ///
    /// That is the plain verification and, besides, that neither the key nor the signature's first half
    /// `R` is a point of small order. The plain one accepts an `R` only where it is, byte for byte, the
    /// encoding of a point that was computed, so comparing its bytes tells what `verify_strict` takes a
    /// square root to find.
    pub(crate) fn verifies(&self, digest: &[u8; 32], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        !SMALL_ORDER.contains(signature.r_bytes()) && self.0.verify(digest, &signature).is_ok()
    }
}

/// The encodings of the eight points of small order, each the only one that a computed point can have.
const SMALL_ORDER: [[u8; 32]; 8] = {
    const fn with_ends(first: u8, middle: u8, last: u8) -> [u8; 32] {
        let mut bytes = [middle; 32];
        bytes[0] = first;
        bytes[31] = last;
        bytes
    }
    const fn with_sign(mut bytes: [u8; 32]) -> [u8; 32] {
        bytes[31] |= 0x80;
        bytes
    }
    const OF_ORDER_8: [[u8; 32]; 2] = [
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef,
            0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88,
            0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10,
            0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77,
            0x92, 0xac, 0x03, 0x7a,
        ],
    ];
    [
        with_ends(1, 0, 0),
        with_ends(0xec, 0xff, 0x7f),
        with_ends(0, 0, 0),
        with_ends(0, 0, 0x80),
        OF_ORDER_8[0],
        with_sign(OF_ORDER_8[0]),
        OF_ORDER_8[1],
        with_sign(OF_ORDER_8[1]),
    ]
};

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let bytes = lower_hex(text)
            .ok_or_else(|| Refusal::field("a public key is 64 lower-case hex characters"))?;
        Self::from_bytes(bytes)
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> String {
        key.to_string()
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json::print_hex(&mut [0; 64], &self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        json::parsed(deserializer)
    }
}

/// A key out of a record of the state. It was found to be a point before it was stored, and finding
/// that out again would cost more than all else in reading a record.
struct StoredKey(PublicKey);

impl<'de> Deserialize<'de> for StoredKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = alloc::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        lower_hex(&text)
            .map(|bytes| Self(PublicKey(bytes)))
            .ok_or_else(|| serde::de::Error::custom("a stored key is 64 lower-case hex characters"))
    }
}

/// Reads a key of a record that may have none.
pub(crate) fn stored_key<'de, D>(deserializer: D) -> Result<Option<PublicKey>, D::Error>
where
    D: Deserializer<'de>,
{
    let key: Option<StoredKey> = Option::deserialize(deserializer)?;
    Ok(key.map(|key| key.0))
}

/// Reads a key of a record.
pub(crate) fn stored_own_key<'de, D>(deserializer: D) -> Result<PublicKey, D::Error>
where
    D: Deserializer<'de>,
{
    StoredKey::deserialize(deserializer).map(|key| key.0)
}

/// Reads the keys of a record.
pub(crate) fn stored_keys<'de, D>(deserializer: D) -> Result<Vec<PublicKey>, D::Error>
where
    D: Deserializer<'de>,
{
    let keys = Vec::<StoredKey>::deserialize(deserializer)?;
    Ok(keys.into_iter().map(|key| key.0).collect())
}

/// An ed25519 signature: 64 bytes, written as 128 lower-case hex characters. Not verified yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl Signature {
    /// From its 64 bytes.
    pub fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The 64 bytes.
    pub fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Signature {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        lower_hex(text)
            .map(Self)
            .ok_or_else(|| Refusal::field("a signature is 128 lower-case hex characters"))
    }
}

impl From<Signature> for String {
    fn from(signature: Signature) -> String {
        signature.to_string()
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json::print_hex(&mut [0; 128], &self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        json::parsed(deserializer)
    }
}

/// An ed25519 secret key, for wallets, coordinators and miners; the state machine itself holds none.
/// Its memory is wiped when dropped, and it never prints itself.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// From its 32-byte seed (RFC 8032).
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// The 32-byte seed, for writing key files.
    pub fn seed(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Its public key.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs a 32-byte digest (sign bytes of PROTOCOL sections 3 and 4).
    pub fn sign(&self, digest: &[u8; 32]) -> Signature {
        Signature(self.0.sign(digest).to_bytes())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey of {}", self.public_key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_order_keys_are_refused() {
        let identity = "0100000000000000000000000000000000000000000000000000000000000000";
        let order_eight = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a";
        let zero = "0000000000000000000000000000000000000000000000000000000000000000";
        for bad in [identity, order_eight, zero] {
            let refusal = bad.parse::<PublicKey>().unwrap_err();
            assert_eq!(refusal.code, crate::Code::InvalidField);
        }
    }

    #[test]
    fn upper_case_hex_is_refused() {
        let key = SecretKey::from_seed([1; 32]).public_key().to_string();
        assert!(key.parse::<PublicKey>().is_ok());
        assert!(key.to_uppercase().parse::<PublicKey>().is_err());
    }
}
