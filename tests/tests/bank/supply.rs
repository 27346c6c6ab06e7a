//! The supply: every coin has one origin and one place, in every block, and there is a limit.

use ait_testkit::{
    actors::{Actor, alice, bob, coordinator, miner},
    chain::{Chain, Setup},
    draft::Draft,
};
use serde_json::json;

const LIMIT: u64 = (1 << 53) - 1;

/// A chain that may still mint `room` uait, with an open escrow of Alice's.
fn with_room(room: u64) -> Chain {
    let whale = Actor::named("whale");
    let rest = LIMIT - 4_000_000_000 - room;
    let setup = Setup::default()
        .balance(&whale, rest)
        .param("treasury_bps", 100);
    let mut chain = setup.start();
    let tx = chain.open(&alice(), "job", 60_000, 100);
    chain.commit([tx]);
    chain
}

#[test]
fn the_supply_reaches_its_limit_exactly_and_never_passes_it_and_the_price_is_paid() {
    // 10 units: 10,000 to the miner, 500 to the coordinator, 100 to the treasury.
    for (room, minted, limit) in [
        (10_600, 10_600, json!(null)),
        (10_599, 9_999 + 499 + 99, json!("supply")),
        (5, 4, json!("supply")),
        (0, 0, json!("supply")),
    ] {
        let mut chain = with_room(room);
        let work = chain
            .work(&alice(), "job", &miner(), "rcpt")
            .costing(10, 50_000);
        let claim = chain.claim(&miner(), &work);
        let block = chain.commit([claim]);
        assert_eq!(block.names(), [""]);
        let supply = chain.supply();
        assert_eq!(supply["minted"], minted, "{room}");
        assert!(supply["total"].as_u64().unwrap() <= LIMIT);
        assert_eq!(chain.receipt(&miner(), "rcpt")["limited_by"], limit);
        assert!(chain.balance(miner().address()) >= 50_000);
        assert_eq!(chain.escrow(&alice(), "job")["status"], "settled");
    }
}

#[test]
fn what_was_burned_is_not_minted_again() {
    // All that may be minted is, and then a bond burns: genesis + minted is bounded, whatever burns.
    let setup = Setup::default().param("slash_coordinator_bps", 10_000);
    let whale = Actor::named("whale");
    let setup = setup.balance(&whale, LIMIT - 4_000_000_000 - 21);
    let mut chain = setup.start();
    let jobs = ["a", "b"];
    let opens = jobs
        .iter()
        .zip(0..)
        .map(|(job, n)| chain.open(&alice(), job, 60_000, 100).later(n));
    let txs: Vec<Draft> = opens
        .chain([chain.bond(&coordinator(), 1_000_000)])
        .collect();
    chain.commit(txs);
    let [a, b] = jobs.map(|job| chain.work(&alice(), job, &miner(), job));
    let txs = [
        chain.claim(&miner(), &a),
        chain.equivocation(
            &bob(),
            (&a, &a.attested_by(&coordinator(), 1)),
            (&a, &a.denied_by(&coordinator())),
        ),
        chain.claim(&miner(), &b).later(1),
    ];
    assert_eq!(chain.commit(txs).names(), ["", "", ""]);
    let supply = chain.supply();
    assert_eq!(supply["minted"], 21);
    assert_eq!(supply["burned"], 900_000);
    assert_eq!(chain.receipt(&miner(), "b")["minted"], 0);
    assert_eq!(supply["total"], LIMIT - 900_000);
}

#[test]
fn only_claims_mint() {
    let mut chain = Chain::start();
    let genesis = json!(4_000_000_000_u64);
    let txs = [
        chain.transfer(&alice(), &bob(), 1_000),
        chain.open(&alice(), "a", 60_000, 3).later(1),
        chain.open(&alice(), "b", 60_000, 50).later(2),
        chain.open(&alice(), "c", 60_000, 50).later(3),
        chain.set_param("base_fee", 3),
        chain.transfer(&bob(), &bob(), 1),
    ];
    chain.commit(txs);
    let tx = chain.release(&coordinator(), &alice(), "b");
    chain.commit([tx]);
    chain.advance_to(6);
    let supply = chain.supply();
    assert_eq!((&supply["genesis"], &supply["total"]), (&genesis, &genesis));
    assert_eq!(
        (&supply["minted"], &supply["escrows"]),
        (&json!(0), &json!(60_000))
    );
    let work = chain.work(&alice(), "c", &miner(), "rcpt");
    let claim = chain.claim(&miner(), &work);
    assert_eq!(chain.commit([claim]).codes(), [0]);
    let supply = chain.supply();
    assert_eq!(supply["minted"], 2_625_000);
    assert_eq!(supply["total"], 4_002_625_000_u64);
    assert_eq!(
        (&supply["escrows"], &supply["burned"]),
        (&json!(0), &json!(0))
    );
}

#[test]
fn an_empty_block_leaves_every_record_and_the_root_as_they_were() {
    let mut chain = Chain::start();
    let tx = chain.transfer(&alice(), &bob(), 1);
    chain.commit([tx]);
    let (root, records) = (chain.state.app_hash(), chain.records());
    let block = chain.commit(Vec::<Draft>::new());
    assert!(block.outcome.delta.changed.is_empty());
    assert_eq!((chain.state.app_hash(), chain.records()), (root, records));
    assert_eq!(chain.height(), 2);
}
