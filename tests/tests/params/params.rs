//! `PARAM_UPDATE`: one account, whole values, their ranges, and from the next block on.

use ait_testkit::{
    actors::{Actor, admin, alice, bob, coordinator, miner},
    chain::{Chain, EVIDENCE_MAX_AGE, Setup},
    draft::Draft,
};
use ait_tests::{model::DEFAULTS, scenes::refused};
use serde_json::{Value, json};

/// What becomes of setting a param on a chain of its own: the code, empty for success, its message, and
/// the value that stands afterwards. What no block may hold is told by the code of its refusal.
fn setting(name: &str, value: Value) -> (&'static str, String, Value) {
    setting_on(Chain::start(), name, value)
}

fn setting_on(mut chain: Chain, name: &str, value: Value) -> (&'static str, String, Value) {
    let tx = chain.set_param(name, value);
    let (block, _) = chain.finalize([tx]);
    let record = chain.records().remove(&format!("/param/{name}"));
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
    assert_eq!(chain.param("revoked_keys"), json!([]));
    assert_eq!(chain.param("admin"), admin().address().to_string());
    assert_eq!(chain.param("evidence_max_age_num_blocks"), EVIDENCE_MAX_AGE);
    let params = chain
        .records()
        .into_keys()
        .filter(|key| key.starts_with("/param/"));
    assert_eq!(params.count(), DEFAULTS.len() + 6);
}

/// The least `unbonding_blocks` under the default `epoch_blocks`, and the most `epoch_blocks` under the
/// default `unbonding_blocks`.
const CROSSED: [(&str, u64, u64); 2] = [
    ("unbonding_blocks", EVIDENCE_MAX_AGE + 10 + 2, 10_000_000),
    ("epoch_blocks", 1, 120 - EVIDENCE_MAX_AGE - 2),
];

