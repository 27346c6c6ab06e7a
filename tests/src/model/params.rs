//! Owns the params: their table, what makes a new value of one wrong, and their updates.

use std::{collections::BTreeMap, collections::BTreeSet, ops::Deref, sync::Arc};

use serde_json::{Map, Value, json};

use super::{
    Event, Model,
    crypto::{address_bytes, is_hex, is_key, signed},
    event,
    json::canonical,
    state::Validator,
    upgrades::is_plan,
};

/// Name, default, least, most, of every param of version 2 that is a number.
pub const DEFAULTS: &[(&str, u64, u64, u64)] = &[
    ("base_fee", 2, 0, 1_000_000),
    ("fee_per_kib", 100, 0, 1_000_000),
    ("record_fee", 1_000, 0, 1_000_000_000),
    ("min_account_balance", 1_000, 0, 1_000_000_000),
    ("min_escrow_amount", 1_000, 1, 1_000_000_000),
    ("mint_per_unit", 1_000, 0, 1_000_000_000),
    ("coordinator_bps", 500, 0, 10_000),
    ("treasury_bps", 0, 0, 10_000),
    ("max_mint_per_price", 1_000, 1, 1_000_000_000),
    ("coordinator_epoch_mint_cap", 1_000_000_000, 0, MOST),
    ("mint_cap_per_bond", 0, 0, 1_000_000_000),
    ("coordinator_min_bond", 0, 0, MOST),
    ("slash_coordinator_bps", 5_000, 0, 10_000),
    ("informer_bps", 1_000, 0, 5_000),
    ("escrow_max_ttl_blocks", 100_000, 1, 10_000_000),
    ("cancel_notice_blocks", 600, 1, 1_000_000),
    ("min_stake", 1_000_000, 1, MOST),
    ("max_validators", 100, 4, 100),
    ("epoch_blocks", 10, 1, 1_000_000),
    ("downtime_window", 100, 1, 1_000_000),
    ("jail_blocks", 600, 1, 1_000_000),
    ("offence_limit", 3, 1, 1_000_000),
    ("offence_window_blocks", 1_000, 1, 1_000_000),
    ("ban_blocks", 1_000, 1, 1_000_000),
    ("unbonding_blocks", 120, 1, 10_000_000),
    ("work_weight_bps", 5_000, 0, 5_000),
    ("work_decay_bps", 9_000, 0, 10_000),
    ("slash_double_sign_bps", 500, 0, 10_000),
    ("slash_downtime_bps", 1, 0, 10_000),
    ("min_signed_bps", 5_000, 0, 10_000),
    ("work_score_floor", 10_000, 1, MOST),
];

/// Likewise, of those that a later version added.
pub const ADDED: &[(&str, u64, u64, u64)] = &[("treasury_fee_bps", 0, 0, 10_000)];

const MOST: u64 = (1 << 53) - 1;

/// Longer histories of `work_decay_bps` are not kept.
const MOST_DECAYS: usize = 1_000;

/// An update of `authorities` brings at most this many keys that are not their accounts' already.
const MOST_NEW_KEYS: usize = 40;

/// All params by name. A copy costs nothing until one of the two changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(Arc<BTreeMap<String, Value>>);

impl Deref for Params {
    type Target = BTreeMap<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Params {
    /// The defaults, and what a genesis gives.
    pub(super) fn of_genesis(given: &Map<String, Value>, evidence_max_age: u64) -> Self {
        let numbers = DEFAULTS.iter();
        let mut all: BTreeMap<String, Value> = numbers
            .map(|(name, default, ..)| ((*name).to_owned(), Value::from(*default)))
            .collect();
        all.insert("consensus_mode".into(), "poa".into());
        all.insert("coordinators".into(), json!({}));
        all.insert("revoked_keys".into(), json!([]));
        let age = Value::from(evidence_max_age);
        all.insert("evidence_max_age_num_blocks".into(), age);
        all.extend(given.clone());
        let authorities = without_proofs(&all["authorities"]);
        all.insert("authorities".into(), authorities);
        Self(Arc::new(all))
    }

    /// A param that is a number.
    pub fn number(&self, name: &str) -> u64 {
        self[name].as_u64().unwrap()
    }

    pub(super) fn wide(&self, name: &str) -> u128 {
        u128::from(self.number(name))
    }

    /// The key that `coordinators` names for this account.
    pub(super) fn coordinator_key(&self, address: &str) -> Option<&str> {
        self["coordinators"].get(address)?.as_str()
    }

    pub(super) fn is_revoked(&self, key: &str) -> bool {
        let revoked = self["revoked_keys"].as_array().unwrap();
        revoked.iter().any(|one| one == key)
    }

    /// Address, consensus key and power of each authority.
    pub(super) fn authorities(&self) -> impl Iterator<Item = (String, String, u64)> + '_ {
        authorities_in(&self["authorities"])
    }
}

