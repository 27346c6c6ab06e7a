//! Owns the events of escrows.

use super::record::{Escrow, Reason};
use crate::{
    address::Address,
    events::Event,
    quantity::{Height, Uait},
};

/// What happened to an escrow.
pub(crate) enum EscrowEvent {
    Opened,
    Assigned {
        miner: Address,
    },
    ToppedUp {
        sender: Address,
        amount: Uait,
        remaining: Uait,
    },
    Cancelled {
        expires_height: Height,
    },
    Settled {
        miner: Address,
        fee: Uait,
        returned: Uait,
    },
    Refunded {
        amount: Uait,
        reason: Reason,
    },
}

impl EscrowEvent {
    /// The event of this escrow.
    pub(crate) fn of(self, escrow: &Escrow) -> Event {
        let named = |kind: &'static str| {
            Event::new(kind)
                .id("job_id", &escrow.job_id)
                .id("client", escrow.client)
        };
        let by = |kind: &'static str| named(kind).id("coordinator", escrow.coordinator());
        match self {
            EscrowEvent::Opened => by("escrow_opened")
                .maybe_id("miner", escrow.binding.miner())
                .amount("amount", escrow.amount),
            EscrowEvent::Assigned { miner } => by("escrow_assigned").id("miner", miner),
            EscrowEvent::ToppedUp {
                sender,
                amount,
                remaining,
            } => named("escrow_topped_up")
                .id("sender", sender)
                .amount("amount", amount)
                .amount("remaining", remaining)
                .amount("expires_height", escrow.expires_height),
            EscrowEvent::Cancelled { expires_height } => {
                by("escrow_cancelled").amount("expires_height", expires_height)
            }
            EscrowEvent::Settled {
                miner,
                fee,
                returned,
            } => by("escrow_settled")
                .id("miner", miner)
                .amount("paid", escrow.paid)
                .amount("fee", fee)
                .amount("returned", returned),
            EscrowEvent::Refunded { amount, reason } => by("escrow_refunded")
                .amount("amount", amount)
                .id("reason", reason.word()),
        }
    }
}
