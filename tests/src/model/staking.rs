//! Owns `STAKE`, `UNSTAKE` and `UNJAIL` (SPEC section 3), and unbondings that come due.

use serde_json::Value;

use super::{
    LIMIT, Model, number, signed, text,
    transactions::Params,
    validators::{FOR_GOOD, Unbonding, Validator},
};

/// At most this many unbondings of an account at once.
const MOST_UNBONDINGS: usize = 16;

impl Model {
    /// The record of an account that ever staked.
    fn staker(&mut self, sender: &str) -> Result<&mut Validator, &'static str> {
        let record = self.validators.get_mut(sender);
        record
            .filter(|record| record.stake_key.is_some())
            .ok_or("never_staked")
    }

    pub(super) fn stake(&mut self, sender: &str, payload: &Value) -> Result<(), &'static str> {
        let first = self.staker(sender).ok();
        let first = first.and_then(|record| record.stake_key.clone());
        match payload.get("validator_pubkey") {
            None if first.is_none() => return Err("validator_key_missing"),
            None => {}
            Some(given) => self.name_key(sender, first, given.as_str().unwrap(), payload)?,
        }
        let amount = u128::from(number(payload, "amount"));
        self.spend(sender, amount)?;
        self.validators.get_mut(sender).unwrap().stake += amount;
        Ok(())
    }

    fn name_key(
        &mut self,
        sender: &str,
        first: Option<String>,
        key: &str,
        payload: &Value,
    ) -> Result<(), &'static str> {
        let what = format!("AIT-VALIDATOR|{}|{sender}|{key}", self.chain_id);
        if !signed(key, &what, text(payload, "validator_sig")) {
            return Err("invalid_validator_signature");
        }
        if let Some(first) = first {
            return if first == key {
                Ok(())
            } else {
                Err("validator_key_fixed")
            };
        }
        if !self.own_key(sender, key) {
            return Err("validator_key_taken");
        }
        let has_power = self.power_of(sender) > 0;
        let record = self.validators.get_mut(sender).unwrap();
        record.stake_key = Some(key.to_owned());
        if !has_power {
            record.pubkey = key.to_owned();
        }
        Ok(())
    }

    pub(super) fn unstake(
        &mut self,
        params: &Params,
        sender: &str,
        payload: &Value,
    ) -> Result<(), &'static str> {
        let last = u64::try_from(LIMIT).unwrap();
        let due = (self.height + params["unbonding_blocks"].as_u64().unwrap()).min(last);
        let amount = u128::from(number(payload, "amount"));
        let record = self.staker(sender)?;
        let left = record.stake.checked_sub(amount).ok_or("stake_too_small")?;
        if record.unbonding.len() >= MOST_UNBONDINGS {
            return Err("too_many_unbondings");
        }
        record.stake = left;
        record.unbonding.push(Unbonding { amount, due });
        Ok(())
    }

    pub(super) fn unjail(&mut self, sender: &str) -> Result<(), &'static str> {
        let height = self.height;
        let record = self.staker(sender)?;
        match record.jailed_until {
            0 => Err("not_jailed"),
            FOR_GOOD => Err("jailed_for_good"),
            until if height < until => Err("jailed_still"),
            _ => {
                record.jailed_until = 0;
                Ok(())
            }
        }
    }

    /// Due unbondings become spendable, 1,000 at most, by due height, then key.
    pub(super) fn pay_unbondings(&mut self) {
        let mut due: Vec<(u64, String)> = Vec::new();
        for (address, record) in &self.validators {
            let entries = record.unbonding.iter();
            let entries = entries.filter(|entry| entry.due <= self.height);
            due.extend(entries.map(|entry| (entry.due, address.clone())));
        }
        due.sort();
        for (height, address) in due.into_iter().take(1_000) {
            let entries = &mut self.validators.get_mut(&address).unwrap().unbonding;
            let place = entries.iter().position(|entry| entry.due == height);
            let paid = entries.remove(place.unwrap());
            self.credit(&address, paid.amount);
        }
    }
}
