//! Owns the comparison of the model with a chain's records: every record, every field, both ways.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    Coordinator, Escrow, Jail, Miner, Model, Receipt, Unbonding, Validator, state::Written,
    validators::aged,
};

impl Model {
    /// The records that the model expects, by key.
    pub fn records(&self) -> BTreeMap<String, Value> {
        let mut records = BTreeMap::new();
        for (address, account) in &self.accounts {
            let record = json!({
                "balance": uait(account.balance),
                "nonce": account.nonce,
                "pubkey": account.pubkey,
            });
            records.insert(format!("/account/{address}"), record);
        }
        for ((client, job), escrow) in &self.escrows {
            let record = escrow_record(client, job, escrow);
            records.insert(format!("/escrow/{client}/{job}"), record);
        }
        for ((miner, id), receipt) in &self.receipts {
            let record = receipt_record(miner, id, receipt);
            records.insert(format!("/receipt/{miner}/{id}"), record);
        }
        for (address, miner) in &self.miners {
            records.insert(format!("/miner/{address}"), miner_record(address, miner));
        }
        for (address, coordinator) in &self.coordinators {
            let record = coordinator_record(address, coordinator);
            records.insert(format!("/coordinator/{address}"), record);
        }
        for (address, validator) in &self.validators {
            let record = validator_record(address, validator);
            records.insert(format!("/validator/{address}"), record);
        }
        for (name, value) in self.params.iter() {
            records.insert(format!("/param/{name}"), value.clone());
        }
        records.insert("/consensus".into(), self.consensus_record());
        records.insert("/supply".into(), self.supply());
        if let Some(record) = self.protocol.record() {
            records.insert("/protocol".into(), record);
        }
        records
    }

    fn consensus_record(&self) -> Value {
        let consensus = &self.consensus;
        let decays = consensus.decays.iter();
        let decays: Vec<Value> = decays
            .map(|(bps, epoch)| json!({"bps": bps, "epoch": epoch}))
            .collect();
        json!({
            "admin_candidate": consensus.admin_candidate,
            "decays": decays,
            "epochs": consensus.epochs,
            "last_epoch_end": consensus.last_epoch_end,
            "mode": consensus.mode,
            "mode_changes": consensus.mode_changes,
        })
    }

    /// Where all coins are, counted anew.
    fn supply(&self) -> Value {
        let sum = |amounts: &mut dyn Iterator<Item = u128>| uait(amounts.sum());
        let unbonding_stakes = self.validators.values().flat_map(|v| &v.unbonding);
        let unbonding_bonds = self.coordinators.values().flat_map(|c| &c.unbonding);
        let unbonding = unbonding_stakes.chain(unbonding_bonds);
        json!({
            "balances": sum(&mut self.accounts.values().map(|account| account.balance)),
            "bonds": sum(&mut self.coordinators.values().map(|one| one.bond)),
            "burned": uait(self.burned),
            "escrows": sum(&mut self.escrows.values().map(|escrow| escrow.remaining)),
            "genesis": uait(self.genesis),
            "minted": uait(self.minted),
            "stakes": sum(&mut self.validators.values().map(|one| one.stake)),
            "total": uait(self.total()),
            "unbonding": sum(&mut unbonding.map(|entry| entry.amount)),
        })
    }

    /// Everything in which a chain's records differ from the model, each in one line; and everything in
    /// which the model contradicts itself.
    pub fn differences(&self, records: &BTreeMap<String, Value>) -> Vec<String> {
        let expected = self.records();
        let keys: BTreeSet<&String> = expected.keys().chain(records.keys()).collect();
        let mut found = self.contradictions();
        for key in keys {
            let (wanted, is) = (expected.get(key), records.get(key));
            if wanted == is {
                continue;
            }
            match (wanted, is) {
                (Some(Value::Object(wanted)), Some(Value::Object(is))) => {
                    let fields: BTreeSet<&String> = wanted.keys().chain(is.keys()).collect();
                    for field in fields {
                        let (wanted, is) = (wanted.get(field), is.get(field));
                        if wanted != is {
                            let place = format!("{key} {field}");
                            found.push(format!(
                                "{place}: expected {}, is {}",
                                show(wanted),
                                show(is)
                            ));
                        }
                    }
                }
                _ => found.push(format!("{key}: expected {}, is {}", show(wanted), show(is))),
            }
        }
        found
    }

