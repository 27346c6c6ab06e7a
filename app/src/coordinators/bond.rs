//! Owns `COORDINATOR_BOND`: any account bonds coins that answer for its attestations.
//! Codes: `bank`. Event: `bonded`.

use serde::{Deserialize, Serialize};

use super::{events::CoordinatorEvent, record::Coordinator};
use crate::{
    address::Address,
    bank::payments::take_from_sender,
    error::{Failure, InvariantViolation},
    events::Event,
    prelude::*,
    quantity::{Positive, Uait},
    state::{Overlay, View},
    tx::{context::Context, operation::Operation},
};

/// The payload of `COORDINATOR_BOND`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoordinatorBond {
    /// What to bond.
    pub amount: Positive<Uait>,
}

impl Operation for CoordinatorBond {
    const KIND: &'static str = "COORDINATOR_BOND";

    fn makes_record(&self, view: &impl View, sender: &Address) -> Result<bool, InvariantViolation> {
        Ok(!view.has::<Coordinator>(sender)?)
    }

    fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<V>,
    ) -> Result<Vec<Event>, Failure> {
        let (sender, amount) = (context.sender, self.amount.get());
        take_from_sender(context, overlay, amount)?;
        let mut record = overlay
            .get::<Coordinator>(&sender)?
            .unwrap_or_else(|| Coordinator::new(sender));
        record.bond = record.bond.plus(amount)?;
        let bond = record.bond;
        overlay.put(&sender, record);
        Ok(vec![CoordinatorEvent::Bonded { amount, bond }.of(sender)])
    }
}
