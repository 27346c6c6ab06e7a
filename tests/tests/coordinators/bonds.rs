//! `COORDINATOR_BOND` and `COORDINATOR_UNBOND`: what answers for attestations, and how late it gets out.

use ait_testkit::{
    actors::{Actor, alice, bob, coordinator},
    chain::{Chain, Setup},
    draft::Draft,
};
use ait_tests::scenes::refused;
use serde_json::json;

/// A chain on which the coordinator bonded 100,000 uait in block 1. Unbonded coins are due 125 blocks
/// later.
fn bonded() -> Chain {
    let mut chain = Setup::default().param("escrow_max_ttl_blocks", 5).start();
    let tx = chain.bond(&coordinator(), 100_000);
    assert_eq!(chain.commit([tx]).names(), [""]);
    chain
}

#[test]
fn a_bond_moves_coins_out_of_the_balance() {
    let mut chain = Chain::start();
    let before = chain.balance(coordinator().address());
    let tx = chain.bond(&coordinator(), 100_000);
    let fee = tx.fee;
    let block = chain.commit([tx]);
    assert_eq!(
        chain.balance(coordinator().address()),
        before - 100_000 - fee
    );
    let expected = json!({
        "address": coordinator().address().to_string(),
        "bond": 100_000,
        "cancelled": 0,
        "epoch_end": 0,
        "epoch_minted": 0,
        "expired": 0,
        "opened": 0,
        "released": 0,
        "settled": 0,
        "suspended": null,
        "unbonding": [],
    });
    assert_eq!(chain.coordinator(&coordinator()), expected);
    assert_eq!(chain.supply()["bonds"], 100_000);
    let event = block.events("bonded")[0];
    assert_eq!(
        event.get("coordinator"),
        Some(&*coordinator().address().to_string())
    );
    assert_eq!(event.get("amount"), Some("100000"));
    assert_eq!(event.get("bond"), Some("100000"));
    let tx = chain.bond(&coordinator(), 5);
    let block = chain.commit([tx]);
    assert_eq!(block.events("bonded")[0].get("bond"), Some("100005"));
}

#[test]
fn any_account_bonds_registered_or_not() {
    let mut chain = Chain::start();
    let tx = chain.bond(&bob(), 1);
    assert_eq!(chain.commit([tx]).names(), [""]);
    let tx = chain.unbond(&bob(), 1);
    assert_eq!(chain.commit([tx]).names(), [""]);
}

#[test]
fn nobody_bonds_what_it_has_not() {
    let fee = Chain::start().bond(&alice(), 5_000).fee;
    for (balance, code) in [(5_000 + fee, ""), (4_999 + fee, "insufficient_balance")] {
        let mut chain = Setup::default().balance(&alice(), balance).start();
        let tx = chain.bond(&alice(), 5_000);
        assert_eq!(chain.commit([tx]).names(), [code]);
    }
}

#[test]
fn an_account_pays_for_the_record_of_its_first_bond_alone() {
    let mut chain = Chain::start();
    let tx = chain.bond(&alice(), 1_000);
    let first = tx.fee;
    let refusal = chain.reject([tx.clone().fee(first - 1)]);
    assert_eq!(refusal.code.name(), "fee_too_low");
    chain.commit([tx]);
    assert_eq!(chain.bond(&alice(), 1_000).fee, first - 1_000);
    // An escrow that named the coordinator made its record already.
    let tx = chain.open(&alice(), "job", 60_000, 10);
    chain.commit([tx]);
    assert_eq!(chain.bond(&coordinator(), 1_000).fee, first - 1_000);
}

#[test]
fn a_bond_that_is_too_small_takes_no_new_escrows() {
    let setup = Setup::default().param("coordinator_min_bond", 5_000);
    let mut chain = setup.start();
    let tx = chain.open(&alice(), "none", 60_000, 10);
    refused(&mut chain, tx, "bond_too_small");
    let tx = chain.bond(&coordinator(), 4_999);
    chain.commit([tx]);
    let tx = chain.open(&alice(), "few", 60_000, 10);
    refused(&mut chain, tx, "bond_too_small");
    let txs = [
        chain.bond(&coordinator(), 1),
        chain.open(&alice(), "enough", 60_000, 10),
    ];
    assert_eq!(chain.commit(txs).names(), ["", ""]);
    // What unbonds counts no more.
    let txs = [
        chain.unbond(&coordinator(), 1),
        chain.open(&alice(), "again_few", 60_000, 10),
    ];
    assert_eq!(chain.commit(txs).names(), ["", "bond_too_small"]);
}

