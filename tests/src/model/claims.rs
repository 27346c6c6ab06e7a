//! Owns receipts (SPEC section 4): the attestation entry's rule, what makes a claim valid, what it
//! settles, and offences.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Escrow, Input, LIMIT, Model, number, signed, text, transactions::Params, treasury};

fn receipt_text(payload: &Value) -> String {
    format!(
        "{}|{}|{}|{}|{}|{}|{}",
        text(payload, "receipt_id"),
        text(payload, "job_id"),
        text(payload, "client_addr"),
        text(payload, "miner_addr"),
        number(payload, "compute_units"),
        number(payload, "price"),
        text(payload, "output_hash")
    )
}

fn escrow_key(payload: &Value) -> (String, String) {
    let client = text(payload, "client_addr").to_owned();
    (client, text(payload, "job_id").to_owned())
}

fn share(amount: u128, basis_points: &Value) -> u128 {
    amount * u128::from(basis_points.as_u64().unwrap()) / 10_000
}

/// A claim that holds, as far as signatures go.
struct Settlement<'a> {
    tx: &'a Value,
    hash: String,
    key: (String, String),
    escrow: Escrow,
    required: u128,
}

impl Model {
    /// The attestation in front of the block for each entry, judged on this state, which is that
    /// before the block.
    pub(super) fn entry_rule(&self, inputs: &[Input]) -> Result<Vec<Option<Value>>, ()> {
        let is_entry = |input: &Input| {
            input.wire.starts_with(b"{\"attestations\":") && input.malformed.is_none()
        };
        if inputs.iter().skip(1).any(is_entry) {
            return Err(());
        }
        let front = inputs.first().filter(|first| is_entry(first));
        let given: Vec<Value> = front.map_or(Vec::new(), |first| {
            let json: Value = serde_json::from_slice(&first.wire).unwrap();
            json["attestations"].as_array().unwrap().clone()
        });
        let mut left = given.iter();
        let mut assigned = Vec::new();
        for input in inputs {
            let needs = if is_entry(input) {
                None
            } else {
                self.claim_without(input)
            };
            let Some(payload) = needs else {
                assigned.push(None);
                continue;
            };
            let attestation = left.next().ok_or(())?;
            if !self.rightly_signed_before(&payload, attestation) {
                return Err(());
            }
            assigned.push(Some(attestation.clone()));
        }
        let needed = assigned.iter().flatten().count();
        if left.next().is_some() || (front.is_some() && needed == 0) {
            return Err(());
        }
        Ok(assigned)
    }

    /// The payload of a well-formed and well-signed claim that carries no attestation.
    fn claim_without(&self, input: &Input) -> Option<Value> {
        self.unreadable(input).ok()?;
        let tx: Value = serde_json::from_slice(&input.wire).unwrap();
        let payload = &tx["payload"];
        let bare = tx["type"] == "RECEIPT_CLAIM" && payload.get("attestation").is_none();
        bare.then(|| payload.clone())
    }

    fn rightly_signed_before(&self, payload: &Value, attestation: &Value) -> bool {
        self.open_escrow(&escrow_key(payload), self.height)
            .is_some_and(|escrow| {
                let (coordinator, opened) = (escrow.coordinator.clone(), escrow.opened);
                self.rightly_signed(&self.params, payload, attestation, &coordinator, opened)
            })
    }

    fn rightly_signed(
        &self,
        params: &Params,
        payload: &Value,
        attestation: &Value,
        coordinator: &str,
        opened: u64,
    ) -> bool {
        let key = params["coordinators"].get(coordinator);
        let what = format!(
            "AIT-ATTEST|{}|{}|{opened}|{}|{}|{}|{}|{}",
            self.chain_id,
            receipt_text(payload),
            attestation["exists"],
            attestation["paid"],
            attestation["not_double_spent"],
            attestation["quote"]["price"],
            attestation["quote"]["compute_units"]
        );
        attestation["coordinator"] == coordinator
            && key.is_some_and(|key| signed(key.as_str().unwrap(), &what, text(attestation, "sig")))
    }

