//! The admin: what it may do, and how its rights are handed over.

use ait_app::address::Address;
use ait_testkit::{
    actors::{Actor, admin, alice, bob, validator},
    chain::{Chain, Setup},
    draft::Draft,
};
use ait_tests::scenes::refused;
use serde_json::json;

fn name(chain: &Chain, candidate: &Actor) -> Draft {
    chain.set_param("admin", candidate.address().to_string())
}

/// A chain on which Alice was named in block 1.
fn named() -> Chain {
    let mut chain = Chain::start();
    let tx = name(&chain, &alice());
    assert_eq!(chain.commit([tx]).names(), [""]);
    chain
}

fn candidate(chain: &Chain) -> serde_json::Value {
    chain.record("/consensus").unwrap()["admin_candidate"].clone()
}

#[test]
fn a_named_account_is_no_admin_before_it_accepts() {
    let mut chain = named();
    assert_eq!(candidate(&chain), alice().address().to_string());
    assert_eq!(chain.param("admin"), admin().address().to_string());
    let tx = chain.param_update(&alice(), "base_fee", 3);
    refused(&mut chain, tx, "not_the_admin");
    let tx = chain.set_param("base_fee", 3);
    assert_eq!(chain.commit([tx]).names(), [""]);
}

#[test]
fn who_was_named_accepts_and_is_the_admin_from_the_next_block_on() {
    let mut chain = named();
    let txs = [
        chain.accept_admin(&alice()),
        chain.param_update(&alice(), "base_fee", 3).later(1),
        chain.set_param("base_fee", 4),
    ];
    let block = chain.commit(txs);
    assert_eq!(block.names(), ["", "not_the_admin", ""]);
    let event = block.events("admin_changed")[0];
    assert_eq!(event.get("admin"), Some(&*alice().address().to_string()));
    assert_eq!(event.get("previous"), Some(&*admin().address().to_string()));
    assert_eq!(chain.param("admin"), alice().address().to_string());
    assert_eq!(candidate(&chain), json!(null));
    let txs = [
        chain.set_param("base_fee", 5),
        chain.param_update(&alice(), "base_fee", 6),
    ];
    assert_eq!(chain.commit(txs).names(), ["not_the_admin", ""]);
    assert_eq!(chain.param("base_fee"), 6);
}

#[test]
fn nobody_else_accepts() {
    let mut chain = named();
    for who in [bob(), admin()] {
        let tx = chain.accept_admin(&who);
        refused(&mut chain, tx, "not_named_admin");
    }
    let mut chain = Chain::start();
    let tx = chain.accept_admin(&admin());
    refused(&mut chain, tx, "not_named_admin");
}

#[test]
fn a_name_counts_from_the_block_after_its_own() {
    let mut chain = Chain::start();
    let txs = [name(&chain, &alice()), chain.accept_admin(&alice())];
    assert_eq!(chain.commit(txs).names(), ["", "not_named_admin"]);
    let tx = chain.accept_admin(&alice());
    assert_eq!(chain.commit([tx]).names(), [""]);
}

#[test]
fn another_name_takes_the_place_of_the_first_from_the_next_block_on() {
    let mut chain = named();
    // In the block of the new name, the old one still holds.
    let txs = [name(&chain, &bob()), chain.accept_admin(&alice())];
    let mut same_block = chain.clone();
    assert_eq!(same_block.commit(txs).names(), ["", ""]);
    assert_eq!(same_block.param("admin"), alice().address().to_string());
    assert_eq!(candidate(&same_block), json!(null), "every name falls");
    let tx = same_block.accept_admin(&bob());
    refused(&mut same_block, tx, "not_named_admin");

    let tx = name(&chain, &bob());
    chain.commit([tx]);
    let tx = chain.accept_admin(&alice());
    refused(&mut chain, tx, "not_named_admin");
    let tx = chain.accept_admin(&bob());
    assert_eq!(chain.commit([tx]).names(), [""]);
}

