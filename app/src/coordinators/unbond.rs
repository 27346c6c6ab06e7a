//! Owns `COORDINATOR_UNBOND`: bonded coins start on their way out. They stay slashable until they are
//! paid, and that is later than the end of every escrow that named the coordinator by then.
//! Codes: `coordinator`. Event: `bond_unbonding`.

use serde::{Deserialize, Serialize};

use super::{events::CoordinatorEvent, record::Coordinator};
use crate::{
    code::Code,
    error::{Failure, refuse},
    events::Event,
    prelude::*,
    quantity::{Positive, Uait},
    state::{Overlay, View},
    tx::{context::Context, operation::Operation},
    unbonding::record::{MAX_UNBONDINGS, Unbonding},
};

/// The payload of `COORDINATOR_UNBOND`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoordinatorUnbond {
    /// What to take out.
    pub amount: Positive<Uait>,
}

impl Operation for CoordinatorUnbond {
    const KIND: &'static str = "COORDINATOR_UNBOND";

    fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<V>,
    ) -> Result<Vec<Event>, Failure> {
        let (sender, amount) = (context.sender, self.amount.get());
        let mut record = overlay
            .get::<Coordinator>(&sender)?
            .unwrap_or_else(|| Coordinator::new(sender));
        if record.bond < amount {
            return refuse(
                Code::BondInsufficient,
                format!(
                    "field payload.amount is {amount} uait, but the bond of {sender} is {}",
                    record.bond
                ),
            );
        }
        if record.unbonding.len() >= MAX_UNBONDINGS {
            return refuse(
                Code::TooManyBondUnbondings,
                format!(
                    "{MAX_UNBONDINGS} unbondings of this bond are under way, the most there may be"
                ),
            );
        }
        let params = context.block.params;
        let delay = params.unbonding_blocks.plus(params.escrow_max_ttl_blocks)?;
        let due_height = context.block.height.plus(delay)?;
        record.bond = record.bond.minus(amount)?;
        record.unbonding.push(Unbonding { amount, due_height });
        let bond = record.bond;
        overlay.put(&sender, record);
        let event = CoordinatorEvent::Unbonding {
            amount,
            bond,
            due_height,
        };
        Ok(vec![event.of(sender)])
    }
}
