//! Slashing under compute-backed proof: equivocation and downtime cost stake and the seat; what is
//! slashed is burned.

use ait_testkit::{
    actors::{Actor, validator, validator_key},
    chain::{Block, Chain, EVIDENCE_MAX_AGE, Live, Setup, Staker, elected},
    draft::Draft,
};
use serde_json::{Value, json};

fn three() -> [Staker; 3] {
    [
        Staker::named("ann", 10_000_019),
        Staker::named("ben", 30_000_000),
        Staker::named("cat", 60_000_000),
    ]
}

fn empty(chain: &mut Chain) -> Block {
    chain.commit(Vec::<Draft>::new())
}

fn equivocates(chain: &mut Chain, key: &Actor) -> Block {
    chain.misbehaviour = vec![key.consensus_address()];
    empty(chain)
}

/// The chain's windows have 20 blocks, of which half must be signed; jail lasts 33.
fn strict() -> Setup {
    Setup::default()
        .param("downtime_window", 20)
        .param("jail_blocks", 33)
        .param("slash_downtime_bps", 100)
}

/// Blocks counted and missed in the running window.
fn window(chain: &Chain, account: &Actor) -> (u64, u64) {
    let record = chain.validator(account);
    let number = |name: &str| record[name].as_u64().unwrap();
    (number("counted_blocks"), number("missed_blocks"))
}

fn jail(chain: &Chain, account: &Actor) -> Value {
    chain.validator(account)["jail"].clone()
}

#[test]
fn equivocation_costs_stake_and_unbonding_stake_and_jails_for_good() {
    let stakers = three();
    let mut chain = elected(Setup::default(), &stakers);
    let ann = &stakers[0];
    chain.commit([chain.unstake(&ann.account, 3_000_010)]);
    let supply = chain.supply();
    let block = equivocates(&mut chain, &ann.key);
    // Five hundredths of 7,000,009 and of 3,000,010, each rounded down.
    let burned = 350_000 + 150_000;
    let slashed = &block.events("slashed")[0];
    assert_eq!(slashed.get("amount"), Some("500000"));
    assert_eq!(slashed.get("reason"), Some("equivocation"));
    let jailed = &block.events("jailed")[0];
    assert_eq!(
        (jailed.get("reason"), jailed.get("until")),
        (Some("equivocation"), None)
    );
    let record = chain.validator(&ann.account);
    assert_eq!(record["stake"], 6_650_009);
    assert_eq!(record["unbonding"][0]["amount"], 2_850_010);
    assert_eq!(record["jail"], "tombstoned");
    assert_eq!(block.updates()[&ann.key.pubkey().to_string()], 0);
    let after = chain.supply();
    assert_eq!(after["burned"], burned);
    assert_eq!(after["total"], supply["total"].as_u64().unwrap() - burned);

    // Never slashed again, never in the set again, and what is left comes back.
    let again = equivocates(&mut chain, &ann.key);
    assert!(again.events("slashed").is_empty() && again.events("jailed").is_empty());
    chain.commit([chain.stake(&ann.account, 20_000_000)]);
    chain.finish_epoch();
    assert_eq!(chain.power(&ann.account), 0);
    let block = chain.commit([chain.unjail(&ann.account)]);
    assert_eq!(block.code_name(0), "jailed_for_good");
    let all = chain.validator(&ann.account)["stake"].as_u64().unwrap();
    chain.commit([chain.unstake(&ann.account, all)]);
    chain.advance_to(chain.height() + 120);
    assert_eq!(chain.validator(&ann.account)["unbonding"], json!([]));
    assert_eq!(chain.supply()["burned"], burned);
}

#[test]
fn evidence_against_a_key_of_nobody_or_twice_in_a_block() {
    let stakers = three();
    let mut chain = elected(Setup::default(), &stakers);
    let before = chain.supply();
    let block = equivocates(&mut chain, &Actor::named("nobody's key"));
    assert!(block.events("slashed").is_empty());
    assert_eq!(chain.supply(), before);
    chain.misbehaviour = vec![stakers[1].key.consensus_address(); 2];
    assert_eq!(empty(&mut chain).events("slashed").len(), 1);
}

#[test]
fn evidence_of_a_key_used_before_reaches_its_account() {
    let [ann, ben, cat] = three();
    let mut live = Live::elected(Setup::default(), &[ann.clone(), ben, cat]);
    // Out of the set for long, but for less than evidence lasts.
    live.commit([live.unstake(&ann.account, 10_000_019)]);
    live.advance_to(50);
    live.misbehaviour = vec![ann.key.consensus_address()];
    let block = live.empty();
    assert_eq!(block.events("slashed")[0].get("amount"), Some("500000"));
    assert_eq!(jail(&live, &ann.account), "tombstoned");
}