#[test]
fn after_an_accept_the_old_admin_names_nobody_in_its_last_block() {
    let mut chain = named();
    let txs = [
        chain.accept_admin(&alice()),
        name(&chain, &admin()),
        chain.set_param("ban_blocks", 7).later(1),
    ];
    assert_eq!(chain.commit(txs).names(), ["", "not_the_admin", ""]);
    assert_eq!(candidate(&chain), json!(null));
    let tx = chain.accept_admin(&admin());
    refused(&mut chain, tx, "not_named_admin");
}

#[test]
fn an_admin_takes_its_name_back_by_naming_itself() {
    let mut chain = named();
    let tx = name(&chain, &admin());
    chain.commit([tx]);
    let tx = chain.accept_admin(&alice());
    refused(&mut chain, tx, "not_named_admin");
    let tx = chain.accept_admin(&admin());
    assert_eq!(chain.commit([tx]).names(), [""]);
    assert_eq!(chain.param("admin"), admin().address().to_string());
}

#[test]
fn an_accept_is_good_once() {
    let mut chain = named();
    let txs = [
        chain.accept_admin(&alice()),
        chain.accept_admin(&alice()).later(1),
    ];
    // Both are judged by the name after the block before.
    assert_eq!(chain.commit(txs).names(), ["", ""]);
    let tx = chain.accept_admin(&alice());
    refused(&mut chain, tx, "not_named_admin");
}

/// A chain whose treasury has 500,000 uait.
fn with_treasury() -> Chain {
    let mut setup = Setup::default();
    setup
        .accounts
        .insert(Address::treasury().to_string(), 500_000);
    setup.start()
}

#[test]
fn the_admin_pays_out_of_the_treasury() {
    let mut chain = with_treasury();
    let (before, own) = (
        chain.balance(bob().address()),
        chain.balance(admin().address()),
    );
    let tx = chain.spend_treasury(&admin(), bob().address(), 300_000);
    let fee = tx.fee;
    let block = chain.commit([tx]);
    assert_eq!(block.names(), [""]);
    assert_eq!(chain.balance(bob().address()), before + 300_000);
    assert_eq!(chain.balance(Address::treasury()), 200_000);
    assert_eq!(chain.balance(admin().address()), own - fee);
    let event = block.events("treasury_spent")[0];
    assert_eq!(event.get("recipient"), Some(&*bob().address().to_string()));
    assert_eq!(event.get("amount"), Some("300000"));
}

#[test]
fn nobody_else_spends_from_the_treasury() {
    let mut chain = with_treasury();
    for who in [alice(), bob()] {
        let tx = chain.spend_treasury(&who, who.address(), 1);
        refused(&mut chain, tx, "not_the_admin");
    }
}

#[test]
fn the_treasury_spends_what_it_has() {
    let mut chain = with_treasury();
    let tx = chain.spend_treasury(&admin(), bob().address(), 500_001);
    refused(&mut chain, tx, "insufficient_balance");
    let tx = chain.spend_treasury(&admin(), bob().address(), 500_000);
    assert_eq!(chain.commit([tx]).names(), [""]);
}

#[test]
fn who_has_no_account_receives_at_least_the_minimum_from_the_treasury() {
    let newcomer = Actor::named("newcomer");
    let mut chain = with_treasury();
    let tx = chain.spend_treasury(&admin(), newcomer.address(), 999);
    refused(&mut chain, tx, "below_min_balance");
    let tx = chain.spend_treasury(&admin(), newcomer.address(), 1_000);
    assert_eq!(chain.commit([tx]).names(), [""]);
    let tx = chain.spend_treasury(&admin(), newcomer.address(), 1);
    assert_eq!(chain.commit([tx]).names(), [""]);
}

#[test]
fn fees_without_an_owner_are_the_treasurys_and_can_be_spent() {
    let mut chain = Chain::start();
    chain.proposer = None;
    let tx = chain.transfer(&alice(), &bob(), 1).fee(5_000);
    chain.commit([tx]);
    let tx = chain.spend_treasury(&admin(), validator().address(), 5_000);
    assert_eq!(chain.commit([tx]).names(), [""]);
    assert_eq!(chain.balance(validator().address()), 5_000);
}
