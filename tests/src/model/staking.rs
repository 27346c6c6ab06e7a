//! Owns `STAKE`, `UNSTAKE` and `UNJAIL`, and whose consensus keys are.

use super::{
    Event, Model,
    bonds::MOST_UNBONDINGS,
    crypto::signed,
    event,
    state::{Jail, Unbonding, Validator},
};

impl Model {
    /// Whether the account ever named a validator key in a `STAKE`.
    pub(super) fn ever_staked(&self, address: &str) -> bool {
        let record = self.validators.get(address);
        record.is_some_and(|record| record.stake_key.is_some())
    }

    /// Gives an account a key for ever. The key is nobody else's.
    pub(super) fn own_key(&mut self, address: &str, key: &str) {
        let earlier = self.key_owners.insert(key.to_owned(), address.to_owned());
        if earlier.is_some() {
            return;
        }
        let record = self.validators.entry(address.to_owned()).or_default();
        record.keys.push(key.to_owned());
        if record.pubkey.is_empty() {
            key.clone_into(&mut record.pubkey);
        }
    }

    fn staker(&mut self, sender: &str) -> Result<&mut Validator, &'static str> {
        let record = self.validators.get_mut(sender);
        record
            .filter(|record| record.stake_key.is_some())
            .ok_or("never_staked")
    }

    pub(super) fn stake(
        &mut self,
        sender: &str,
        amount: u64,
        named: Option<&(String, String)>,
    ) -> Result<Vec<Event>, &'static str> {
        match named {
            None if !self.ever_staked(sender) => return Err("validator_key_missing"),
            None => {}
            Some((key, sig)) => self.check_key(sender, key, sig)?,
        }
        self.check_balance(sender, amount)?;
        self.debit(sender, amount);
        if let Some((key, _)) = named {
            self.own_key(sender, key);
        }
        let record = self.validators.get_mut(sender).unwrap();
        if let Some((key, _)) = named {
            record.stake_key = Some(key.clone());
        }
        // Who is not in the set comes in with the key of its stake.
        if let Some(key) = record.stake_key.as_ref().filter(|_| record.power == 0) {
            record.pubkey.clone_from(key);
        }
        record.stake += u128::from(amount);
        Ok(vec![event(
            "staked",
            &[
                ("validator", &sender),
                ("amount", &amount),
                ("stake", &record.stake),
            ],
        )])
    }

    fn check_key(&self, sender: &str, key: &str, sig: &str) -> Result<(), &'static str> {
        let content = format!("AIT-VALIDATOR|{}|{sender}|{key}", self.chain_id);
        if !signed(key, &content, sig) {
            return Err("invalid_validator_signature");
        }
        let record = self.validators.get(sender);
        match record.and_then(|record| record.stake_key.as_deref()) {
            Some(first) if first != key => return Err("validator_key_fixed"),
            _ => {}
        }
        let owner = self.key_owners.get(key);
        let free = owner.is_none_or(|owner| owner == sender);
        free.then_some(()).ok_or("validator_key_taken")
    }

    pub(super) fn unstake(
        &mut self,
        sender: &str,
        amount: u64,
    ) -> Result<Vec<Event>, &'static str> {
        let due = self.height + self.before.params.number("unbonding_blocks");
        let amount = u128::from(amount);
        let record = self.staker(sender)?;
        let stake = record.stake;
        let left = stake.checked_sub(amount).ok_or("stake_too_small")?;
        if record.unbonding.len() >= MOST_UNBONDINGS {
            return Err("too_many_unbondings");
        }
        record.stake = left;
        record.unbonding.push(Unbonding { amount, due });
        if self.consensus.mode == "cbp" {
            let sent = self.power_of(sender);
            let power = *self.cuts.get(sender).unwrap_or(&sent);
            let cut = u128::from(power) * left / stake;
            self.cuts.insert(sender.to_owned(), cut as u64);
        }
        Ok(vec![event(
            "unstaked",
            &[
                ("validator", &sender),
                ("amount", &amount),
                ("stake", &left),
                ("due_height", &due),
            ],
        )])
    }

    pub(super) fn unjail(&mut self, sender: &str) -> Result<Vec<Event>, &'static str> {
        let height = self.height;
        let record = self.staker(sender)?;
        match record.jail {
            None => return Err("not_jailed"),
            Some(Jail::Tombstoned) => return Err("jailed_for_good"),
            Some(Jail::Until(until)) if height < until => return Err("jailed_still"),
            Some(Jail::Until(_)) => record.jail = None,
        }
        Ok(vec![event("unjailed", &[("validator", &sender)])])
    }
}
