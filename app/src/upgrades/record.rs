//! Owns the record of the protocol: the version in force and the upgrade that is planned.

use core::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};

use crate::{error::Refusal, json, prelude::*, quantity::Height};

/// A version of the protocol, which every header carries as CometBFT's `version.app`. Later ones are larger.
///
/// It may be one that this program does not know: only what [`ProtocolVersion::is_known`] can be executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProtocolVersion(u32);

impl ProtocolVersion {
    /// The one without a record in the state.
    pub const V2: Self = Self(2);
    /// With the param `treasury_fee_bps`.
    pub const V3: Self = Self(3);
    /// The newest that this program can execute.
    pub const NEWEST: Self = Self::V3;

    /// CometBFT's number of it; one that nobody knows where it is above 2^32-1.
    pub fn of(number: u64) -> Self {
        Self(u32::try_from(number).unwrap_or(u32::MAX))
    }

    /// CometBFT's number.
    pub fn number(self) -> u64 {
        self.0.into()
    }

    /// Whether this program can execute it.
    pub fn is_known(self) -> bool {
        (Self::V2..=Self::NEWEST).contains(&self)
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What an upgrade is called: 1 to 64 of `[a-z0-9-]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct UpgradeName(String);

impl UpgradeName {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UpgradeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for UpgradeName {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let is_name = (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if is_name {
            return Ok(Self(text.to_owned()));
        }
        let shown: String = text.chars().take(100).collect();
        Err(Refusal::field(format!(
            "name {shown:?} is not 1 to 64 characters of a-z 0-9 -"
        )))
    }
}

impl<'de> Deserialize<'de> for UpgradeName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        json::parsed(deserializer)
    }
}

/// An upgrade that is to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The first block under the new rules.
    pub height: Height,
    /// Which upgrade.
    pub name: UpgradeName,
}

/// `/protocol`: under which rules the chain runs. A chain that began with version 2 has no such record before
/// its first plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// The upgrade that is planned.
    pub planned: Option<Plan>,
    /// The version in force: that of the next header.
    pub version: ProtocolVersion,
}

impl Default for Protocol {
    fn default() -> Self {
        Self {
            planned: None,
            version: ProtocolVersion::V2,
        }
    }
}
