//! Owns the people of the tests and what they sign.

use ait_app::{
    address::Address,
    bank::transfer::Transfer,
    coordinators::{bond::CoordinatorBond, unbond::CoordinatorUnbond},
    crypto::SecretKey,
    escrow::open::{EscrowOpen, Ttl},
    params::values::possession_bytes,
    quantity::{Height, Nonce, Positive, Uait, Units},
    receipts::{
        claim_payload::{Brought, ReceiptClaim},
        terms::ReceiptTerms,
    },
    staking::{
        stake::{Stake, ValidatorKey},
        unstake::Unstake,
    },
    tx::{Payload, Transaction},
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
pub const FEE: u64 = 2_000;

/// The block in which the tests' escrows are opened, unless they say otherwise.
pub const OPENED: u64 = 2;

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

    pub fn sign(self, nonce: u64, payload: impl Into<Payload>) -> Transaction {
        self.sign_with_fee(nonce, FEE, payload)
    }

    pub fn sign_with_fee(self, nonce: u64, fee: u64, payload: impl Into<Payload>) -> Transaction {
        let chain_id = CHAIN_ID.parse().unwrap();
        let (nonce, fee) = (Nonce::constant(nonce), Uait::constant(fee));
        Transaction::sign(&chain_id, &self.secret(), nonce, fee, payload)
    }

    pub fn transfer(self, nonce: u64, to: Key, amount: u64) -> Transaction {
        let payload = Transfer {
            to: to.address(),
            amount: uait(amount),
            memo: None,
        };
        self.sign(nonce, payload)
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
            amount: uait(amount),
            others: None,
            miner: None,
            partial: false,
            ttl_blocks: Ttl::new(1_000).unwrap(),
        };
        self.sign(nonce, open)
    }

    /// A claim on an escrow of Alice's that brings no attestation, with the required fee.
    pub fn claim(self, nonce: u64, job: &str) -> Transaction {
        self.claim_on(nonce, job, OPENED)
    }

    /// The same, on an escrow that was opened in another block.
    pub fn claim_on(self, nonce: u64, job: &str, opened: u64) -> Transaction {
        let mut terms = self.terms(job);
        terms.opened_height = Height::constant(opened);
        let chain_id = CHAIN_ID.parse().unwrap();
        let claim = ReceiptClaim {
            brought: Brought::Nothing,
            client_addr: terms.client,
            compute_units: terms.compute_units,
            is_final: false,
            job_id: terms.job_id.clone(),
            miner_addr: terms.miner,
            miner_sig: self.secret().sign(&terms.sign_bytes(&chain_id)),
            opened_height: Some(terms.opened_height),
            output_hash: terms.output_hash,
            price: terms.price,
            receipt_id: terms.receipt_id,
        };
        let payload = Payload::from(claim);
        let fee = fee_of(&payload);
        self.sign_with_fee(nonce, fee, payload)
    }

    /// A first `STAKE`.
    pub fn stake(self, nonce: u64, amount: u64, consensus: Key) -> Transaction {
        let pubkey = consensus.secret().public_key();
        let chain_id = CHAIN_ID.parse().unwrap();
        let signed = possession_bytes(&chain_id, &self.address(), &pubkey);
        let sig = consensus.secret().sign(&signed);
        let stake = Stake {
            amount: uait(amount),
            validator: Some(ValidatorKey { pubkey, sig }),
        };
        self.sign(nonce, stake)
    }

    pub fn unstake(self, nonce: u64, amount: u64) -> Transaction {
        let amount = uait(amount);
        self.sign(nonce, Unstake { amount })
    }

    pub fn bond(self, nonce: u64, amount: u64) -> Transaction {
        let amount = uait(amount);
        self.sign(nonce, CoordinatorBond { amount })
    }

    pub fn unbond(self, nonce: u64, amount: u64) -> Transaction {
        let amount = uait(amount);
        self.sign(nonce, CoordinatorUnbond { amount })
    }

    pub fn terms(self, job: &str) -> ReceiptTerms {
        ReceiptTerms {
            receipt_id: format!("receipt_{job}").parse().unwrap(),
            job_id: job.parse().unwrap(),
            client: ALICE.address(),
            miner: self.address(),
            compute_units: Positive::new(Units::constant(10)).unwrap(),
            price: uait(500),
            output_hash: format!("sha256:{}", "ab".repeat(32)).parse().unwrap(),
            opened_height: Height::constant(OPENED),
        }
    }
}

/// An amount above 0.
pub fn uait(amount: u64) -> Positive<Uait> {
    Positive::new(Uait::constant(amount)).unwrap()
}

/// The fee of a payload that makes no record, by the default params.
pub fn fee_of(payload: &Payload) -> u64 {
    let bytes = serde_json::to_vec(payload).unwrap().len() as u64;
    2 + (100 * bytes).div_ceil(1024)
}
