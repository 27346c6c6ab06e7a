//! Owns the comparison of the model with a chain's records, as SPEC sections 7 and 9 show them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Model;

impl Model {
    /// The records that the model expects, by key. A record of the chain may have more fields.
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
                "score": 0,
                "epoch_units": 0,
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
        records.insert("/supply".into(), self.supply());
        records
    }

    fn supply(&self) -> Value {
        let balances: u128 = self.accounts.values().map(|a| a.balance).sum();
        let open = self.escrows.values().filter(|e| e.status == "open");
        let escrows: u128 = open.map(|escrow| escrow.amount).sum();
        json!({
            "total": self.total() as u64,
            "genesis": self.genesis as u64,
            "minted": self.minted as u64,
            "burned": 0,
            "balances": balances as u64,
            "escrows": escrows as u64,
            "stakes": 0,
            "unbonding": 0,
        })
    }

    /// Everything in which a chain's records differ from the model, each in one line.
    pub fn differences(&self, records: &BTreeMap<String, Value>) -> Vec<String> {
        let expected = self.expected();
        let compared =
            |key: &&String| !key.starts_with("/validator/") && !key.starts_with("/coordinator/");
        let keys: BTreeSet<&String> = expected.keys().chain(records.keys()).collect();
        let mut found = Vec::new();
        for key in keys.into_iter().filter(compared) {
            let (wanted, is) = (expected.get(key), records.get(key));
            let same = match (wanted, is) {
                (Some(Value::Object(wanted)), Some(Value::Object(is)))
                    if !key.starts_with("/param/") =>
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
        found.extend(self.validator_differences(records));
        found
    }

    /// Validators' records hold the power last sent, and every key an account ever used.
    fn validator_differences(&self, records: &BTreeMap<String, Value>) -> Vec<String> {
        let mut powers = BTreeMap::new();
        let mut owners = BTreeMap::new();
        for (key, record) in records {
            let Some(address) = key.strip_prefix("/validator/") else {
                continue;
            };
            if record["power"] != 0 {
                let pubkey = record["pubkey"].as_str().unwrap().to_owned();
                powers.insert(pubkey, record["power"].as_u64().unwrap());
            }
            for pubkey in record["keys"].as_array().unwrap() {
                owners.insert(pubkey.as_str().unwrap().to_owned(), address.to_owned());
            }
        }
        let mut found = Vec::new();
        if powers != self.validators {
            found.push(format!(
                "validators: expected {:?}, are {powers:?}",
                self.validators
            ));
        }
        if owners != self.key_owners {
            found.push(format!(
                "owners of consensus keys: expected {:?}, are {owners:?}",
                self.key_owners
            ));
        }
        found
    }
}