fn authorities_in(list: &Value) -> impl Iterator<Item = (String, String, u64)> + '_ {
    list.as_array().unwrap().iter().map(|one| {
        let text = |field: &str| one[field].as_str().unwrap().to_owned();
        (
            text("address"),
            text("pubkey"),
            one["power"].as_u64().unwrap(),
        )
    })
}

/// Authorities as the state keeps them.
fn without_proofs(list: &Value) -> Value {
    let mut list = list.clone();
    for one in list.as_array_mut().unwrap() {
        one.as_object_mut().unwrap().remove("proof");
    }
    list
}

/// What is wrong with this new value of a param, whatever the state is: the code's name.
pub fn value_fault(name: &str, value: &Value) -> Option<&'static str> {
    let fits = match name {
        "evidence_max_age_num_blocks" => return Some("param_fixed"),
        "admin" => is_address(value),
        "upgrade" => is_plan(value),
        "consensus_mode" => value == "poa" || value == "cbp",
        "coordinators" => value.as_object().is_some_and(are_coordinators),
        "revoked_keys" => value.as_array().is_some_and(|all| {
            all.len() <= 200 && all.iter().all(is_key_value) && are_distinct(all.iter())
        }),
        "authorities" => value.as_array().is_some_and(|all| are_authorities(all)),
        _ => {
            let row = DEFAULTS.iter().chain(ADDED).find(|row| row.0 == name);
            let Some((_, _, least, most)) = row else {
                return Some("unknown_param");
            };
            value
                .as_u64()
                .is_some_and(|n| (*least..=*most).contains(&n))
        }
    };
    (!fits).then_some("invalid_param_value")
}

fn is_address(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| address_bytes(text).is_some())
}

fn is_key_value(value: &Value) -> bool {
    value.as_str().is_some_and(is_key)
}

fn are_distinct<'a>(values: impl ExactSizeIterator<Item = &'a Value>) -> bool {
    let all = values.len();
    values.map(Value::to_string).collect::<BTreeSet<_>>().len() == all
}

fn are_coordinators(all: &Map<String, Value>) -> bool {
    let keys: Vec<&Value> = all.values().collect();
    all.len() <= 100
        && all.keys().all(|address| address_bytes(address).is_some())
        && keys.iter().all(|key| is_key_value(key))
        && are_distinct(keys.into_iter())
}

fn are_authorities(all: &[Value]) -> bool {
    let is_one = |one: &Value| {
        let Some(fields) = one.as_object() else {
            return false;
        };
        let proof = fields.get("proof");
        let proven = proof.is_none_or(|proof| proof.as_str().is_some_and(|sig| is_hex(sig, 64)));
        let power = one["power"].as_u64();
        fields.len() == 3 + usize::from(proof.is_some())
            && is_address(&one["address"])
            && is_key_value(&one["pubkey"])
            && power.is_some_and(|power| (1..=1_000_000_000).contains(&power))
            && proven
    };
    let all_of = |field: &str| all.iter().map(|one| one[field].clone()).collect::<Vec<_>>();
    (1..=100).contains(&all.len())
        && all.iter().all(is_one)
        && are_distinct(all_of("address").iter())
        && are_distinct(all_of("pubkey").iter())
}

