//! Owns how often each kind of plan comes. The first alternative of every kind is the plainest, because
//! shrinking moves towards it.

use proptest::{collection::vec, option, prelude::*, sample::Index};

use super::{
    Absent, Action, Amount, Broken, Does, EVERYBODY, Evidence, Fee, Flaw, Front, Plan, Proposer,
    Recipient, Sender, Start, Who,
    changes::{change, handover},
    mutations::{edit, mutation},
    of_stake::{bonds, drip, opening, staked, unjailed, unstaked},
    of_work::{claimed, escrow_changed, jobs, opened, proved, reopened, reported},
    stories::story,
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

pub(super) fn client() -> impl Strategy<Value = Who> {
    prop_oneof![5 => Just(Who::Alice), 3 => Just(Who::Bob), 1 => Just(Who::Miner)]
}

pub(super) fn a_miner() -> impl Strategy<Value = Who> {
    prop_oneof![5 => Just(Who::Miner), 3 => Just(Who::Digger), 1 => Just(Who::Alice)]
}

pub(super) fn a_coordinator() -> impl Strategy<Value = Who> {
    prop_oneof![
        6 => Just(Who::Coordinator), 3 => Just(Who::Arbiter), 3 => Just(Who::Witness),
        1 => Just(Who::Bob),
    ]
}

/// The one whose business it is, or now and then anybody.
pub(super) fn mostly(whose: Sender) -> impl Strategy<Value = Sender> {
    prop_oneof![8 => Just(whose), 1 => who().prop_map(Sender::Is)]
}

pub(super) fn amount() -> impl Strategy<Value = Amount> {
    prop_oneof![
        12 => (1_u64..20_000).prop_map(Amount::Plain),
        3 => (1_u64..60).prop_map(Amount::Plain),
        1 => Just(Amount::All),
        1 => Just(Amount::OneTooMuch),
        1 => Just(Amount::Largest),
    ]
}

fn fee() -> impl Strategy<Value = Fee> {
    prop_oneof![
        24 => Just(Fee::Required),
        4 => (1_u64..50).prop_map(Fee::Above),
        1 => Just(Fee::TooLow),
        1 => Just(Fee::Everything),
        1 => Just(Fee::Unaffordable),
    ]
}

fn flaw() -> impl Strategy<Value = Flaw> {
    prop_oneof![
        50 => Just(Flaw::None),
        1 => Just(Flaw::UsedNonce),
        1 => Just(Flaw::SkippedNonce),
        1 => Just(Flaw::OtherChain),
        1 => Just(Flaw::OthersKey),
        1 => Just(Flaw::Tampered),
        1 => Just(Flaw::Twice),
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
        RepeatedField,
        HugeNumber,
        AmountZero,
        AmountTooLarge,
        AmountAsText,
        UnknownType,
        PayloadOfAnotherKind,
        TooLarge,
        OfAnotherMiner,
        AttestationsWithoutType,
        StakeWithoutProof,
        UnjailWithField,
        Envelope,
        OthersMinerKey,
        BothFormsOfAttestations,
        ThresholdWithoutAttesters,
        PartialFalse,
        WeakKey,
    ])
}

fn bytes() -> impl Strategy<Value = Does> {
    prop_oneof![
        3 => broken().prop_map(Does::Bytes),
        1 => vec(mutation(), 1..4).prop_map(Does::Mutated),
        2 => vec(edit(), 1..3).prop_map(Does::Edited),
    ]
}

fn recipient() -> impl Strategy<Value = Recipient> {
    prop_oneof![
        6 => who().prop_map(Recipient::Known),
        2 => (0_u8..30).prop_map(Recipient::Fresh),
        1 => Just(Recipient::Treasury),
    ]
}

fn absent() -> impl Strategy<Value = Absent> {
    prop_oneof![
        12 => Just(Absent::Keys(0)),
        6 => Just(Absent::Keys(0b1_0010)),
        6 => (0_u16..2_048).prop_map(Absent::Keys),
        1 => Just(Absent::Everybody),
    ]
}

