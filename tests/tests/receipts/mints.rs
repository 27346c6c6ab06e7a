//! What a claim pays and mints: the price always, the mint as far as the limits let it.

use ait_app::address::Address;
use ait_testkit::{
    actors::{Actor, alice, coordinator, miner},
    chain::{Chain, Setup},
    draft::escrow_open,
};
use ait_tests::scenes::{miner_with_money, with_escrow};
use serde_json::json;

const MOST: u64 = (1 << 53) - 1;

#[test]
fn a_mint_is_limited_by_the_price_and_the_price_is_paid() {
    let setup = miner_with_money()
        .param("max_mint_per_price", 10)
        .param("mint_per_unit", 7);
    let (chain, work) = with_escrow(&setup, 60_000);
    for (units, price, minted, limit) in [
        (100, 70, 700, json!(null)),
        (100, 69, 690, json!("price")),
        (MOST, 1, 10, json!("price")),
    ] {
        let mut chain = chain.clone();
        let before = chain.balance(miner().address());
        let claim = chain.claim(&miner(), &work.costing(units, price));
        let block = chain.commit([claim]);
        assert_eq!(block.names(), [""]);
        assert_eq!(chain.balance(miner().address()), before + price + minted);
        let receipt = chain.receipt(&miner(), "rcpt_7f3a");
        assert_eq!(receipt["limited_by"], limit);
        let told = block.events("receipt_claimed")[0].get("limited_by");
        assert_eq!(told, limit.as_str());
        assert_eq!(chain.miner(&miner())["units_total"], minted / 7);
    }
}

#[test]
fn the_largest_claim_imaginable_is_paid_its_price_and_overflows_nothing() {
    let setup = Setup::default()
        .param("mint_per_unit", 1_000_000_000)
        .param("max_mint_per_price", 1_000_000_000)
        .param("coordinator_epoch_mint_cap", MOST)
        .param("coordinator_bps", 10_000)
        .param("treasury_bps", 10_000);
    let (mut chain, work) = with_escrow(&setup, 900_000_000);
    let claim = chain.claim(&miner(), &work.costing(MOST, 800_000_000));
    assert_eq!(chain.commit([claim]).names(), [""]);
    // All that the supply's limit leaves, a third to each of miner, coordinator and treasury.
    let left = MOST - 4_000_000_000;
    assert_eq!(chain.receipt(&miner(), "rcpt_7f3a")["limited_by"], "supply");
    assert_eq!(chain.supply()["minted"], left / 3 * 3);
    assert_eq!(chain.balance(miner().address()), 800_000_000 + left / 3);
    assert_eq!(chain.balance(Address::treasury()), left / 3);
}

#[test]
fn a_coordinators_cap_limits_what_it_mints_in_an_epoch_and_never_the_price() {
    // A claim mints 2,500,000 + 125,000.
    let setup = Setup::default().param("coordinator_epoch_mint_cap", 2_625_000 + 1_050_000);
    let mut chain = setup.start();
    let opens: Vec<_> = ["a", "b", "c", "d"]
        .iter()
        .zip(0..)
        .map(|(job, n)| chain.open(&alice(), job, 60_000, 1_000).later(n))
        .collect();
    chain.commit(opens);
    let claim = |chain: &Chain, job: &str| {
        let work = chain.work(&alice(), job, &miner(), &format!("rcpt_{job}"));
        chain.claim(&miner(), &work)
    };
    let shown = |chain: &Chain, job: &str| {
        let receipt = chain.receipt(&miner(), &format!("rcpt_{job}"));
        (receipt["minted"].clone(), receipt["limited_by"].clone())
    };
    chain.advance_to(8);
    let txs = [
        claim(&chain, "a"),
        claim(&chain, "b").later(1),
        claim(&chain, "c").later(2),
    ];
    assert_eq!(chain.commit(txs).names(), ["", "", ""]);
    assert_eq!(shown(&chain, "a"), (json!(2_625_000), json!(null)));
    assert_eq!(shown(&chain, "b"), (json!(1_050_000), json!("coordinator")));
    assert_eq!(shown(&chain, "c"), (json!(0), json!("coordinator")));
    assert_eq!(
        chain.balance(miner().address()),
        3 * 50_000 + 2_500_000 + 1_000_000
    );
    let record = chain.coordinator(&coordinator());
    assert_eq!(record["epoch_minted"], 2_625_000 + 1_050_000);
    // Block 10 is the epoch's last, 11 the next one's first.
    chain.advance_to(10);
    let tx = claim(&chain, "d");
    chain.commit([tx]);
    assert_eq!(shown(&chain, "d"), (json!(2_625_000), json!(null)));
    let record = chain.coordinator(&coordinator());
    assert_eq!(
        (&record["epoch_minted"], &record["epoch_end"]),
        (&json!(2_625_000), &json!(10))
    );
}

