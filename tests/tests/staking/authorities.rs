//! The param `authorities`: consensus keys that are held by who shall have them, and never a set that
//! waits for keys that nobody runs.

use ait_testkit::{
    actors::{Actor, alice, bob, validator, validator_key},
    chain::{
        Chain, EVIDENCE_MAX_AGE, Setup, Staker, authority, elected, new_authority, possession,
    },
    draft::{Draft, canonical},
};
use ait_tests::scenes::refused;
use serde_json::{Value, json};

fn account(n: usize) -> Actor {
    Actor::named(&format!("authority {n}"))
}

fn key(n: usize) -> Actor {
    Actor::named(&format!("authority's key {n}"))
}

/// The validator with power enough to outweigh these others, and `count` authorities with new keys.
fn with_newcomers(count: usize) -> Value {
    let first = authority(&validator(), &validator_key(), 1_000_000);
    let newcomers = (0..count).map(|n| new_authority(&account(n), &key(n), 1));
    std::iter::once(first).chain(newcomers).collect()
}

/// What is stored of a value.
fn stored(value: &Value) -> Value {
    let mut value = value.clone();
    for entry in value.as_array_mut().unwrap() {
        entry.as_object_mut().unwrap().remove("proof");
    }
    value
}

#[test]
fn authorities_are_one_to_a_hundred_with_distinct_accounts_and_keys() {
    let chain = Chain::start();
    let (a, b) = (validator(), alice());
    let (k, l) = (validator_key(), Actor::named("another key"));
    let mut wrong_proof = authority(&a, &k, 1);
    wrong_proof["proof"] = "00".into();
    let mut null_proof = authority(&a, &k, 1);
    null_proof["proof"] = Value::Null;
    for wrong in [
        json!([]),
        json!([authority(&a, &k, 1), authority(&a, &l, 1)]),
        json!([authority(&a, &k, 1), authority(&b, &k, 1)]),
        json!([authority(&a, &k, 0)]),
        json!([authority(&a, &k, 1_000_000_001)]),
        json!([{"address": a.address().to_string(), "power": 1}]),
        json!([{"address": "", "power": 1, "pubkey": k.pubkey().to_string()}]),
        json!([{
            "address": a.address().to_string(),
            "power": 1,
            "pubkey": k.pubkey().to_string(),
            "name": "a",
        }]),
        json!([wrong_proof]),
        json!([null_proof]),
    ] {
        let refusal = chain.reject([chain.set_param("authorities", wrong.clone())]);
        assert_eq!(refusal.code.name(), "invalid_param_value", "{wrong}");
        assert!(refusal.message.contains("authorities"), "{refusal}");
    }
}

#[test]
fn a_genesis_has_a_hundred_authorities_at_most() {
    let list = |count: usize| -> Value {
        (0..count)
            .map(|n| authority(&account(n), &key(n), 1_000_000_000))
            .collect()
    };
    let parse = |count: usize| {
        let setup = Setup::default().param("authorities", list(count));
        ait_app::genesis::Genesis::parse(
            &setup.app_state(),
            EVIDENCE_MAX_AGE,
            ait_app::upgrades::record::ProtocolVersion::V2,
        )
    };
    assert!(parse(100).is_ok());
    let refusal = parse(101).unwrap_err();
    assert_eq!(refusal.code.name(), "invalid_param_value");
    assert!(refusal.message.contains("100"), "{refusal}");
}

#[test]
fn a_genesis_needs_no_proofs_and_keeps_none() {
    let with_proof = json!([new_authority(&validator(), &validator_key(), 10)]);
    let chain = Setup::default().param("authorities", with_proof).start();
    let without = json!([authority(&validator(), &validator_key(), 10)]);
    assert_eq!(chain.param("authorities"), without);
    assert_eq!(chain.state.app_hash(), Chain::start().state.app_hash());
    assert_eq!(chain.validator(&validator())["proven"], true);
}

