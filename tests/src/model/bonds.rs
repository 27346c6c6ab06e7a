//! Owns the bonds of coordinators.

use super::{Event, Model, event, state::Unbonding};

/// At most this many unbondings of an account at once.
pub(super) const MOST_UNBONDINGS: usize = 16;

impl Model {
    pub(super) fn bond(&mut self, sender: &str, amount: u64) -> Result<Vec<Event>, &'static str> {
        self.check_balance(sender, amount)?;
        self.debit(sender, amount);
        let record = self.coordinators.entry(sender.to_owned()).or_default();
        record.bond += u128::from(amount);
        Ok(vec![event(
            "bonded",
            &[
                ("coordinator", &sender),
                ("amount", &amount),
                ("bond", &record.bond),
            ],
        )])
    }

    pub(super) fn unbond(&mut self, sender: &str, amount: u64) -> Result<Vec<Event>, &'static str> {
        let params = &self.before.params;
        // Until every escrow that named the coordinator has ended, and lies can be shown.
        let due = self.height
            + params.number("unbonding_blocks")
            + params.number("escrow_max_ttl_blocks");
        let amount = u128::from(amount);
        let record = self
            .coordinators
            .get_mut(sender)
            .ok_or("bond_insufficient")?;
        let left = record.bond.checked_sub(amount).ok_or("bond_insufficient")?;
        if record.unbonding.len() >= MOST_UNBONDINGS {
            return Err("too_many_bond_unbondings");
        }
        record.bond = left;
        record.unbonding.push(Unbonding { amount, due });
        Ok(vec![event(
            "bond_unbonding",
            &[
                ("coordinator", &sender),
                ("amount", &amount),
                ("bond", &left),
                ("due_height", &due),
            ],
        )])
    }
}
