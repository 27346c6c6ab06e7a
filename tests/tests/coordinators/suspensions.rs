//! What a conviction for equivocation costs a coordinator: bond, and new escrows until the params name
//! another key for it.

use ait_testkit::{
    actors::{Actor, alice, arbiter, bob, coordinator, miner, witness},
    chain::{Chain, Setup},
    draft::Draft,
    work::Work,
};
use ait_tests::scenes::{refused, with_attesters, with_escrow};
use serde_json::{Value, json};

const BOND: u64 = 100_001;

/// A chain with an escrow of Alice's opened in block 1, whose coordinator bonded in block 2.
fn bonded(setup: &Setup) -> (Chain, Work) {
    let (mut chain, work) = with_escrow(setup, 60_000);
    let tx = chain.bond(&coordinator(), BOND);
    assert_eq!(chain.commit([tx]).names(), [""]);
    (chain, work)
}

fn good(work: &Work) -> Value {
    work.attested_by(&coordinator(), work.opened_height)
}

fn denial(work: &Work) -> Value {
    work.denied_by(&coordinator())
}

/// Bob's evidence that the coordinator both attested and denied a receipt.
fn evidence(chain: &Chain, work: &Work) -> Draft {
    chain.equivocation(&bob(), (work, &good(work)), (work, &denial(work)))
}

fn new_key() -> Value {
    let key = Actor::named("coordinator's new key").pubkey();
    json!({coordinator().address().to_string(): key.to_string()})
}

#[test]
fn a_contradiction_costs_the_share_of_the_bond_and_of_each_unbonding_by_itself() {
    let (mut chain, work) = bonded(&Setup::default());
    let txs = [
        chain.unbond(&coordinator(), 1),
        chain.unbond(&coordinator(), 3_333).later(1),
    ];
    chain.commit(txs);
    let (informer, supply) = (chain.balance(bob().address()), chain.supply());
    let tx = evidence(&chain, &work);
    let fee = tx.fee;
    let block = chain.commit([tx]);
    // Half of 96,667, of 1 and of 3,333, each rounded down; a tenth of it to the informer.
    let taken = 48_333 + 1_666;
    let record = chain.coordinator(&coordinator());
    assert_eq!(record["bond"], 96_667 - 48_333);
    let left: Vec<_> = record["unbonding"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["amount"].clone())
        .collect();
    assert_eq!(left, [1, 3_333 - 1_666].map(|n| json!(n)));
    let reward = taken / 10;
    assert_eq!(chain.balance(bob().address()), informer - fee + reward);
    let burned = supply["burned"].as_u64().unwrap() + taken - reward;
    assert_eq!(chain.supply()["burned"], burned);
    let event = block.events("slashed")[0];
    assert_eq!(
        event.get("coordinator"),
        Some(&*coordinator().address().to_string())
    );
    assert_eq!(event.get("amount"), Some(&*taken.to_string()));
    assert_eq!(event.get("reason"), Some("equivocation"));
    let event = block.events("coordinator_suspended")[0];
    assert_eq!(
        event.get("coordinator"),
        Some(&*coordinator().address().to_string())
    );
}

#[test]
fn unbondings_that_a_slash_takes_whole_vanish() {
    let setup = Setup::default()
        .param("slash_coordinator_bps", 10_000)
        .param("informer_bps", 5_000);
    let (mut chain, work) = bonded(&setup);
    let tx = chain.unbond(&coordinator(), 5_000);
    chain.commit([tx]);
    let before = chain.balance(bob().address());
    let tx = evidence(&chain, &work);
    let fee = tx.fee;
    chain.commit([tx]);
    let record = chain.coordinator(&coordinator());
    assert_eq!(
        (&record["bond"], &record["unbonding"]),
        (&json!(0), &json!([]))
    );
    assert_eq!(chain.balance(bob().address()), before - fee + BOND / 2);
    assert_eq!(chain.supply()["burned"], BOND - BOND / 2);
}

#[test]
fn a_coordinator_without_a_bond_is_suspended_and_nothing_is_slashed() {
    let (mut chain, work) = with_escrow(&Setup::default(), 60_000);
    let tx = evidence(&chain, &work);
    let block = chain.commit([tx]);
    assert_eq!(block.names(), [""]);
    assert!(block.events("slashed").is_empty());
    assert_eq!(block.events("coordinator_suspended").len(), 1);
    let tx = chain.open(&alice(), "new", 60_000, 100);
    refused(&mut chain, tx, "coordinator_suspended");
}

#[test]
fn the_params_of_the_block_before_say_what_it_costs() {
    let (mut chain, work) = bonded(&Setup::default());
    let txs = [
        chain.set_param("slash_coordinator_bps", 0),
        evidence(&chain, &work),
    ];
    chain.commit(txs);
    assert_eq!(chain.coordinator(&coordinator())["bond"], BOND - BOND / 2);
}

