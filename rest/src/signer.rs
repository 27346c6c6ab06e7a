//! Owns the keys that this node signs with itself, for its admin and its faucet.

use ait_app::{address::Address, crypto::SecretKey};
use tokio::sync::Mutex;

/// A key whose transactions this node signs.
pub struct Signer {
    /// The key.
    pub key: SecretKey,
    /// Its account.
    pub address: Address,
    /// Held while one is sent, so that they reach the pool in sequence.
    pub turn: Mutex<()>,
}

impl Signer {
    /// The one of a key; others may hold it too.
    pub fn new(key: SecretKey) -> Self {
        let address = Address::of(&key.public_key());
        Self {
            key,
            address,
            turn: Mutex::new(()),
        }
    }
}