#[test]
fn entries_slashed_to_nothing_vanish_and_small_ones_are_spared() {
    let stakers = three();
    for (bps, left) in [
        (500_u64, json!([19, 20 - 1])),
        (9_999, json!([1, 1])),
        (10_000, json!([])),
        (0, json!([19, 20])),
    ] {
        let setup = Setup::default().param("slash_double_sign_bps", bps);
        let mut chain = elected(setup, &stakers);
        let ann = &stakers[0];
        chain.commit([chain.unstake(&ann.account, 19)]);
        chain.commit([chain.unstake(&ann.account, 20)]);
        let block = equivocates(&mut chain, &ann.key);
        let record = chain.validator(&ann.account);
        let entries = record["unbonding"].as_array().unwrap();
        let amounts: Value = entries
            .iter()
            .map(|entry| entry["amount"].clone())
            .collect();
        assert_eq!(amounts, left, "{bps}");
        assert_eq!(record["stake"], 9_999_980 - 9_999_980 * bps / 10_000);
        assert_eq!(record["jail"], "tombstoned");
        assert_eq!(block.events("slashed").len(), usize::from(bps > 0));
    }
}

#[test]
fn under_proof_of_authority_nobody_is_jailed() {
    let mut chain = Setup::default()
        .param("downtime_window", 5)
        .balance(&validator(), 10_000_000)
        .start();
    chain.commit([chain.first_stake(&validator(), &validator_key(), 5_000_000)]);
    chain.all_sign(&[&validator_key()]);
    chain.stops_signing(&validator_key());
    let block = equivocates(&mut chain, &validator_key());
    assert!(block.events("jailed").is_empty());
    chain.advance_to(30);
    let record = chain.validator(&validator());
    assert_eq!(
        (&record["stake"], &record["jail"]),
        (&json!(5_000_000), &Value::Null)
    );
    assert_eq!(window(&chain, &validator()), (0, 0));
    assert_eq!(chain.power(&validator()), 10);
}

#[test]
fn downtime_is_judged_once_over_a_full_window() {
    let stakers = three();
    let mut chain = elected(strict(), &stakers);
    let ben = &stakers[1];
    // Signs half of the window: just enough.
    let first = chain.height() + 1;
    chain.stops_signing(&ben.key);
    chain.advance_to(first + 9);
    assert_eq!(window(&chain, &ben.account), (10, 10));
    chain.all_sign(&[&stakers[0].key, &ben.key, &stakers[2].key]);
    chain.advance_to(first + 18);
    assert_eq!(window(&chain, &ben.account), (19, 10));
    empty(&mut chain);
    assert_eq!(window(&chain, &ben.account), (0, 0));
    assert_eq!(jail(&chain, &ben.account), Value::Null);
    // Signs one block less than half of the next.
    chain.advance_to(first + 28);
    chain.stops_signing(&ben.key);
    chain.advance_to(first + 38);
    assert_eq!(window(&chain, &ben.account), (19, 10));
    let block = empty(&mut chain);
    assert_eq!(block.height, first + 39);
    assert_eq!(block.events("slashed")[0].get("amount"), Some("300000"));
    assert_eq!(block.events("slashed")[0].get("reason"), Some("downtime"));
    let until = block.height + 33;
    assert_eq!(jail(&chain, &ben.account), json!({"until": until}));
    assert_eq!(block.updates()[&ben.key.pubkey().to_string()], 0, "at once");
    assert_eq!(chain.supply()["burned"], 300_000);
    assert_eq!(window(&chain, &ben.account), (0, 0), "jail ends the window");

    // It may come back when its time is over, and not before.
    chain.advance_to(until - 2);
    let block = chain.commit([chain.unjail(&ben.account)]);
    assert_eq!(block.code_name(0), "jailed_still");
    let block = chain.commit([chain.unjail(&ben.account)]);
    assert_eq!(block.height, until);
    assert_eq!(block.events("unjailed").len(), 1);
    assert_eq!(chain.power(&ben.account), 0, "until the next election");
    chain.finish_epoch();
    assert_eq!(chain.power(&ben.account), 1, "it has to sign first");
    assert_eq!(chain.supply()["burned"], 300_000, "judged once");
}