    /// What the records of miners come to, brought up to date, are the scores of today; and coins
    /// neither appear nor vanish.
    pub fn contradictions(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (address, miner) in &self.miners {
            let today = self.brought_up_to_date(miner.written);
            if today != (miner.score, miner.epoch_units) {
                let is = (miner.score, miner.epoch_units);
                found.push(format!("/miner/{address} comes to {today:?}, not {is:?}"));
            }
        }
        let supply = self.supply();
        let held = ["balances", "bonds", "escrows", "stakes", "unbonding"];
        let held: u64 = held.iter().map(|name| supply[name].as_u64().unwrap()).sum();
        if u128::from(held) != self.total() {
            found.push(format!("{held} uait are held of {}", self.total()));
        }
        found
    }

    /// Score and units of this epoch, by the history of decays.
    fn brought_up_to_date(&self, written: Written) -> (u64, u64) {
        let (mut score, mut units) = (written.score, written.epoch_units);
        for epoch in written.epoch..self.consensus.epochs {
            let mut decays = self.consensus.decays.iter().rev();
            let decay = decays.find(|(_, from)| *from <= epoch).unwrap().0;
            score = aged(score, units, decay);
            units = 0;
        }
        (score, units)
    }
}

fn show(value: Option<&Value>) -> String {
    value.map_or("none".to_owned(), Value::to_string)
}

fn uait(amount: u128) -> u64 {
    u64::try_from(amount).unwrap()
}

fn entries(unbonding: &[Unbonding]) -> Vec<Value> {
    unbonding
        .iter()
        .map(|entry| json!({"amount": uait(entry.amount), "due_height": entry.due}))
        .collect()
}

fn escrow_record(client: &str, job: &str, escrow: &Escrow) -> Value {
    let last = escrow.last_receipt.as_ref();
    let last = last.map(|(miner, id)| json!({"miner": miner, "receipt_id": id}));
    json!({
        "amount": uait(escrow.amount),
        "assigned": escrow.assigned,
        "attesters": escrow.named[1..],
        "cancelled": escrow.cancelled,
        "claims": escrow.claims,
        "client": client,
        "closed_height": escrow.closed,
        "convicted": escrow.convicted,
        "coordinator": escrow.named[0],
        "deleted_height": escrow.deleted,
        "expires_height": escrow.due,
        "job_id": job,
        "keys": escrow.keys,
        "last_receipt": last,
        "miner": escrow.miner,
        "opened_height": escrow.opened,
        "paid": uait(escrow.paid),
        "partial": escrow.partial,
        "reason": escrow.reason,
        "remaining": uait(escrow.remaining),
        "status": escrow.status,
        "threshold": escrow.threshold,
    })
}

fn receipt_record(miner: &str, id: &str, receipt: &Receipt) -> Value {
    json!({
        "client": receipt.job.0,
        "compute_units": receipt.compute_units,
        "coordinator": receipt.coordinator,
        "height": receipt.height,
        "job_id": receipt.job.1,
        "limited_by": receipt.limited_by,
        "miner": miner,
        "miner_sig": receipt.miner_sig,
        "minted": uait(receipt.minted),
        "opened_height": receipt.opened,
        "output_hash": receipt.output_hash,
        "price": receipt.price,
        "receipt_id": id,
        "status": receipt.status,
        "tx_hash": receipt.tx_hash,
    })
}

fn miner_record(address: &str, miner: &Miner) -> Value {
    json!({
        "address": address,
        "banned_until": miner.banned_until,
        "epoch": miner.written.epoch,
        "epoch_units": miner.written.epoch_units,
        "offences": miner.offences,
        "receipts": miner.receipts,
        "recent_offences": miner.recent_offences,
        "score": miner.written.score,
        "units_total": miner.units_total,
    })
}

fn coordinator_record(address: &str, coordinator: &Coordinator) -> Value {
    let counts = &coordinator.counts;
    json!({
        "address": address,
        "bond": uait(coordinator.bond),
        "cancelled": counts.cancelled,
        "epoch_end": coordinator.epoch_end,
        "epoch_minted": uait(coordinator.epoch_minted),
        "expired": counts.expired,
        "opened": counts.opened,
        "released": counts.released,
        "settled": counts.settled,
        "suspended": coordinator.suspended,
        "unbonding": entries(&coordinator.unbonding),
    })
}

fn validator_record(address: &str, validator: &Validator) -> Value {
    let jail = match validator.jail {
        None => Value::Null,
        Some(Jail::Tombstoned) => "tombstoned".into(),
        Some(Jail::Until(until)) => json!({ "until": until }),
    };
    json!({
        "address": address,
        "counted_blocks": validator.counted,
        "jail": jail,
        "keys": validator.keys,
        "missed_blocks": validator.missed,
        "power": validator.power,
        "proven": validator.proven,
        "pubkey": validator.pubkey,
        "stake": uait(validator.stake),
        "stake_pubkey": validator.stake_key,
        "unbonding": entries(&validator.unbonding),
        "window": validator.window,
    })
}
