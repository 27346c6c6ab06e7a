//! Owns `UNJAIL` (SPEC sections 3 and 6): lets a validator that was jailed for downtime stand for
//! election again. The validator sends it. Codes: `stake`. Event: `unjailed`.

use std::collections::BTreeMap;

use super::{Context, unstake::staker};
use crate::{
    code::Code,
    error::{Failure, Refusal, refuse},
    events::Event,
    json::{Fields, Json},
    state::overlay::{Overlay, View},
};

/// The payload of `UNJAIL`: nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unjail;

impl Unjail {
    pub(super) fn parse(json: &Json) -> Result<Self, Refusal> {
        Fields::open(json, "payload", &[], &[])?;
        Ok(Self)
    }

    pub(super) fn to_json(self) -> Json {
        Json::Object(BTreeMap::new())
    }

    pub(super) fn execute<V: View>(
        self,
        context: &Context<'_>,
        overlay: &mut Overlay<'_, V>,
    ) -> Result<Vec<Event>, Failure> {
        let mut record = staker(overlay, context)?;
        let until = record.jailed_until;
        if until == 0 {
            return refuse(Code::NotJailed, format!("{} is not jailed", record.address));
        }
        if record.is_jailed_for_good() {
            return refuse(
                Code::JailedForGood,
                format!("{} is jailed for equivocation, for good", record.address),
            );
        }
        if context.height < until {
            return refuse(
                Code::JailedStill,
                format!(
                    "{} is jailed until block {until}; this is block {}",
                    record.address, context.height
                ),
            );
        }
        record.jailed_until = 0;
        overlay.put_validator(&record)?;
        Ok(vec![Event::new("unjailed").id("validator", record.address)])
    }
}
