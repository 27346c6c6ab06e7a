//! Owns accounts of tests: deterministic keys, and signed transactions with consecutive nonces.

use ait_app::{
    address::Address,
    amount,
    crypto::{SecretKey, sha256},
    identifiers::ChainId,
    json::Json,
    params::Params,
    receipts::{Attestation, ReceiptTerms},
    tx::{
        EscrowOpen, EscrowRelease, ParamUpdate, Payload, ReceiptClaim, Stake, Transaction,
        Transfer, Unjail, Unstake,
        stake::{ValidatorKey, possession_bytes},
    },
};

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
        self.sign(Payload::EscrowOpen(EscrowOpen {
            job_id: job_id.parse().expect("a job id"),
            coordinator,
            amount,
            ttl_blocks,
        }))
    }

    /// A signed `ESCROW_RELEASE`.
    pub fn release_escrow(&mut self, client: Address, job_id: &str) -> Transaction {
        self.sign(Payload::EscrowRelease(EscrowRelease {
            client_addr: client,
            job_id: job_id.parse().expect("a job id"),
        }))
    }

    /// What this miner says it delivered: 5 units for 2,000 uait.
    pub fn receipt(&self, receipt_id: &str, client: Address, job_id: &str) -> ReceiptTerms {
        let output = hex::encode(sha256(receipt_id.as_bytes()));
        ReceiptTerms {
            receipt_id: receipt_id.parse().expect("a receipt id"),
            job_id: job_id.parse().expect("a job id"),
            client,
            miner: self.address,
            compute_units: 5,
            price: 2_000,
            output_hash: format!("sha256:{output}").parse().expect("an output hash"),
        }
    }

    /// A signed `RECEIPT_CLAIM`.
    pub fn claim(&mut self, terms: ReceiptTerms, attestation: Option<Attestation>) -> Transaction {
        let miner_sig = self.key.sign(&terms.sign_bytes(&self.chain_id));
        self.sign(Payload::ReceiptClaim(Box::new(ReceiptClaim {
            terms,
            miner_sig,
            attestation,
        })))
    }

    /// A signed first `STAKE`, with the proof that the sender holds the consensus key.
    pub fn first_stake(&mut self, consensus_key: &SecretKey, amount: u64) -> Transaction {
        let pubkey = consensus_key.public_key();
        let proof = possession_bytes(&self.chain_id, &self.address, &pubkey);
        self.sign(Payload::Stake(Stake {
            amount,
            validator: Some(ValidatorKey {
                pubkey,
                sig: consensus_key.sign(&proof),
            }),
        }))
    }

    /// A signed `UNSTAKE`.
    pub fn unstake(&mut self, amount: u64) -> Transaction {
        self.sign(Payload::Unstake(Unstake { amount }))
    }

    /// A signed `UNJAIL`.
    pub fn unjail(&mut self) -> Transaction {
        self.sign(Payload::Unjail(Unjail))
    }

    /// A signed `PARAM_UPDATE`.
    ///
    /// # Panics
    /// When the value is no JSON.
    pub fn set_param(&mut self, key: &str, value: &str) -> Transaction {
        self.sign(Payload::ParamUpdate(ParamUpdate {
            key: key.to_owned(),
            value: Json::parse(value.as_bytes()).expect("JSON"),
        }))
    }
}

/// A `TRANSFER` without memo.
pub fn transfer(to: Address, amount: u64) -> Payload {
    Payload::Transfer(Transfer {
        to,
        amount,
        memo: None,
    })
}

/// What a payload must pay under the default params, uait.
///
/// # Panics
/// Never: a typed payload has a canonical form.
pub fn required_fee(payload: &Payload) -> u64 {
    let bytes = payload.to_json().canonical().expect("a canonical form");
    let defaults = Params::new(Address::treasury(), Vec::new(), 0);
    let fee = defaults.required_fee(bytes.len());
    assert!(fee <= amount::MAX);
    fee
}
