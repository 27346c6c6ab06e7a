//! How a chain comes from proof of authority to compute-backed proof and back, and who may be an
//! authority.

use std::collections::BTreeMap;

use ait_testkit::{
    actors::{Actor, bob, validator, validator_key},
    chain::{Live, Setup, Staker, authority, new_authority},
};
use serde_json::{Value, json};

fn set_of(pairs: &[(&Actor, u64)]) -> BTreeMap<String, u64> {
    let pairs = pairs.iter();
    pairs
        .map(|(key, power)| (key.pubkey().to_string(), *power))
        .collect()
}

/// A chain of these authorities with power 10 each, whose nodes all run.
fn authorities(setup: Setup, stakers: &[Staker]) -> Live {
    let list: Vec<Value> = stakers
        .iter()
        .map(|staker| authority(&staker.account, &staker.key, 10))
        .collect();
    let setup = stakers.iter().fold(setup, |setup, staker| {
        setup.balance(&staker.account, 500_000_000)
    });
    Live::of(setup.param("authorities", list).start())
}

fn two() -> [Staker; 2] {
    [Staker::named("ann", 0), Staker::named("ben", 0)]
}

#[test]
fn the_chain_waits_until_its_authorities_hold_more_than_two_thirds_of_the_stake() {
    let stakers = two();
    let outsider = Staker::named("outsider", 5_000_000);
    let setup = Setup::default()
        .balance(&outsider.account, 100_000_000)
        .param("consensus_mode", "cbp");
    let mut live = authorities(setup, &stakers);
    // Nobody's stake is more than two thirds of nothing.
    live.finish_epoch();
    assert_eq!(live.mode(), "poa");
    let [ann, ben] = &stakers;
    live.commit([
        live.first_stake(&outsider.account, &outsider.key, 5_000_000),
        live.first_stake(&ann.account, &ann.key, 9_000_000),
        // Below the minimum it counts on neither side.
        live.first_stake(&ben.account, &ben.key, 999_999),
    ]);
    live.finish_epoch();
    assert_eq!(live.mode(), "poa");
    // Two thirds exactly.
    live.commit([live.stake(&ben.account, 1)]);
    live.finish_epoch();
    assert_eq!(live.mode(), "poa");
    assert_eq!(live.set(), set_of(&[(&ann.key, 10), (&ben.key, 10)]));
    live.commit([live.stake(&ben.account, 1)]);
    live.advance_to(39);
    assert_eq!(live.mode(), "poa", "only at an epoch's end");
    let block = live.empty();
    assert_eq!(live.mode(), "cbp");
    assert_eq!(live.record("/consensus").unwrap()["mode_changes"], 1);
    // 9,000,000 and 1,000,001 of what the proven ones stake.
    let expected = set_of(&[(&ann.key, 450_000), (&ben.key, 50_001), (&outsider.key, 1)]);
    assert_eq!(live.set(), expected);
    assert_eq!(block.updates(), expected);
}

#[test]
fn stake_behind_a_key_that_does_not_validate_does_not_count_for_the_change() {
    let stakers = two();
    let setup = Setup::default().param("consensus_mode", "cbp");
    let mut live = authorities(setup, &stakers);
    let [ann, ben] = &stakers;
    let other = Actor::named("ann's other key");
    live.commit([
        live.first_stake(&ann.account, &other, 50_000_000),
        live.first_stake(&ben.account, &ben.key, 2_000_000),
    ]);
    live.finish_epoch();
    assert_eq!(live.mode(), "poa");
    // The admin names the key that she staked with, in steps: two thirds must be proven each time.
    let list = json!([
        authority(&ann.account, &other, 4),
        authority(&ben.account, &ben.key, 10)
    ]);
    assert_eq!(
        live.commit([live.set_param("authorities", list)]).codes(),
        [0]
    );
    live.finish_epoch();
    assert_eq!(live.mode(), "cbp");
    assert_eq!(live.power(&ann.account), 1 + 500_000 * 50 / 52);
}

