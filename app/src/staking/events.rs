//! Owns the events of staking (PROTOCOL section 8).

use crate::{
    address::Address,
    events::Event,
    quantity::{Height, Uait},
    staking::record::Jail,
};

/// What a validator is punished for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It signed two blocks of one height.
    Equivocation,
    /// It signed too few blocks.
    Downtime,
}

impl Fault {
    /// The word in events.
    const fn word(self) -> &'static str {
        match self {
            Fault::Equivocation => "equivocation",
            Fault::Downtime => "downtime",
        }
    }
}

/// What happened to a stake; `stake` is what it is by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StakingEvent {
    Staked {
        validator: Address,
        amount: Uait,
        stake: Uait,
    },
    Unstaked {
        validator: Address,
        amount: Uait,
        stake: Uait,
        due_height: Height,
    },
    Jailed {
        validator: Address,
        jail: Jail,
    },
    Unjailed {
        validator: Address,
    },
    Slashed {
        validator: Address,
        amount: Uait,
        fault: Fault,
    },
}

impl From<StakingEvent> for Event {
    fn from(event: StakingEvent) -> Event {
        match event {
            StakingEvent::Staked {
                validator,
                amount,
                stake,
            } => Event::new("staked")
                .id("validator", validator)
                .amount("amount", amount)
                .amount("stake", stake),
            StakingEvent::Unstaked {
                validator,
                amount,
                stake,
                due_height,
            } => Event::new("unstaked")
                .id("validator", validator)
                .amount("amount", amount)
                .amount("stake", stake)
                .amount("due_height", due_height),
            StakingEvent::Jailed { validator, jail } => {
                let event = Event::new("jailed").id("validator", validator);
                match jail {
                    Jail::Until(height) => event
                        .amount("until", height)
                        .id("reason", Fault::Downtime.word()),
                    Jail::Tombstoned => event.id("reason", Fault::Equivocation.word()),
                }
            }
            StakingEvent::Unjailed { validator } => {
                Event::new("unjailed").id("validator", validator)
            }
            StakingEvent::Slashed {
                validator,
                amount,
                fault,
            } => Event::new("slashed")
                .id("validator", validator)
                .amount("amount", amount)
                .id("reason", fault.word()),
        }
    }
}