impl Model {
    pub(super) fn param_update(
        &mut self,
        sender: &str,
        name: &str,
        value: &Value,
    ) -> Result<Vec<Event>, &'static str> {
        if self.before.params["admin"] != sender {
            return Err("not_the_admin");
        }
        // Every name falls with the acceptance, also one that the old admin would plant behind it.
        if name == "admin" && self.params["admin"] != sender {
            return Err("not_the_admin");
        }
        self.check_with_others(name, value)?;
        let mut stored = value.clone();
        match name {
            // The account has to accept before it is the admin.
            "admin" => self.consensus.admin_candidate = value.as_str().map(str::to_owned),
            "upgrade" => self.plan_upgrade(value)?,
            "authorities" => {
                self.check_authorities(value)?;
                stored = without_proofs(value);
                for (address, key, _) in authorities_in(value) {
                    self.own_key(&address, &key);
                }
                self.set_param(name, stored.clone());
            }
            _ => self.set_param(name, stored.clone()),
        }
        let value = canonical(&stored);
        Ok(vec![event(
            "param_updated",
            &[("key", &name), ("value", &value)],
        )])
    }

    pub(super) fn set_param(&mut self, name: &str, value: Value) {
        Arc::make_mut(&mut self.params.0).insert(name.to_owned(), value);
    }

    /// What a value must keep to because of the params that earlier updates left, and of the state.
    fn check_with_others(&self, name: &str, value: &Value) -> Result<(), &'static str> {
        let other = |wanted: &str| {
            let given = value.as_u64().filter(|_| name == wanted);
            given.unwrap_or_else(|| self.params.number(wanted))
        };
        let fits = match name {
            "unbonding_blocks" | "epoch_blocks" => {
                let least = self.params.number("evidence_max_age_num_blocks") + 2;
                other("unbonding_blocks") >= least + other("epoch_blocks")
            }
            "work_decay_bps" => self.consensus.decays.len() < MOST_DECAYS,
            "consensus_mode" if value == "poa" => {
                return self.check_proven(&self.params["authorities"]);
            }
            _ => true,
        };
        fits.then_some(()).ok_or("param_conflict")
    }

    fn check_authorities(&self, list: &Value) -> Result<(), &'static str> {
        let with_proofs = authorities_in(list).zip(list.as_array().unwrap());
        let is_new = |((address, key, _), _): &((String, String, u64), &Value)| {
            self.key_owners.get(key) != Some(address)
        };
        let new: Vec<_> = with_proofs.filter(is_new).collect();
        if new.len() > MOST_NEW_KEYS {
            return Err("param_conflict");
        }
        for ((address, key, _), one) in new {
            let content = format!("AIT-VALIDATOR|{}|{address}|{key}", self.chain_id);
            let proof = one.get("proof").and_then(Value::as_str);
            if !proof.is_some_and(|proof| signed(&key, &content, proof)) {
                return Err("invalid_authority_proof");
            }
            if self.key_owners.contains_key(&key) {
                return Err("consensus_key_taken");
            }
        }
        self.check_proven(list)
    }

    /// Proven keys must hold more than two thirds of the authorities' power.
    fn check_proven(&self, list: &Value) -> Result<(), &'static str> {
        let (mut all, mut proven) = (0, 0);
        for (address, key, power) in authorities_in(list) {
            all += power;
            let record = self.validators.get(&address);
            let is_proven = |record: &Validator| record.proven && record.pubkey == key;
            proven += if record.is_some_and(is_proven) {
                power
            } else {
                0
            };
        }
        (3 * proven > 2 * all)
            .then_some(())
            .ok_or("authorities_not_proven")
    }

    /// The account that was named is the admin from the next block on.
    pub(super) fn admin_accept(&mut self, sender: &str) -> Result<Vec<Event>, &'static str> {
        if self.before.admin_candidate.as_deref() != Some(sender) {
            return Err("not_named_admin");
        }
        let previous = self.before.params["admin"].as_str().unwrap().to_owned();
        self.set_param("admin", sender.into());
        self.consensus.admin_candidate = None;
        let attributes: [(&str, &dyn std::fmt::Display); 2] =
            [("admin", &sender), ("previous", &previous)];
        Ok(vec![event("admin_changed", &attributes)])
    }
}
