//! Owns the second look at every state: the root by its definition, every coin counted where it is.

use std::collections::BTreeMap;

use ait_app::{block::BlockOutcome, state::State};
use serde_json::Value;

use super::Records;
use crate::{draft, naive_tree};

/// Every record of a state.
pub fn records(state: &State) -> Records {
    state
        .entries()
        .map(|leaf| {
            let leaf = leaf.unwrap();
            let key = String::from_utf8(leaf.key().to_vec()).unwrap();
            (key, serde_json::from_slice(leaf.value()).unwrap())
        })
        .collect()
}

/// What differs between two sets of records: key → (before, after).
pub fn differences(
    before: &Records,
    after: &Records,
) -> BTreeMap<String, (Option<Value>, Option<Value>)> {
    let keys = before.keys().chain(after.keys());
    keys.filter(|key| before.get(*key) != after.get(*key))
        .map(|key| {
            let pair = (before.get(key).cloned(), after.get(key).cloned());
            (key.clone(), pair)
        })
        .collect()
}

/// Two runs of one block did the same.
pub fn assert_same_outcome(left: &BlockOutcome, right: &BlockOutcome) {
    assert_eq!(left.results, right.results);
    assert_eq!(left.events, right.events);
    assert_eq!(left.validator_updates, right.validator_updates);
    assert_eq!(left.delta, right.delta);
    assert_eq!(left.state.root(), right.state.root());
}

/// The root is the definition's over canonical records, and the books balance when every coin is
/// counted where it is. Large states are spared the second computation.
pub(super) fn check_records(state: &State) {
    if state.len() > 400 {
        return;
    }
    let pairs: BTreeMap<Vec<u8>, Vec<u8>> = state
        .entries()
        .map(Result::unwrap)
        .map(|leaf| (leaf.key().to_vec(), leaf.value().to_vec()))
        .collect();
    assert_eq!(naive_tree::root(&pairs), state.root());
    for value in pairs.values() {
        let json: Value = serde_json::from_slice(value).unwrap();
        assert_eq!(&draft::canonical(&json), value);
    }
    let records = records(state);
    check_validators(&records);
    check_books(&records);
}

/// Without power nothing is proven, and the key in use is one of those that were ever used.
fn check_validators(records: &Records) {
    for (key, record) in records {
        if key.starts_with("/validator/") {
            assert!(
                record["proven"] == false || record["power"] != 0,
                "{record}"
            );
            let keys = record["keys"].as_array().unwrap();
            assert!(keys.contains(&record["pubkey"]), "{record}");
        }
    }
}

fn check_books(records: &Records) {
    let sum = |prefix: &str, count: &dyn Fn(&Value) -> u64| -> u64 {
        let there = records.iter().filter(|(key, _)| key.starts_with(prefix));
        there.map(|(_, record)| count(record)).sum()
    };
    let number = |value: &Value| value.as_u64().unwrap();
    let balances = sum("/account/", &|account| number(&account["balance"]));
    let escrows = sum("/escrow/", &|escrow| {
        if escrow["status"] == "open" {
            number(&escrow["remaining"])
        } else {
            0
        }
    });
    let stakes = sum("/validator/", &|validator| number(&validator["stake"]));
    let bonds = sum("/coordinator/", &|coordinator| number(&coordinator["bond"]));
    let leaving = |record: &Value| {
        let entries = record["unbonding"].as_array().unwrap();
        entries.iter().map(|entry| number(&entry["amount"])).sum()
    };
    let unbonding = sum("/validator/", &leaving) + sum("/coordinator/", &leaving);
    let supply = &records["/supply"];
    assert_eq!(number(&supply["balances"]), balances);
    assert_eq!(number(&supply["escrows"]), escrows);
    assert_eq!(number(&supply["stakes"]), stakes);
    assert_eq!(number(&supply["bonds"]), bonds);
    assert_eq!(number(&supply["unbonding"]), unbonding);
    let held = balances + escrows + stakes + bonds + unbonding;
    assert_eq!(number(&supply["total"]), held);
    let issued = number(&supply["genesis"]) + number(&supply["minted"]);
    assert_eq!(number(&supply["total"]), issued - number(&supply["burned"]));
    assert!(number(&supply["total"]) < 1 << 53);
}