fn evidence() -> impl Strategy<Value = Evidence> {
    let key = prop_oneof![8 => 0_u8..6, 4 => Just(0_u8), 3 => Just(10), 1 => Just(99_u8)];
    prop_oneof![
        30 => Just(Evidence::Against(Vec::new())),
        2 => vec(key, 1..3).prop_map(Evidence::Against),
        1 => Just(Evidence::AgainstEverybody),
    ]
}

type Pair = (Sender, Does);

fn of_coins() -> impl Strategy<Value = Pair> {
    let moved = (who(), recipient(), amount(), any::<bool>()).prop_map(|(by, to, amount, memo)| {
        let does = Does::Transfer { to, amount, memo };
        (by.into(), does)
    });
    let small = prop_oneof![3 => (1_u64..300).prop_map(Amount::Plain), 1 => amount()];
    let spent = (mostly(Sender::TheAdmin), recipient(), small);
    let spent = spent.prop_map(|(by, to, amount)| (by, Does::Spend { to, amount }));
    prop_oneof![4 => moved, 1 => spent]
}

fn of_params() -> impl Strategy<Value = Pair> {
    let changed = (mostly(Sender::TheAdmin), change());
    let changed = changed.prop_map(|(by, change)| (by, Does::Param(change)));
    let accepted = mostly(Sender::TheCandidate).prop_map(|by| (by, Does::AdminAccept));
    prop_oneof![5 => changed, 1 => accepted]
}

/// One transaction of any kind.
pub fn action() -> impl Strategy<Value = Action> {
    let bytes = (who(), bytes()).prop_map(|(by, does)| (by.into(), does));
    let kind = prop_oneof![
        5 => of_coins(),
        12 => opened(),
        7 => escrow_changed(),
        18 => claimed(),
        4 => reported(),
        3 => proved(),
        6 => of_params(),
        3 => bonds(),
        6 => staked(),
        3 => unstaked(),
        4 => unjailed(),
        2 => bytes,
    ];
    (kind, fee(), flaw()).prop_map(|((by, does), fee, flaw)| Action {
        by,
        does,
        fee,
        flaw,
    })
}

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
    let front = prop_oneof![9 => Just(Front::AsNeeded), 1 => odd];
    let more = prop_oneof![
        5 => drip().boxed(), 5 => handover().boxed(), 20 => jobs().boxed(), 1 => reopened().boxed(),
    ];
    let actions = (vec(action(), 0..8), option::weighted(0.3, more));
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

/// What a chain begins with.
pub fn start() -> impl Strategy<Value = Start> {
    let room = option::weighted(0.2, 0_u64..10_000);
    let initial_height = prop_oneof![4 => Just(1_u64), 1 => 2_u64..2_000];
    let seats = prop_oneof![2 => Just(100_u64), 2 => 4_u64..9];
    let work_weight = prop::sample::select(vec![5_000_u64, 2_000, 0, 3_333]);
    let switches = (
        prop::bool::weighted(0.6),
        prop::bool::weighted(0.3),
        option::weighted(0.5, prop::sample::select(vec![1_u8, 10])),
    );
    let start = (room, initial_height, seats, work_weight, switches);
    start.prop_map(|(room, initial_height, seats, work_weight, switches)| {
        let (own_keys, bonds, second_authority) = switches;
        Start {
            room,
            initial_height,
            seats,
            work_weight,
            own_keys,
            bonds,
            second_authority,
        }
    })
}

/// A chain and its blocks.
pub fn chain(blocks: usize) -> impl Strategy<Value = (Start, Vec<Plan>)> {
    let story = option::weighted(0.2, (any::<Index>(), story()));
    let plans = (
        option::weighted(0.7, opening()),
        vec(block(), 1..blocks),
        story,
    );
    let plans = plans.prop_map(|(opening, mut blocks, story)| {
        if let Some((at, story)) = story {
            let at = at.index(blocks.len());
            blocks.splice(at..at, story);
        }
        opening.into_iter().chain(blocks).collect()
    });
    (start(), plans)
}
