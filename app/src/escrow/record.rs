//! Owns the record of an escrow: money that a client locked for a job, and who may do what with it.

use serde::{Deserialize, Serialize};

use crate::{
    address::Address,
    crypto::PublicKey,
    identifiers::{JobId, ReceiptId},
    prelude::*,
    quantity::{Count, Height, Uait},
};

/// A coordinator of an escrow, and its attestation key as it was when the escrow opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attester {
    /// The coordinator.
    pub address: Address,
    /// Its key of the opening.
    pub key: PublicKey,
}

/// Who may claim an escrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// Any miner.
    Unbound,
    /// The miner that the client named when it opened.
    Named(Address),
    /// The miner that its coordinator assigned.
    Assigned(Address),
}

impl Binding {
    /// The only miner that may claim it; `None` where any may.
    pub fn miner(&self) -> Option<Address> {
        match self {
            Binding::Unbound => None,
            Binding::Named(miner) | Binding::Assigned(miner) => Some(*miner),
        }
    }
}

/// Why an escrow closed, or will close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Claims were paid and the rest went back.
    Settled,
    /// Its coordinator gave it back.
    Released,
    /// Its client's notice ended.
    Cancelled,
    /// Its time was over.
    Expired,
}

impl Reason {
    /// The word in records and events.
    pub const fn word(self) -> &'static str {
        match self {
            Reason::Settled => "settled",
            Reason::Released => "released",
            Reason::Cancelled => "cancelled",
            Reason::Expired => "expired",
        }
    }
}

/// Where an escrow's money is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EscrowStatus {
    /// Locked.
    Open {
        /// What is locked now.
        remaining: Uait,
        /// Whether its end is that of a cancel's notice.
        cancelled: bool,
    },
    /// Paid out by claims, the rest back with the client. For ever.
    Settled {
        /// The block that closed it.
        closed_height: Height,
    },
    /// Back with the client.
    Refunded {
        /// The block that closed it.
        closed_height: Height,
        /// The block at whose beginning its record is deleted.
        deleted_height: Height,
        /// Why.
        reason: Reason,
    },
}

/// The receipt that an escrow paid last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastReceipt {
    /// Whose.
    pub miner: Address,
    /// Its name.
    pub receipt_id: ReceiptId,
}

/// `/escrow/{client}/{job_id}`: money that a client locked for a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "super::form::Form", into = "super::form::Form")]
pub struct Escrow {
    /// Who locked it.
    pub client: Address,
    /// The client's name for the job.
    pub job_id: JobId,
    /// Who attests its receipts, 1 to 5: the coordinator, then the other attesters in their order.
    pub attesters: Vec<Attester>,
    /// How many of them must attest a claim, 1 to all.
    pub threshold: usize,
    /// Who may claim.
    pub binding: Binding,
    /// Whether it may be claimed in parts.
    pub partial: bool,
    /// All that was ever locked in this opening.
    pub amount: Uait,
    /// The sum of the prices of its claims.
    pub paid: Uait,
    /// Claims it paid.
    pub claims: Count,
    /// The receipt it paid last.
    pub last_receipt: Option<LastReceipt>,
    /// The block that opened it.
    pub opened_height: Height,
    /// The block at whose beginning it ends.
    pub expires_height: Height,
    /// Where the money is.
    pub status: EscrowStatus,
    /// Its coordinators that were convicted of equivocation about it, address bytes ascending.
    pub convicted: BTreeSet<Address>,
}

impl Escrow {
    /// Its coordinator: the first of the attesters.
    pub fn coordinator(&self) -> Address {
        self.attesters
            .first()
            .map_or_else(Address::treasury, |attester| attester.address)
    }

    /// Whether it names no other attester than its coordinator.
    pub fn has_single_coordinator(&self) -> bool {
        self.attesters.len() == 1
    }

    /// The attester of that address.
    pub fn attester(&self, address: &Address) -> Option<&Attester> {
        self.attesters
            .iter()
            .find(|attester| attester.address == *address)
    }

    /// What can still be claimed, released or topped up in block `height`: an overdue escrow counts
    /// as closed even where its refund still waits for its turn. `None` where it is closed.
    pub fn remaining_in(&self, height: Height) -> Option<Uait> {
        match self.status {
            EscrowStatus::Open { remaining, .. } if self.expires_height > height => Some(remaining),
            _ => None,
        }
    }

    /// The coins that are locked in it now, overdue or not.
    pub fn locked(&self) -> Uait {
        match self.status {
            EscrowStatus::Open { remaining, .. } => remaining,
            EscrowStatus::Settled { .. } | EscrowStatus::Refunded { .. } => Uait::ZERO,
        }
    }

    /// The block that closed it; `None` while its money is locked.
    pub fn closed_height(&self) -> Option<Height> {
        match self.status {
            EscrowStatus::Open { .. } => None,
            EscrowStatus::Settled { closed_height }
            | EscrowStatus::Refunded { closed_height, .. } => Some(closed_height),
        }
    }
}
