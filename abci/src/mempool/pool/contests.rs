//! Owns what transactions of different senders compete for where few of them can succeed
//! (PROTOCOL section 3): such rivals must not fill the pool.

use ait_app::{
    address::Address,
    crypto::PublicKey,
    identifiers::{JobId, ReceiptId},
    quantity::Height,
    tx::Payload,
};

use super::limits;

/// What only one of several transactions can have, or of claims on an escrow only few.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contest {
    /// The consensus key that a `STAKE` names: it becomes one account's for ever.
    ConsensusKey(PublicKey),
    /// The receipt, by its miner and id, that a `RECEIPT_REPORT` has refused.
    Receipt(Address, ReceiptId),
    /// The coordinator that evidence convicts, once in each opening of an escrow.
    Conviction {
        /// The escrow's client.
        client: Address,
        /// The escrow's job.
        job: JobId,
        /// Its opening.
        opened: Height,
        /// Who is accused.
        coordinator: Address,
    },
    /// The money of an escrow.
    Escrow(Address, JobId),
}

impl Contest {
    /// What a transaction competes for.
    pub fn of(payload: &Payload) -> Option<Self> {
        match payload {
            Payload::Stake(stake) => stake
                .validator
                .as_ref()
                .map(|validator| Contest::ConsensusKey(validator.pubkey)),
            Payload::ReceiptReport(report) => Some(Contest::Receipt(
                report.miner_addr,
                report.receipt_id.clone(),
            )),
            Payload::AttestationEquivocation(evidence) => Some(Contest::Conviction {
                client: evidence.client_addr,
                job: evidence.job_id.clone(),
                opened: evidence.opened_height,
                coordinator: evidence.coordinator(),
            }),
            Payload::ReceiptClaim(claim) => {
                Some(Contest::Escrow(claim.client_addr, claim.job_id.clone()))
            }
            _ => None,
        }
    }

    /// How many senders may compete.
    pub fn places(&self) -> usize {
        match self {
            Contest::Escrow(..) => limits::MAX_CLAIMANTS,
            _ => 1,
        }
    }
}
