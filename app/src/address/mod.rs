//! Owns account addresses (PROTOCOL section 2): 20 bytes, written as BIP-173 bech32 with prefix `ait`.

mod text;

use core::{fmt, str::FromStr};

use bech32::{Bech32, Hrp, primitives::decode::CheckedHrpstring};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::Error as _};

pub(crate) use text::TEXT_LENGTH;

use crate::{
    crypto::{PublicKey, sha256},
    error::Refusal,
    json,
    prelude::*,
};

const PREFIX: Hrp = Hrp::parse_unchecked("ait");
const LENGTH: usize = 20;

/// An account's address: the first 20 bytes of sha256 of its public key, or of a module's name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address([u8; LENGTH]);

impl Address {
    /// The address of an account key.
    pub fn of(public_key: &PublicKey) -> Self {
        Self::of_bytes(public_key.as_bytes())
    }

    /// The address that goes with these bytes where they are a key.
    pub(crate) fn of_bytes(public_key: &[u8; 32]) -> Self {
        Self(first_bytes(&sha256(public_key)))
    }

    /// The address of a module account, which has no key.
    pub fn module(name: &str) -> Self {
        Self(first_bytes(&sha256(
            format!("ait-module/{name}").as_bytes(),
        )))
    }

    /// The module account that collects `treasury_bps` of mints and the fees of unknown proposers.
    pub fn treasury() -> Self {
        Self::module("treasury")
    }

    /// The 20 bytes.
    pub fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

fn first_bytes(digest: &[u8; 32]) -> [u8; LENGTH] {
    core::array::from_fn(|i| digest.get(i).copied().unwrap_or_default())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = text::write(&self.0);
        f.write_str(core::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Address {
    type Err = Refusal;

    /// Reads the lower-case form alone.
    fn from_str(text: &str) -> Result<Self, Refusal> {
        text::read(text.as_bytes())
            .map(Self)
            .ok_or_else(|| refusal(text))
    }
}

/// Says why a text is no address.
fn refusal(text: &str) -> Refusal {
    let why = match CheckedHrpstring::new::<Bech32>(text) {
        _ if text.bytes().any(|b| b.is_ascii_uppercase()) => "must be lower case",
        Err(_) => "is not bech32 with a right BIP-173 checksum",
        Ok(checked) if checked.hrp() != PREFIX => "must begin with \"ait1\"",
        Ok(checked) if checked.byte_iter().count() != LENGTH => "must hold exactly 20 bytes",
        Ok(_) => "has padding",
    };
    let shown: String = text.chars().take(100).collect();
    Refusal::field(format!("address {shown:?}: {why}"))
}

impl From<Address> for String {
    fn from(address: Address) -> String {
        address.to_string()
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = text::write(&self.0);
        serializer.serialize_str(core::str::from_utf8(&text).map_err(S::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        json::parsed(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "ait1rsxyjrcm255ds9euthjx6yc3vrjt9sxr7lv9kh";

    #[test]
    fn only_the_lower_case_bech32_spelling_is_an_address() {
        assert_eq!(ALICE.parse::<Address>().unwrap().to_string(), ALICE);
        let bech32m = bech32::encode::<bech32::Bech32m>(PREFIX, &[7; 20]).unwrap();
        let other_prefix = bech32::encode::<Bech32>(Hrp::parse("bit").unwrap(), &[7; 20]).unwrap();
        let long = bech32::encode::<Bech32>(PREFIX, &[7; 21]).unwrap();
        let mixed = ALICE.replacen("rsx", "RSX", 1);
        let upper = ALICE.to_uppercase();
        let typo = ALICE.replacen('r', "q", 1);
        for bad in [
            "",
            "ait1",
            &bech32m,
            &other_prefix,
            &long,
            &mixed,
            &upper,
            &typo,
        ] {
            let refusal = bad.parse::<Address>().unwrap_err();
            assert_eq!(refusal.code, crate::Code::InvalidField, "{bad}");
        }
    }
}
