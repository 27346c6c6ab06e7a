//! Owns how a planned change of a param becomes JSON.

use ait_testkit::{
    actors::Actor,
    chain::{CHAIN_ID, authority, first_stake},
};
use serde_json::{Value, json};

use super::{Change, Proof, SigningKey, Who, build::Builder, consensus_key};

/// The param `coordinators`.
pub(super) fn coordinators(list: &[(Who, SigningKey)]) -> Value {
    let pair = |(who, key): &(Who, SigningKey)| {
        let key = key.actor().pubkey().to_string();
        (who.address(), Value::from(key))
    };
    list.iter().map(pair).collect()
}

fn proved(account: &Actor, key: &Actor, power: u64, proof: Proof) -> Value {
    let mut entry = authority(account, key, power);
    let sign_for = |account: &Actor| first_stake(CHAIN_ID, account, key, 1);
    match proof {
        Proof::Right => entry["proof"] = sign_for(account)["validator_sig"].clone(),
        Proof::ForAnother => {
            entry["proof"] = sign_for(&Actor::named("mallory"))["validator_sig"].clone();
        }
        Proof::Missing => {}
    }
    entry
}

impl Builder {
    pub(super) fn change_json(&self, change: &Change) -> (&'static str, Value) {
        match change {
            Change::Number(name, value) => (name, (*value).into()),
            Change::Other(name, value) => (name, value.clone()),
            Change::Upgrade(blocks) => {
                let plan = blocks.map(
                    |blocks| json!({"height": self.now.height + blocks, "name": "treasury-fees"}),
                );
                ("upgrade", plan.into())
            }
            Change::Admin(who) => ("admin", who.address().into()),
            Change::Coordinators(list) => ("coordinators", coordinators(list)),
            Change::Revoked(keys) => {
                let keys = keys.iter().map(|key| key.actor().pubkey().to_string());
                ("revoked_keys", keys.collect::<Vec<_>>().into())
            }
            Change::Authorities(list) => {
                let list = list.iter().map(|(who, key, power, proof)| {
                    proved(&who.actor(), &consensus_key(*key), *power, *proof)
                });
                ("authorities", list.collect())
            }
            Change::ManyAuthorities(fresh) => {
                let first = authority(&Who::Validator.actor(), &consensus_key(0), 1_000);
                let more = (0..*fresh).map(|number| {
                    let account = Actor::named(&format!("authority {number}"));
                    let key = Actor::named(&format!("authority's key {number}"));
                    proved(&account, &key, 1, Proof::Right)
                });
                let list: Vec<Value> = [first].into_iter().chain(more).collect();
                ("authorities", json!(list))
            }
        }
    }
}