#[test]
fn a_window_that_shrinks_is_judged_over_what_was_counted() {
    let stakers = three();
    let mut chain = elected(strict(), &stakers);
    let ann = &stakers[0];
    chain.stops_signing(&ann.key);
    chain.advance_to(chain.height() + 9);
    chain.commit([chain.set_param("downtime_window", 5)]);
    assert_eq!(window(&chain, &ann.account), (10, 10));
    let block = empty(&mut chain);
    assert_eq!(block.events("jailed").len(), 1);
}

#[test]
fn a_full_window_is_judged_even_where_the_validator_leaves() {
    let stakers = three();
    let mut chain = elected(strict(), &stakers);
    let ann = &stakers[0];
    chain.stops_signing(&ann.key);
    chain.advance_to(chain.height() + 19);
    assert_eq!(window(&chain, &ann.account), (19, 19));
    // It leaves in the block of the judgement: downtime comes after the transactions.
    chain.commit([chain.unstake(&ann.account, 10_000_019)]);
    assert_eq!(
        jail(&chain, &ann.account),
        json!({"until": chain.height() + 33})
    );
    assert_eq!(chain.supply()["burned"], 100_000);
}

#[test]
fn a_window_goes_on_where_it_stopped_when_a_validator_leaves_and_comes_back() {
    let stakers = three();
    let mut live = Live::elected(strict(), &stakers);
    let ann = &stakers[0];
    live.stop(&ann.key);
    live.advance_to(live.height() + 10);
    live.commit([
        live.unstake(&ann.account, 10_000_019),
        live.stake(&ann.account, 10_000_019).later(1),
    ]);
    assert_eq!(live.power(&ann.account), 0);
    // CometBFT has it for two more blocks: those whose commits come in the next two.
    assert_eq!(window(&live, &ann.account), (11, 11));
    live.advance_to(29);
    assert_eq!(window(&live, &ann.account), (13, 13));
    live.finish_epoch();
    assert_eq!(live.power(&ann.account), 1);
    // In force from block 32 on: block 39 counts the twentieth.
    live.advance_to(38);
    assert_eq!(window(&live, &ann.account), (19, 19));
    let block = live.empty();
    assert_eq!(block.events("jailed").len(), 1);
    // A hundredth of what it staked again, and of what unbonds.
    assert_eq!(live.supply()["burned"], 200_000);
}

#[test]
fn a_change_of_the_mode_begins_every_window_anew() {
    let stakers = three();
    let mut live = Live::elected(strict(), &stakers);
    let ann = &stakers[0];
    live.stop(&ann.key);
    live.advance_to(25);
    assert_eq!(window(&live, &ann.account), (15, 15));
    live.commit([live.set_param("consensus_mode", "poa")]);
    live.commit([live.set_param("consensus_mode", "cbp")]);
    assert_eq!(live.mode(), "poa");
    live.finish_epoch();
    assert_eq!(live.mode(), "cbp");
    live.empty();
    assert_eq!(window(&live, &ann.account), (1, 1));
    live.advance_to(49);
    assert_eq!(jail(&live, &ann.account), Value::Null);
    live.empty();
    assert_eq!(jail(&live, &ann.account), json!({"until": 83}));
}

#[test]
fn the_only_validator_keeps_its_power_even_in_jail() {
    let ann = Staker::named("ann", 10_000_000);
    let mut chain = elected(Setup::default(), std::slice::from_ref(&ann));
    let power = chain.power(&ann.account);
    let block = equivocates(&mut chain, &ann.key);
    assert_eq!(block.events("slashed").len(), 1);
    assert!(block.updates().is_empty());
    chain.finish_epoch();
    assert_eq!(chain.power(&ann.account), power);
}

#[test]
fn stake_moved_just_before_a_slash_is_slashed() {
    let stakers = three();
    let mut chain = elected(Setup::default(), &stakers);
    let ann = &stakers[0];
    // Unstakes all, in the block of its equivocation; the evidence comes as late as it may.
    let unstake = chain.unstake(&ann.account, 10_000_019);
    let unstaked = chain.commit([unstake]).height;
    chain.advance_to(unstaked + EVIDENCE_MAX_AGE - 1);
    let block = equivocates(&mut chain, &ann.key);
    assert_eq!(block.events("slashed")[0].get("amount"), Some("500000"));
    // Evidence in the transactions' own block finds the stake as they left it.
    let ben = &stakers[1];
    chain.misbehaviour = vec![ben.key.consensus_address()];
    let block = chain.commit([chain.unstake(&ben.account, 30_000_000)]);
    assert_eq!(block.events("slashed")[0].get("amount"), Some("1500000"));
    assert_eq!(
        chain.validator(&ben.account)["unbonding"][0]["amount"],
        28_500_000
    );
}