#[test]
fn every_number_takes_both_ends_of_its_range_and_nothing_beyond() {
    for (name, default, least, most) in DEFAULTS {
        let crossed = CROSSED.iter().find(|(crossed, ..)| crossed == name);
        let (low, high) = crossed.map_or((*least, *most), |(_, low, high)| (*low, *high));
        for fitting in [low, high] {
            let (code, _, stored) = setting(name, fitting.into());
            assert_eq!((code, stored), ("", json!(fitting)), "{name}");
        }
        let below = (*least > 0).then(|| least - 1);
        for beyond in [below, Some(most + 1)].into_iter().flatten() {
            let (code, log, stored) = setting(name, beyond.into());
            // 2^53 is no integer of the protocol at all, and no value either.
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
fn what_fits_its_range_and_not_the_other_params_is_refused_by_name() {
    for (name, low, high) in CROSSED {
        let beyond = if name == "epoch_blocks" {
            high + 1
        } else {
            low - 1
        };
        let mut chain = Chain::start();
        let tx = chain.set_param(name, beyond);
        let block = refused(&mut chain, tx, "param_conflict");
        let log = &block.result(0).log;
        assert!(log.contains("unbonding_blocks"), "{log}");
        assert!(log.contains("epoch_blocks"), "{log}");
    }
    assert_eq!(
        setting("epoch_blocks", 1_000_000.into()).0,
        "param_conflict"
    );
    assert_eq!(setting("unbonding_blocks", 1.into()).0, "param_conflict");
}

#[test]
fn an_epoch_as_long_as_its_range_lets_it_needs_a_longer_unbonding_first() {
    let chain = || {
        Setup::default()
            .param("unbonding_blocks", 1_000_102)
            .start()
    };
    assert_eq!(setting_on(chain(), "epoch_blocks", 1_000_000.into()).0, "");
    let chain = || {
        Setup::default()
            .param("unbonding_blocks", 1_000_101)
            .start()
    };
    let (code, ..) = setting_on(chain(), "epoch_blocks", 1_000_000.into());
    assert_eq!(code, "param_conflict");
}

#[test]
fn an_update_is_checked_against_the_params_as_earlier_ones_of_its_block_left_them() {
    let commit = |updates: &[(&str, u64)]| {
        let mut chain = Chain::start();
        let updates = updates.iter().zip(0..);
        let txs: Vec<Draft> = updates
            .map(|((name, value), n)| chain.set_param(name, *value).later(n))
            .collect();
        let names = chain.commit(txs).names();
        let least = chain.param("epoch_blocks").as_u64().unwrap() + EVIDENCE_MAX_AGE + 2;
        assert!(chain.param("unbonding_blocks").as_u64().unwrap() >= least);
        names
    };
    let (longer, epoch) = (("unbonding_blocks", 152), ("epoch_blocks", 50));
    assert_eq!(commit(&[longer, epoch]), ["", ""]);
    assert_eq!(commit(&[epoch, longer]), ["param_conflict", ""]);
    // Each fits the block before; the second does not fit the first.
    let (shorter, epoch) = (("unbonding_blocks", 112), ("epoch_blocks", 18));
    assert_eq!(commit(&[shorter, epoch]), ["", "param_conflict"]);
    assert_eq!(commit(&[epoch, shorter]), ["", "param_conflict"]);
}

#[test]
fn values_of_another_type_are_refused_by_name() {
    let cases = [
        ("base_fee", json!("2")),
        ("base_fee", json!(true)),
        ("base_fee", json!([2])),
        ("base_fee", json!({"value": 2})),
        ("base_fee", json!(null)),
        ("base_fee", json!(1.5)),
        ("base_fee", json!(-1)),
        ("consensus_mode", json!(1)),
        ("consensus_mode", json!("POA")),
        ("coordinators", json!([])),
        ("coordinators", json!("none")),
        ("revoked_keys", json!({})),
        ("revoked_keys", json!(["00"])),
        ("authorities", json!({})),
        ("authorities", json!([[]])),
        ("admin", json!("admin")),
        ("admin", json!(null)),
    ];
    for (name, value) in cases {
        let (code, log, stored) = setting(name, value.clone());
        assert_eq!(code, "invalid_param_value", "{name} = {value}");
        assert!(log.contains(name), "{log}");
        assert_ne!(stored, value);
    }
}

#[test]
fn only_the_admin_changes_params() {
    let mut chain = Chain::start();
    let tx = chain.param_update(&alice(), "base_fee", 3);
    refused(&mut chain, tx, "not_the_admin");
}

#[test]
fn what_the_genesis_fixed_stays_and_unknown_names_are_refused() {
    let (code, ..) = setting("evidence_max_age_num_blocks", 1.into());
    assert_eq!(code, "param_fixed");
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
        json!({&address: key, bob().address().to_string(): key}),
    ] {
        assert_eq!(
            setting("coordinators", wrong.clone()).0,
            "invalid_param_value",
            "{wrong}"
        );
    }
}

#[test]
fn at_most_two_hundred_keys_are_revoked_each_once() {
    let keys = |count: usize| -> Vec<String> {
        (0..count)
            .map(|n| Actor::named(&format!("key {n}")).pubkey().to_string())
            .collect()
    };
    assert_eq!(setting("revoked_keys", json!(keys(200))).0, "");
    let (code, log, stored) = setting("revoked_keys", json!(keys(201)));
    assert_eq!((code, stored), ("invalid_param_value", json!([])));
    assert!(log.contains("200"), "{log}");
    let twice = [keys(1), keys(1)].concat();
    assert_eq!(
        setting("revoked_keys", json!(twice)).0,
        "invalid_param_value"
    );
}

#[test]
fn the_event_of_an_update_names_param_and_value() {
    let mut chain = Chain::start();
    let value = json!({coordinator().address().to_string(): bob().pubkey().to_string()});
    let txs = [
        chain.set_param("base_fee", 3),
        chain.set_param("coordinators", value.clone()).later(1),
    ];
    let block = chain.commit(txs);
    let shown: Vec<_> = block
        .events("param_updated")
        .iter()
        .map(|event| (event.get("key").unwrap(), event.get("value").unwrap()))
        .collect();
    let text = value.to_string();
    assert_eq!(shown, [("base_fee", "3"), ("coordinators", &*text)]);
}

#[test]
fn the_decay_of_scores_changes_a_thousand_times_at_most() {
    let setup = Setup::default()
        .param("epoch_blocks", 1)
        .param("fee_per_kib", 0);
    let mut chain = setup.start();
    // The genesis' decay is the first of the history.
    for n in 1..1_000 {
        let tx = chain.set_param("work_decay_bps", n);
        assert_eq!(chain.commit([tx]).names(), [""], "{n}");
    }
    chain.commit(Vec::<Draft>::new());
    let history = chain.record("/consensus").unwrap()["decays"].clone();
    assert_eq!(history.as_array().unwrap().len(), 1_000);
    let tx = chain.set_param("work_decay_bps", 5);
    refused(&mut chain, tx, "param_conflict");
    let tx = chain.set_param("base_fee", 5);
    assert_eq!(chain.commit([tx]).names(), [""], "others change as before");
}