#[test]
fn an_authority_that_left_validates_next_with_the_key_that_it_staked_with() {
    let stakers = two();
    let mut live = authorities(Setup::default(), &stakers);
    let [ann, ben] = &stakers;
    let other = Actor::named("ann's other key");
    let key_of_ann = |live: &Live| {
        let record = live.record(&format!("/validator/{}", ann.account.address()));
        record.unwrap()["pubkey"].clone()
    };
    live.commit([live.first_stake(&ann.account, &other, 2_000_000)]);
    assert_eq!(key_of_ann(&live), json!(ann.key.pubkey().to_string()));
    let list = json!([authority(&ben.account, &ben.key, 10)]);
    live.commit([live.set_param("authorities", list)]);
    live.finish_epoch();
    assert_eq!(live.set(), set_of(&[(&ben.key, 10)]));
    assert_eq!(live.commit([live.stake(&ann.account, 1)]).codes(), [0]);
    assert_eq!(key_of_ann(&live), json!(other.pubkey().to_string()));
}

#[test]
fn proof_of_authority_comes_back_in_the_next_block() {
    let stakers = two();
    let setup = Setup::default().param("consensus_mode", "cbp");
    let mut live = authorities(setup, &stakers);
    let [ann, ben] = &stakers;
    live.commit([
        live.first_stake(&ann.account, &ann.key, 30_000_000),
        live.first_stake(&ben.account, &ben.key, 10_000_000),
    ]);
    live.finish_epoch();
    assert_eq!(
        live.set(),
        set_of(&[(&ann.key, 375_001), (&ben.key, 125_001)])
    );
    live.advance_to(13);
    let block = live.commit([live.set_param("consensus_mode", "poa")]);
    assert_eq!(block.codes(), [0]);
    assert!(
        block.updates().is_empty(),
        "params hold from the next block"
    );
    assert_eq!(live.mode(), "cbp");
    let block = live.empty();
    assert_eq!(live.mode(), "poa");
    assert_eq!(block.updates(), set_of(&[(&ann.key, 10), (&ben.key, 10)]));
    // Stakes are still there, can go, and come to power again when the admin says so.
    assert_eq!(
        live.commit([live.unstake(&ben.account, 1_000_000)]).codes(),
        [0]
    );
    assert_eq!(live.power(&ben.account), 10);
    live.commit([live.set_param("consensus_mode", "cbp")]);
    live.finish_epoch();
    assert_eq!(live.mode(), "cbp");
    assert_eq!(live.record("/consensus").unwrap()["mode_changes"], 3);
    assert!(live.power(&ann.account) > 3 * live.power(&ben.account));
}

#[test]
fn the_way_back_needs_authorities_whose_keys_sign() {
    let stakers = [
        Staker::named("ann", 10_000_000),
        Staker::named("ben", 10_000_000),
        Staker::named("cat", 10_000_000),
    ];
    let mut live = Live::elected(Setup::default(), &stakers);
    // One of three leaves the set: exactly two thirds of the authorities' power is proven.
    live.commit([live.unstake(&stakers[0].account, 10_000_000)]);
    let block = live.commit([live.set_param("consensus_mode", "poa")]);
    assert_eq!(block.code_name(0), "authorities_not_proven");
    // The list is put right first, in the same block.
    let list = json!([
        authority(&stakers[0].account, &stakers[0].key, 9),
        authority(&stakers[1].account, &stakers[1].key, 10),
        authority(&stakers[2].account, &stakers[2].key, 10),
    ]);
    let txs = [
        live.set_param("authorities", list),
        live.set_param("consensus_mode", "poa").later(1),
    ];
    assert_eq!(live.commit(txs).codes(), [0, 0]);
    live.empty();
    assert_eq!(live.mode(), "poa");
    assert_eq!(live.powers(&stakers), [9, 10, 10]);
    assert!(live.goes_on());
}

