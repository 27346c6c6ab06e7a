//! No param locks a coin or keeps a miner from its price, whatever it is set to: each at either end of its
//! range, under everything that has a deadline.

use ait_testkit::{
    actors::{Actor, alice, bob, coordinator, miner},
    chain::{Chain, Setup},
    draft::Draft,
};
use ait_tests::{model::DEFAULTS, scenes::miner_with_money};

/// An escrow that will be claimed, one that will end, and coins that unbond from a stake and a bond; all of
/// it done by block 140.
fn with_deadlines() -> Chain {
    let setup: Setup = miner_with_money().param("escrow_max_ttl_blocks", 15);
    let mut chain = setup.start();
    let txs = [
        chain.open(&alice(), "claimed", 60_000, 15),
        chain.open(&alice(), "expires", 60_000, 15).later(1),
        chain.bond(&coordinator(), 50_000),
        chain.first_stake(&bob(), &Actor::named("bob's key"), 70_000),
    ];
    assert_eq!(chain.commit(txs).names(), [""; 4]);
    let txs = [
        chain.unbond(&coordinator(), 50_000),
        chain.unstake(&bob(), 70_000),
    ];
    assert_eq!(chain.commit(txs).names(), [""; 2]);
    chain
}

/// The ends of a param's range that fit the others of the chain.
fn ends(name: &str, least: u64, most: u64) -> [u64; 2] {
    match name {
        "unbonding_blocks" => [112, most],
        "epoch_blocks" => [least, 18],
        _ => [least, most],
    }
}

#[test]
fn at_either_end_of_every_param_work_is_paid_and_every_coin_comes_back() {
    let start = with_deadlines();
    for (name, _, least, most) in DEFAULTS {
        for end in ends(name, *least, *most) {
            let mut chain = start.clone();
            let update = chain.set_param(name, end);
            assert_eq!(chain.commit([update]).names(), [""], "{name} = {end}");
            // Where the fee rose above what is locked, somebody adds it.
            let work = chain.work(&alice(), "claimed", &miner(), "rcpt");
            let fee = chain.claim(&miner(), &work).fee;
            if fee > 60_000 {
                let tx = chain.top_up(&bob(), &alice(), "claimed", fee);
                chain.commit([tx]);
            }
            let claim = chain.claim(&miner(), &work);
            assert_eq!(chain.commit([claim]).names(), [""], "{name} = {end}");
            chain.advance_to(140);
            let supply = chain.supply();
            for place in ["escrows", "bonds", "stakes", "unbonding"] {
                assert_eq!(supply[place], 0, "{place} under {name} = {end}");
            }
            assert_eq!(chain.escrow(&alice(), "claimed")["status"], "settled");
        }
    }
}

#[test]
fn at_either_end_of_every_param_blocks_go_on() {
    for (name, _, least, most) in DEFAULTS {
        for end in ends(name, *least, *most) {
            let mut chain = with_deadlines();
            let update = chain.set_param(name, end);
            chain.commit([update]);
            let cbp = chain.set_param("consensus_mode", "cbp");
            chain.commit([cbp]);
            let height = chain.height();
            chain.advance_to(height + 25);
            // And the param can be taken back.
            let back = chain.set_param(name, *least);
            let names = chain.commit([back]).names();
            assert!(
                names == [""] || name.ends_with("_blocks"),
                "{name}: {names:?}"
            );
            assert!(!chain.set().is_empty(), "{name} = {end}");
            chain.commit(Vec::<Draft>::new());
        }
    }
}
