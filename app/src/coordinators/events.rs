//! Owns the events of coordinators.

use crate::{
    address::Address,
    events::Event,
    quantity::{Height, Uait},
};

/// What happened to a coordinator.
pub(super) enum CoordinatorEvent {
    Bonded {
        amount: Uait,
        bond: Uait,
    },
    Unbonding {
        amount: Uait,
        bond: Uait,
        due_height: Height,
    },
    Slashed {
        amount: Uait,
    },
    Suspended,
}

impl CoordinatorEvent {
    /// The event of this coordinator.
    pub(super) fn of(self, coordinator: Address) -> Event {
        let named = |kind: &'static str| Event::new(kind).id("coordinator", coordinator);
        match self {
            CoordinatorEvent::Bonded { amount, bond } => named("bonded")
                .amount("amount", amount)
                .amount("bond", bond),
            CoordinatorEvent::Unbonding {
                amount,
                bond,
                due_height,
            } => named("bond_unbonding")
                .amount("amount", amount)
                .amount("bond", bond)
                .amount("due_height", due_height),
            CoordinatorEvent::Slashed { amount } => named("slashed")
                .amount("amount", amount)
                .id("reason", "equivocation"),
            CoordinatorEvent::Suspended => named("coordinator_suspended"),
        }
    }
}
