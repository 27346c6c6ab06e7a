//! Owns accounts of tests: deterministic keys, and signed transactions with consecutive nonces.

use ait_app::{
    address::Address,
    crypto::{SecretKey, sha256},
    identifiers::ChainId,
    json,
    params::{Params, update::ParamUpdate},
    quantity::{Height, Nonce, Positive, Uait, Units},
    receipts::{
        attestation::Attestation,
        claim_payload::{Brought, ReceiptClaim},
        terms::ReceiptTerms,
    },
    tx::{Payload, Transaction},
};
use serde_json::{Value, json};

/// An account with its key, and the nonce of the last transaction it signed.
#[derive(Clone)]
pub struct Wallet {
    /// The chain its signatures are for.
    pub chain_id: ChainId,
    /// Its secret key.
    pub key: SecretKey,
    /// Its address.
    pub address: Address,
    /// The nonce of the last transaction it signed.
    pub nonce: u64,
}

impl Wallet {
    /// The account of that name: the same one in every run.
    pub fn named(chain_id: &ChainId, name: &str) -> Self {
        let key = SecretKey::from_seed(sha256(format!("ait-tests/{name}").as_bytes()));
        let address = Address::of(&key.public_key());
        Self {
            chain_id: chain_id.clone(),
            key,
            address,
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
        Transaction::sign(&self.chain_id, &self.key, nonce, fee, payload)
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
        self.sign(payload(
            "ESCROW_OPEN",
            &json!({
                "amount": amount,
                "coordinator": coordinator,
                "job_id": job_id,
                "ttl_blocks": ttl_blocks,
            }),
        ))
    }

    /// A signed `ESCROW_RELEASE`.
    pub fn release_escrow(&mut self, client: Address, job_id: &str) -> Transaction {
        let fields = json!({"client_addr": client, "job_id": job_id});
        self.sign(payload("ESCROW_RELEASE", &fields))
    }

    /// What this miner says it delivered for the escrow opened in a block: 5 units for 2,000 uait.
    ///
    /// # Panics
    /// When an id is none.
    pub fn receipt(
        &self,
        receipt_id: &str,
        client: Address,
        job_id: &str,
        opened_height: u64,
    ) -> ReceiptTerms {
        let output = hex::encode(sha256(receipt_id.as_bytes()));
        ReceiptTerms {
            receipt_id: receipt_id.parse().expect("a receipt id"),
            job_id: job_id.parse().expect("a job id"),
            client,
            miner: self.address,
            compute_units: Positive::new(Units::constant(5)).expect("above 0"),
            price: Positive::new(Uait::constant(2_000)).expect("above 0"),
            output_hash: format!("sha256:{output}").parse().expect("an output hash"),
            opened_height: Height::constant(opened_height),
        }
    }

    /// A signed `RECEIPT_CLAIM`.
    pub fn claim(&mut self, terms: ReceiptTerms, attestation: Option<Attestation>) -> Transaction {
        let miner_sig = self.key.sign(&terms.sign_bytes(&self.chain_id));
        self.sign(Payload::from(ReceiptClaim {
            brought: attestation.map_or(Brought::Nothing, Brought::One),
            client_addr: terms.client,
            compute_units: terms.compute_units,
            is_final: false,
            job_id: terms.job_id,
            miner_addr: terms.miner,
            miner_sig,
            opened_height: Some(terms.opened_height),
            output_hash: terms.output_hash,
            price: terms.price,
            receipt_id: terms.receipt_id,
        }))
    }

    /// A signed first `STAKE`, with the proof that the sender holds the consensus key.
    pub fn first_stake(&mut self, consensus_key: &SecretKey, amount: u64) -> Transaction {
        let pubkey = consensus_key.public_key();
        let text = format!("AIT-VALIDATOR|{}|{}|{pubkey}", self.chain_id, self.address);
        let proof = consensus_key.sign(&sha256(text.as_bytes()));
        let fields = json!({
            "amount": amount,
            "validator_pubkey": pubkey,
            "validator_sig": proof,
        });
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
    ///
    /// # Panics
    /// When there is no such param, or it can't have that value.
    pub fn set_param(&mut self, key: &str, value: &str) -> Transaction {
        let update = ParamUpdate::new(key, value.as_bytes()).expect("a param and its value");
        self.sign(Payload::from(update))
    }
}

/// A payload from its fields.
///
/// # Panics
/// When they are none of that kind.
pub fn payload(kind: &str, fields: &Value) -> Payload {
    Payload::read(kind, &fields.to_string()).expect("a payload")
}

/// A `TRANSFER` without memo.
pub fn transfer(to: Address, amount: u64) -> Payload {
    payload("TRANSFER", &json!({"amount": amount, "to": to}))
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
