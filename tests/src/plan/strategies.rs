//! Owns how often each kind of plan comes. The first alternative of every kind is the plainest, because
//! shrinking moves towards it.

use proptest::{collection::vec, option, prelude::*};
use serde_json::json;

use super::{
    Action, Amount, Answer, Broken, Change, Claim, Does, EVERYBODY, Fee, Flaw, Front, Job,
    MinerSig, Place, Plan, Price, Proposer, Start, Who,
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

fn who() -> impl Strategy<Value = Who> {
    prop::sample::select(EVERYBODY)
}

fn client() -> impl Strategy<Value = Who> {
    prop_oneof![5 => Just(Who::Alice), 3 => Just(Who::Bob), 1 => Just(Who::Miner)]
}

fn a_miner() -> impl Strategy<Value = Who> {
    prop_oneof![5 => Just(Who::Miner), 3 => Just(Who::Digger), 1 => Just(Who::Alice)]
}

fn a_coordinator() -> impl Strategy<Value = Who> {
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

fn change() -> impl Strategy<Value = Change> {
    let numbers = prop::sample::select(vec![
        ("base_fee", 0),
        ("base_fee", 5),
        ("base_fee", 1_000_001),
        ("fee_per_kib", 0),
        ("fee_per_kib", 1_000),
        ("mint_per_unit", 0),
        ("mint_per_unit", 9),
        ("mint_per_unit", 1_000_000_000),
        ("coordinator_bps", 10_000),
        ("coordinator_bps", 333),
        ("coordinator_bps", 10_001),
        ("treasury_bps", 1_234),
        ("max_mint_per_price", 3),
        ("max_mint_per_price", 0),
        ("coordinator_epoch_mint_cap", 0),
        ("coordinator_epoch_mint_cap", 5_000),
        ("coordinator_epoch_mint_cap", (1 << 53) - 1),
        ("escrow_max_ttl_blocks", 2),
        ("escrow_max_ttl_blocks", 10_000_000),
        ("epoch_blocks", 1),
        ("epoch_blocks", 7),
        ("offence_limit", 1),
        ("offence_limit", 3),
        ("offence_window_blocks", 2),
        ("ban_blocks", 2),
        ("unbonding_blocks", 99),
        ("unbonding_blocks", 100),
    ]);
    let others = prop::sample::select(vec![
        ("base_fee", json!("5")),
        ("base_fee", json!(true)),
        ("consensus_mode", json!("poa")),
        ("consensus_mode", json!("pow")),
        ("admin", json!(1)),
        ("evidence_max_age_num_blocks", json!(1)),
        ("no_such_param", json!({"a": [1, {"b": false}]})),
        ("coordinators", json!([])),
        ("authorities", json!({})),
    ]);
    let registered = (
        a_coordinator(),
        prop_oneof![4 => Just(None), 1 => who().prop_map(Some)],
    );
    let validators = (who(), 0_u8..4, 1_u64..5);
    prop_oneof![
        10 => numbers.prop_map(|(name, value)| Change::Number(name, value)),
        3 => others.prop_map(|(name, value)| Change::Other(name, value)),
        2 => vec(registered, 0..3).prop_map(|list| {
            let own = |(who, key): (Who, Option<Who>)| (who, key.unwrap_or(who));
            Change::Coordinators(list.into_iter().map(own).collect())
        }),
        4 => vec(validators, 0..4).prop_map(Change::Authorities),
    ]
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
        StakeBeforeItsTime,
        TooLarge,
        OfAnotherMiner,
        AttestationsWithoutType,
    ])
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
    let kind = prop_oneof![
        6 => moved,
        8 => opened,
        12 => claimed,
        3 => released,
        4 => changed,
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
    (proposer, front, vec(action(), 0..8)).prop_map(|(proposer, front, actions)| Plan {
        proposer,
        front,
        actions,
    })
}

/// A chain and its blocks.
pub fn chain(blocks: usize) -> impl Strategy<Value = (Start, Vec<Plan>)> {
    let room = option::weighted(0.2, 0_u64..10_000);
    let initial_height = prop_oneof![4 => Just(1_u64), 1 => 2_u64..2_000];
    let start = (room, initial_height).prop_map(|(room, initial_height)| Start {
        room,
        initial_height,
    });
    (start, vec(block(), 1..blocks))
}
