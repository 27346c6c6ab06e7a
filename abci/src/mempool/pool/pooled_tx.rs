//! Owns what the pool knows of one pending transaction.

use std::sync::Arc;

use ait_app::{
    Refusal,
    address::Address,
    identifiers::JobId,
    quantity::{Height, Nonce, Uait},
    receipts::attestation::Attestation,
    state::Changes,
    tx::{Payload, TxHash, VerifiedTx},
};

use super::{contests::Contest, reads::Reads, worth::Worth};
use crate::records::{PendingTx, Verdict};

/// An escrow's client and job.
pub type EscrowId = (Address, JobId);

/// Whether a transaction can be proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It can; also an offence whose fee can be paid.
    Ready,
    /// A claim without an attestation yet.
    Waiting(Wait),
    /// It stands behind a waiting claim of its sender.
    Behind,
    /// Only time can cure its fault.
    Parked(Refusal),
}

/// What a claim waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// Whose coordinator shall answer.
    pub escrow: EscrowId,
    /// Its right to a place among those that wait: the least of its own and those of the waiting
    /// claims of its sender before it.
    pub rank: Rank,
}

/// Which claims may wait where not all can: those on an escrow that is bound to their sender before
/// the others, then those on one with more money in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Whether the escrow is bound to the claim's sender.
    pub bound: bool,
    /// What remains in the escrow.
    pub remaining: Uait,
}

/// How near to a block a transaction is; the later one the nearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Only time can cure its fault, so it may be worth nothing.
    Parked,
    /// It waits for an attestation, its own or that of one before it.
    Waiting,
    /// It can be proposed.
    Ready,
}

impl Status {
    /// How near to a block it is.
    pub fn standing(&self) -> Standing {
        match self {
            Status::Ready => Standing::Ready,
            Status::Waiting(_) | Status::Behind => Standing::Waiting,
            Status::Parked(_) => Standing::Parked,
        }
    }
}

/// A pending transaction.
#[derive(Debug, Clone)]
pub struct PooledTx {
    /// The transaction.
    pub verified: Arc<VerifiedTx>,
    /// Its bytes.
    pub wire: Arc<[u8]>,
    /// Whether it can be proposed.
    pub status: Status,
    /// What it changes, or of a waiting claim its nonce alone; nothing while it is parked.
    pub effects: Arc<Changes>,
    /// What its status and its effects were made of.
    pub reads: Arc<Reads>,
    /// The least fee a byte of its own and of those before it in its sender's run.
    pub worth: Worth,
    /// Its place in the order of arrival.
    pub arrival: u64,
    /// The pool's generation in which CometBFT last presented it.
    pub seen: u64,
    /// The generation in which it came.
    pub since_generation: u64,
    /// The height since which it stands as it does.
    pub since: Height,
    /// Whether it is still to be offered to CometBFT, whose own mempool does not outlive its process.
    pub unoffered: bool,
    /// The envelope by which CometBFT holds it: the first that brought it, until that ends.
    pub envelope: Option<TxHash>,
    /// The coordinator's answer, where the node fetched it.
    pub attestation: Option<Attestation>,
    /// What it replaced. Until a recheck shows that CometBFT kept this one, the other may revive.
    pub replaced: Option<Box<PooledTx>>,
}

impl PooledTx {
    /// A transaction that just came.
    pub fn new(
        verified: Arc<VerifiedTx>,
        wire: Arc<[u8]>,
        arrival: u64,
        generation: u64,
        height: Height,
    ) -> Self {
        let worth = Worth::of(&verified, wire.len());
        Self {
            verified,
            wire,
            status: Status::Ready,
            effects: Arc::default(),
            reads: Arc::default(),
            worth,
            arrival,
            seen: generation,
            since_generation: generation,
            since: height,
            unoffered: false,
            envelope: None,
            attestation: None,
            replaced: None,
        }
    }

    pub fn hash(&self) -> TxHash {
        self.verified.hash
    }

    pub fn sender(&self) -> Address {
        self.verified.tx.sender
    }

    pub fn nonce(&self) -> Nonce {
        self.verified.tx.nonce
    }

    /// What it offers.
    pub fn fee(&self) -> Uait {
        self.verified.tx.fee
    }

    /// Its own fee a byte.
    pub fn own_worth(&self) -> Worth {
        Worth::of(&self.verified, self.wire.len())
    }

    /// The generation in which CometBFT presented it last; `None` while CometBFT is still to be offered
    /// it, or holds it in an envelope.
    pub fn last_seen(&self) -> Option<u64> {
        (!self.unoffered && self.envelope.is_none()).then_some(self.seen)
    }

    /// Whether it is parked.
    pub fn is_parked(&self) -> bool {
        self.status.standing() == Standing::Parked
    }

    /// Whether it waits, or stands behind what does.
    pub fn is_waiting(&self) -> bool {
        self.status.standing() == Standing::Waiting
    }

    /// Whether it is a claim that brings no attestation of its own.
    pub fn needs_attestation(&self) -> bool {
        matches!(&self.verified.tx.payload, Payload::ReceiptClaim(claim) if claim.brings_nothing())
    }

    /// What it competes for with transactions of other senders.
    pub fn contest(&self) -> Option<Contest> {
        Contest::of(&self.verified.tx.payload)
    }

    /// What CheckTx says of it.
    pub fn verdict(&self) -> Verdict {
        match &self.status {
            Status::Ready => Verdict::Ready,
            Status::Waiting(_) | Status::Behind => Verdict::WaitsForAttestation,
            Status::Parked(refusal) => Verdict::Parked(refusal.clone()),
        }
    }

    /// What readers are told of it.
    pub fn pending(&self) -> PendingTx {
        PendingTx {
            wire: self.wire.clone(),
            waits_for_attestation: self.is_waiting(),
            parked: self.is_parked(),
        }
    }

    /// It and what it replaced.
    pub fn with_replaced(&self) -> impl Iterator<Item = &PooledTx> {
        [Some(self), self.replaced.as_deref()].into_iter().flatten()
    }
}
