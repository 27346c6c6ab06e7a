//! Escrows, receipts and attestations for tests, made of the test kit's.

use ait_app::{
    receipts::attestation::Attestation,
    tx::{Payload, Transaction},
};
use ait_testkit::{
    actors::Actor,
    chain::first_stake,
    draft::{self, payload},
    work::Work,
};
use serde_json::{Value, json};

use super::{CHAIN, address, sign};

/// An escrow of `client` in the name of `carol`.
pub fn escrow(client: &str, nonce: u64, job: &str) -> Transaction {
    sign(client, nonce, 2_000, opening(job, 60_000))
}

/// An opening of an escrow in the name of `carol`.
pub fn opening(job: &str, amount: u64) -> Payload {
    opening_with(job, amount, json!({}))
}

/// The same with more fields.
pub fn opening_with(job: &str, amount: u64, more: Value) -> Payload {
    let mut fields = draft::escrow_open(job, address("carol"), amount, 1_000);
    for (name, value) in more.as_object().unwrap() {
        fields[name] = value.clone();
    }
    payload("ESCROW_OPEN", &fields)
}

/// The same; `cora` attests too, and either is enough.
pub fn opening_with_cora(job: &str, amount: u64) -> Payload {
    let others = json!({"attesters": [address("cora")], "threshold": 1});
    opening_with(job, amount, others)
}

pub fn assign(client: &str, job: &str, miner: &str, nonce: u64) -> Transaction {
    let fields = draft::escrow_assign(address(client), job, address(miner));
    sign("carol", nonce, 1_000, payload("ESCROW_ASSIGN", &fields))
}

pub fn release(client: &str, job: &str, nonce: u64) -> Transaction {
    let fields = draft::escrow_release(address(client), job);
    sign("carol", nonce, 1_000, payload("ESCROW_RELEASE", &fields))
}

/// Work for a job whose escrow was opened in block 1.
pub fn work(miner: &str, client: &str, job: &str, receipt: &str) -> Work {
    Work {
        chain_id: CHAIN.into(),
        receipt_id: receipt.into(),
        job_id: job.into(),
        client: address(client).to_string(),
        miner: address(miner).to_string(),
        compute_units: 2_500,
        price: 50_000,
        output_hash: format!("sha256:{}", "ab".repeat(32)),
        opened_height: 1,
    }
}

/// A claim without an attestation of its own.
pub fn claim(work: &Work, miner: &str, nonce: u64, fee: u64) -> Transaction {
    sign(miner, nonce, fee, claiming(work, miner, None))
}

/// A claim that brings this attestation.
pub fn attested_claim(
    work: &Work,
    miner: &str,
    nonce: u64,
    attestation: Attestation,
) -> Transaction {
    exact(miner, nonce, claiming(work, miner, Some(attestation)))
}

/// A claim that offers just the required fee, which its escrow pays.
pub fn exact_claim(work: &Work, miner: &str, nonce: u64) -> Transaction {
    exact(miner, nonce, claiming(work, miner, None))
}

fn exact(miner: &str, nonce: u64, payload: Payload) -> Transaction {
    let bytes = serde_json::to_vec(&payload).unwrap().len() as u64;
    sign(miner, nonce, 2 + (100 * bytes).div_ceil(1024), payload)
}

fn claiming(work: &Work, miner: &str, brought: Option<Attestation>) -> Payload {
    let brought = brought.map(|attestation| json!(attestation));
    let signature = work.signed_by(&Actor::named(miner));
    payload("RECEIPT_CLAIM", &work.claim(&signature, brought.as_ref()))
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
pub fn attest(work: &Work, says: Says) -> Attestation {
    attest_as("carol", work, says)
}

pub fn attest_as(coordinator: &str, work: &Work, says: Says) -> Attestation {
    let mut answer = work.praise();
    answer.exists = says != Says::NoSuchWork;
    answer.paid = says != Says::NotPaid;
    let coordinator = Actor::named(coordinator);
    let answer = work.answered_by(&coordinator, work.opened_height, answer);
    serde_json::from_value(answer).unwrap()
}

/// A report of a receipt that `carol` denied.
pub fn report(from: &str, nonce: u64, fee: u64, work: &Work, miner: &str) -> Transaction {
    let miner = Actor::named(miner);
    let denial = json!(attest(work, Says::NoSuchWork));
    let mut fields = work.report(&work.signed_by(&miner), &[denial]);
    fields["miner_pubkey"] = json!(miner.pubkey());
    sign(from, nonce, fee, payload("RECEIPT_REPORT", &fields))
}

/// Evidence that `carol` attested two receipts of one escrow.
pub fn evidence(from: &str, nonce: u64, fee: u64, both: [&Work; 2]) -> Transaction {
    let [one, other] = both.map(|work| json!(attest(work, Says::Yes)));
    let fields = both[0].equivocation(&one, both[1], &other);
    sign(
        from,
        nonce,
        fee,
        payload("ATTESTATION_EQUIVOCATION", &fields),
    )
}

/// A stake that names the consensus key of this name.
pub fn stake(from: &str, nonce: u64, fee: u64, consensus: &str) -> Transaction {
    let (from_actor, consensus) = (Actor::named(from), Actor::named(consensus));
    let fields = first_stake(CHAIN, &from_actor, &consensus, 1);
    sign(from, nonce, fee, payload("STAKE", &fields))
}