#[test]
fn the_last_block_of_an_epoch_belongs_to_it() {
    let setup = Setup::default().param("coordinator_epoch_mint_cap", 2_625_000);
    let mut chain = setup.start();
    let opens = [
        chain.open(&alice(), "a", 60_000, 100),
        chain.open(&alice(), "b", 60_000, 100).later(1),
    ];
    chain.commit(opens);
    for (height, job, minted) in [(9, "a", 2_625_000), (10, "b", 0)] {
        chain.advance_to(height - 1);
        let work = chain.work(&alice(), job, &miner(), job);
        let tx = chain.claim(&miner(), &work);
        assert_eq!(chain.commit([tx]).height, height);
        assert_eq!(chain.receipt(&miner(), job)["minted"], minted);
    }
}

#[test]
fn a_change_of_the_epochs_length_begins_no_new_count() {
    let setup = Setup::default().param("coordinator_epoch_mint_cap", 2_625_000);
    let (mut chain, work) = with_escrow(&setup, 60_000);
    let txs = [
        chain.open(&alice(), "other", 60_000, 100),
        chain.set_param("epoch_blocks", 7),
    ];
    chain.commit(txs);
    let tx = chain.claim(&miner(), &work);
    chain.commit([tx]);
    let other = chain.work(&alice(), "other", &miner(), "rcpt_other");
    let tx = chain.claim(&miner(), &other);
    chain.commit([tx]);
    assert_eq!(chain.receipt(&miner(), "rcpt_other")["minted"], 0);
}

#[test]
fn all_that_a_claim_mints_counts_for_the_cap() {
    // 2,500,000 to the miner, 125,000 to the coordinator, 25,000 to the treasury.
    for (cap, limit) in [(2_650_000, json!(null)), (2_649_999, json!("coordinator"))] {
        let setup = Setup::default()
            .param("treasury_bps", 100)
            .param("coordinator_epoch_mint_cap", cap);
        let (mut chain, work) = with_escrow(&setup, 60_000);
        let claim = chain.claim(&miner(), &work);
        assert_eq!(chain.commit([claim]).names(), [""]);
        assert_eq!(chain.receipt(&miner(), "rcpt_7f3a")["limited_by"], limit);
        let minted = chain.supply()["minted"].as_u64().unwrap();
        assert!(minted <= cap && minted > cap - 3, "{minted}");
    }
}

#[test]
fn each_coordinator_has_a_cap_of_its_own() {
    let other = Actor::named("other coordinator");
    let setup = Setup::default()
        .coordinators(&[&coordinator(), &other])
        .param("coordinator_epoch_mint_cap", 2_625_000);
    let (mut chain, work) = with_escrow(&setup, 60_000);
    let payload = escrow_open("other", other.address(), 60_000, 100);
    let tx = chain.draft(&alice(), "ESCROW_OPEN", payload);
    chain.commit([tx]);
    let claim = chain.claim(&miner(), &work);
    assert_eq!(chain.commit([claim]).codes(), [0]);
    let work = chain.work(&alice(), "other", &miner(), "rcpt_other");
    let answer = work.attested_by(&other, 2);
    let claim = chain.claim_with(&miner(), &work, Some(&answer));
    assert_eq!(chain.commit([claim]).codes(), [0]);
    assert_eq!(chain.balance(other.address()), 125_000);
}

