//! Stakes, powers, seats and punishments under compute-backed proof, rule by rule.

use super::*;
use crate::staking::record::Jail;

#[test]
fn a_newcomer_has_power_1_until_it_has_signed_and_an_epoch_has_ended() {
    let mut chain = four([AIT; 4], &[]);
    assert_eq!(
        chain.powers().into_values().collect::<Vec<_>>(),
        [125_001; 4]
    );
    chain.block(
        &[Act::Stake(4, 4 * AIT), Act::Stake(5, 5 * AIT)],
        all_but(&[5]),
    );
    while chain.state.height().get() < 30 {
        chain.block(&[], all_but(&[5]));
        let powers = chain.powers();
        let height = chain.state.height().get();
        let expected = match height {
            ..20 => None,
            20..30 => Some(1),
            _ => Some(250_001),
        };
        assert_eq!(powers.get(&4).copied(), expected, "{height}");
        assert_eq!(powers.get(&5).copied(), expected.map(|_| 1), "{height}");
        // CometBFT counts its vote from block 22 on, and block 23 shows it.
        assert_eq!(chain.record(4).unwrap().proven, height >= 23, "{height}");
        assert!(!chain.record(5).unwrap().proven);
    }
}

#[test]
fn unstaking_cuts_power_at_once_and_nothing_left_leaves() {
    let mut chain = four([4 * AIT; 4], &[]);
    let acts = [
        Act::Unstake(0, AIT),
        Act::Unstake(0, AIT),
        Act::Unstake(1, 4 * AIT),
    ];
    let (_, updates) = chain.block(&acts, everybody);
    assert_eq!(updates.len(), 2);
    assert_eq!(
        chain.powers(),
        BTreeMap::from([(0, 62_500), (2, 125_001), (3, 125_001)])
    );
    assert!(!chain.record(1).unwrap().proven);
    // Coins that come back have power only from the next election on.
    chain.block(&[Act::Stake(0, 2 * AIT)], everybody);
    assert_eq!(chain.powers()[&0], 62_500);
    chain.run_to(20);
    assert_eq!(
        chain.powers(),
        BTreeMap::from([(0, 166_667), (2, 166_667), (3, 166_667)])
    );
}

#[test]
fn a_set_that_would_be_empty_stays_as_it_was() {
    let mut chain = four([AIT; 4], &[]);
    let before = chain.powers();
    let acts: Vec<Act> = (0..4).map(|i| Act::Unstake(i, AIT)).collect();
    let (_, updates) = chain.block(&acts, everybody);
    assert_eq!((updates, chain.powers()), (vec![], before.clone()));
    assert!((0..4).all(|i| chain.record(i).unwrap().proven));
    // Nobody is eligible at the election either.
    chain.run_to(20);
    assert_eq!(chain.powers(), before);
}

#[test]
fn a_higher_minimum_acts_at_the_next_election() {
    let mut chain = four([AIT, 2 * AIT, 2 * AIT, 2 * AIT], &[]);
    chain.block(&[set_param("min_stake", "2000000")], everybody);
    chain.run_to(19);
    assert_eq!(chain.powers().len(), 4);
    chain.run_to(20);
    assert_eq!(
        chain.powers(),
        BTreeMap::from([(1, 166_667), (2, 166_667), (3, 166_667)])
    );
}

#[test]
fn equivocation_burns_stake_and_unbonding_and_is_for_good() {
    let mut chain = four([4 * AIT; 4], &[("slash_double_sign_bps", "500")]);
    chain.block(&[Act::Unstake(0, 2 * AIT + 19)], everybody);
    let (events, updates) = chain.block(&[Act::Equivocate(0), Act::Equivocate(0)], everybody);
    assert_eq!(
        kinds(&events),
        ["slashed equivocation", "jailed equivocation"]
    );
    assert_eq!(events[0].get("amount"), Some("199999"));
    assert_eq!(events[1].get("until"), None);
    assert_eq!(
        updates,
        [ValidatorUpdate {
            pubkey: key(0),
            power: Default::default()
        }]
    );
    let record = chain.record(0).unwrap();
    assert_eq!(record.stake.get(), 1_899_982);
    assert_eq!(record.unbonding[0].amount.get(), 1_900_019);
    assert_eq!(chain.state.supply().unwrap().burned.get(), 199_999);
    let (events, _) = chain.block(&[Act::Equivocate(0), Act::Unjail(0)], everybody);
    assert_eq!(events, []);
    assert_eq!(chain.record(0).unwrap().jail, Some(Jail::Tombstoned));
}

#[test]
fn who_signs_too_few_blocks_of_a_window_is_jailed_until_it_unjails() {
    let params = [
        ("downtime_window", "20"),
        ("jail_blocks", "15"),
        ("min_signed_bps", "5000"),
    ];
    let mut chain = four([AIT; 4], &params);
    let mut jailed = Vec::new();
    // Counting begins with block 11, so block 30 judges the first window.
    while chain.state.height().get() < 30 {
        let height = chain.state.height().get() + 1;
        // 0 misses 11 of 20, 1 misses 10 of 20.
        let (zero, one) = (height > 19, height > 20);
        let (events, _) = chain.block(&[], |voter| {
            !(zero && *voter == key(0) || one && *voter == key(1))
        });
        jailed.extend(kinds(&events));
    }
    assert_eq!(jailed, ["slashed downtime", "jailed downtime"]);
    let record = chain.record(0).unwrap();
    assert_eq!(record.jail, Some(Jail::Until(Height::constant(45))));
    assert_eq!((record.stake.get(), record.power.get()), (AIT - 100, 0));
    assert!(chain.record(1).unwrap().counted_blocks.is_zero());
    chain.run_to(43);
    chain.block(&[Act::Unjail(0)], everybody);
    assert!(chain.record(0).unwrap().jail.is_some());
    chain.block(&[Act::Unjail(0), Act::Stake(0, 100)], everybody);
    assert_eq!(chain.record(0).unwrap().jail, None);
    chain.run_to(50);
    assert_eq!(chain.powers()[&0], 1);
    chain.run_to(60);
    assert_eq!(chain.powers()[&0], 125_001);
}

