//! Owns the people of the tests: keys by name, the same in every run.

use std::{cell::RefCell, collections::HashMap};

use ait_app::{
    address::Address,
    crypto::{PublicKey, SecretKey},
    engine::ConsensusAddress,
};
use sha2::{Digest, Sha256};

thread_local! {
    /// Making a key takes as long as a signature, and some tests ask for the same ones again and again.
    static KNOWN: RefCell<HashMap<String, SecretKey>> = RefCell::default();
}

/// Names whose keys are remembered.
const MOST_KNOWN: usize = 1_000;

/// Somebody with a key. Its seed is sha256 of its name, as in the protocol's vectors.
#[derive(Debug, Clone)]
pub struct Actor {
    /// What it is called.
    pub name: String,
    pub key: SecretKey,
}

impl Actor {
    /// The actor of that name.
    pub fn named(name: &str) -> Self {
        let key = KNOWN.with_borrow(|known| known.get(name).cloned());
        let key = key.unwrap_or_else(|| {
            let key = SecretKey::from_seed(Sha256::digest(name).into());
            KNOWN.with_borrow_mut(|known| {
                if known.len() < MOST_KNOWN {
                    known.insert(name.to_owned(), key.clone());
                }
            });
            key
        });
        Self {
            name: name.to_owned(),
            key,
        }
    }

    /// The address of its account.
    pub fn address(&self) -> Address {
        Address::of(&self.key.public_key())
    }

    /// Its public key.
    pub fn pubkey(&self) -> PublicKey {
        self.key.public_key()
    }

    /// CometBFT's name for its key, where the key validates.
    pub fn consensus_address(&self) -> ConsensusAddress {
        ConsensusAddress::of(&self.pubkey())
    }
}

/// A client.
pub fn alice() -> Actor {
    Actor::named("alice")
}

/// Another client.
pub fn bob() -> Actor {
    Actor::named("bob")
}

/// A miner, whose account begins empty.
pub fn miner() -> Actor {
    Actor::named("miner")
}

/// A registered coordinator.
pub fn coordinator() -> Actor {
    Actor::named("coordinator")
}

/// Another coordinator, where a test registers it; its account begins empty.
pub fn arbiter() -> Actor {
    Actor::named("arbiter")
}

/// A third one.
pub fn witness() -> Actor {
    Actor::named("witness")
}

/// The account that may change params.
pub fn admin() -> Actor {
    Actor::named("admin")
}

/// The account of the only authority.
pub fn validator() -> Actor {
    Actor::named("validator")
}

/// The consensus key of the only authority.
pub fn validator_key() -> Actor {
    Actor::named("validator's consensus key")
}
