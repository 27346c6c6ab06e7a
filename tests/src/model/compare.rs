//! Owns the comparison of the model with a chain's records, as SPEC sections 7 and 9 show them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Model, Unbonding, Validator};

impl Model {
    /// The records that the model expects, by key. A record of the chain may have more fields; one of
    /// a validator has exactly these.
    fn expected(&self) -> BTreeMap<String, Value> {
        let mut records = BTreeMap::new();
        for (address, account) in &self.accounts {
            let record = json!({
                "balance": account.balance as u64,
                "nonce": account.nonce,
                "pubkey": account.pubkey,
            });
            records.insert(format!("/account/{address}"), record);
        }
        for ((client, job), escrow) in &self.escrows {
            let record = json!({
                "client": client,
                "job_id": job,
                "coordinator": escrow.coordinator,
                "amount": escrow.amount as u64,
                "status": escrow.status,
                "opened_height": escrow.opened,
                "expires_height": escrow.due,
            });
            records.insert(format!("/escrow/{client}/{job}"), record);
        }
        for (id, receipt) in &self.receipts {
            records.insert(format!("/receipt/{id}"), receipt.clone());
        }
        for (address, miner) in &self.miners {
            let record = json!({
                "address": address,
                "score": miner.score,
                "epoch_units": miner.epoch_units,
                "units_total": miner.units_total,
                "receipts": miner.receipts,
                "offences": miner.offences.len(),
                "banned_until": miner.banned_until,
            });
            records.insert(format!("/miner/{address}"), record);
        }
        for (name, value) in &self.params {
            records.insert(format!("/param/{name}"), value.clone());
        }
        for (address, validator) in &self.validators {
            let record = self.validator_record(address, validator);
            records.insert(format!("/validator/{address}"), record);
        }
        if let Some(mode) = self.mode {
            records.insert("/consensus".into(), json!({ "mode": mode }));
        }
        records.insert("/supply".into(), self.supply());
        records
    }

    fn validator_record(&self, address: &str, validator: &Validator) -> Value {
        let entry =
            |entry: &Unbonding| json!({"amount": entry.amount as u64, "due_height": entry.due});
        let unbonding: Vec<Value> = validator.unbonding.iter().map(entry).collect();
        json!({
            "address": address,
            "jailed_until": validator.jailed_until,
            "keys": validator.keys,
            "missed_blocks": validator.missed,
            "power": self.power_of(address),
            "pubkey": validator.pubkey,
            "stake": validator.stake as u64,
            "stake_pubkey": validator.stake_key,
            "unbonding": unbonding,
            "window_start": validator.window_start,
        })
    }

    fn supply(&self) -> Value {
        let balances: u128 = self.accounts.values().map(|a| a.balance).sum();
        let open = self.escrows.values().filter(|e| e.status == "open");
        let escrows: u128 = open.map(|escrow| escrow.amount).sum();
        let stakes: u128 = self.validators.values().map(|v| v.stake).sum();
        let unbonding = self.validators.values().flat_map(|v| &v.unbonding);
        let unbonding: u128 = unbonding.map(|entry| entry.amount).sum();
        json!({
            "total": self.total() as u64,
            "genesis": self.genesis as u64,
            "minted": self.minted as u64,
            "burned": self.burned as u64,
            "balances": balances as u64,
            "escrows": escrows as u64,
            "stakes": stakes as u64,
            "unbonding": unbonding as u64,
        })
    }

    /// Everything in which a chain's records differ from the model, each in one line.
    pub fn differences(&self, records: &BTreeMap<String, Value>) -> Vec<String> {
        let expected = self.expected();
        let compared = |key: &&String| !key.starts_with("/coordinator/");
        let keys: BTreeSet<&String> = expected.keys().chain(records.keys()).collect();
        let mut found = Vec::new();
        for key in keys.into_iter().filter(compared) {
            let (wanted, is) = (expected.get(key), records.get(key));
            let same = match (wanted, is) {
                (Some(Value::Object(wanted)), Some(Value::Object(is)))
                    if !key.starts_with("/param/") && !key.starts_with("/validator/") =>
                {
                    wanted
                        .iter()
                        .all(|(field, value)| is.get(field) == Some(value))
                }
                _ => wanted == is,
            };
            if !same {
                found.push(format!("{key}: expected {wanted:?}, is {is:?}"));
            }
        }
        found
    }
}
