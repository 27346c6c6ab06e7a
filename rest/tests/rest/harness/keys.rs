//! Owns the people of the tests and what they sign, made of the test kit's.

use ait_app::{
    address::Address,
    crypto::SecretKey,
    quantity::{Nonce, Uait},
    tx::{Payload, Transaction},
};
use ait_testkit::{
    actors::Actor,
    chain::first_stake,
    draft::{self, payload},
    work::Work,
};
use serde_json::json;

use super::CHAIN_ID;

/// Somebody with a key.
#[derive(Clone, Copy)]
pub struct Key(u8);

pub const ALICE: Key = Key(1);
pub const BOB: Key = Key(2);
pub const MINER: Key = Key(3);
pub const COORDINATOR: Key = Key(4);
pub const FAUCET: Key = Key(5);
pub const ADMIN: Key = Key(6);
/// The validator's account.
pub const VALIDATOR: Key = Key(7);
/// The validator's consensus key.
pub const CONSENSUS: Key = Key(8);

/// Another registered coordinator.
pub const OTHER_COORDINATOR: Key = Key(9);

/// Consensus keys of Alice and the miner, who come to validate.
pub const ALICE_CONSENSUS: Key = Key(10);
pub const MINER_CONSENSUS: Key = Key(11);

/// A fee that is enough for anything in the tests.
pub const FEE: u64 = 2_000;

/// The block in which the tests' escrows are opened, unless they say otherwise.
pub const OPENED: u64 = 2;

impl Key {
    /// One of a crowd; below 12 are those with names.
    pub const fn numbered(number: u8) -> Self {
        Self(number)
    }

    pub fn actor(self) -> Actor {
        Actor::named(&format!("person {}", self.0))
    }

    pub fn secret(self) -> SecretKey {
        self.actor().key
    }

    pub fn address(self) -> Address {
        self.actor().address()
    }

    pub fn sign(self, nonce: u64, payload: impl Into<Payload>) -> Transaction {
        self.sign_with_fee(nonce, FEE, payload)
    }

    pub fn sign_with_fee(self, nonce: u64, fee: u64, payload: impl Into<Payload>) -> Transaction {
        let chain_id = CHAIN_ID.parse().unwrap();
        let (nonce, fee) = (Nonce::constant(nonce), Uait::constant(fee));
        Transaction::sign(&chain_id, &self.secret(), nonce, fee, payload)
    }

    pub fn transfer(self, nonce: u64, to: Key, amount: u64) -> Transaction {
        let fields = draft::transfer(to.address(), amount);
        self.sign(nonce, payload("TRANSFER", &fields))
    }

    pub fn open_escrow(self, nonce: u64, job: &str, amount: u64) -> Transaction {
        self.open_escrow_with(COORDINATOR, nonce, job, amount)
    }

    pub fn open_escrow_with(
        self,
        coordinator: Key,
        nonce: u64,
        job: &str,
        amount: u64,
    ) -> Transaction {
        let fields = draft::escrow_open(job, coordinator.address(), amount, 1_000);
        self.sign(nonce, payload("ESCROW_OPEN", &fields))
    }

    /// A claim on an escrow of Alice's that brings no attestation, with the required fee.
    pub fn claim(self, nonce: u64, job: &str) -> Transaction {
        self.claim_on(nonce, job, OPENED)
    }

    /// The same, on an escrow that was opened in another block.
    pub fn claim_on(self, nonce: u64, job: &str, opened: u64) -> Transaction {
        let work = self.work(job).opened_in(opened);
        let mut fields = work.claim(&work.signed_by(&self.actor()), None);
        fields["opened_height"] = opened.into();
        let payload = payload("RECEIPT_CLAIM", &fields);
        self.sign_with_fee(nonce, fee_of(&payload), payload)
    }

    /// A first `STAKE`.
    pub fn stake(self, nonce: u64, amount: u64, consensus: Key) -> Transaction {
        let fields = first_stake(CHAIN_ID, &self.actor(), &consensus.actor(), amount);
        self.sign(nonce, payload("STAKE", &fields))
    }

    pub fn unstake(self, nonce: u64, amount: u64) -> Transaction {
        self.sign(nonce, payload("UNSTAKE", &json!({"amount": amount})))
    }

    pub fn bond(self, nonce: u64, amount: u64) -> Transaction {
        let fields = json!({"amount": amount});
        self.sign(nonce, payload("COORDINATOR_BOND", &fields))
    }

    pub fn unbond(self, nonce: u64, amount: u64) -> Transaction {
        let fields = json!({"amount": amount});
        self.sign(nonce, payload("COORDINATOR_UNBOND", &fields))
    }

    /// What this miner did for a job of Alice's.
    pub fn work(self, job: &str) -> Work {
        Work {
            chain_id: CHAIN_ID.into(),
            receipt_id: format!("receipt_{job}"),
            job_id: job.into(),
            client: ALICE.address().to_string(),
            miner: self.address().to_string(),
            compute_units: 10,
            price: 500,
            output_hash: format!("sha256:{}", "ab".repeat(32)),
            opened_height: OPENED,
        }
    }
}

/// The fee of a payload that makes no record, by the default params.
pub fn fee_of(payload: &Payload) -> u64 {
    let bytes = serde_json::to_vec(payload).unwrap().len() as u64;
    2 + (100 * bytes).div_ceil(1024)
}