#[test]
fn a_bond_limits_what_its_coordinator_mints_as_it_stands() {
    let setup = Setup::default().param("mint_cap_per_bond", 3);
    let (mut chain, work) = with_escrow(&setup, 60_000);
    let txs = [
        chain.open(&alice(), "b", 60_000, 100),
        chain.open(&alice(), "c", 60_000, 100).later(1),
        chain.bond(&coordinator(), 500_000),
    ];
    chain.commit(txs);
    let claim = chain.claim(&miner(), &work);
    chain.commit([claim]);
    assert_eq!(
        chain.receipt(&miner(), "rcpt_7f3a")["limited_by"],
        "coordinator"
    );
    // floor(1,500,000 / 1.05) and 5 % of it.
    assert_eq!(chain.supply()["minted"], 1_428_571 + 71_428);
    // What unbonds limits no more, what is added does at once.
    let b = chain.work(&alice(), "b", &miner(), "rcpt_b");
    let txs = [
        chain.unbond(&coordinator(), 400_000),
        chain.claim(&miner(), &b),
    ];
    chain.commit(txs);
    assert_eq!(chain.receipt(&miner(), "rcpt_b")["minted"], 0);
    let c = chain.work(&alice(), "c", &miner(), "rcpt_c");
    let txs = [
        chain.bond(&coordinator(), 900_000),
        chain.claim(&miner(), &c),
    ];
    chain.commit(txs);
    let limit = 3 * 1_000_000 - (1_428_571 + 71_428);
    let minted = chain.receipt(&miner(), "rcpt_c")["minted"]
        .as_u64()
        .unwrap();
    assert!((limit - 2..=limit).contains(&minted), "{minted} of {limit}");
}

#[test]
fn a_bond_of_nothing_mints_nothing_and_pays_the_price() {
    let setup = Setup::default().param("mint_cap_per_bond", 1_000_000_000);
    let (mut chain, work) = with_escrow(&setup, 60_000);
    let claim = chain.claim(&miner(), &work);
    assert_eq!(chain.commit([claim]).names(), [""]);
    assert_eq!(chain.balance(miner().address()), 50_000);
    assert_eq!(chain.miner(&miner())["units_total"], 0);
}

#[test]
fn units_are_counted_up_to_the_largest_integer_and_no_further() {
    let whale = Actor::named("whale");
    let rich = MOST - 4_000_000_000;
    let setup = Setup::default()
        .param("mint_per_unit", 0)
        .balance(&whale, rich);
    let mut chain = setup.start();
    let price = rich - 10_000;
    for (n, job) in ["a", "b"].into_iter().enumerate() {
        let tx = chain.open(&whale, job, price, 10);
        assert_eq!(chain.commit([tx]).names(), [""]);
        let work = chain.work(&whale, job, &whale, job).costing(MOST, price);
        let claim = chain.claim(&whale, &work);
        assert_eq!(chain.commit([claim]).codes(), [0]);
        let expected = if n == 0 { price } else { MOST };
        assert_eq!(chain.miner(&whale)["units_total"], expected);
    }
    assert_eq!(chain.supply()["minted"], 0);
}

#[test]
fn without_a_mint_the_price_says_how_much_work_counts_at_most() {
    let setup = Setup::default().param("mint_per_unit", 0);
    for (units, price, counted) in [(9, 7, 7), (7, 9, 7)] {
        let (mut chain, work) = with_escrow(&setup, 60_000);
        let claim = chain.claim(&miner(), &work.costing(units, price));
        chain.commit([claim]);
        assert_eq!(chain.miner(&miner())["units_total"], counted);
        let receipt = chain.receipt(&miner(), "rcpt_7f3a");
        assert_eq!(
            (&receipt["minted"], &receipt["limited_by"]),
            (&json!(0), &json!(null))
        );
    }
}

#[test]
fn a_claim_is_paid_whatever_changed_in_the_params_since_the_work_began() {
    for (name, value) in [
        ("mint_per_unit", json!(1_000_000_000)),
        ("mint_per_unit", json!(0)),
        ("max_mint_per_price", json!(1)),
        ("coordinator_epoch_mint_cap", json!(0)),
        ("mint_cap_per_bond", json!(1)),
        ("coordinator_min_bond", json!(MOST)),
        ("min_escrow_amount", json!(1_000_000_000)),
        ("escrow_max_ttl_blocks", json!(1)),
        ("coordinators", json!({})),
        ("base_fee", json!(50_000)),
    ] {
        let (mut chain, work) = with_escrow(&Setup::default(), 100_000);
        let tx = chain.set_param(name, value.clone());
        assert_eq!(chain.commit([tx]).names(), [""], "{name}");
        let claim = chain.claim(&miner(), &work);
        let block = chain.commit([claim]);
        assert_eq!(block.names(), [""], "{name} = {value}");
        let receipt = chain.receipt(&miner(), "rcpt_7f3a");
        assert_eq!(
            (&receipt["status"], &receipt["price"]),
            (&json!("paid"), &json!(50_000))
        );
        let fee_from_price = block.fee(0).saturating_sub(50_000);
        assert!(
            chain.balance(miner().address()) >= 50_000 - fee_from_price,
            "{name}"
        );
    }
}
