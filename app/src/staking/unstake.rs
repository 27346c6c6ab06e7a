//! Owns `UNSTAKE` (PROTOCOL sections 3 and 6): stake becomes spendable `unbonding_blocks` later and
//! can be slashed until then; under compute-backed proof voting power falls with it at once.
//! An account with stake sends it. Codes: `stake`. Event: `unstaked`.

use serde::{Deserialize, Serialize};

use crate::{
    code::Code,
    error::{Failure, InvariantViolation, refuse},
    events::Event,
    params::values::ConsensusMode,
    prelude::*,
    quantity::{Positive, Power, Uait},
    staking::{events::StakingEvent, stakers::staker},
    state::{Overlay, View},
    tx::{context::Context, operation::Operation},
    unbonding::record::{MAX_UNBONDINGS, Unbonding},
};

/// The payload of `UNSTAKE`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unstake {
    /// uait to unbond.
    pub amount: Positive<Uait>,
}

impl Operation for Unstake {
    const KIND: &'static str = "UNSTAKE";

    fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<V>,
    ) -> Result<Vec<Event>, Failure> {
        let (sender, amount, block) = (context.sender, self.amount.get(), context.block);
        let mut record = staker(overlay, &sender)?;
        let before = record.stake;
        if before < amount {
            return refuse(
                Code::StakeTooSmall,
                format!(
                    "field payload.amount is {amount} uait, but the stake of {sender} is {before}"
                ),
            );
        }
        if record.unbonding.len() >= MAX_UNBONDINGS {
            return refuse(
                Code::TooManyUnbondings,
                format!("{MAX_UNBONDINGS} unbondings of {sender} are under way already"),
            );
        }
        let due_height = block.height.plus(block.params.unbonding_blocks)?;
        let stake = before.minus(amount)?;
        record.stake = stake;
        record.unbonding.push(Unbonding { amount, due_height });
        if block.consensus.mode == ConsensusMode::Cbp {
            record.power = cut(record.power, before, stake)?;
        }
        overlay.put(&sender, record);
        let unstaked = StakingEvent::Unstaked {
            validator: sender,
            amount,
            stake,
            due_height,
        };
        Ok(vec![unstaked.into()])
    }
}

/// `floor(power * stake after / stake before)` (PROTOCOL section 6).
///
/// # Errors
/// [`InvariantViolation`] where there was no stake before: nobody takes from none.
fn cut(power: Power, before: Uait, after: Uait) -> Result<Power, InvariantViolation> {
    u128::from(power.get())
        .checked_mul(u128::from(after.get()))
        .and_then(|product| product.checked_div(u128::from(before.get())))
        .and_then(|floor| u64::try_from(floor).ok())
        .and_then(Power::new)
        .ok_or_else(|| {
            InvariantViolation::new(format!(
                "power {power} cannot be cut from stake {before} to {after}"
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut_of(power: u64, before: u64, after: u64) -> u64 {
        let (before, after) = (Uait::constant(before), Uait::constant(after));
        cut(Power::constant(power), before, after).unwrap().get()
    }

    #[test]
    fn power_falls_with_stake_and_rounds_down() {
        assert_eq!(cut_of(500_001, 1_000_000, 1_000_000), 500_001);
        assert_eq!(cut_of(500_001, 1_000_000, 500_000), 250_000);
        assert_eq!(cut_of(500_001, 1_000_000, 0), 0);
        assert_eq!(cut_of(1, 1_000_000, 999_999), 0);
        let most = Uait::MAX.get();
        assert_eq!(cut_of(most, most, most - 1), most - 1);
        assert!(cut(Power::constant(1), Uait::ZERO, Uait::ZERO).is_err());
    }
}
