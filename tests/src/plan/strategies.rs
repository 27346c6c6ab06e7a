//! Owns how often each kind of plan comes. The first alternative of every kind is the plainest, because
//! shrinking moves towards it.

use proptest::{collection::vec, option, prelude::*};
use serde_json::json;

use super::{
    Absent, Action, Amount, Answer, Broken, Change, Claim, Does, EVERYBODY, Evidence, Fee, Flaw,
    Front, Job, MinerSig, Place, Plan, Price, Proposer, StakeKey, Start, Who, changes::change,
};

/// How many random chains a property tries: as many as `AIT_CASES` says, else `usual`.
pub fn cases(usual: u32) -> ProptestConfig {
    let wanted = std::env::var("AIT_CASES").ok();
    ProptestConfig {
        cases: wanted.and_then(|cases| cases.parse().ok()).unwrap_or(usual),
        failure_persistence: None,
        max_shrink_iters: 4_000,
        ..ProptestConfig::default()
    }
}

pub(super) fn who() -> impl Strategy<Value = Who> {
    prop::sample::select(EVERYBODY)
}

fn client() -> impl Strategy<Value = Who> {
    prop_oneof![5 => Just(Who::Alice), 3 => Just(Who::Bob), 1 => Just(Who::Miner)]
}

fn a_miner() -> impl Strategy<Value = Who> {
    prop_oneof![5 => Just(Who::Miner), 3 => Just(Who::Digger), 1 => Just(Who::Alice)]
}

pub(super) fn a_coordinator() -> impl Strategy<Value = Who> {
    prop_oneof![6 => Just(Who::Coordinator), 3 => Just(Who::Arbiter), 1 => Just(Who::Bob)]
}

fn amount() -> impl Strategy<Value = Amount> {
    prop_oneof![
        12 => (1_u64..20_000).prop_map(Amount::Plain),
        1 => Just(Amount::All),
        1 => Just(Amount::OneTooMuch),
        1 => Just(Amount::Largest),
    ]
}

fn job() -> impl Strategy<Value = Job> {
    prop_oneof![
        4 => any::<u8>().prop_map(Job::Open),
        1 => (client(), 0_u8..3).prop_map(|(client, job)| Job::Of(client, job)),
    ]
}

fn fee() -> impl Strategy<Value = Fee> {
    prop_oneof![
        20 => Just(Fee::Required),
        4 => (1_u64..50).prop_map(Fee::Above),
        1 => Just(Fee::TooLow),
        1 => Just(Fee::Everything),
        1 => Just(Fee::Unaffordable),
    ]
}

