//! Slashing under compute-backed proof: equivocation and downtime cost stake and the seat; what is
//! slashed is burned.

use ait_tests::{
    actors::{Actor, validator, validator_key},
    chain::{Block, Chain, EVIDENCE_MAX_AGE, SPENDING_MONEY, Setup, Staker, elected},
    draft::Draft,
};
use serde_json::json;

const FOR_GOOD: u64 = (1 << 53) - 1;

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
    assert_eq!(block.events("jailed").len(), 1);
    let record = chain.validator(&ann.account);
    assert_eq!(record["stake"], 6_650_009);
    assert_eq!(record["unbonding"][0]["amount"], 2_850_010);
    assert_eq!(record["jailed_until"], FOR_GOOD);
    assert_eq!(block.updates()[&ann.key.pubkey().to_string()], 0);
    let after = chain.supply();
    assert_eq!(after["burned"], burned);
    assert_eq!(after["total"], supply["total"].as_u64().unwrap() - burned);

    // Never slashed again, never in the set again, and what is left comes back.
    assert!(
        equivocates(&mut chain, &ann.key)
            .events("slashed")
            .is_empty()
    );
    chain.commit([chain.stake(&ann.account, 20_000_000)]);
    chain.finish_epoch();
    assert_eq!(chain.power(&ann.account), 0);
    let block = chain.commit([chain.unjail(&ann.account)]);
    assert_eq!(block.code_name(0), "jailed_for_good");
    let all = chain.validator(&ann.account)["stake"].as_u64().unwrap();
    chain.commit([chain.unstake(&ann.account, all)]);
    chain.advance_to(chain.height() + 100);
    assert_eq!(chain.validator(&ann.account)["unbonding"], json!([]));
}

#[test]
fn evidence_against_an_old_key_or_one_of_nobody() {
    let stakers = three();
    let mut chain = elected(Setup::default(), &stakers);
    let before = chain.supply();
    let block = equivocates(&mut chain, &Actor::named("nobody's key"));
    assert!(block.events("slashed").is_empty());
    assert_eq!(chain.supply(), before);
    // Twice in one block is once.
    chain.misbehaviour = vec![stakers[1].key.consensus_address(); 2];
    assert_eq!(empty(&mut chain).events("slashed").len(), 1);
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
    assert_eq!(chain.validator(&validator())["stake"], 5_000_000);
    assert_eq!(chain.validator(&validator())["jailed_until"], 0);
    assert_eq!(chain.validator(&validator())["missed_blocks"], 0);
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
    assert_eq!(chain.validator(&ben.account)["missed_blocks"], 10);
    chain.all_sign(&[&stakers[0].key, &ben.key, &stakers[2].key]);
    chain.advance_to(first + 19);
    assert_eq!(chain.validator(&ben.account)["missed_blocks"], 0);
    assert_eq!(chain.validator(&ben.account)["jailed_until"], 0);
    // Signs one block less than half of the next.
    chain.advance_to(first + 28);
    chain.stops_signing(&ben.key);
    chain.advance_to(first + 38);
    assert_eq!(chain.validator(&ben.account)["missed_blocks"], 10);
    assert!(chain.power(&ben.account) > 0);
    let block = empty(&mut chain);
    assert_eq!(block.height, first + 39);
    assert_eq!(block.events("slashed")[0].get("amount"), Some("300000"));
    assert_eq!(block.events("slashed")[0].get("reason"), Some("downtime"));
    let until = block.height + 33;
    assert_eq!(chain.validator(&ben.account)["jailed_until"], until);
    assert_eq!(block.updates()[&ben.key.pubkey().to_string()], 0);
    assert_eq!(chain.supply()["burned"], 300_000);

    // It may come back when its time is over, and not before.
    chain.advance_to(until - 2);
    let block = chain.commit([chain.unjail(&ben.account)]);
    assert_eq!(block.code_name(0), "jailed_still");
    let block = chain.commit([chain.unjail(&ben.account)]);
    assert_eq!(block.height, until);
    assert_eq!(block.events("unjailed").len(), 1);
    assert_eq!(chain.power(&ben.account), 0, "until the next election");
    chain.finish_epoch();
    assert!(chain.power(&ben.account) > 0);
    assert_eq!(chain.supply()["burned"], 300_000, "judged once");
}

#[test]
fn a_full_window_is_judged_even_where_the_validator_leaves() {
    let stakers = three();
    let mut chain = elected(strict(), &stakers);
    let ann = &stakers[0];
    chain.stops_signing(&ann.key);
    chain.advance_to(chain.height() + 19);
    assert_eq!(chain.validator(&ann.account)["missed_blocks"], 19);
    // It leaves one block before the judgement.
    chain.commit([chain.unstake(&ann.account, 10_000_019)]);
    let record = chain.validator(&ann.account);
    // The window was full in that very block: evidence and downtime come after the transactions.
    assert_eq!(record["jailed_until"], chain.height() + 33);
    assert_eq!(record["missed_blocks"], 0);
    assert_eq!(chain.supply()["burned"], 100_000);
}

#[test]
fn leaving_before_a_window_is_full_forgets_it() {
    let stakers = three();
    let mut chain = elected(strict(), &stakers);
    let ann = &stakers[0];
    chain.stops_signing(&ann.key);
    chain.advance_to(chain.height() + 10);
    chain.commit([chain.unstake(&ann.account, 10_000_000)]);
    let record = chain.validator(&ann.account);
    assert_eq!(
        (&record["missed_blocks"], &record["power"]),
        (&json!(0), &json!(0))
    );
    chain.advance_to(chain.height() + 40);
    assert_eq!(chain.validator(&ann.account)["jailed_until"], 0);
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
    let unstaked = chain
        .commit([chain.unstake(&ann.account, 10_000_019)])
        .height;
    chain.advance_to(unstaked + EVIDENCE_MAX_AGE - 2);
    let block = equivocates(&mut chain, &ann.key);
    assert_eq!(block.events("slashed")[0].get("amount"), Some("500000"));
    // Evidence in the transactions' own block finds the stake as they left it.
    let ben = &stakers[1];
    chain.misbehaviour = vec![ben.key.consensus_address()];
    let block = chain.commit([chain.unstake(&ben.account, 30_000_000)]);
    assert_eq!(block.events("slashed")[0].get("amount"), Some("1500000"));
    assert_eq!(
        chain.balance(ben.account.address()) / 1_000_000,
        SPENDING_MONEY / 1_000_000 - 1
    );
}

#[test]
fn a_slash_of_everything_leaves_nothing() {
    let stakers = three();
    let setup = Setup::default().param("slash_double_sign_bps", 10_000);
    let mut chain = elected(setup, &stakers);
    let ann = &stakers[0];
    chain.commit([chain.unstake(&ann.account, 19)]);
    equivocates(&mut chain, &ann.key);
    let record = chain.validator(&ann.account);
    assert_eq!(record["stake"], 0);
    assert_eq!(record["unbonding"], json!([]));
    assert_eq!(chain.supply()["burned"], 10_000_019);
}