    /// All that makes a claim valid, in the SPEC's order, and then its settlement.
    pub(super) fn claim(
        &mut self,
        params: &Params,
        wire: &[u8],
        tx: &Value,
        required: u128,
        in_front: Option<&Value>,
    ) -> Result<(), &'static str> {
        let payload = &tx["payload"];
        let miner = text(payload, "miner_addr").to_owned();
        let banned_until = self.miners.get(&miner).map_or(0, |m| m.banned_until);
        if self.height <= banned_until {
            return Err("miner_banned");
        }
        if let Some(earlier) = self.receipts.get(text(payload, "receipt_id")) {
            let own = earlier["miner"] == miner;
            return Err(if own {
                "receipt_replayed"
            } else {
                "receipt_already_claimed"
            });
        }
        let key = escrow_key(payload);
        if !self.escrows.contains_key(&key) {
            return Err("escrow_not_found");
        }
        let escrow = self.open_escrow(&key, self.height).ok_or("escrow_closed")?;
        let escrow = escrow.clone();
        let what = format!("AIT-RECEIPT|{}|{}", self.chain_id, receipt_text(payload));
        if !signed(text(tx, "pubkey"), &what, text(payload, "miner_sig")) {
            return Err("invalid_miner_signature");
        }
        let attestation = payload.get("attestation").or(in_front);
        let attestation = attestation.ok_or("attestation_missing")?;
        let coordinator = escrow.coordinator.clone();
        if !self.rightly_signed(params, payload, attestation, &coordinator, escrow.opened) {
            return Err("invalid_attestation");
        }
        let (units, price) = (number(payload, "compute_units"), number(payload, "price"));
        let good = attestation["exists"] == true
            && attestation["paid"] == true
            && attestation["not_double_spent"] == true
            && price <= number(&attestation["quote"], "price")
            && units <= number(&attestation["quote"], "compute_units");
        if !good {
            return Err("attestation_negative");
        }
        let settlement = Settlement {
            tx,
            hash: hex::encode_upper(Sha256::digest(wire)),
            key,
            escrow,
            required,
        };
        self.settle(params, settlement)
    }

    /// What the amounts must fit, and then who gets what.
    fn settle(&mut self, params: &Params, settlement: Settlement<'_>) -> Result<(), &'static str> {
        let Settlement {
            tx,
            hash,
            key,
            escrow,
            required,
        } = settlement;
        let payload = &tx["payload"];
        let units = u128::from(number(payload, "compute_units"));
        let price = u128::from(number(payload, "price"));
        let (miner, coordinator) = (text(payload, "miner_addr").to_owned(), escrow.coordinator);
        if escrow.amount < price + required {
            return Err("escrow_too_small");
        }
        let param = |name: &str| u128::from(params[name].as_u64().unwrap());
        let mint = units * param("mint_per_unit");
        if mint > param("max_mint_per_price") * price {
            return Err("mint_above_price");
        }
        let to_coordinator = share(mint, &params["coordinator_bps"]);
        let to_treasury = share(mint, &params["treasury_bps"]);
        let all = mint + to_coordinator + to_treasury;
        let epoch = self.epoch_start(params);
        let earlier = match self.epoch_minted.get(&coordinator) {
            Some((start, minted)) if *start == epoch => *minted,
            _ => 0,
        };
        if earlier + all > param("coordinator_epoch_mint_cap") {
            return Err("coordinator_cap_reached");
        }
        // Both the supply and what was ever minted are integers of the protocol.
        if self.total() + all > LIMIT || self.minted + all > LIMIT {
            return Err("supply_limit_reached");
        }
        self.credit(&miner, mint + price);
        self.credit(&coordinator, to_coordinator);
        self.credit(&treasury(), to_treasury);
        self.credit(&key.0, escrow.amount - price - required);
        self.escrows.get_mut(&key).unwrap().status = "settled";
        self.minted += all;
        self.epoch_minted
            .insert(coordinator.clone(), (epoch, earlier + all));
        let validator = self.validators.get(&miner);
        let ever_staked = validator.is_some_and(|record| record.stake_key.is_some());
        let record = self.miners.entry(miner.clone()).or_default();
        record.receipts += 1;
        let added = |to: u64| (u128::from(to) + units).min(LIMIT) as u64;
        record.units_total = added(record.units_total);
        if ever_staked {
            record.epoch_units = added(record.epoch_units);
        }
        let receipt = json!({
            "receipt_id": payload["receipt_id"],
            "job_id": payload["job_id"],
            "client": key.0,
            "miner": miner,
            "coordinator": coordinator,
            "compute_units": payload["compute_units"],
            "price": payload["price"],
            "output_hash": payload["output_hash"],
            "minted": all as u64,
            "height": self.height,
            "tx_hash": hash,
        });
        let id = text(payload, "receipt_id").to_owned();
        self.receipts.insert(id, receipt);
        Ok(())
    }

    /// The first block of the running epoch: epochs end at heights divisible by `epoch_blocks`.
    fn epoch_start(&self, params: &Params) -> u64 {
        let length = params["epoch_blocks"].as_u64().unwrap();
        (self.height - 1) / length * length + 1
    }

    /// One more offence of this miner.
    pub(super) fn offend(&mut self, params: &Params, miner: &str) {
        let param = |name: &str| params[name].as_u64().unwrap();
        let record = self.miners.entry(miner.to_owned()).or_default();
        record.offences.push(self.height);
        record.score /= 2;
        record.epoch_units /= 2;
        let window = param("offence_window_blocks");
        let recent = record.offences.iter();
        let recent = recent.filter(|height| *height + window > self.height);
        if recent.count() as u64 >= param("offence_limit") {
            record.banned_until = self.height + param("ban_blocks");
        }
    }
}
