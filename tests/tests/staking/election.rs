//! Compute-backed proof: how much power those have who are elected.

use std::collections::BTreeMap;

use ait_testkit::{
    actors::{admin, alice, bob, validator},
    chain::{Setup, Staker, elected},
};

fn three() -> [Staker; 3] {
    [
        Staker::named("ann", 10_000_000),
        Staker::named("ben", 30_000_000),
        Staker::named("cat", 60_000_000),
    ]
}

#[test]
fn power_follows_stake_where_nobody_worked() {
    let stakers = three();
    let chain = elected(Setup::default(), &stakers);
    // Half of a million for stake: 10, 30 and 60 of 100.
    assert_eq!(chain.powers(&stakers), [50_001, 150_001, 300_001]);
}

#[test]
fn work_raises_power_as_far_as_stake_backs_it() {
    let stakers = three();
    let setup = Setup::default().param("work_score_floor", 1_000);
    let mut chain = elected(setup, &stakers);
    chain.deliver(&stakers[0].account, 900);
    chain.deliver(&stakers[1].account, 100);
    chain.finish_epoch();
    // Ann did nine tenths of the work, of which a tenth counts: she has a tenth of the stake.
    assert_eq!(chain.powers(&stakers), [100_001, 200_001, 300_001]);
}

#[test]
fn little_work_counts_as_a_part_of_the_floor() {
    let stakers = three();
    let mut chain = elected(Setup::default(), &stakers);
    assert_eq!(chain.param("work_score_floor"), 10_000);
    chain.deliver(&stakers[0].account, 900);
    chain.deliver(&stakers[1].account, 100);
    chain.finish_epoch();
    assert_eq!(chain.powers(&stakers), [95_001, 155_001, 300_001]);
}

#[test]
fn the_weight_of_work_is_a_param() {
    let stakers = three();
    for (weight, expected) in [
        (0, [100_001, 300_001, 600_001]),
        (2_500, [100_001, 250_001, 450_001]),
        (5_000, [100_001, 200_001, 300_001]),
    ] {
        let setup = Setup::default()
            .param("work_score_floor", 1_000)
            .param("work_weight_bps", weight);
        let mut chain = elected(setup, &stakers);
        chain.deliver(&stakers[0].account, 900);
        chain.deliver(&stakers[1].account, 100);
        chain.finish_epoch();
        assert_eq!(chain.powers(&stakers), expected, "{weight}");
    }
}

#[test]
fn power_is_one_floor_over_the_exact_fraction() {
    let stakers = [
        Staker::named("ann", 10_000_019),
        Staker::named("ben", 31_415_926),
        Staker::named("cat", 1_000_003),
    ];
    let (scores, weight, floor): ([u128; 3], u128, u128) = ([1_237, 7_001, 4_999], 3_333, 11);
    let setup = Setup::default()
        .param("work_score_floor", floor as u64)
        .param("work_weight_bps", weight as u64);
    let mut chain = elected(setup, &stakers);
    for (staker, units) in stakers.iter().zip(scores) {
        chain.deliver(&staker.account, units as u64);
    }
    chain.finish_epoch();
    let staked: u128 = stakers.iter().map(|staker| u128::from(staker.stake)).sum();
    let worked: u128 = scores.iter().sum();
    for (staker, score) in stakers.iter().zip(scores) {
        // Over staked * worked * 10000.
        let by_stake = u128::from(staker.stake) * worked;
        let backed = by_stake.min(score * staked);
        let parts = (10_000 - weight) * by_stake + weight * backed;
        let power = 1 + 1_000_000 * parts / (staked * worked * 10_000);
        assert_eq!(u128::from(chain.power(&staker.account)), power);
    }
}

