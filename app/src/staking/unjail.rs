//! Owns `UNJAIL` (PROTOCOL sections 3 and 6): lets a validator that was jailed for downtime stand for
//! election again. The validator sends it. Codes: `stake`. Event: `unjailed`.

use serde::{Deserialize, Serialize};

use crate::{
    code::Code,
    error::{Failure, refuse},
    events::Event,
    prelude::*,
    staking::{events::StakingEvent, record::Jail, stakers::staker},
    state::{Overlay, View},
    tx::{context::Context, operation::Operation},
};

/// The payload of `UNJAIL`: nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unjail {}

impl Operation for Unjail {
    const KIND: &'static str = "UNJAIL";

    fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<V>,
    ) -> Result<Vec<Event>, Failure> {
        let sender = context.sender;
        let mut record = staker(overlay, &sender)?;
        match record.jail {
            None => return refuse(Code::NotJailed, format!("{sender} is not jailed")),
            Some(Jail::Tombstoned) => {
                return refuse(
                    Code::JailedForGood,
                    format!("{sender} is jailed for equivocation, for good"),
                );
            }
            Some(Jail::Until(until)) if context.block.height < until => {
                return refuse(
                    Code::JailedStill,
                    format!(
                        "{sender} is jailed until block {until}; this is block {}",
                        context.block.height
                    ),
                );
            }
            Some(Jail::Until(_)) => {}
        }
        record.jail = None;
        overlay.put(&sender, record);
        Ok(vec![StakingEvent::Unjailed { validator: sender }.into()])
    }
}
