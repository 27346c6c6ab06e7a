//! Owns `UNSTAKE` (SPEC sections 3 and 6) and the payment of what has unbonded: stake becomes
//! spendable `unbonding_blocks` later and can be slashed until then.
//! An account with stake sends it. Codes: `stake`. Events: `unstaked`, `unbonded`.

use std::collections::BTreeMap;

use super::Context;
use crate::{
    amount,
    code::Code,
    error::{Broken, Failure, Refusal, refuse},
    events::Event,
    json::{Fields, Json},
    state::{
        State,
        overlay::{Overlay, View},
        records::{Unbonding, Validator},
    },
};

/// At most this many unbondings of an account at once (SPEC section 3).
pub const MAX_UNBONDINGS: usize = 16;

/// At most this many unbondings are paid in a block; the rest wait for the next.
pub const MAX_PAYMENTS: usize = 1_000;

/// The payload of `UNSTAKE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unstake {
    /// uait to unbond, above 0.
    pub amount: u64,
}

impl Unstake {
    pub(super) fn parse(json: &Json) -> Result<Self, Refusal> {
        let fields = Fields::open(json, "payload", &["amount"], &[])?;
        Ok(Self {
            amount: fields.integer("amount", 1..=amount::MAX)?,
        })
    }

    pub(super) fn to_json(&self) -> Json {
        Json::Object(BTreeMap::from([(
            "amount".into(),
            Json::Integer(self.amount),
        )]))
    }

    pub(super) fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<'_, V>,
    ) -> Result<Vec<Event>, Failure> {
        let sender = context.verified.tx.sender;
        let mut record = staker(overlay, context)?;
        if record.stake < self.amount {
            return refuse(
                Code::StakeTooSmall,
                format!(
                    "field payload.amount is {} uait, but the stake of {sender} is {}",
                    self.amount, record.stake
                ),
            );
        }
        if record.unbonding.len() >= MAX_UNBONDINGS {
            return refuse(
                Code::TooManyUnbondings,
                format!("{MAX_UNBONDINGS} unbondings of {sender} are under way already"),
            );
        }
        let due_height = amount::saturating_add(context.height, context.params.unbonding_blocks);
        record.stake = amount::subtract(record.stake, self.amount)?;
        record.unbonding.push(Unbonding {
            amount: self.amount,
            due_height,
        });
        overlay.put_validator(&record)?;
        Ok(vec![
            Event::new("unstaked")
                .id("validator", sender)
                .amount("amount", self.amount)
                .amount("stake", record.stake)
                .amount("due_height", due_height),
        ])
    }
}

/// The sender's record, once it staked.
///
/// # Errors
/// [`Code::NeverStaked`].
pub(super) fn staker<V: View>(
    overlay: &Overlay<'_, V>,
    context: &Context<'_>,
) -> Result<Validator, Failure> {
    let sender = context.verified.tx.sender;
    let known = overlay.validator(&sender)?;
    match known.filter(|record| record.stake_pubkey.is_some()) {
        Some(record) => Ok(record),
        None => refuse(Code::NeverStaked, format!("{sender} never staked")),
    }
}

/// Pays the unbondings that are due in block `height`, at most [`MAX_PAYMENTS`] of them, by due
/// height, then key.
///
/// # Errors
/// [`Broken`].
pub(crate) fn pay_due(overlay: &mut Overlay<'_, State>, height: u64) -> Result<Vec<Event>, Broken> {
    let mut events = Vec::new();
    for (due_height, key) in overlay.below().due_unbondings(height) {
        let bytes = overlay
            .bytes(key)
            .ok_or_else(|| Broken::new("a due unbonding has no record"))?;
        let mut record: Validator = serde_json::from_slice(&bytes)
            .map_err(|error| Broken::new(format!("a validator is unreadable: {error}")))?;
        let is_due = |entry: &Unbonding| entry.due_height == due_height;
        while events.len() < MAX_PAYMENTS
            && let Some(index) = record.unbonding.iter().position(is_due)
        {
            let paid = record.unbonding.remove(index);
            overlay.credit(&record.address, paid.amount)?;
            events.push(
                Event::new("unbonded")
                    .id("validator", record.address)
                    .amount("amount", paid.amount),
            );
        }
        overlay.put_validator(&record)?;
        if events.len() >= MAX_PAYMENTS {
            break;
        }
    }
    Ok(events)
}
