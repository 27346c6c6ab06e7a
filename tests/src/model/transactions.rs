//! Owns authentication and every kind of transaction but claims and those of validators (SPEC section
//! 3).

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Account, Escrow, Fault, Input, Model, address_of, number, params::param_fault, required_fee,
    signed, text,
};

/// The params after the block before.
pub(super) type Params = BTreeMap<String, Value>;

impl Model {
    /// What a transaction does, and the fee it pays to the proposer. `params` are those after the
    /// block before.
    pub(super) fn apply_tx(
        &mut self,
        params: &Params,
        input: &Input,
        attestation: Option<&Value>,
    ) -> (Option<Fault>, u128) {
        if let Err(name) = self.unreadable(input) {
            return (Some(Fault::Unauthenticated(name)), 0);
        }
        let tx: Value = serde_json::from_slice(&input.wire).unwrap();
        let required = u128::from(required_fee(params, &tx["payload"]));
        let sender = text(&tx, "sender").to_owned();
        let fee = u128::from(number(&tx, "fee"));
        let own_part = if tx["type"] == "RECEIPT_CLAIM" {
            fee.saturating_sub(required)
        } else {
            fee
        };
        if let Err(name) = self.authenticate(&tx, required, own_part) {
            return (Some(Fault::Unauthenticated(name)), 0);
        }
        let saved = self.clone();
        self.pay(&tx, own_part);
        let effect = match text(&tx, "type") {
            "TRANSFER" => self.transfer(&sender, &tx["payload"]),
            "ESCROW_OPEN" => self.escrow_open(params, &sender, &tx["payload"]),
            "ESCROW_RELEASE" => self.escrow_release(&sender, &tx["payload"]),
            "RECEIPT_CLAIM" => self.claim(params, &input.wire, &tx, required, attestation),
            "PARAM_UPDATE" => self.param_update(params, &sender, &tx["payload"]),
            "STAKE" => self.stake(&sender, &tx["payload"]),
            "UNSTAKE" => self.unstake(params, &sender, &tx["payload"]),
            "UNJAIL" => self.unjail(&sender),
            other => panic!("no transaction {other}"),
        };
        match effect {
            Ok(()) => (None, fee),
            Err(name) => {
                *self = saved;
                let paid = fee.min(self.account(&sender).balance);
                self.pay(&tx, paid);
                if [
                    "attestation_negative",
                    "invalid_miner_signature",
                    "receipt_replayed",
                ]
                .contains(&name)
                {
                    self.offend(params, &sender);
                }
                (Some(Fault::Failed(name)), paid)
            }
        }
    }

    /// What is wrong with an entry whatever the state is.
    pub(super) fn unreadable(&self, input: &Input) -> Result<(), &'static str> {
        if let Some(name) = input.malformed {
            return Err(name);
        }
        let tx: Value = serde_json::from_slice(&input.wire).unwrap();
        if tx["type"] == "ATTESTATIONS" {
            return Ok(());
        }
        let (sender, pubkey) = (text(&tx, "sender"), text(&tx, "pubkey"));
        if address_of(pubkey) != sender {
            return Err("sender_mismatch");
        }
        let what = format!(
            "AIT-TX|{}|{}|{sender}|{}|{}|{}",
            self.chain_id,
            text(&tx, "type"),
            number(&tx, "nonce"),
            number(&tx, "fee"),
            tx["payload"]
        );
        if !signed(pubkey, &what, text(&tx, "sig")) {
            return Err("invalid_signature");
        }
        Ok(())
    }

    fn authenticate(&self, tx: &Value, required: u128, own_part: u128) -> Result<(), &'static str> {
        let Account { balance, nonce, .. } = self.account(text(tx, "sender"));
        match number(tx, "nonce") {
            used if used <= nonce => return Err("nonce_used"),
            next if next > nonce + 1 => return Err("nonce_gap"),
            _ => {}
        }
        if u128::from(number(tx, "fee")) < required {
            return Err("fee_too_low");
        }
        if balance < own_part {
            return Err("fee_not_affordable");
        }
        Ok(())
    }

    fn pay(&mut self, tx: &Value, uait: u128) {
        let sender = text(tx, "sender").to_owned();
        let account = self.accounts.entry(sender).or_default();
        account.balance -= uait;
        account.nonce = number(tx, "nonce");
        account.pubkey = Some(text(tx, "pubkey").to_owned());
    }

    pub(super) fn spend(&mut self, sender: &str, uait: u128) -> Result<(), &'static str> {
        let account = self.accounts.get_mut(sender).unwrap();
        account.balance = account
            .balance
            .checked_sub(uait)
            .ok_or("insufficient_balance")?;
        Ok(())
    }

    fn transfer(&mut self, sender: &str, payload: &Value) -> Result<(), &'static str> {
        let to = text(payload, "to");
        if to == sender {
            return Err("self_transfer");
        }
        let amount = u128::from(number(payload, "amount"));
        self.spend(sender, amount)?;
        self.credit(to, amount);
        Ok(())
    }

    fn escrow_open(
        &mut self,
        params: &Params,
        sender: &str,
        payload: &Value,
    ) -> Result<(), &'static str> {
        let coordinator = text(payload, "coordinator");
        if params["coordinators"].get(coordinator).is_none() {
            return Err("unknown_coordinator");
        }
        let ttl = number(payload, "ttl_blocks");
        if ttl > params["escrow_max_ttl_blocks"].as_u64().unwrap() {
            return Err("ttl_too_long");
        }
        let key = (sender.to_owned(), text(payload, "job_id").to_owned());
        if self.open_escrow(&key, self.height).is_some() {
            return Err("escrow_already_open");
        }
        match self.escrows.get(&key).map(|escrow| escrow.status) {
            Some("settled") => return Err("escrow_already_settled"),
            // Overdue, and counts as closed: the money goes back before any is locked again.
            Some("open") => self.refund(&key),
            _ => {}
        }
        let amount = u128::from(number(payload, "amount"));
        self.spend(sender, amount)?;
        let escrow = Escrow {
            coordinator: coordinator.to_owned(),
            amount,
            status: "open",
            opened: self.height,
            due: self.height + ttl,
        };
        self.escrows.insert(key, escrow);
        Ok(())
    }

    fn escrow_release(&mut self, sender: &str, payload: &Value) -> Result<(), &'static str> {
        let client = text(payload, "client_addr").to_owned();
        let key = (client, text(payload, "job_id").to_owned());
        if !self.escrows.contains_key(&key) {
            return Err("escrow_not_found");
        }
        let escrow = self.open_escrow(&key, self.height).ok_or("escrow_closed")?;
        if escrow.coordinator != sender {
            return Err("not_the_coordinator");
        }
        self.refund(&key);
        Ok(())
    }

    fn param_update(
        &mut self,
        params: &Params,
        sender: &str,
        payload: &Value,
    ) -> Result<(), &'static str> {
        if params["admin"] != sender {
            return Err("not_the_admin");
        }
        let (name, value) = (text(payload, "key"), &payload["value"]);
        if let Some(fault) = param_fault(self, name, value) {
            return Err(fault);
        }
        if name == "authorities" && !self.own_keys(value) {
            return Err("consensus_key_taken");
        }
        self.params.insert(name.to_owned(), value.clone());
        Ok(())
    }
}
