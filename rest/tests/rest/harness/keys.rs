//! Owns the people of the tests and what they sign.

use ait_app::{
    address::Address,
    crypto::SecretKey,
    receipts::ReceiptTerms,
    tx::{
        EscrowOpen, Payload, ReceiptClaim, Stake, Transaction, Transfer,
        stake::{ValidatorKey, possession_bytes},
    },
};

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
pub const FEE: u64 = 1_000;

impl Key {
    /// One of a crowd; below 12 are those with names.
    pub const fn numbered(number: u8) -> Self {
        Self(number)
    }

    pub fn secret(self) -> SecretKey {
        SecretKey::from_seed([self.0; 32])
    }

    pub fn address(self) -> Address {
        Address::of(&self.secret().public_key())
    }

    pub fn sign(self, nonce: u64, payload: Payload) -> Transaction {
        self.sign_with_fee(nonce, FEE, payload)
    }

    pub fn sign_with_fee(self, nonce: u64, fee: u64, payload: Payload) -> Transaction {
        let chain_id = CHAIN_ID.parse().unwrap();
        Transaction::sign(&chain_id, &self.secret(), nonce, fee, payload)
    }

    pub fn transfer(self, nonce: u64, to: Key, amount: u64) -> Transaction {
        let to = to.address();
        let memo = None;
        self.sign(nonce, Payload::Transfer(Transfer { to, amount, memo }))
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
        let open = EscrowOpen {
            job_id: job.parse().unwrap(),
            coordinator: coordinator.address(),
            amount,
            ttl_blocks: 1_000,
        };
        self.sign(nonce, Payload::EscrowOpen(open))
    }

    /// A claim on an escrow of Alice's that brings no attestation, with the required fee.
    pub fn claim(self, nonce: u64, job: &str) -> Transaction {
        let terms = self.terms(job);
        let chain_id = CHAIN_ID.parse().unwrap();
        let claim = ReceiptClaim {
            miner_sig: self.secret().sign(&terms.sign_bytes(&chain_id)),
            terms,
            attestation: None,
        };
        let payload = Payload::ReceiptClaim(Box::new(claim));
        let bytes = payload.to_json().canonical().unwrap().len() as u64;
        self.sign_with_fee(nonce, 2 + (100 * bytes).div_ceil(1024), payload)
    }

    /// A first `STAKE`.
    pub fn stake(self, nonce: u64, amount: u64, consensus: Key) -> Transaction {
        let pubkey = consensus.secret().public_key();
        let chain_id = CHAIN_ID.parse().unwrap();
        let signed = possession_bytes(&chain_id, &self.address(), &pubkey);
        let sig = consensus.secret().sign(&signed);
        let validator = Some(ValidatorKey { pubkey, sig });
        self.sign(nonce, Payload::Stake(Stake { amount, validator }))
    }

    pub fn terms(self, job: &str) -> ReceiptTerms {
        ReceiptTerms {
            receipt_id: format!("receipt_{job}").parse().unwrap(),
            job_id: job.parse().unwrap(),
            client: ALICE.address(),
            miner: self.address(),
            compute_units: 10,
            price: 500,
            output_hash: format!("sha256:{}", "ab".repeat(32)).parse().unwrap(),
        }
    }
}