#[test]
fn a_new_key_comes_with_its_proof_for_that_account_and_chain() {
    let newcomer = |change: &dyn Fn(&mut Value)| {
        let mut list = with_newcomers(1);
        change(&mut list[1]);
        list
    };
    let proof_of = |account: &Actor, key: &Actor| new_authority(account, key, 1)["proof"].clone();
    let elsewhere = possession("other-chain", &account(0), &key(0));
    let wrong: [Value; 5] = [
        newcomer(&|entry| {
            entry.as_object_mut().unwrap().remove("proof");
        }),
        newcomer(&|entry| entry["proof"] = proof_of(&account(1), &key(0))),
        newcomer(&|entry| entry["proof"] = proof_of(&account(0), &key(1))),
        newcomer(&|entry| entry["proof"] = elsewhere.clone().into()),
        newcomer(&|entry| entry["proof"] = "00".repeat(64).into()),
    ];
    let mut chain = Chain::start();
    for value in wrong {
        let tx = chain.set_param("authorities", value);
        refused(&mut chain, tx, "invalid_authority_proof");
        let key_owner = chain.record(&format!("/validator/{}", account(0).address()));
        assert_eq!(key_owner, None, "a refused update registers no key");
    }
    let value = newcomer(&|_| {});
    let tx = chain.set_param("authorities", value.clone());
    let block = chain.commit([tx]);
    assert_eq!(block.names(), [""]);
    assert_eq!(chain.param("authorities"), stored(&value), "without proofs");
    let event = block.events("param_updated")[0];
    let text = String::from_utf8(canonical(&stored(&value))).unwrap();
    assert_eq!(event.get("value"), Some(&*text));
    let record = chain.validator(&account(0));
    assert_eq!(record["keys"], json!([key(0).pubkey().to_string()]));
}

#[test]
fn a_key_that_is_the_accounts_already_needs_no_proof() {
    let mut chain = Chain::start();
    let tx = chain.set_param("authorities", with_newcomers(1));
    chain.commit([tx]);
    let known = stored(&with_newcomers(1));
    let tx = chain.set_param("authorities", known);
    assert_eq!(chain.commit([tx]).names(), [""]);
    // A key that a STAKE named is known as well.
    let tx = chain.first_stake(&alice(), &key(7), 1_000);
    chain.commit([tx]);
    let value = json!([
        authority(&validator(), &validator_key(), 10),
        authority(&alice(), &key(7), 1),
    ]);
    let tx = chain.set_param("authorities", value);
    assert_eq!(chain.commit([tx]).names(), [""]);
}

#[test]
fn an_update_brings_forty_new_keys_at_most() {
    let mut chain = Chain::start();
    let tx = chain.set_param("authorities", with_newcomers(41));
    refused(&mut chain, tx, "param_conflict");
    let tx = chain.set_param("authorities", with_newcomers(40));
    assert_eq!(chain.commit([tx]).names(), [""]);
    let mut more = stored(&with_newcomers(40));
    let list = more.as_array_mut().unwrap();
    list.extend((40..60).map(|n| new_authority(&account(n), &key(n), 1)));
    let tx = chain.set_param("authorities", more);
    assert_eq!(chain.commit([tx]).names(), [""]);
    assert_eq!(chain.param("authorities").as_array().unwrap().len(), 61);
}

#[test]
fn a_consensus_key_belongs_to_its_first_account_for_ever() {
    let mut chain = Chain::start();
    let value = |chain_key: &Actor| {
        json!([
            authority(&validator(), &validator_key(), 10),
            new_authority(&alice(), chain_key, 1),
        ])
    };
    let tx = chain.first_stake(&bob(), &key(3), 1_000);
    chain.commit([tx]);
    let tx = chain.set_param("authorities", value(&key(3)));
    refused(&mut chain, tx, "consensus_key_taken");
    let tx = chain.set_param("authorities", value(&key(4)));
    chain.commit([tx]);
    let tx = chain.first_stake(&bob(), &key(4), 1_000);
    let tx = chain.priced(tx);
    assert_eq!(chain.commit([tx]).names(), ["validator_key_fixed"]);
    let carol = Actor::named("carol");
    let fund = chain.transfer(&bob(), &carol, 100_000);
    chain.commit([fund]);
    let tx = chain.first_stake(&carol, &key(4), 1_000);
    refused(&mut chain, tx, "validator_key_taken");
}

#[test]
fn two_new_authorities_in_one_block_race_for_a_key_and_one_gets_it() {
    let mut chain = Chain::start();
    let value = json!([
        authority(&validator(), &validator_key(), 10),
        new_authority(&alice(), &key(5), 1),
    ]);
    let txs = [
        chain.first_stake(&bob(), &key(5), 1_000),
        chain.set_param("authorities", value),
    ];
    assert_eq!(chain.commit(txs).names(), ["", "consensus_key_taken"]);
}

