//! Owns how often escrows, claims, reports and evidence come, and of which kind.

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{
    Action, Amount, Does, Job, OpenPlan, Sender, Who,
    receipts::{
        Answer, Claim, Equivocation, Form, MinerKey, MinerSig, Opening, Place, Price, Report,
        Saying, Signing, Terms,
    },
    strategies::{a_coordinator, a_miner, amount, client, mostly, who},
};

type Pair = (Sender, Does);

fn job() -> impl Strategy<Value = Job> {
    prop_oneof![
        8 => any::<u8>().prop_map(Job::Open),
        1 => any::<u8>().prop_map(Job::Any),
        1 => (client(), 0_u8..5).prop_map(|(client, job)| Job::Of(client, job)),
    ]
}

/// One that need not be open.
fn any_job() -> impl Strategy<Value = Job> {
    prop_oneof![2 => any::<u8>().prop_map(Job::Any), 1 => job()]
}

/// One coordinator, or several distinct ones; now and then the same twice.
fn named() -> impl Strategy<Value = Vec<Who>> {
    use Who::*;
    prop_oneof![
        8 => a_coordinator().prop_map(|one| vec![one]),
        5 => select(vec![
            vec![Coordinator, Arbiter],
            vec![Arbiter, Coordinator, Witness],
            vec![Witness, Arbiter],
            vec![Coordinator, Witness, Arbiter],
        ]),
        1 => vec(a_coordinator(), 2..5),
    ]
}

pub(super) fn opened() -> impl Strategy<Value = Pair> {
    let ttl = prop_oneof![8 => 2_u64..7, 1 => 1_u64..8];
    let shape = (
        option::weighted(0.7, 1_u8..4),
        option::weighted(0.3, a_miner()),
        prop::bool::weighted(0.35),
    );
    let amount = prop_oneof![4 => (500_u64..5_000).prop_map(Amount::Plain), 1 => amount()];
    let open = (0_u8..5, named(), shape, amount, ttl);
    (client(), open).prop_map(
        |(by, (job, named, (threshold, miner, partial), amount, ttl))| {
            let most = named.len() as u8;
            let open = OpenPlan {
                job,
                threshold: threshold.map(|threshold| threshold.min(most)),
                named,
                miner,
                partial,
                amount,
                ttl,
            };
            (by.into(), Does::Open(open))
        },
    )
}

/// Several jobs of one client.
pub(super) fn jobs() -> impl Strategy<Value = Vec<Action>> {
    vec(opened(), 1..4).prop_map(|all| {
        let actions = all.into_iter();
        actions
            .map(|(by, does)| Action::plain(plain_sender(by), does))
            .collect()
    })
}

/// A job that is opened, released and opened again at once.
pub(super) fn reopened() -> impl Strategy<Value = Vec<Action>> {
    opened().prop_map(|(by, does)| {
        let client = plain_sender(by);
        let number = match &does {
            Does::Open(open) => open.job,
            _ => 0,
        };
        let job = Job::Of(client, number);
        let open = Action::plain(client, does);
        let release = Action::plain(Sender::TheCoordinator, Does::Release { job });
        vec![open.clone(), release, open]
    })
}

fn plain_sender(by: Sender) -> Who {
    match by {
        Sender::Is(who) => who,
        _ => Who::Alice,
    }
}

pub(super) fn escrow_changed() -> impl Strategy<Value = Pair> {
    let assigned = (mostly(Sender::TheCoordinator), job(), a_miner());
    let assigned = assigned.prop_map(|(by, job, miner)| (by, Does::Assign { job, miner }));
    let by = prop_oneof![3 => Just(Sender::TheClient), 2 => who().prop_map(Sender::Is)];
    let some = prop_oneof![3 => (1_u64..900).prop_map(Amount::Plain), 1 => amount()];
    let ttl = option::weighted(0.5, 1_u64..8);
    let topped_up = (by, job(), some, ttl);
    let topped_up =
        topped_up.prop_map(|(by, job, amount, ttl)| (by, Does::TopUp { job, amount, ttl }));
    let cancelled = (mostly(Sender::TheClient), job());
    let cancelled = cancelled.prop_map(|(by, job)| (by, Does::Cancel { job }));
    let released = (mostly(Sender::TheCoordinator), job());
    let released = released.prop_map(|(by, job)| (by, Does::Release { job }));
    prop_oneof![3 => assigned, 2 => topped_up, 1 => cancelled, 1 => released]
}

fn saying() -> impl Strategy<Value = Saying> {
    use Saying::*;
    prop_oneof![
        24 => Just(Good),
        4 => Just(Generous),
        6 => select(vec![NotPaid, DoubleSpent]),
        6 => select(vec![Unknown, TooDear, TooMany]),
    ]
}

fn damning() -> impl Strategy<Value = Saying> {
    use Saying::*;
    prop_oneof![10 => Just(Unknown), 3 => select(vec![TooDear, TooMany]), 1 => saying()]
}