#[test]
fn a_suspended_coordinator_takes_no_new_escrows_and_no_extensions() {
    let (mut chain, work) = bonded(&Setup::default());
    let tx = evidence(&chain, &work);
    chain.commit([tx]);
    assert_eq!(
        chain.coordinator(&coordinator())["suspended"],
        coordinator().pubkey().to_string()
    );
    let tx = chain.open(&alice(), "new", 60_000, 100);
    refused(&mut chain, tx, "coordinator_suspended");
    let tx = chain.top_up(&alice(), &alice(), "job_42", 1_000);
    let tx = chain.priced(tx.with("ttl_blocks", 5_000));
    refused(&mut chain, tx, "coordinator_suspended");
}

#[test]
fn an_attester_that_is_suspended_bars_an_opening_too() {
    let (mut chain, work) = with_attesters(&Setup::default(), 2);
    let good = work.attested_by(&witness(), 1);
    let denial = work.denied_by(&witness());
    let tx = chain.equivocation(&bob(), (&work, &good), (&work, &denial));
    assert_eq!(chain.commit([tx]).names(), [""]);
    let open = |attester: Actor| {
        let names = vec![attester.address().to_string()];
        chain.priced(
            chain
                .open(&alice(), "new", 60_000, 100)
                .with("attesters", names),
        )
    };
    let (with_witness, with_arbiter) = (open(witness()), open(arbiter()));
    let mut chain = chain.clone();
    assert_eq!(chain.clone().commit([with_arbiter]).names(), [""]);
    refused(&mut chain, with_witness, "coordinator_suspended");
}

#[test]
fn what_it_attested_before_is_paid_all_the_same() {
    let (mut chain, work) = bonded(&Setup::default());
    let txs = [evidence(&chain, &work), chain.claim(&miner(), &work)];
    assert_eq!(chain.commit(txs).names(), ["", ""]);
}

#[test]
fn another_key_in_the_params_ends_the_suspension_and_the_same_one_does_not() {
    let (mut chain, work) = bonded(&Setup::default());
    let same = chain.param("coordinators");
    let tx = evidence(&chain, &work);
    chain.commit([tx]);
    for (value, code) in [
        (same.clone(), "coordinator_suspended"),
        (json!({}), "unknown_coordinator"),
        (same.clone(), "coordinator_suspended"),
        (new_key(), ""),
        (same, "coordinator_suspended"),
    ] {
        let tx = chain.set_param("coordinators", value.clone());
        chain.commit([tx]);
        let tx = chain.open(&alice(), &format!("job_{}", chain.height()), 60_000, 100);
        assert_eq!(chain.commit([tx]).names(), [code], "{value}");
    }
}

#[test]
fn who_is_convicted_while_it_is_struck_off_is_suspended_with_its_key_of_the_escrow() {
    let (mut chain, work) = bonded(&Setup::default());
    let same = chain.param("coordinators");
    let tx = chain.set_param("coordinators", json!({}));
    chain.commit([tx]);
    let tx = evidence(&chain, &work);
    assert_eq!(chain.commit([tx]).names(), [""]);
    let tx = chain.set_param("coordinators", same);
    chain.commit([tx]);
    let tx = chain.open(&alice(), "new", 60_000, 100);
    refused(&mut chain, tx, "coordinator_suspended");
}

#[test]
fn who_is_convicted_under_a_new_key_is_suspended_with_that_one() {
    let (mut chain, work) = bonded(&Setup::default());
    let old = chain.param("coordinators");
    let tx = chain.set_param("coordinators", new_key());
    chain.commit([tx]);
    let tx = evidence(&chain, &work);
    assert_eq!(
        chain.commit([tx]).names(),
        [""],
        "by the key of the opening"
    );
    let tx = chain.open(&alice(), "new", 60_000, 100);
    refused(&mut chain, tx, "coordinator_suspended");
    let tx = chain.set_param("coordinators", old);
    chain.commit([tx]);
    let tx = chain.open(&alice(), "new", 60_000, 100);
    assert_eq!(chain.commit([tx]).names(), [""]);
}

#[test]
fn anybody_informs_the_coordinator_itself_too() {
    let (mut chain, work) = bonded(&Setup::default());
    let tx = chain.equivocation(
        &coordinator(),
        (&work, &good(&work)),
        (&work, &denial(&work)),
    );
    assert_eq!(chain.commit([tx]).names(), [""]);
    assert!(
        chain.supply()["burned"].as_u64().unwrap() > 0,
        "it costs it all the same"
    );
}
