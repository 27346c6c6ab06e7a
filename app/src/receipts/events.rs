//! Owns the events of work.

use super::record::Receipt;
use crate::{address::Address, events::Event, quantity::Height};

/// What happened to a receipt or a miner.
pub(crate) enum WorkEvent<'a> {
    Claimed(&'a Receipt),
    Refused(&'a Receipt),
    Banned { miner: Address, until: Height },
}

impl From<WorkEvent<'_>> for Event {
    fn from(event: WorkEvent<'_>) -> Event {
        match event {
            WorkEvent::Claimed(receipt) => named("receipt_claimed", receipt)
                .amount("compute_units", receipt.compute_units)
                .amount("price", receipt.price)
                .amount("minted", receipt.minted)
                .maybe_id("limited_by", receipt.limited_by.map(|limit| limit.word())),
            WorkEvent::Refused(receipt) => named("receipt_refused", receipt),
            WorkEvent::Banned { miner, until } => Event::new("banned")
                .id("miner", miner)
                .amount("until", until),
        }
    }
}

fn named(kind: &'static str, receipt: &Receipt) -> Event {
    Event::new(kind)
        .id("receipt_id", &receipt.receipt_id)
        .id("job_id", &receipt.job_id)
        .id("miner", receipt.miner)
        .id("client", receipt.client)
        .id("coordinator", receipt.coordinator)
}