#[test]
fn keys_that_sign_hold_more_than_two_thirds_of_the_power_that_results() {
    // The validator's 10 is proven, the newcomer's is not.
    for (power, code) in [(4, ""), (5, "authorities_not_proven")] {
        let mut chain = Chain::start();
        let value = json!([
            authority(&validator(), &validator_key(), 10),
            new_authority(&alice(), &key(0), power),
        ]);
        let tx = chain.set_param("authorities", value);
        assert_eq!(chain.commit([tx]).names(), [code]);
    }
    let mut chain = Chain::start();
    let value = json!([new_authority(&alice(), &key(0), 1)]);
    let tx = chain.set_param("authorities", value);
    refused(&mut chain, tx, "authorities_not_proven");
}

#[test]
fn another_key_of_a_proven_authority_is_not_proven() {
    let mut chain = Chain::start();
    let value = json!([new_authority(&validator(), &key(0), 10)]);
    let tx = chain.set_param("authorities", value);
    refused(&mut chain, tx, "authorities_not_proven");
}

#[test]
fn an_authority_is_replaced_in_two_steps() {
    let mut chain = Chain::start();
    let beside = json!([
        authority(&validator(), &validator_key(), 10),
        new_authority(&alice(), &key(0), 4),
    ]);
    let alone = json!([authority(&alice(), &key(0), 4)]);
    let tx = chain.set_param("authorities", beside);
    chain.commit([tx]);
    chain.commit(Vec::<Draft>::new());
    let tx = chain.set_param("authorities", alone.clone());
    refused(&mut chain, tx, "authorities_not_proven");
    chain.all_sign(&[&validator_key(), &key(0)]);
    chain.commit(Vec::<Draft>::new());
    assert_eq!(chain.validator(&alice())["proven"], true);
    let tx = chain.set_param("authorities", alone);
    assert_eq!(chain.commit([tx]).names(), [""]);
}

#[test]
fn the_mode_goes_back_to_proof_of_authority_only_where_the_authorities_sign() {
    let mut chain = Chain::start();
    let beside = json!([
        authority(&validator(), &validator_key(), 10),
        new_authority(&alice(), &key(0), 4),
    ]);
    let txs = [
        chain.set_param("authorities", beside),
        chain.set_param("consensus_mode", "poa").later(1),
    ];
    assert_eq!(chain.commit(txs).names(), ["", ""]);
    // Who leaves the set, by jail too, has proven nothing any more.
    let stakers = [
        Staker::named("ann", 10_000_000),
        Staker::named("ben", 10_000_000),
    ];
    let mut chain = elected(Setup::default(), &stakers);
    let tx = chain.set_param("consensus_mode", "poa");
    assert_eq!(chain.clone().commit([tx]).names(), [""]);
    chain.misbehaviour = vec![stakers[0].key.consensus_address()];
    chain.commit(Vec::<Draft>::new());
    let tx = chain.set_param("consensus_mode", "poa");
    refused(&mut chain, tx, "authorities_not_proven");
}

#[test]
fn the_checks_of_authorities_come_in_their_order() {
    let mut chain = Chain::start();
    let tx = chain.first_stake(&bob(), &key(0), 1_000);
    chain.commit([tx]);
    let mut unproved = authority(&account(1), &key(1), 1);
    let taken = new_authority(&account(0), &key(0), 1);
    let crowd = (10..50).map(|n| new_authority(&account(n), &key(n), 1));
    let crowd: Vec<Value> = crowd.chain([unproved.clone(), taken.clone()]).collect();
    let tx = chain.set_param("authorities", crowd);
    refused(&mut chain, tx, "param_conflict");
    // One after the other in the param's order: proof, then owner; the power comes last.
    let tx = chain.set_param("authorities", vec![unproved.clone(), taken.clone()]);
    refused(&mut chain, tx, "invalid_authority_proof");
    let tx = chain.set_param("authorities", vec![taken.clone(), unproved.clone()]);
    refused(&mut chain, tx, "consensus_key_taken");
    unproved["proof"] = new_authority(&account(1), &key(1), 1)["proof"].clone();
    let tx = chain.set_param("authorities", vec![unproved.clone()]);
    refused(&mut chain, tx, "authorities_not_proven");
}
