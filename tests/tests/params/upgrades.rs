//! Upgrades: planned by the admin, taken back, and begun by the block of their height.

use ait_app::upgrades::{
    known::Upgrade,
    record::{ProtocolVersion, UpgradeName},
};
use ait_testkit::{
    actors::{alice, bob, validator},
    chain::{Chain, Setup},
};
use serde_json::{Value, json};

fn planned(chain: &mut Chain, plan: Value) -> Vec<String> {
    let tx = chain.set_param("upgrade", plan);
    let block = chain.commit([tx]);
    block.names().iter().map(ToString::to_string).collect()
}

fn treasury_fees(height: u64) -> Value {
    json!({"height": height, "name": "treasury-fees"})
}

/// A chain at version 3.
fn upgraded() -> Chain {
    let mut chain = Setup::default().start();
    assert_eq!(planned(&mut chain, treasury_fees(11)), [""]);
    chain.advance_to(11);
    chain
}

#[test]
fn a_planned_upgrade_begins_with_its_block_and_not_before() {
    let mut chain = Setup::default().start();
    assert_eq!(chain.record("/protocol"), None);
    assert_eq!(planned(&mut chain, treasury_fees(11)), [""]);
    let record = json!({"planned": treasury_fees(11), "version": 2});
    assert_eq!(chain.record("/protocol"), Some(record.clone()));
    chain.advance_to(10);
    assert_eq!(chain.record("/protocol"), Some(record));
    assert_eq!(chain.record("/param/treasury_fee_bps"), None);
    let block = chain.commit(Vec::<Vec<u8>>::new());
    let record = json!({"planned": null, "version": 3});
    assert_eq!(chain.record("/protocol"), Some(record));
    assert_eq!(chain.param("treasury_fee_bps"), 0);
    let told = &block.outcome.events[0];
    assert_eq!(told.kind, "upgraded");
    assert_eq!(told.get("name"), Some("treasury-fees"));
    assert_eq!(told.get("version"), Some("3"));
}

#[test]
fn a_param_of_a_later_version_is_unknown_before_it() {
    let mut chain = Setup::default().start();
    let early = chain.set_param("treasury_fee_bps", 100);
    assert_eq!(chain.reject([early.clone()]).code.name(), "unknown_param");
    // Also in a block that others decided on: as if it could not be read.
    let (block, _) = chain.finalize([early]);
    assert_eq!(block.names(), ["unknown_param"]);
    assert_eq!(block.result(0).fee.get(), 0);
    let mut chain = upgraded();
    for value in [0, 10_000] {
        let tx = chain.set_param("treasury_fee_bps", value);
        assert_eq!(chain.commit([tx]).names(), [""]);
        assert_eq!(chain.param("treasury_fee_bps"), value);
    }
    let tx = chain.set_param("treasury_fee_bps", 10_001);
    assert_eq!(chain.reject([tx]).code.name(), "invalid_param_value");
}

#[test]
fn the_block_of_the_upgrade_runs_under_its_rules() {
    let mut chain = Setup::default().start();
    assert_eq!(planned(&mut chain, treasury_fees(11)), [""]);
    chain.advance_to(10);
    let tx = chain.set_param("treasury_fee_bps", 2_500);
    assert_eq!(chain.commit([tx]).names(), [""]);
    assert_eq!(chain.param("treasury_fee_bps"), 2_500);
}

#[test]
fn the_treasury_gets_its_share_of_fees_rounded_down_and_the_proposer_the_rest() {
    let mut chain = upgraded();
    let tx = chain.set_param("treasury_fee_bps", 3_333);
    chain.commit([tx]);
    let treasury = ait_app::address::Address::treasury();
    let before = (
        chain.balance(treasury),
        chain.balance(validator().address()),
    );
    let tx = chain.transfer(&alice(), &bob(), 1_000);
    let block = chain.commit([tx]);
    let fee = block.result(0).fee.get();
    let share = fee * 3_333 / 10_000;
    assert!(share > 0 && share < fee);
    let after = (
        chain.balance(treasury),
        chain.balance(validator().address()),
    );
    assert_eq!(after, (before.0 + share, before.1 + fee - share));
}

