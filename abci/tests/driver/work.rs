//! Escrows, receipts and attestations for tests.

use ait_app::{
    coordinators::equivocation::{AttestationEquivocation, Statement},
    escrow::{
        assign::EscrowAssign,
        open::{EscrowOpen, Others, Ttl},
        release::EscrowRelease,
    },
    params::values::possession_bytes,
    quantity::{Height, Positive, Ranged, Units},
    receipts::{
        attestation::{Attestation, Facts, Quote},
        claim_payload::{Attestations, Brought, ReceiptClaim},
        report::ReceiptReport,
        terms::ReceiptTerms,
    },
    staking::stake::{Stake, ValidatorKey},
    tx::{Payload, Transaction},
};

use super::{address, chain_id, key, sign, uait};

/// An escrow of `client` in the name of `carol`.
pub fn escrow(client: &str, nonce: u64, job: &str) -> Transaction {
    sign(client, nonce, 2_000, opening(job, 60_000))
}

/// An opening of an escrow in the name of `carol`.
pub fn opening(job: &str, amount: u64) -> EscrowOpen {
    EscrowOpen {
        job_id: job.parse().unwrap(),
        coordinator: address("carol"),
        amount: uait(amount),
        others: None,
        miner: None,
        partial: false,
        ttl_blocks: Ttl::new(1_000).unwrap(),
    }
}

/// `cora` attests too, and either is enough.
pub fn with_cora(open: EscrowOpen) -> EscrowOpen {
    let others = Others::new(&open.coordinator, vec![address("cora")], Ranged::new(1));
    EscrowOpen {
        others: Some(others.unwrap()),
        ..open
    }
}

pub fn assign(client: &str, job: &str, miner: &str, nonce: u64) -> Transaction {
    let payload = EscrowAssign {
        client_addr: address(client),
        job_id: job.parse().unwrap(),
        miner: address(miner),
    };
    sign("carol", nonce, 1_000, payload)
}

pub fn release(client: &str, job: &str, nonce: u64) -> Transaction {
    let payload = EscrowRelease {
        client_addr: address(client),
        job_id: job.parse().unwrap(),
    };
    sign("carol", nonce, 1_000, payload)
}

/// A receipt for a job whose escrow was opened in block 1.
pub fn terms(miner: &str, client: &str, job: &str, receipt: &str) -> ReceiptTerms {
    ReceiptTerms {
        receipt_id: receipt.parse().unwrap(),
        job_id: job.parse().unwrap(),
        client: address(client),
        miner: address(miner),
        compute_units: Positive::new(Units::constant(2_500)).unwrap(),
        price: uait(50_000),
        output_hash: format!("sha256:{}", "ab".repeat(32)).parse().unwrap(),
        opened_height: Height::constant(1),
    }
}

/// A claim without an attestation of its own.
pub fn claim(terms: &ReceiptTerms, miner: &str, nonce: u64, fee: u64) -> Transaction {
    sign(miner, nonce, fee, claiming(terms, miner, Brought::Nothing))
}

/// A claim that brings this attestation.
pub fn attested_claim(
    terms: &ReceiptTerms,
    miner: &str,
    nonce: u64,
    attestation: Attestation,
) -> Transaction {
    let brought = Brought::One(attestation);
    exact(miner, nonce, claiming(terms, miner, brought))
}

/// A claim that offers just the required fee, which its escrow pays.
pub fn exact_claim(terms: &ReceiptTerms, miner: &str, nonce: u64) -> Transaction {
    exact(miner, nonce, claiming(terms, miner, Brought::Nothing))
}

fn exact(miner: &str, nonce: u64, claim: ReceiptClaim) -> Transaction {
    let payload = Payload::from(claim);
    let bytes = serde_json::to_vec(&payload).unwrap().len() as u64;
    sign(miner, nonce, 2 + (100 * bytes).div_ceil(1024), payload)
}

fn claiming(terms: &ReceiptTerms, miner: &str, brought: Brought) -> ReceiptClaim {
    ReceiptClaim {
        brought,
        client_addr: terms.client,
        compute_units: terms.compute_units,
        is_final: false,
        job_id: terms.job_id.clone(),
        miner_addr: terms.miner,
        miner_sig: key(miner).sign(&terms.sign_bytes(&chain_id())),
        opened_height: None,
        output_hash: terms.output_hash.clone(),
        price: terms.price,
        receipt_id: terms.receipt_id.clone(),
    }
}

/// What a coordinator says of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    Yes,
    /// Negative, and not the miner's fault.
    NotPaid,
    /// Damning.
    NoSuchWork,
}

/// `carol`'s answer for a receipt.
pub fn attest(terms: &ReceiptTerms, says: Says) -> Attestation {
    attest_as("carol", terms, says)
}

pub fn attest_as(coordinator: &str, terms: &ReceiptTerms, says: Says) -> Attestation {
    let facts = Facts {
        exists: says != Says::NoSuchWork,
        paid: says != Says::NotPaid,
        not_double_spent: true,
        quote: Quote {
            price: terms.price.get(),
            compute_units: terms.compute_units.get(),
        },
    };
    let signer = key(coordinator);
    Attestation::sign(&chain_id(), terms, facts, address(coordinator), &signer)
}

/// A report of a receipt that `carol` denied.
pub fn report(from: &str, nonce: u64, fee: u64, terms: &ReceiptTerms, miner: &str) -> Transaction {
    let payload = ReceiptReport {
        attestations: Attestations::new(vec![attest(terms, Says::NoSuchWork)]).unwrap(),
        client_addr: terms.client,
        compute_units: terms.compute_units,
        job_id: terms.job_id.clone(),
        miner_addr: terms.miner,
        miner_pubkey: Some(key(miner).public_key()),
        miner_sig: key(miner).sign(&terms.sign_bytes(&chain_id())),
        opened_height: terms.opened_height,
        output_hash: terms.output_hash.clone(),
        price: terms.price,
        receipt_id: terms.receipt_id.clone(),
    };
    sign(from, nonce, fee, payload)
}

/// Evidence that `carol` attested two receipts of one escrow.
pub fn evidence(from: &str, nonce: u64, fee: u64, both: [&ReceiptTerms; 2]) -> Transaction {
    let [a, b] = both.map(|terms| Statement {
        attestation: attest(terms, Says::Yes),
        compute_units: terms.compute_units,
        miner_addr: terms.miner,
        output_hash: terms.output_hash.clone(),
        price: terms.price,
        receipt_id: terms.receipt_id.clone(),
    });
    let payload = AttestationEquivocation {
        a,
        b,
        client_addr: both[0].client,
        job_id: both[0].job_id.clone(),
        opened_height: both[0].opened_height,
    };
    sign(from, nonce, fee, payload)
}

/// A stake that names the consensus key of this name.
pub fn stake(from: &str, nonce: u64, fee: u64, consensus: &str) -> Transaction {
    let consensus = key(consensus);
    let pubkey = consensus.public_key();
    let proof = possession_bytes(&chain_id(), &address(from), &pubkey);
    let payload = Stake {
        amount: uait(1),
        validator: Some(ValidatorKey {
            pubkey,
            sig: consensus.sign(&proof),
        }),
    };
    sign(from, nonce, fee, payload)
}