fn flaw() -> impl Strategy<Value = Flaw> {
    prop_oneof![
        40 => Just(Flaw::None),
        1 => Just(Flaw::UsedNonce),
        1 => Just(Flaw::SkippedNonce),
        1 => Just(Flaw::OtherChain),
        1 => Just(Flaw::OthersKey),
        1 => Just(Flaw::Tampered),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    use Answer::*;
    prop_oneof![
        24 => Just(Good),
        4 => Just(Generous),
        9 => prop::sample::select(vec![NotPaid, Unknown, DoubleSpent, TooDear, TooMany]),
        6 => prop::sample::select(vec![
            Forged, OfAnother, Misnamed, ForOtherReceipt, ForOtherChain, ForOlderEscrow, Tampered,
        ]),
    ]
}

fn claim() -> impl Strategy<Value = Claim> {
    let place =
        prop_oneof![6 => Just(Place::Inline), 3 => Just(Place::InFront), 1 => Just(Place::Nowhere)];
    let miner_sig = prop_oneof![
        12 => Just(MinerSig::Own),
        1 => Just(MinerSig::UnderOther),
        1 => Just(MinerSig::OfAnother),
        1 => Just(MinerSig::ForOtherChain),
    ];
    let price = prop_oneof![
        3 => (1_u64..3_000).prop_map(Price::Plain),
        2 => Just(Price::WholeEscrow),
        1 => Just(Price::OneTooMuch),
    ];
    let units = prop_oneof![8 => 1_u64..400, 1 => Just(1 << 40), 1 => Just((1 << 53) - 1)];
    (job(), 0_u8..8, units, price, answer(), place, miner_sig).prop_map(
        |(job, receipt, units, price, answer, place, miner_sig)| Claim {
            job,
            receipt,
            units,
            price,
            answer,
            place,
            miner_sig,
        },
    )
}

fn broken() -> impl Strategy<Value = Broken> {
    use Broken::*;
    prop::sample::select(vec![
        Empty,
        Garbage,
        Truncated,
        NotCanonical,
        UnknownField,
        NullFee,
        AmountZero,
        AmountTooLarge,
        AmountAsText,
        UnknownType,
        PayloadOfAnotherKind,
        TooLarge,
        OfAnotherMiner,
        AttestationsWithoutType,
        StakeWithoutProof,
        StakeWithoutKey,
        UnjailWithField,
    ])
}

fn a_staker() -> impl Strategy<Value = Who> {
    use Who::*;
    prop_oneof![
        6 => prop::sample::select(vec![Validator, Alice, Bob, Miner, Digger]),
        1 => who(),
    ]
}

fn staked() -> impl Strategy<Value = (Who, Does)> {
    let key = prop_oneof![
        8 => Just(StakeKey::Own),
        5 => Just(StakeKey::Unnamed),
        1 => (0_u8..6).prop_map(StakeKey::Number),
        1 => prop::sample::select(vec![
            StakeKey::ProvenForAnother, StakeKey::ProvenElsewhere, StakeKey::Forged,
        ]),
    ];
    let around_the_least = (999_u64..=1_001).prop_map(Amount::Plain);
    let amount = prop_oneof![4 => amount(), 1 => around_the_least];
    (a_staker(), amount, key).prop_map(|(by, amount, key)| (by, Does::Stake { amount, key }))
}

fn unstaked() -> impl Strategy<Value = (Who, Does)> {
    let amount = prop_oneof![5 => amount(), 1 => Just(Amount::All), 1 => Just(Amount::Plain(1))];
    (a_staker(), amount).prop_map(|(by, amount)| (by, Does::Unstake { amount }))
}

fn plain((by, does): (Who, Does)) -> Action {
    Action {
        by,
        does,
        fee: Fee::Required,
        flaw: Flaw::None,
    }
}

/// One who unstakes a little, over and over in one block.
fn drip() -> impl Strategy<Value = Vec<Action>> {
    let amount = Amount::Plain(1);
    (a_staker(), 2_usize..18)
        .prop_map(move |(by, times)| vec![plain((by, Does::Unstake { amount })); times])
}

/// A block after which work and stake may decide: the authority stakes most, others some, often the
/// same, and there is work to do.
fn opening() -> impl Strategy<Value = Plan> {
    let stake = |by: Who, uait: u64, key: StakeKey| {
        let amount = Amount::Plain(uait);
        plain((by, Does::Stake { amount, key }))
    };
    let key = prop_oneof![2 => Just(StakeKey::Own), 1 => Just(StakeKey::Number(6))];
    let most = (40_000_u64..90_000, key);
    let most = most.prop_map(move |(uait, key)| stake(Who::Validator, uait, key));
    let some = move |by: Who| {
        let uait = prop_oneof![2 => Just(5_000_u64), 1 => 900_u64..9_000];
        uait.prop_map(move |uait| stake(by, uait, StakeKey::Own))
    };
    let stakes = (most, some(Who::Alice), some(Who::Miner), some(Who::Digger));
    stakes.prop_map(|(validator, alice, miner, digger)| {
        let cbp = Change::Other("consensus_mode", json!("cbp"));
        let mut actions = vec![plain((Who::Admin, Does::Param(cbp)))];
        actions.extend([validator, alice, miner, digger]);
        actions.extend((0..3).map(|job| {
            let open = Does::Open {
                job,
                coordinator: Who::Coordinator,
                amount: Amount::Plain(3_000),
                ttl: 6,
            };
            plain((Who::Bob, open))
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

fn absent() -> impl Strategy<Value = Absent> {
    prop_oneof![
        12 => Just(Absent::Keys(0)),
        6 => Just(Absent::Keys(0b1_0010)),
        6 => (0_u16..512).prop_map(Absent::Keys),
        1 => Just(Absent::Everybody),
    ]
}

fn evidence() -> impl Strategy<Value = Evidence> {
    let key = prop_oneof![8 => 0_u8..6, 4 => Just(0_u8), 1 => Just(99_u8)];
    prop_oneof![
        24 => Just(Evidence::Against(Vec::new())),
        2 => vec(key, 1..3).prop_map(Evidence::Against),
        1 => Just(Evidence::AgainstEverybody),
    ]
}

/// One transaction of any kind.
pub fn action() -> impl Strategy<Value = Action> {
    let opened = (client(), 0_u8..3, a_coordinator(), amount(), 1_u64..8).prop_map(
        |(by, job, coordinator, amount, ttl)| {
            let does = Does::Open {
                job,
                coordinator,
                amount,
                ttl,
            };
            (by, does)
        },
    );
    let moved =
        (who(), who(), amount()).prop_map(|(by, to, amount)| (by, Does::Transfer { to, amount }));
    let claimed = (a_miner(), claim()).prop_map(|(by, claim)| (by, Does::Claim(claim)));
    let released = (a_coordinator(), job()).prop_map(|(by, job)| (by, Does::Release { job }));
    let by = prop_oneof![8 => Just(Who::Admin), 1 => who()];
    let changed = (by, change()).prop_map(|(by, change)| (by, Does::Param(change)));
    let bytes = (who(), broken()).prop_map(|(by, broken)| (by, Does::Bytes(broken)));
    let unjailed = prop_oneof![1 => Just(Who::Alice), 1 => Just(Who::Digger), 1 => a_staker()];
    let kind = prop_oneof![
        6 => moved,
        10 => opened,
        14 => claimed,
        3 => released,
        4 => changed,
        6 => staked(),
        4 => unstaked(),
        6 => unjailed.prop_map(|by| (by, Does::Unjail)),
        1 => bytes,
    ];
    (kind, fee(), flaw()).prop_map(|((by, does), fee, flaw)| Action {
        by,
        does,
        fee,
        flaw,
    })
}

/// One block.
pub fn block() -> impl Strategy<Value = Plan> {
    let proposer = prop_oneof![
        6 => (0_u8..4).prop_map(Proposer::Key),
        1 => Just(Proposer::Key(99)),
        1 => Just(Proposer::Nobody),
    ];
    let odd = prop::sample::select(vec![
        Front::LeftOut,
        Front::OneMissing,
        Front::OneTooMany,
        Front::Reversed,
        Front::Twice,
        Front::AtTheEnd,
        Front::Always,
    ]);
    let front = prop_oneof![8 => Just(Front::AsNeeded), 1 => odd];
    let actions = (vec(action(), 0..8), option::weighted(0.06, drip()));
    (proposer, absent(), evidence(), front, actions).prop_map(
        |(proposer, absent, evidence, front, (mut actions, more))| {
            actions.extend(more.into_iter().flatten());
            Plan {
                proposer,
                absent,
                evidence,
                front,
                actions,
            }
        },
    )
}

/// A chain and its blocks.
pub fn chain(blocks: usize) -> impl Strategy<Value = (Start, Vec<Plan>)> {
    let room = option::weighted(0.2, 0_u64..10_000);
    let initial_height = prop_oneof![4 => Just(1_u64), 1 => 2_u64..2_000];
    let seats = prop_oneof![3 => Just(100_u64), 2 => 1_u64..4];
    let work_weight = prop::sample::select(vec![2_000_u64, 2_000, 5_000, 0, 10_000]);
    let start = (room, initial_height, seats, work_weight);
    let start = start.prop_map(|(room, initial_height, seats, work_weight)| Start {
        room,
        initial_height,
        seats,
        work_weight,
    });
    let plans = (option::weighted(0.7, opening()), vec(block(), 1..blocks));
    let plans = plans.prop_map(|(opening, blocks)| opening.into_iter().chain(blocks).collect());
    (start, plans)
}
