//! Owns the events of the bank.

use crate::{address::Address, events::Event, quantity::Uait};

/// What happened to free coins.
pub(super) enum BankEvent {
    Transferred {
        sender: Address,
        recipient: Address,
        amount: Uait,
    },
    TreasurySpent {
        recipient: Address,
        amount: Uait,
    },
}

impl From<BankEvent> for Event {
    fn from(event: BankEvent) -> Event {
        match event {
            BankEvent::Transferred {
                sender,
                recipient,
                amount,
            } => Event::new("transfer")
                .id("sender", sender)
                .id("recipient", recipient)
                .amount("amount", amount),
            BankEvent::TreasurySpent { recipient, amount } => Event::new("treasury_spent")
                .id("recipient", recipient)
                .amount("amount", amount),
        }
    }
}
