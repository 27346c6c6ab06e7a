//! Owns `TREASURY_SPEND`: the admin pays out of the treasury. Codes: `params`, `bank`.
//! Event: `treasury_spent`.

use serde::{Deserialize, Serialize};

use super::{events::BankEvent, payments::check_recipient};
use crate::{
    address::Address,
    code::Code,
    error::{Failure, refuse},
    events::Event,
    params::admin::check_admin,
    prelude::*,
    quantity::{Positive, Uait},
    state::{Overlay, View},
    tx::{context::Context, operation::Operation},
};

/// The payload of `TREASURY_SPEND`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreasurySpend {
    /// How much.
    pub amount: Positive<Uait>,
    /// To whom.
    pub to: Address,
}

impl Operation for TreasurySpend {
    const KIND: &'static str = "TREASURY_SPEND";

    fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<V>,
    ) -> Result<Vec<Event>, Failure> {
        check_admin(context)?;
        let (recipient, amount) = (self.to, self.amount.get());
        let treasury = Address::treasury();
        let left = overlay.account(&treasury)?.balance;
        if left < amount {
            return refuse(
                Code::InsufficientBalance,
                format!("field payload.amount is {amount} uait, but the treasury has only {left}"),
            );
        }
        check_recipient(context, overlay, &recipient, amount)?;
        overlay.debit(&treasury, amount)?;
        overlay.credit(&recipient, amount)?;
        Ok(vec![BankEvent::TreasurySpent { recipient, amount }.into()])
    }
}
