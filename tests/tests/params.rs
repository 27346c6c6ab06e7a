//! `PARAM_UPDATE`: one account, whole values, their ranges, and from the next block on.

use ait_tests::{
    actors::{Actor, admin, alice, bob, coordinator, miner, validator, validator_key},
    chain::{Chain, EVIDENCE_MAX_AGE, Setup, authority},
    draft::param_update,
    model::DEFAULTS,
};
use serde_json::{Value, json};

/// The code of setting a param in a chain of its own; empty for success.
fn setting(name: &str, value: Value) -> (&'static str, String, Value) {
    let mut chain = Chain::start();
    let tx = chain.set_param(name, value);
    let block = chain.commit([tx]);
    let record = chain.record(&format!("/param/{name}"));
    (
        block.code_name(0),
        block.result(0).log.clone(),
        record.unwrap_or(Value::Null),
    )
}

#[test]
fn every_param_begins_with_its_default() {
    let chain = Chain::start();
    for (name, default, ..) in DEFAULTS {
        assert_eq!(chain.param(name), *default, "{name}");
    }
    assert_eq!(chain.param("consensus_mode"), "poa");
    assert_eq!(chain.param("admin"), admin().address().to_string());
    assert_eq!(chain.param("evidence_max_age_num_blocks"), EVIDENCE_MAX_AGE);
    let params = chain
        .records()
        .into_keys()
        .filter(|key| key.starts_with("/param/"));
    assert_eq!(params.count(), DEFAULTS.len() + 5);
}

#[test]
fn every_number_accepts_its_whole_range_and_nothing_beyond() {
    for (name, default, least, most) in DEFAULTS {
        let least = if *name == "unbonding_blocks" {
            EVIDENCE_MAX_AGE
        } else {
            *least
        };
        for fitting in [least, *most] {
            assert_eq!(setting(name, fitting.into()).0, "", "{name} = {fitting}");
            assert_eq!(setting(name, fitting.into()).2, fitting, "{name}");
        }
        let below = (least > 0).then(|| least - 1);
        let above = Some(most + 1).filter(|above| *above < 1 << 53);
        for beyond in below.into_iter().chain(above) {
            let (code, log, stored) = setting(name, beyond.into());
            assert_eq!(code, "invalid_param_value", "{name} = {beyond}");
            assert!(
                log.contains(name) && log.contains(&most.to_string()),
                "{log}"
            );
            assert_eq!(stored, *default, "{name}");
        }
    }
}

#[test]
fn values_of_another_type_are_refused_by_name() {
    let cases = [
        ("base_fee", json!("2")),
        ("base_fee", json!(true)),
        ("base_fee", json!([2])),
        ("base_fee", json!({"value": 2})),
        ("consensus_mode", json!(1)),
        ("consensus_mode", json!("POA")),
        ("coordinators", json!([])),
        ("coordinators", json!("none")),
        ("authorities", json!({})),
        ("authorities", json!([[]])),
    ];
    for (name, value) in cases {
        let (code, log, stored) = setting(name, value.clone());
        assert_eq!(code, "invalid_param_value", "{name} = {value}");
        assert!(log.contains(name), "{log}");
        assert_ne!(stored, value);
    }
}

#[test]
fn a_null_or_fraction_anywhere_in_a_value_is_refused_and_names_the_field() {
    let chain = Chain::start();
    for value in [json!(null), json!(1.5), json!(-1), json!({"deep": [null]})] {
        let refusal = chain.reject([chain.set_param("base_fee", value.clone())]);
        assert_eq!(refusal.code.name(), "invalid_field", "{value}");
        assert!(refusal.message.contains("payload.value"), "{refusal}");
    }
}

#[test]
fn only_the_admin_changes_params() {
    let mut chain = Chain::start();
    let payload = param_update("base_fee", 3.into());
    let tx = chain.draft(&alice(), "PARAM_UPDATE", payload);
    let block = chain.commit([tx]);
    assert_eq!(block.code_name(0), "not_the_admin");
    assert_eq!(chain.param("base_fee"), 2);
}

#[test]
fn what_the_genesis_fixed_stays_and_unknown_names_are_refused() {
    let (code, log, _) = setting("admin", alice().address().to_string().into());
    assert_eq!(code, "param_fixed");
    assert!(log.contains("admin"), "{log}");
    assert_eq!(
        setting("evidence_max_age_num_blocks", 1.into()).0,
        "param_fixed"
    );
    let (code, log, stored) = setting("block_reward", 5.into());
    assert_eq!((code, stored), ("unknown_param", Value::Null));
    assert!(log.contains("block_reward"), "{log}");
    assert_eq!(setting("", 5.into()).0, "unknown_param");
}

#[test]
fn a_new_value_holds_from_the_next_block_and_is_announced() {
    let mut chain = Chain::start();
    let old_fee = chain.transfer(&alice(), &bob(), 1).fee;
    let txs = [
        chain.set_param("base_fee", 500),
        chain.transfer(&alice(), &bob(), 1),
    ];
    let block = chain.commit(txs);
    assert_eq!(
        block.codes(),
        [0, 0],
        "the block itself runs under the old one"
    );
    let event = block.events("param_updated")[0];
    assert_eq!(event.get("key"), Some("base_fee"));
    let late = chain.transfer(&alice(), &bob(), 1).fee(old_fee);
    assert_eq!(chain.reject([late]).code.name(), "fee_too_low");
    let tx = chain.transfer(&alice(), &bob(), 1);
    assert_eq!(tx.fee, old_fee + 498);
    assert_eq!(chain.commit([tx]).codes(), [0]);
}