#[test]
fn a_plan_is_taken_back_or_moved_before_its_height() {
    let mut chain = Setup::default().start();
    assert_eq!(planned(&mut chain, treasury_fees(11)), [""]);
    assert_eq!(planned(&mut chain, treasury_fees(13)), [""]);
    chain.advance_to(11);
    assert_eq!(chain.record("/protocol").unwrap()["version"], 2);
    assert_eq!(planned(&mut chain, Value::Null), [""]);
    chain.advance_to(14);
    let record = json!({"planned": null, "version": 2});
    assert_eq!(chain.record("/protocol"), Some(record));
}

#[test]
fn a_plan_needs_ten_blocks_of_notice_and_a_version_ahead() {
    let mut chain = Setup::default().start();
    // It is in block 1.
    assert_eq!(planned(&mut chain, treasury_fees(10)), ["param_conflict"]);
    let mut chain = upgraded();
    let again = treasury_fees(chain.height() + 20);
    assert_eq!(planned(&mut chain, again), ["param_conflict"]);
    let other = json!({"height": chain.height() + 20, "name": "something-else"});
    assert_eq!(planned(&mut chain, other), [""]);
}

#[test]
fn only_the_admin_plans() {
    let mut chain = Setup::default().start();
    let payload = json!({"key": "upgrade", "value": treasury_fees(50)});
    let tx = chain.draft(&alice(), "PARAM_UPDATE", payload);
    assert_eq!(chain.commit([tx]).names(), ["not_the_admin"]);
    assert_eq!(chain.record("/protocol"), None);
}

#[test]
fn what_is_no_plan_is_refused_by_name() {
    let chain = Setup::default().start();
    for plan in [
        json!({}),
        json!({"height": 50}),
        json!({"height": -1, "name": "a"}),
        json!({"height": 1_u64 << 53, "name": "a"}),
        json!({"height": "50", "name": "a"}),
        json!({"height": 50, "name": ""}),
        json!({"height": 50, "name": "A"}),
        json!({"height": 50, "name": "a".repeat(65)}),
        json!({"height": 50, "name": "a", "more": 1}),
        json!([50, "a"]),
        json!(0),
        json!(""),
    ] {
        let tx = chain.set_param("upgrade", plan.clone());
        let refusal = chain.reject([tx]);
        assert_eq!(refusal.code.name(), "invalid_param_value", "{plan}");
        assert!(refusal.message.contains("upgrade"), "{refusal}");
    }
}

#[test]
fn names_have_64_characters_at_most() {
    assert!("a".repeat(64).parse::<UpgradeName>().is_ok());
    assert!("a".repeat(65).parse::<UpgradeName>().is_err());
    for upgrade in Upgrade::ALL {
        assert!(upgrade.name().parse::<UpgradeName>().is_ok());
    }
}

#[test]
fn a_genesis_may_begin_with_any_version_that_there_is() {
    use ait_app::genesis::Genesis;
    let mut setup = Setup::default();
    setup.params.insert("treasury_fee_bps".into(), 700.into());
    let read = |number| {
        let version = ProtocolVersion::of(number);
        Genesis::parse(&setup.app_state(), 100, version)
    };
    assert_eq!(read(2).unwrap_err().code.name(), "unknown_param");
    for beyond in [0, 1, 4, u64::MAX] {
        assert!(read(beyond).unwrap_err().message.contains("version.app"));
    }
    let state = read(3)
        .unwrap()
        .state("test-1".parse().unwrap(), 1)
        .unwrap();
    assert_eq!(state.protocol().version, ProtocolVersion::V3);
    assert_eq!(state.params().treasury_fee_bps.get(), 700);
}