#[test]
fn unbonded_coins_are_due_later_than_any_escrow_that_named_the_coordinator_ends() {
    let mut chain = bonded();
    let tx = chain.open(&alice(), "job", 60_000, 5);
    chain.commit([tx]);
    let tx = chain.unbond(&coordinator(), 40_000);
    let block = chain.commit([tx]);
    let due = 3 + 120 + 5;
    let event = block.events("bond_unbonding")[0];
    assert_eq!(event.get("amount"), Some("40000"));
    assert_eq!(event.get("bond"), Some("60000"));
    assert_eq!(event.get("due_height"), Some(&*due.to_string()));
    let record = chain.coordinator(&coordinator());
    assert_eq!(record["bond"], 60_000);
    assert_eq!(
        record["unbonding"],
        json!([{"amount": 40_000, "due_height": due}])
    );
    assert_eq!(chain.supply()["unbonding"], 40_000);
    // Its last escrow and the record of it are gone by then.
    let before = chain.balance(coordinator().address());
    chain.advance_to(due - 1);
    assert_eq!(
        chain.record(&format!("/escrow/{}/job", alice().address())),
        None
    );
    assert_eq!(chain.balance(coordinator().address()), before);
    let block = chain.commit(Vec::<Draft>::new());
    assert_eq!(chain.balance(coordinator().address()), before + 40_000);
    let event = block.events("unbonded")[0];
    assert_eq!(
        event.get("account"),
        Some(&*coordinator().address().to_string())
    );
    assert_eq!(
        (event.get("kind"), event.get("amount")),
        (Some("bond"), Some("40000"))
    );
    assert_eq!(chain.coordinator(&coordinator())["unbonding"], json!([]));
}

#[test]
fn the_params_of_its_block_say_when_an_unbonding_is_due() {
    let mut chain = bonded();
    let txs = [
        chain.set_param("escrow_max_ttl_blocks", 50),
        chain.unbond(&coordinator(), 1),
    ];
    chain.commit(txs);
    let tx = chain.unbond(&coordinator(), 1);
    chain.commit([tx]);
    let record = chain.coordinator(&coordinator());
    let due: Vec<_> = record["unbonding"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["due_height"].clone())
        .collect();
    assert_eq!(due, [2 + 125, 3 + 170].map(|n| json!(n)));
}

#[test]
fn nobody_unbonds_more_than_its_bond() {
    let mut chain = bonded();
    let tx = chain.unbond(&coordinator(), 100_001);
    refused(&mut chain, tx, "bond_insufficient");
    let tx = chain.unbond(&bob(), 1);
    refused(&mut chain, tx, "bond_insufficient");
    let txs = [
        chain.unbond(&coordinator(), 100_000),
        chain.unbond(&coordinator(), 1).later(1),
    ];
    assert_eq!(chain.commit(txs).names(), ["", "bond_insufficient"]);
}

#[test]
fn sixteen_unbondings_of_a_bond_run_at_once_counted_apart_from_a_stakes() {
    let mut chain = bonded();
    let tx = chain.first_stake(&coordinator(), &Actor::named("a key"), 100);
    chain.commit([tx]);
    let unstakes: Vec<_> = (0..16)
        .map(|n| chain.unstake(&coordinator(), 1).later(n))
        .collect();
    assert_eq!(chain.commit(unstakes).names(), [""; 16]);
    let unbonds: Vec<_> = (0..17)
        .map(|n| chain.unbond(&coordinator(), 1).later(n))
        .collect();
    let names = chain.commit(unbonds).names();
    assert_eq!(names[..16], [""; 16]);
    assert_eq!(names[16], "too_many_bond_unbondings");
    let height = chain.height();
    let tx = chain.unbond(&coordinator(), 200_000);
    refused(&mut chain, tx, "bond_insufficient");
    chain.advance_to(height + 124);
    let tx = chain.unbond(&coordinator(), 1);
    assert_eq!(
        chain.commit([tx]).names(),
        [""],
        "their due block makes room first"
    );
}

