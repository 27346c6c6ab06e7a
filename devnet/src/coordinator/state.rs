//! Owns what a mock coordinator is: its chain, its key, its ledger, and whom it assigns jobs to.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use ait_app::{address::Address, crypto::SecretKey};
use ait_client::Wallet;

use super::{
    chain::Chain,
    ledger::{Ledger, Opening},
    rules::Limits,
};
use ait_home::keys::KeyLock;

/// Whom jobs are assigned to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Policy {
    /// The first miner that asks.
    First,
    /// Nobody: whoever gets the attestation may claim.
    None,
}

/// The assignments that were sent, by opening. Held while one is sent: the nonces of the coordinator's
/// account go in sequence.
#[derive(Default)]
pub struct Sending(pub(super) tokio::sync::Mutex<HashMap<Opening, String>>);

/// A mock coordinator.
pub struct Coordinator {
    pub(super) chain: Chain,
    pub(super) wallet: Wallet,
    /// Held while an assignment is sent.
    pub(super) lock: KeyLock,
    pub(super) policy: Policy,
    pub(super) sending: Sending,
    pub(super) limits: Limits,
    pub(super) ledger: Arc<Mutex<Ledger>>,
}

pub(super) type Shared = Arc<Coordinator>;

impl Coordinator {
    /// A coordinator of one chain.
    pub fn new(
        chain: Chain,
        key: SecretKey,
        lock: KeyLock,
        limits: Limits,
        policy: Policy,
        ledger: Ledger,
    ) -> Shared {
        Arc::new(Self {
            wallet: Wallet::new(chain.node.clone(), chain.id.clone(), key),
            chain,
            lock,
            policy,
            sending: Sending::default(),
            limits,
            ledger: Arc::new(Mutex::new(ledger)),
        })
    }

    /// Its account.
    pub fn address(&self) -> Address {
        self.wallet.address()
    }
}
