//! Owns who there is and what they may do.

use ait_testkit::actors::Actor;
use proptest::{prelude::*, sample::select};

/// Coordinators and threshold of an escrow.
pub(super) type Shape = (&'static [&'static str], u64);

/// Those whose names begin with `good` are honest.
pub(super) const SHAPES: &[Shape] = &[
    (&["good 1"], 1),
    (&["bad 1"], 1),
    (&["good 1", "bad 1"], 1),
    (&["good 1", "bad 1"], 2),
    (&["bad 1", "good 1", "good 2"], 2),
    (&["good 1", "bad 1", "bad 2"], 2),
    (&["bad 1", "good 2", "bad 2"], 1),
    (&["good 1", "good 2", "bad 1", "bad 2"], 2),
];

/// What somebody does. The last two numbers of each choose client and job, or something signed.
#[derive(Debug, Clone)]
pub(super) enum Move {
    Open(usize, u64, bool, u8, u8),
    /// The miner signs a receipt for the escrow, where it trusts its coordinators.
    Sign(u8, u8),
    /// The miner signs a claim, which others may put into any block.
    Claim {
        receipt: u8,
        names: bool,
        bare: bool,
    },
    Include {
        claim: u8,
        front: Option<bool>,
    },
    Report {
        receipt: u8,
        bad: u8,
        good: bool,
    },
    Steal(u8),
    Release(u8, u8),
    Cancel(u8, u8),
    Assign(bool, u8, u8),
    TopUp(u8, u8),
    Param(usize),
    Wait,
}

pub(super) fn a_move() -> impl Strategy<Value = Move> {
    let which = || (prop_oneof![6 => Just(0_u8), 1 => Just(1)], 0_u8..2);
    let byte = any::<u8>;
    let front = select(vec![None, Some(true), Some(false), Some(false)]);
    let open = (0..SHAPES.len(), 3_u64..9, any::<bool>(), which());
    prop_oneof![
        9 => open.prop_map(|(shape, ttl, partial, (c, j))| Move::Open(shape, ttl, partial, c, j)),
        9 => which().prop_map(|(c, j)| Move::Sign(c, j)),
        8 => (byte(), any::<bool>(), any::<bool>())
            .prop_map(|(receipt, names, bare)| Move::Claim { receipt, names, bare }),
        6 => (byte(), front).prop_map(|(claim, front)| Move::Include { claim, front }),
        5 => (byte(), byte(), any::<bool>())
            .prop_map(|(receipt, bad, good)| Move::Report { receipt, bad, good }),
        1 => byte().prop_map(Move::Steal),
        3 => which().prop_map(|(c, j)| Move::Release(c, j)),
        1 => which().prop_map(|(c, j)| Move::Cancel(c, j)),
        1 => (any::<bool>(), which()).prop_map(|(worker, (c, j))| Move::Assign(worker, c, j)),
        1 => which().prop_map(|(c, j)| Move::TopUp(c, j)),
        1 => (0_usize..5).prop_map(Move::Param),
        1 => Just(Move::Wait),
    ]
}

pub(super) fn worker() -> Actor {
    Actor::named("worker")
}

pub(super) fn client(number: u8) -> Actor {
    Actor::named(["mallory", "eve"][usize::from(number)])
}

pub(super) fn job(number: u8) -> String {
    format!("job_{number}")
}

pub(super) fn coordinators() -> Vec<Actor> {
    ["good 1", "good 2", "bad 1", "bad 2"]
        .map(Actor::named)
        .to_vec()
}
