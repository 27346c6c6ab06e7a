//! Owns jobs from escrow to claim: what is signed ahead, and what can be signed only once the escrow's block is known.

use std::time::Instant;

use ait_api::fees::FeeParams;
use ait_app::{
    address::Address,
    crypto::SecretKey,
    escrow::open::{EscrowOpen, Ttl},
    identifiers::{ChainId, JobId, OutputHash, ReceiptId},
    quantity::{Height, Nonce, Positive, Uait, Units},
    receipts::{
        attestation::{Attestation, Facts, Quote},
        claim_payload::{Brought, ReceiptClaim},
        terms::ReceiptTerms,
    },
    tx::{Payload, Transaction},
};
use ait_client::SignedReceipt;
use bytes::Bytes;

use crate::LoadError;

/// What each escrow locks and its claim takes, in uait.
pub(crate) const PRICE: u64 = 10_000;
/// Blocks an escrow lives: longer than a load.
const TTL_BLOCKS: u64 = 10_000;
/// Units of compute of each job.
const UNITS: u64 = 10;

/// An escrow on its way, or open.
#[derive(Debug, Clone)]
pub(crate) struct Opening {
    pub client: Address,
    pub job: JobId,
    /// When its `ESCROW_OPEN` was due.
    pub since: Instant,
    /// Its block; 0 before that is known.
    pub height: u64,
}

/// The payload of a job's `ESCROW_OPEN`; it names its miner, so that nobody needs to be assigned.
pub(crate) fn open(
    job: &JobId,
    coordinator: Address,
    miner: Address,
) -> Result<EscrowOpen, LoadError> {
    Ok(EscrowOpen {
        amount: positive(Uait::constant(PRICE))?,
        coordinator,
        others: None,
        job_id: job.clone(),
        miner: Some(miner),
        partial: false,
        ttl_blocks: Ttl::new(TTL_BLOCKS).ok_or_else(out_of_range)?,
    })
}

/// A miner of one connection: it claims one job after another.
#[derive(Debug)]
pub(crate) struct Miner {
    pub key: SecretKey,
    pub chain_id: ChainId,
    pub coordinator: SecretKey,
    /// What fees are made of.
    pub fees: FeeParams,
    /// The nonce of its next claim.
    pub next_nonce: Nonce,
}

impl Miner {
    /// The claim of an open escrow, attested by the coordinator's key.
    pub fn claim(&mut self, opening: &Opening) -> Result<Bytes, LoadError> {
        let payload = self.payload(opening)?;
        let nonce = self.next_nonce;
        self.next_nonce = nonce.next();
        let fee = required_fee(&self.fees, &payload);
        let signed = Transaction::sign(&self.chain_id, &self.key, nonce, fee, payload);
        Ok(signed.to_wire().into())
    }

    /// Its payload.
    fn payload(&self, opening: &Opening) -> Result<Payload, LoadError> {
        let internal = |_| LoadError::Internal("a receipt's names are malformed".to_owned());
        let receipt_id: ReceiptId = opening.job.as_str().parse().map_err(internal)?;
        let output = format!("sha256:{}", hex::encode([7; 32]));
        let output_hash: OutputHash = output.parse().map_err(internal)?;
        let terms = ReceiptTerms {
            receipt_id,
            job_id: opening.job.clone(),
            client: opening.client,
            miner: Address::of(&self.key.public_key()),
            compute_units: positive(Units::constant(UNITS))?,
            price: positive(Uait::constant(PRICE))?,
            output_hash,
            opened_height: Height::constant(opening.height),
        };
        let facts = Facts {
            exists: true,
            paid: true,
            not_double_spent: true,
            quote: Quote {
                compute_units: Units::constant(UNITS),
                price: Uait::constant(PRICE),
            },
        };
        let coordinator = Address::of(&self.coordinator.public_key());
        let attestation = Attestation::sign(
            &self.chain_id,
            &terms,
            facts,
            coordinator,
            &self.coordinator,
        );
        let receipt = SignedReceipt::sign(&self.chain_id, terms, &self.key);
        let claim: ReceiptClaim = receipt.into_claim(Brought::One(attestation), false);
        Ok(claim.into())
    }
}

/// What a claim must offer (PROTOCOL section 3). Its escrow pays that and no more, and the miner has nothing else.
fn required_fee(fees: &FeeParams, payload: &Payload) -> Uait {
    let bytes = serde_json::to_vec(payload).map_or(0, |bytes| bytes.len());
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    let by_size = fees.fee_per_kib.get().saturating_mul(bytes).div_ceil(1024);
    fees.base_fee.saturating_plus(Uait::constant(by_size))
}

fn positive<Q: ait_app::quantity::Quantity + Default>(value: Q) -> Result<Positive<Q>, LoadError> {
    Positive::new(value).ok_or_else(out_of_range)
}

fn out_of_range() -> LoadError {
    LoadError::Internal("a constant is out of its range".to_owned())
}
