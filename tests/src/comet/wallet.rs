//! Owns accounts of tests: people of the test kit who remember their nonces.

use ait_app::{
    address::Address,
    identifiers::ChainId,
    json,
    params::Params,
    quantity::{Height, Nonce, Uait},
    tx::{Payload, Transaction},
};
use ait_testkit::{
    actors::Actor,
    chain::first_stake,
    draft::{self, payload},
    work::Work,
};
use serde_json::{Value, json};

/// An account with its key, and the nonce of the last transaction it signed.
#[derive(Clone)]
pub struct Wallet {
    /// The chain its signatures are for.
    pub chain_id: ChainId,
    /// Whose it is, with the key.
    pub actor: Actor,
    pub address: Address,
    /// The nonce of the last transaction it signed.
    pub nonce: u64,
}

impl Wallet {
    /// The account of that name: the same one in every run.
    pub fn named(chain_id: &ChainId, name: &str) -> Self {
        let actor = Actor::named(name);
        Self {
            chain_id: chain_id.clone(),
            address: actor.address(),
            actor,
            nonce: 0,
        }
    }

    /// Signs the next transaction with exactly the required fee.
    pub fn sign(&mut self, payload: Payload) -> Transaction {
        self.nonce += 1;
        self.sign_at(self.nonce, required_fee(&payload), payload)
    }

    /// Signs a transaction with any nonce and fee, remembering nothing.
    pub fn sign_at(&self, nonce: u64, fee: u64, payload: Payload) -> Transaction {
        let (nonce, fee) = (Nonce::constant(nonce), Uait::constant(fee));
        Transaction::sign(&self.chain_id, &self.actor.key, nonce, fee, payload)
    }

    /// A signed `TRANSFER`.
    pub fn transfer(&mut self, to: Address, amount: u64) -> Transaction {
        self.sign(transfer(to, amount))
    }

    /// A signed `ESCROW_OPEN`.
    pub fn open_escrow(
        &mut self,
        job_id: &str,
        coordinator: Address,
        amount: u64,
        ttl_blocks: u64,
    ) -> Transaction {
        let fields = draft::escrow_open(job_id, coordinator, amount, ttl_blocks);
        self.sign(payload("ESCROW_OPEN", &fields))
    }

    /// A signed `ESCROW_RELEASE`.
    pub fn release_escrow(&mut self, client: Address, job_id: &str) -> Transaction {
        let fields = draft::escrow_release(client, job_id);
        self.sign(payload("ESCROW_RELEASE", &fields))
    }

    /// What this miner delivered for the escrow opened in a block: 5 units for 2,000 uait.
    pub fn receipt(
        &self,
        receipt_id: &str,
        client: Address,
        job_id: &str,
        opened_height: u64,
    ) -> Work {
        Work {
            chain_id: self.chain_id.to_string(),
            receipt_id: receipt_id.into(),
            job_id: job_id.into(),
            client: client.to_string(),
            miner: self.address.to_string(),
            compute_units: 5,
            price: 2_000,
            output_hash: format!("sha256:{}", "5e".repeat(32)),
            opened_height,
        }
    }

    /// A signed `RECEIPT_CLAIM`, which names the opening.
    pub fn claim(&mut self, work: &Work, attestation: Option<&Value>) -> Transaction {
        let mut fields = work.claim(&work.signed_by(&self.actor), attestation);
        fields["opened_height"] = work.opened_height.into();
        self.sign(payload("RECEIPT_CLAIM", &fields))
    }

    /// A signed first `STAKE`, with the proof that the sender holds the consensus key.
    pub fn first_stake(&mut self, consensus_key: &Actor, amount: u64) -> Transaction {
        let fields = first_stake(self.chain_id.as_str(), &self.actor, consensus_key, amount);
        self.sign(payload("STAKE", &fields))
    }

    /// A signed `UNSTAKE`.
    pub fn unstake(&mut self, amount: u64) -> Transaction {
        self.sign(payload("UNSTAKE", &json!({"amount": amount})))
    }

    /// A signed `UNJAIL`.
    pub fn unjail(&mut self) -> Transaction {
        self.sign(payload("UNJAIL", &json!({})))
    }

    /// A signed `PARAM_UPDATE`.
    pub fn set_param(&mut self, key: &str, value: impl Into<Value>) -> Transaction {
        let fields = draft::param_update(key, value.into());
        self.sign(payload("PARAM_UPDATE", &fields))
    }
}

/// A `TRANSFER` without memo.
pub fn transfer(to: Address, amount: u64) -> Payload {
    payload("TRANSFER", &draft::transfer(to, amount))
}

/// What a payload must pay under the default params, uait: the fee of a record for each `ESCROW_OPEN`.
///
/// # Panics
/// Never: a typed payload has a canonical form.
pub fn required_fee(payload: &Payload) -> u64 {
    let bytes = json::canonical(payload).expect("a canonical form");
    let defaults = Params::new(Address::treasury(), Height::ZERO);
    let makes_record = payload.kind() == "ESCROW_OPEN";
    defaults.required_fee(bytes.len(), makes_record).get()
}