#[test]
fn a_banned_miners_work_counts_nothing_and_its_seat_stays() {
    let stakers = three();
    let setup = Setup::default()
        .param("work_score_floor", 1_000)
        .param("work_decay_bps", 10_000)
        .param("offence_limit", 1)
        .param("ban_blocks", 15);
    let mut chain = elected(setup, &stakers);
    let ann = &stakers[0].account;
    chain.deliver(ann, 1_000);
    chain.commit([chain.open(&alice(), "job", 60_000, 1_000)]);
    chain.finish_epoch();
    assert_eq!(chain.powers(&stakers), [100_001, 150_001, 300_001]);
    let block = chain.commit([chain.forged_claim(ann, "job")]);
    assert_eq!(block.code_name(0), "invalid_miner_signature");
    assert_eq!(block.events("banned").len(), 1);
    assert!(block.updates().is_empty(), "until the next election");
    let until = block.height + 15;
    assert_eq!(chain.miner(ann)["banned_until"], until);
    // Block 30 is within the ban, block 40 is not; the offence halved the score of 1,000.
    chain.finish_epoch();
    assert_eq!((chain.height(), until), (30, 36));
    assert_eq!(chain.powers(&stakers), [50_001, 150_001, 300_001]);
    chain.finish_epoch();
    assert_eq!(chain.powers(&stakers), [100_001, 150_001, 300_001]);
    assert_eq!(chain.miner(ann)["score"], 500);
}

#[test]
fn the_last_block_of_a_ban_is_still_one_of_it() {
    let stakers = three();
    for (ban_blocks, power) in [(8, 100_001), (9, 50_001)] {
        let setup = Setup::default()
            .param("work_score_floor", 1_000)
            .param("offence_limit", 1)
            .param("work_decay_bps", 10_000)
            .param("ban_blocks", ban_blocks);
        let mut chain = elected(setup, &stakers);
        let ann = &stakers[0].account;
        chain.deliver(ann, 2_000);
        chain.commit([chain.open(&alice(), "job", 60_000, 1_000)]);
        chain.finish_epoch();
        let banned = chain.commit([chain.forged_claim(ann, "job")]).height;
        chain.finish_epoch();
        assert_eq!((banned, chain.height()), (21, 30));
        assert_eq!(chain.power(ann), power, "{ban_blocks}");
    }
}

#[test]
fn power_rises_only_at_an_epochs_end() {
    let stakers = three();
    let mut chain = elected(Setup::default(), &stakers);
    let before = chain.powers(&stakers);
    chain.commit([chain.stake(&stakers[0].account, 50_000_000)]);
    while chain.height() % 10 != 9 {
        assert_eq!(chain.powers(&stakers), before);
        let height = chain.height() + 1;
        chain.advance_to(height);
    }
    let block = chain.commit(Vec::<Vec<u8>>::new());
    // 60, 30 and 60 of 150.
    assert_eq!(chain.powers(&stakers), [200_001, 100_001, 200_001]);
    let expected: BTreeMap<String, u64> = stakers
        .iter()
        .zip([200_001, 100_001, 200_001])
        .map(|(staker, power)| (staker.key.pubkey().to_string(), power))
        .collect();
    assert_eq!(block.updates(), expected);
    chain.finish_epoch();
    assert_eq!(chain.powers(&stakers), [200_001, 100_001, 200_001]);
}

#[test]
fn unstaking_cuts_power_at_once_and_in_proportion() {
    let stakers = three();
    let mut chain = elected(Setup::default(), &stakers);
    let ann = &stakers[0];
    let key = ann.key.pubkey().to_string();
    let block = chain.commit([chain.unstake(&ann.account, 4_000_000)]);
    // floor(50,001 * 6 / 10)
    assert_eq!(block.updates(), BTreeMap::from([(key.clone(), 30_000)]));
    // Each from what the one before left: 30,000 * 1/2, then * 1/3; what is staked again between
    // them does not count before the election.
    let txs = [
        chain.unstake(&ann.account, 3_000_000),
        chain.stake(&ann.account, 3_000_000).later(1),
        chain.unstake(&ann.account, 4_000_000).later(2),
    ];
    let block = chain.commit(txs);
    assert_eq!(block.codes(), [0; 3]);
    assert_eq!(block.updates(), BTreeMap::from([(key, 5_000)]));
    assert_eq!(chain.power(&ann.account), 5_000);
    chain.finish_epoch();
    // 2, 30 and 60 of 92.
    assert_eq!(chain.power(&ann.account), 1 + 500_000 * 2 / 92);
}