#[test]
fn authorities_are_replaced_in_two_steps() {
    let mut live = Live::of(Setup::default().start());
    let key = Actor::named("bob's key");
    live.empty();
    let both = |power: u64| {
        json!([
            authority(&validator(), &validator_key(), 10),
            new_authority(&bob(), &key, power)
        ])
    };
    // A third of the power is too much for a key that has not signed, and so is all.
    let alone = json!([new_authority(&bob(), &key, 10)]);
    for list in [alone.clone(), both(10), both(5)] {
        let block = live.commit([live.set_param("authorities", list)]);
        assert_eq!(block.code_name(0), "authorities_not_proven");
    }
    assert_eq!(
        live.record(&format!("/validator/{}", bob().address())),
        None
    );
    assert_eq!(
        live.commit([live.set_param("authorities", both(4))])
            .codes(),
        [0]
    );
    let stored = live.param("authorities");
    assert_eq!(
        stored[1],
        authority(&bob(), &key, 4),
        "the proof is not kept"
    );
    live.empty();
    let block = live.commit([live.set_param("authorities", alone.clone())]);
    assert_eq!(
        block.code_name(0),
        "authorities_not_proven",
        "it has not signed yet"
    );
    live.empty();
    live.empty();
    assert_eq!(live.validator(&bob())["proven"], true);
    assert_eq!(
        live.commit([live.set_param("authorities", alone)]).codes(),
        [0]
    );
    live.empty();
    assert_eq!(live.set(), set_of(&[(&key, 10)]));
    // Who left has to begin again.
    let block = live.commit([live.set_param("authorities", both(4))]);
    assert_eq!(block.code_name(0), "authorities_not_proven");
}

#[test]
fn a_new_key_of_an_authority_has_to_sign_before_it_counts() {
    let mut live = Live::of(Setup::default().start());
    live.empty();
    let new_key = Actor::named("validator's new consensus key");
    let list = json!([new_authority(&validator(), &new_key, 10)]);
    let block = live.commit([live.set_param("authorities", list)]);
    assert_eq!(block.code_name(0), "authorities_not_proven");
    let keys = &live.validator(&validator())["keys"];
    assert_eq!(
        keys.as_array().unwrap().len(),
        1,
        "and it is not registered"
    );
}

#[test]
fn an_authority_is_one_though_it_is_tombstoned() {
    let stakers = [
        Staker::named("ann", 10_000_000),
        Staker::named("ben", 10_000_000),
        Staker::named("cat", 10_000_000),
        Staker::named("dan", 10_000_000),
    ];
    let mut live = Live::elected(Setup::default(), &stakers);
    live.misbehaviour = vec![stakers[0].key.consensus_address()];
    live.empty();
    assert_eq!(live.power(&stakers[0].account), 0);
    let block = live.commit([live.set_param("consensus_mode", "poa")]);
    assert_eq!(block.codes(), [0], "three of four are proven");
    // Nobody is punished any more.
    live.misbehaviour = vec![stakers[1].key.consensus_address()];
    let block = live.empty();
    assert!(block.events("slashed").is_empty() && block.events("jailed").is_empty());
    assert_eq!(live.powers(&stakers), [10; 4]);
}

#[test]
fn an_authority_that_stakes_with_another_key_comes_with_it_as_a_newcomer() {
    let stakers = two();
    let setup = Setup::default().param("consensus_mode", "cbp");
    let mut live = authorities(setup, &stakers);
    let [ann, ben] = &stakers;
    let other = Actor::named("ben's other key");
    live.commit([
        live.first_stake(&ann.account, &ann.key, 50_000_000),
        live.first_stake(&ben.account, &other, 10_000_000),
    ]);
    live.finish_epoch();
    assert_eq!(live.set(), set_of(&[(&ann.key, 500_001), (&other, 1)]));
    let record = live.validator(&ben.account);
    assert_eq!(record["pubkey"], other.pubkey().to_string());
    assert_eq!(
        record["proven"], false,
        "what the other key signed doesn't count for it"
    );
    live.finish_epoch();
    assert_eq!(live.set(), set_of(&[(&ann.key, 416_667), (&other, 83_334)]));
}