fn signing() -> impl Strategy<Value = Signing> {
    use Signing::*;
    prop_oneof![
        30 => Just(Right),
        2 => select(vec![OfTheOpening, OfTheAccount]),
        3 => select(vec![
            Forged, OtherReceipt, OtherChain, OlderOpening, Misnamed, Tampered,
        ]),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    (saying(), signing()).prop_map(|(says, signing)| Answer { says, signing })
}

fn denial() -> impl Strategy<Value = Answer> {
    (damning(), signing()).prop_map(|(says, signing)| Answer { says, signing })
}

fn form() -> impl Strategy<Value = Form> {
    let odd = select(vec![
        Form::OneFewer,
        Form::OneMore,
        Form::Reversed,
        Form::Doubled,
        Form::OtherField,
    ]);
    prop_oneof![12 => Just(Form::Fitting), 1 => odd]
}

fn miner_sig() -> impl Strategy<Value = MinerSig> {
    prop_oneof![
        24 => Just(MinerSig::Own),
        1 => Just(MinerSig::UnderOther),
        1 => Just(MinerSig::OfAnother),
        1 => Just(MinerSig::ForOtherChain),
        1 => Just(MinerSig::ForOlderOpening),
    ]
}

fn terms() -> impl Strategy<Value = Terms> {
    let price = prop_oneof![
        4 => (1_u64..3_000).prop_map(Price::Plain),
        3 => Just(Price::AllButTheFee),
        2 => Just(Price::All),
        1 => Just(Price::OneTooMuch),
        2 => Just(Price::Half),
    ];
    let units = prop_oneof![8 => 1_u64..400, 1 => Just(1 << 40), 1 => Just((1 << 53) - 1)];
    let of = (units, price).prop_map(|(units, price)| Terms::Of { units, price });
    prop_oneof![3 => Just(Terms::Usual), 3 => of]
}

fn opening() -> impl Strategy<Value = Opening> {
    prop_oneof![
        8 => Just(Opening::Right), 3 => Just(Opening::Unnamed), 1 => Just(Opening::Wrong),
    ]
}

fn claim() -> impl Strategy<Value = Claim> {
    let place =
        prop_oneof![7 => Just(Place::Inline), 3 => Just(Place::InFront), 1 => Just(Place::Nowhere)];
    let what = (job(), 0_u8..8, terms());
    let how = (vec(answer(), 1..4), any::<u8>(), form(), place);
    let last = prop::bool::weighted(0.15);
    (what, how, miner_sig(), last, opening()).prop_map(
        |((job, receipt, terms), (answers, first, form, place), miner_sig, last, opening)| Claim {
            job,
            receipt,
            terms,
            answers,
            first,
            form,
            place,
            miner_sig,
            last,
            opening,
        },
    )
}

pub(super) fn claimed() -> impl Strategy<Value = Pair> {
    let by = prop_oneof![2 => Just(Sender::TheMiner), 1 => a_miner().prop_map(Sender::Is)];
    (by, claim()).prop_map(|(by, claim)| (by, Does::Claim(claim)))
}

pub(super) fn reported() -> impl Strategy<Value = Pair> {
    let terms = prop_oneof![3 => Just(Terms::Usual), 1 => terms()];
    let what = (any_job(), a_miner(), 0_u8..6, terms);
    let form = prop_oneof![4 => form(), 1 => Just(Form::OneFewer)];
    let how = (vec(denial(), 1..3), any::<u8>(), form);
    let key = select(vec![MinerKey::Right, MinerKey::Unnamed]);
    let by = who().prop_map(Sender::Is);
    (by, what, how, (miner_sig(), key, opening())).prop_map(|(by, what, how, rest)| {
        let (job, miner, receipt, terms) = what;
        let (answers, first, form) = how;
        let (miner_sig, key, opening) = rest;
        let report = Report {
            job,
            miner,
            receipt,
            terms,
            answers,
            first,
            form,
            miner_sig,
            key,
            opening,
        };
        (by, Does::Report(report))
    })
}

pub(super) fn proved() -> impl Strategy<Value = Pair> {
    let other = |says| signing().prop_map(move |signing| Answer { says, signing });
    let receipts = prop_oneof![
        2 => (0_u8..10).prop_map(|n| [n, n]),
        2 => (0_u8..9).prop_map(|n| [n, n + 1]),
    ];
    let answers = prop_oneof![
        6 => (other(Saying::Good), other(Saying::Unknown)),
        6 => (other(Saying::Good), other(Saying::Good)),
        2 => (other(Saying::TooDear), other(Saying::Good)),
        2 => (other(Saying::Good), other(Saying::NotPaid)),
    ];
    let two = prop::bool::weighted(0.06);
    let by = who().prop_map(Sender::Is);
    let what = (any_job(), a_miner(), receipts, answers, any::<u8>());
    (by, what, two, opening()).prop_map(|(by, what, two, opening)| {
        let (job, miner, receipts, (one, other), first) = what;
        let plan = Equivocation {
            job,
            miner,
            receipts,
            answers: [one, other],
            first,
            two,
            opening,
        };
        (by, Does::Equivocation(plan))
    })
}