#[test]
fn a_cut_to_nothing_ends_the_seat_whatever_stake_is_left() {
    let stakers = three();
    let mut chain = elected(Setup::default(), &stakers);
    let ann = &stakers[0];
    let block = chain.commit([chain.unstake(&ann.account, 9_999_999)]);
    let key = ann.key.pubkey().to_string();
    assert_eq!(block.updates(), BTreeMap::from([(key, 0)]));
    let record = chain.validator(&ann.account);
    assert_eq!(
        (&record["stake"], &record["proven"]),
        (&1.into(), &false.into())
    );
    // Staking again at once brings the seat back at the next election, as a newcomer's.
    chain.commit([chain.stake(&ann.account, 9_999_999)]);
    assert_eq!(chain.power(&ann.account), 0);
    chain.finish_epoch();
    assert_eq!(chain.power(&ann.account), 1);
}

#[test]
fn who_falls_below_the_minimum_keeps_what_the_cut_leaves_until_the_election() {
    let stakers = three();
    let mut chain = elected(Setup::default(), &stakers);
    let ann = &stakers[0].account;
    chain.commit([chain.unstake(ann, 9_000_001)]);
    // floor(50,001 * 999,999 / 10,000,000)
    assert_eq!(chain.power(ann), 5_000);
    chain.advance_to(19);
    assert_eq!(chain.power(ann), 5_000);
    chain.finish_epoch();
    assert_eq!(chain.power(ann), 0);
    // With the minimum exactly it may stand again.
    chain.commit([chain.stake(ann, 1)]);
    chain.finish_epoch();
    assert_eq!(chain.power(ann), 1);
}

#[test]
fn a_higher_minimum_acts_at_the_next_election() {
    let stakers = three();
    let mut chain = elected(Setup::default(), &stakers);
    chain.commit([chain.set_param("min_stake", 30_000_000)]);
    chain.advance_to(19);
    assert_eq!(chain.powers(&stakers), [50_001, 150_001, 300_001]);
    chain.finish_epoch();
    assert_eq!(chain.powers(&stakers), [0, 166_667, 333_334]);
}

#[test]
fn the_most_powerful_are_elected_and_ties_go_by_address() {
    let stakers: Vec<Staker> = (0..6)
        .map(|n| Staker::named(&format!("v{n}"), 5_000_000))
        .collect();
    let rich = Staker::named("rich", 5_000_001);
    let all = [stakers.clone(), vec![rich.clone()]].concat();
    let chain = elected(Setup::default().param("max_validators", 4), &all);
    let mut by_address: Vec<&Staker> = stakers.iter().collect();
    by_address.sort_by_key(|staker| staker.account.address());
    assert!(chain.power(&rich.account) > 0);
    for (place, staker) in by_address.into_iter().enumerate() {
        assert_eq!(chain.power(&staker.account) > 0, place < 3, "place {place}");
    }
    // Who is not seated counts in the shares of those who are.
    assert_eq!(
        chain.power(&rich.account),
        1 + 500_000 * 5_000_001 / 35_000_001
    );
}

#[test]
fn under_proof_of_authority_neither_bans_nor_unstaking_take_power() {
    let mut chain = Setup::default()
        .param("offence_limit", 1)
        .balance(&validator(), 10_000_000)
        .start();
    chain.commit([chain.open(&alice(), "job", 60_000, 1_000)]);
    let block = chain.commit([chain.forged_claim(&validator(), "job")]);
    assert_eq!(block.events("banned").len(), 1);
    let key = ait_testkit::actors::validator_key();
    chain.commit([chain.first_stake(&validator(), &key, 5_000_000)]);
    let block = chain.commit([chain.unstake(&validator(), 5_000_000)]);
    assert_eq!(block.codes(), [0]);
    chain.finish_epoch();
    assert_eq!(chain.power(&validator()), 10);
}

#[test]
fn fees_reach_the_proposers_account_in_both_modes() {
    let stakers = three();
    let mut chain = elected(Setup::default(), &stakers);
    for mode in ["cbp", "poa"] {
        assert_eq!(chain.mode(), mode);
        for staker in &stakers {
            chain.proposer = Some(staker.key.consensus_address());
            let before = chain.balance(staker.account.address());
            let tx = chain.transfer(&bob(), &admin(), 5).fee(277);
            chain.commit([tx]);
            let earned = chain.balance(staker.account.address()) - before;
            assert_eq!(earned, 277, "{mode}");
        }
        chain.commit([chain.set_param("consensus_mode", "poa")]);
        chain.commit(Vec::<Vec<u8>>::new());
    }
}
