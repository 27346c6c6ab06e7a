//! Owns how often stakes and bonds come, and the block after which they decide.

use proptest::{option, prelude::*, sample::select};
use serde_json::json;

use super::{
    Absent, Action, Amount, Change, Does, Evidence, Front, OpenPlan, Plan, Proposer, Sender,
    StakeKey, Who,
    strategies::{a_coordinator, amount, who},
};

type Pair = (Sender, Does);

fn a_staker() -> impl Strategy<Value = Who> {
    use Who::*;
    prop_oneof![
        6 => select(vec![Validator, Alice, Bob, Miner, Digger]),
        1 => who(),
    ]
}

pub(super) fn staked() -> impl Strategy<Value = Pair> {
    let key = prop_oneof![
        8 => Just(StakeKey::Own),
        5 => Just(StakeKey::Unnamed),
        1 => (0_u8..6).prop_map(StakeKey::Number),
        1 => select(vec![
            StakeKey::ProvenForAnother, StakeKey::ProvenElsewhere, StakeKey::Forged,
        ]),
    ];
    let around_the_least = (999_u64..=1_001).prop_map(Amount::Plain);
    let amount = prop_oneof![4 => amount(), 1 => around_the_least];
    (a_staker(), amount, key).prop_map(|(by, amount, key)| (by.into(), Does::Stake { amount, key }))
}

pub(super) fn unstaked() -> impl Strategy<Value = Pair> {
    let amount = prop_oneof![5 => amount(), 1 => Just(Amount::All), 1 => Just(Amount::Plain(1))];
    (a_staker(), amount).prop_map(|(by, amount)| (by.into(), Does::Unstake { amount }))
}

pub(super) fn unjailed() -> impl Strategy<Value = Pair> {
    let by = prop_oneof![1 => Just(Who::Alice), 1 => Just(Who::Digger), 1 => a_staker()];
    by.prop_map(|by| (by.into(), Does::Unjail))
}

pub(super) fn bonds() -> impl Strategy<Value = Pair> {
    let by = || prop_oneof![5 => a_coordinator(), 1 => who()];
    let bonded = prop_oneof![3 => (900_u64..3_000).prop_map(Amount::Plain), 1 => amount()];
    let bonded = (by(), bonded).prop_map(|(by, amount)| (by.into(), Does::Bond { amount }));
    let part = prop_oneof![4 => (1_u64..900).prop_map(Amount::Plain), 1 => amount()];
    let unbonded = (by(), part).prop_map(|(by, amount)| (by.into(), Does::Unbond { amount }));
    prop_oneof![3 => bonded, 2 => unbonded]
}

/// One who takes out a little of a stake or bond, over and over in one block.
pub(super) fn drip() -> impl Strategy<Value = Vec<Action>> {
    let amount = Amount::Plain(1);
    let stake = (a_staker(), 2_usize..18)
        .prop_map(move |(by, times)| vec![Action::plain(by, Does::Unstake { amount }); times]);
    let bond = a_coordinator().prop_map(move |by| {
        let first = Action::plain(
            by,
            Does::Bond {
                amount: Amount::Plain(100),
            },
        );
        let more = vec![Action::plain(by, Does::Unbond { amount }); 17];
        [vec![first], more].concat()
    });
    prop_oneof![2 => stake.boxed(), 1 => bond.boxed()]
}

/// A block after which work and stake may decide: the authority stakes most, others some, often the
/// same, coordinators bond, and there is work to do.
pub(super) fn opening() -> impl Strategy<Value = Plan> {
    let stake = |by: Who, uait: u64, key: StakeKey| {
        let amount = Amount::Plain(uait);
        Action::plain(by, Does::Stake { amount, key })
    };
    let key = prop_oneof![3 => Just(StakeKey::Own), 1 => Just(StakeKey::Number(6))];
    let most = (40_000_u64..90_000, key);
    let most = most.prop_map(move |(uait, key)| stake(Who::Validator, uait, key));
    let some = move |by: Who| {
        let uait = prop_oneof![2 => Just(5_000_u64), 1 => 900_u64..9_000];
        uait.prop_map(move |uait| stake(by, uait, StakeKey::Own))
    };
    let stakes = (most, some(Who::Alice), some(Who::Miner), some(Who::Digger));
    let more = option::weighted(0.5, (some(Who::Bob), some(Who::Coordinator)));
    (stakes, more).prop_map(|((validator, alice, miner, digger), more)| {
        let cbp = Change::Other("consensus_mode", json!("cbp"));
        let mut actions = vec![Action::plain(Who::Admin, Does::Param(cbp))];
        actions.extend([validator, alice, miner, digger]);
        actions.extend(more.into_iter().flat_map(|(bob, other)| [bob, other]));
        for who in [Who::Coordinator, Who::Arbiter, Who::Witness] {
            let amount = Amount::Plain(2_000);
            actions.push(Action::plain(who, Does::Bond { amount }));
        }
        actions.extend((0..3).map(|job| {
            let open = OpenPlan {
                job,
                named: vec![Who::Coordinator],
                threshold: None,
                miner: None,
                partial: job == 2,
                amount: Amount::Plain(3_000),
                ttl: 6,
            };
            Action::plain(Who::Bob, Does::Open(open))
        }));
        Plan {
            proposer: Proposer::Key(0),
            absent: Absent::Keys(0),
            evidence: Evidence::Against(Vec::new()),
            front: Front::AsNeeded,
            actions,
        }
    })
}