#[test]
fn of_two_updates_in_a_block_the_later_one_stays() {
    let mut chain = Chain::start();
    let txs = [
        chain.set_param("base_fee", 5),
        chain.set_param("ban_blocks", 9).later(1),
        chain.set_param("base_fee", 6).later(2),
    ];
    assert_eq!(chain.commit(txs).codes(), [0; 3]);
    assert_eq!(
        (chain.param("base_fee"), chain.param("ban_blocks")),
        (json!(6), json!(9))
    );
}

#[test]
fn every_block_reads_the_mint_params_of_the_block_before() {
    let mut chain = Chain::start();
    let opens = [
        chain.open(&alice(), "a", 60_000, 100),
        chain.open(&alice(), "b", 60_000, 100).later(1),
    ];
    chain.commit(opens);
    let first = chain
        .work(&alice(), "a", &miner(), "rcpt_a")
        .costing(10, 50_000);
    let second = chain
        .work(&alice(), "b", &miner(), "rcpt_b")
        .costing(10, 50_000);
    let txs = [
        chain.set_param("mint_per_unit", 7),
        chain.claim(&miner(), &first),
    ];
    assert_eq!(chain.commit(txs).codes(), [0, 0]);
    assert_eq!(chain.balance(miner().address()), 10 * 1_000 + 50_000);
    let tx = chain.claim(&miner(), &second);
    assert_eq!(chain.commit([tx]).codes(), [0]);
    assert_eq!(
        chain.balance(miner().address()),
        10 * 1_000 + 50_000 + 10 * 7 + 50_000
    );
}

#[test]
fn at_most_a_hundred_coordinators_are_registered_each_with_a_right_key() {
    let many = |count: usize| -> Value {
        (0..count)
            .map(|n| {
                let actor = Actor::named(&format!("coordinator {n}"));
                let key = Value::from(actor.pubkey().to_string());
                (actor.address().to_string(), key)
            })
            .collect()
    };
    assert_eq!(setting("coordinators", many(100)).0, "");
    assert_eq!(setting("coordinators", many(0)).0, "");
    let (code, log, stored) = setting("coordinators", many(101));
    assert_eq!(code, "invalid_param_value");
    assert!(log.contains("100"), "{log}");
    assert_eq!(stored.as_object().unwrap().len(), 1);
    let key = coordinator().pubkey().to_string();
    let address = coordinator().address().to_string();
    let small_order = "0100000000000000000000000000000000000000000000000000000000000000";
    for wrong in [
        json!({"nobody": key}),
        json!({address.to_uppercase(): key}),
        json!({&address: key.to_uppercase()}),
        json!({&address: small_order}),
        json!({&address: 1}),
    ] {
        assert_eq!(
            setting("coordinators", wrong.clone()).0,
            "invalid_param_value",
            "{wrong}"
        );
    }
}

#[test]
fn authorities_are_one_to_a_hundred_with_distinct_accounts_and_keys() {
    let many = |count: usize| -> Value {
        (0..count)
            .map(|n| {
                let account = Actor::named(&format!("authority {n}"));
                let key = Actor::named(&format!("authority's key {n}"));
                authority(&account, &key, 1_000_000_000)
            })
            .collect()
    };
    assert_eq!(setting("authorities", many(100)).0, "");
    assert_eq!(setting("authorities", many(1)).0, "");
    assert_eq!(setting("authorities", many(0)).0, "invalid_param_value");
    let (a, b) = (validator(), alice());
    let (k, l) = (validator_key(), Actor::named("another key"));
    for wrong in [
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
    ] {
        let (code, log, _) = setting("authorities", wrong.clone());
        assert_eq!(code, "invalid_param_value", "{wrong}");
        assert!(log.contains("authorities"), "{log}");
    }
}

#[test]
fn a_hundred_authorities_fit_into_one_transaction_and_a_hundred_and_one_never() {
    let list: Value = (0..101)
        .map(|n| {
            let account = Actor::named(&format!("authority {n}"));
            let key = Actor::named(&format!("authority's key {n}"));
            authority(&account, &key, 1_000_000_000)
        })
        .collect();
    let setup = Setup::default().param("authorities", list);
    let refusal = ait_app::genesis::Genesis::parse(&setup.app_state(), EVIDENCE_MAX_AGE);
    let refusal = refusal.unwrap_err();
    assert_eq!(refusal.code.name(), "invalid_param_value");
    assert!(refusal.message.contains("100"), "{refusal}");
}

#[test]
fn unbonding_never_gets_shorter_than_evidence_stays_valid() {
    let (code, log, stored) = setting("unbonding_blocks", (EVIDENCE_MAX_AGE - 1).into());
    assert_eq!((code, stored), ("invalid_param_value", json!(100)));
    assert!(log.contains(&EVIDENCE_MAX_AGE.to_string()), "{log}");
    assert_eq!(setting("unbonding_blocks", EVIDENCE_MAX_AGE.into()).0, "");
}
