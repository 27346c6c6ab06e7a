//! Owns what takes several blocks in a row to come about.

use proptest::prelude::*;

use super::{
    Absent, Action, Amount, Answer, Change, Claim, Does, Equivocation, Evidence, Form, Front, Job,
    MinerSig, OpenPlan, Opening, Place, Plan, Proposer, Saying, Sender, Signing, SigningKey, Terms,
    Who,
};

fn quiet(actions: Vec<Action>) -> Plan {
    Plan {
        proposer: Proposer::Key(0),
        absent: Absent::Keys(0),
        evidence: Evidence::Against(Vec::new()),
        front: Front::AsNeeded,
        actions,
    }
}

fn open(client: Who, job: u8, named: Vec<Who>) -> Action {
    let open = OpenPlan {
        job,
        named,
        threshold: None,
        miner: None,
        partial: false,
        amount: Amount::Plain(2_000),
        ttl: 6,
    };
    Action::plain(client, Does::Open(open))
}

fn says(says: Saying) -> Answer {
    Answer {
        says,
        signing: Signing::Right,
    }
}

/// A receipt is denied, and attested and paid a block later.
fn appeal(receipt: u8) -> Vec<Plan> {
    let claim = |saying| {
        let claim = Claim {
            job: Job::Of(Who::Bob, 3),
            receipt,
            terms: Terms::Usual,
            answers: vec![says(saying)],
            first: 0,
            form: Form::Fitting,
            place: Place::Inline,
            miner_sig: MinerSig::Own,
            last: false,
            opening: Opening::Right,
        };
        quiet(vec![Action::plain(Who::Digger, Does::Claim(claim))])
    };
    let opened = quiet(vec![open(Who::Bob, 3, vec![Who::Coordinator])]);
    vec![opened, claim(Saying::Unknown), claim(Saying::Good)]
}

/// Two coordinators of one escrow contradict themselves.
fn liars(receipt: u8) -> Vec<Plan> {
    let evidence = |first| {
        let evidence = Equivocation {
            job: Job::Of(Who::Alice, 4),
            miner: Who::Miner,
            receipts: [receipt, receipt + 1],
            answers: [says(Saying::Good), says(Saying::Good)],
            first,
            two: false,
            opening: Opening::Right,
        };
        Action::plain(Who::Admin, Does::Equivocation(evidence))
    };
    let opened = open(Who::Alice, 4, vec![Who::Arbiter, Who::Witness]);
    vec![quiet(vec![opened]), quiet(vec![evidence(0), evidence(1)])]
}

/// A coordinator's key is revoked, and what it attests with its account's key is paid.
fn stolen_key(receipt: u8) -> Vec<Plan> {
    let amount = Amount::Plain(50);
    let bond = Action::plain(Who::Coordinator, Does::Bond { amount });
    let opened = open(Who::Bob, 3, vec![Who::Coordinator]);
    let revoked = Does::Param(Change::Revoked(vec![SigningKey::Spare(0)]));
    let claim = appeal(receipt).remove(2);
    vec![
        quiet(vec![bond, opened]),
        quiet(vec![Action::plain(Sender::TheAdmin, revoked)]),
        claim,
    ]
}

pub(super) fn story() -> impl Strategy<Value = Vec<Plan>> {
    prop_oneof![
        3 => (0_u8..8).prop_map(appeal),
        1 => (0_u8..8).prop_map(liars),
        2 => (0_u8..8).prop_map(stolen_key),
    ]
}
