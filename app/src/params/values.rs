//! Owns the values of params that are no plain integers (PROTOCOL section 5), each read strictly.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    address::Address,
    crypto::{PublicKey, Signature, sha256},
    identifiers::ChainId,
    json,
    prelude::*,
    quantity::{Power, Ranged},
};

/// How the validators are chosen (PROTOCOL section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConsensusMode {
    /// Proof of authority: the `authorities`.
    Poa,
    /// Compute-backed proof: by stake and work.
    Cbp,
}

/// A validator under proof of authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// The account that earns its fees.
    pub address: Address,
    /// Its voting power, 1..=10^9.
    pub power: Ranged<1, 1_000_000_000>,
    /// By the consensus key over [`possession_bytes`]; in updates that bring a new key alone, never
    /// in the state.
    #[serde(
        default,
        deserialize_with = "json::present",
        skip_serializing_if = "Option::is_none"
    )]
    pub proof: Option<Signature>,
    /// Its CometBFT consensus key.
    pub pubkey: PublicKey,
}

impl Authority {
    /// Its voting power.
    pub fn voting_power(&self) -> Power {
        Power::constant(self.power.get())
    }
}

/// What a consensus key signs to prove that its holder wants it for an account: sha256 of
/// `AIT-VALIDATOR|chain_id|address|pubkey` (PROTOCOL section 3).
pub fn possession_bytes(chain_id: &ChainId, address: &Address, pubkey: &PublicKey) -> [u8; 32] {
    sha256(format!("AIT-VALIDATOR|{chain_id}|{address}|{pubkey}").as_bytes())
}

/// Registered coordinators and the keys that sign their attestations: at most 100, keys unique.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coordinators(BTreeMap<Address, PublicKey>);

impl Coordinators {
    const MOST: usize = 100;

    /// The key that is named for a coordinator; `None` where it is not registered.
    pub fn key_of(&self, address: &Address) -> Option<&PublicKey> {
        self.0.get(address)
    }

    /// Every coordinator and its key, by address bytes ascending.
    pub fn iter(&self) -> impl Iterator<Item = (&Address, &PublicKey)> {
        self.0.iter()
    }
}

impl Serialize for Coordinators {
    /// In the order of the addresses' text, as canonical JSON has its fields: that of their bytes is
    /// another.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let by_text = self
            .0
            .iter()
            .map(|(address, key)| (address.to_string(), key));
        by_text.collect::<BTreeMap<_, _>>().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Coordinators {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map: BTreeMap<Address, PublicKey> = json::unique_map(deserializer)?;
        if map.len() > Self::MOST {
            return Err(D::Error::custom("must have at most 100 entries"));
        }
        let keys: BTreeSet<&PublicKey> = map.values().collect();
        if keys.len() != map.len() {
            return Err(D::Error::custom("must name each key once"));
        }
        Ok(Self(map))
    }
}

/// Attestation keys that are worth nothing any more: at most 200, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct RevokedKeys(Vec<PublicKey>);

impl RevokedKeys {
    const MOST: usize = 200;

    /// Whether a key is one of them.
    pub fn contains(&self, key: &PublicKey) -> bool {
        self.0.contains(key)
    }
}

impl<'de> Deserialize<'de> for RevokedKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let keys = Vec::<PublicKey>::deserialize(deserializer)?;
        if keys.len() > Self::MOST {
            return Err(D::Error::custom("must have at most 200 entries"));
        }
        let distinct: BTreeSet<&PublicKey> = keys.iter().collect();
        if distinct.len() != keys.len() {
            return Err(D::Error::custom("must name each key once"));
        }
        Ok(Self(keys))
    }
}

/// The validators under proof of authority: 1 to 100, addresses and keys unique.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Authorities(Vec<Authority>);

impl Authorities {
    const MOST: usize = 100;

    /// Each of them, in the order of the param.
    pub fn iter(&self) -> impl Iterator<Item = &Authority> {
        self.0.iter()
    }

    /// Whether an account is one of them.
    pub fn contains(&self, address: &Address) -> bool {
        self.0.iter().any(|authority| authority.address == *address)
    }

    /// The same without the proofs, as the state keeps them.
    #[must_use]
    pub fn without_proofs(&self) -> Self {
        let stored = self.0.iter().map(|authority| Authority {
            proof: None,
            ..authority.clone()
        });
        Self(stored.collect())
    }
}

impl<'de> Deserialize<'de> for Authorities {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let list = Vec::<Authority>::deserialize(deserializer)?;
        if !(1..=Self::MOST).contains(&list.len()) {
            return Err(D::Error::custom("must have 1 to 100 entries"));
        }
        let addresses: BTreeSet<&Address> = list.iter().map(|entry| &entry.address).collect();
        let keys: BTreeSet<&PublicKey> = list.iter().map(|entry| &entry.pubkey).collect();
        if addresses.len() != list.len() || keys.len() != list.len() {
            return Err(D::Error::custom("must name each address and each key once"));
        }
        Ok(Self(list))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SecretKey;

    #[test]
    fn coordinators_are_written_in_the_order_of_their_text() {
        let keys = (1..=20).map(|n| SecretKey::from_seed([n; 32]).public_key());
        let named = keys.map(|key| (Address::of(&key), key));
        let coordinators = Coordinators(named.collect());
        let text = json::canonical_text(&coordinators).unwrap();
        let sorted: BTreeMap<String, String> = serde_json::from_str(&text).unwrap();
        assert_eq!(json::canonical_text(&sorted).unwrap(), text);
        let again: Coordinators = serde_json::from_str(&text).unwrap();
        assert_eq!(again, coordinators);
    }
}