#[test]
fn coins_that_unbond_in_a_block_can_be_spent_in_it() {
    let setup = Setup::default()
        .balance(&coordinator(), 102_000)
        .param("escrow_max_ttl_blocks", 1);
    let mut chain = setup.start();
    let tx = chain.bond(&coordinator(), 100_000);
    chain.commit([tx]);
    let tx = chain.unbond(&coordinator(), 100_000);
    let due = chain.commit([tx]).height + 121;
    chain.advance_to(due - 2);
    let tx = chain.transfer(&coordinator(), &bob(), 50_000);
    refused(&mut chain, tx, "insufficient_balance");
    let tx = chain.transfer(&coordinator(), &bob(), 50_000);
    assert_eq!(chain.commit([tx]).names(), [""]);
}

#[test]
fn what_is_due_is_paid_by_due_height_then_by_key_then_in_its_order() {
    let setup = Setup::default()
        .param("escrow_max_ttl_blocks", 1)
        .param("unbonding_blocks", 112)
        .param("epoch_blocks", 10);
    let mut chain = setup.start();
    let key = Actor::named("a key");
    let txs = [
        chain.bond(&alice(), 1_000),
        chain.bond(&bob(), 1_000),
        chain.first_stake(&alice(), &key, 1_000).later(1),
    ];
    assert_eq!(chain.commit(txs).names(), [""; 3]);
    // A stake's are due 112 blocks later, a bond's 113: all of these in block 115.
    let txs = [
        chain.unbond(&bob(), 1),
        chain.unbond(&alice(), 3),
        chain.unbond(&alice(), 2).later(1),
    ];
    assert_eq!(chain.commit(txs).height, 2);
    let tx = chain.unstake(&alice(), 4);
    chain.commit([tx]);
    chain.advance_to(114);
    let block = chain.commit(Vec::<Draft>::new());
    let paid: Vec<_> = block
        .events("unbonded")
        .iter()
        .map(|e| (e.get("kind").unwrap(), e.get("amount").unwrap().to_owned()))
        .collect();
    let (mut first, mut second) = (vec!["3", "2"], vec!["1"]);
    if bob().address().to_string() < alice().address().to_string() {
        std::mem::swap(&mut first, &mut second);
    }
    let mut expected: Vec<(&str, String)> = first
        .into_iter()
        .chain(second)
        .map(|amount| ("bond", amount.to_owned()))
        .collect();
    expected.push(("stake", "4".into()));
    assert_eq!(paid, expected);
}

#[test]
fn at_most_ten_thousand_unbondings_are_paid_in_a_block_each_entry_counted() {
    let people: Vec<Actor> = (0..626)
        .map(|n| Actor::named(&format!("bonder {n}")))
        .collect();
    let mut setup = Setup::default()
        .param("fee_per_kib", 0)
        .param("base_fee", 0)
        .param("record_fee", 0)
        .param("escrow_max_ttl_blocks", 1);
    for person in &people {
        setup = setup.balance(person, 1_000);
    }
    let mut chain = setup.start();
    let bonds: Vec<Draft> = people.iter().map(|who| chain.bond(who, 16)).collect();
    chain.commit(bonds);
    // 16 each in one block: 10,016 entries, due together.
    let unbonds: Vec<Draft> = people
        .iter()
        .flat_map(|who| {
            let first = chain.unbond(who, 1);
            (0..16).map(move |n| first.clone().later(n))
        })
        .collect();
    let block = chain.commit(unbonds);
    assert!(block.codes().iter().all(|code| *code == 0));
    chain.advance_to(block.height + 120);
    let block = chain.commit(Vec::<Draft>::new());
    assert_eq!(block.events("unbonded").len(), 10_000);
    assert_eq!(chain.supply()["unbonding"], 16);
    let block = chain.commit(Vec::<Draft>::new());
    assert_eq!(block.events("unbonded").len(), 16);
}