#[test]
fn downtime_takes_no_more_than_half_of_the_power_in_a_block() {
    let params = [("downtime_window", "1"), ("min_signed_bps", "10000")];
    let mut chain = four([AIT; 4], &params);
    let absent = all_but(&[0, 1, 2]);
    let (events, _) = chain.block(&[], &absent);
    assert_eq!(kinds(&events).len(), 4);
    let powers = chain.powers();
    let left: Vec<usize> = powers.keys().copied().collect();
    assert_eq!(left.len(), 2);
    let put_off = left.iter().find(|number| **number != 3).unwrap();
    let record = chain.record(*put_off).unwrap();
    assert_eq!(
        (record.counted_blocks.get(), record.missed_blocks.get()),
        (1, 1)
    );
    assert_eq!(record.stake.get(), AIT);
    // It is judged again in the next block, over both.
    let (events, _) = chain.block(&[], everybody);
    assert_eq!(kinds(&events), ["slashed downtime", "jailed downtime"]);
    assert_eq!(chain.powers().into_keys().collect::<Vec<_>>(), [3]);
}

#[test]
fn newcomers_leave_when_the_proven_ones_lose_their_power() {
    let mut chain = four([AIT; 4], &[("max_validators", "40")]);
    let mut acts: Vec<Act> = (4..14).map(|i| Act::Stake(i, (i as u64) * AIT)).collect();
    chain.block(&acts, all_but(&(4..14).collect::<Vec<_>>()));
    while chain.state.height().get() < 23 {
        chain.block(&[], |voter| (0..4).any(|i| key(i) == *voter));
    }
    assert_eq!(chain.powers().len(), 14);
    // 1 uait is left of three stakes, and 10 of the fourth: powers 0, 0, 0 and 8.
    acts = (0..3).map(|i| Act::Unstake(i, AIT - 1)).collect();
    acts.push(Act::Unstake(3, AIT - 64));
    chain.block(&acts, |voter| (0..4).any(|i| key(i) == *voter));
    assert_eq!(
        chain.powers(),
        BTreeMap::from([(3, 8), (11, 1), (12, 1), (13, 1)])
    );
}

#[test]
fn where_nobody_eligible_is_proven_the_proven_ones_keep_their_seats() {
    let mut chain = four([AIT; 4], &[]);
    let mut acts: Vec<Act> = (0..3).map(|i| Act::Unstake(i, AIT - 10)).collect();
    acts.extend([Act::Unstake(3, AIT - 1_000), Act::Stake(5, AIT)]);
    chain.block(&acts, everybody);
    let cut = [(0, 1), (1, 1), (2, 1), (3, 125)];
    assert_eq!(chain.powers(), BTreeMap::from(cut));
    chain.run_to(20);
    // ceil(1000 / 128) = 8.
    let kept = [(0, 8), (1, 8), (2, 8), (3, 1_000), (5, 1)];
    assert_eq!(chain.powers(), BTreeMap::from(kept));
    chain.run_to(30);
    assert_eq!(chain.powers(), BTreeMap::from([(5, 500_001)]));
}

#[test]
fn work_counts_as_far_as_stake_backs_it_and_a_ban_makes_it_nothing() {
    let acts = [
        Act::Score(0, 9_000_000),
        Act::Score(1, 1_000_000),
        Act::Ban(1, 20),
    ];
    let mut chain = four([AIT; 4], &[("work_decay_bps", "10000")]);
    chain.block(&acts, everybody);
    chain.run_to(20);
    let banned = [250_001, 125_001, 125_001, 125_001];
    assert_eq!(chain.powers().into_values().collect::<Vec<_>>(), banned);
    chain.run_to(30);
    let worked = [250_001, 175_001, 125_001, 125_001];
    assert_eq!(chain.powers().into_values().collect::<Vec<_>>(), worked);
}

#[test]
fn who_cuts_its_power_to_nothing_and_stakes_again_has_left() {
    let mut chain = four([AIT; 4], &[]);
    let acts = |numbers: core::ops::Range<usize>| -> Vec<Act> {
        numbers
            .flat_map(|i| [Act::Unstake(i, AIT), Act::Stake(i, AIT)])
            .collect()
    };
    // All at once would leave none: nothing changes, for the records either.
    let before = chain.powers();
    let (_, updates) = chain.block(&acts(0..4), everybody);
    assert_eq!((updates, chain.powers()), (vec![], before));
    assert!(chain.record(0).unwrap().proven);
    chain.block(&acts(0..1), everybody);
    let record = chain.record(0).unwrap();
    assert_eq!(
        (record.stake.get(), record.power.get(), record.proven),
        (AIT, 0, false)
    );
    chain.run_to(20);
    assert_eq!(chain.powers()[&0], 1);
}
