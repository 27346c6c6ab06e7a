//! Random histories: whatever comes, is answered, is lost and is decided, the pool keeps, says and
//! proposes what judging everything anew would.

use std::collections::HashSet;

use ait_app::{address::Address, tx::TxHash};
use ait_testkit::{actors::Actor, draft};
use proptest::{
    prelude::*,
    sample::{Index, select},
};
use serde_json::{Value, json};

use super::world::{SENDERS, Tx, World, address, sign, stake, transfer, work};

#[derive(Debug, Clone)]
enum Step {
    /// A transaction comes.
    Submit(Made),
    /// An envelope comes, with some that are known already.
    Envelope(Vec<Made>, Vec<Index>),
    /// REST asks beforehand.
    Preview(Made),
    /// REST asks of many.
    PreviewLines(Vec<Made>),
    /// A coordinator answers for a waiting claim, rightly or with a denial.
    Answer(Index, bool),
    /// A block of this node's; CometBFT then presents all but these.
    Own(Vec<Index>),
    /// A block of another's, with some that this node knows and one that it doesn't.
    Others(Vec<Index>, Made, Vec<Index>),
}

/// A transaction of a kind, a sender, a nonce and a fee.
type Made = (Kind, &'static str, u64, u64);

#[derive(Debug, Clone, Copy)]
enum Kind {
    Pay(&'static str),
    PayAlmostNothing,
    PayAllMoney,
    Spend,
    Open,
    Assign,
    TopUp,
    Cancel,
    Release,
    Claim(u64),
    AttestedClaim(u64),
    Report,
    Bond,
    Unbond,
    Stake,
    Unstake,
    BaseFee(u64),
    LeastBalance(u64),
    Admin,
}

fn made((kind, from, nonce, fee): Made) -> Tx {
    // What stands behind its sender's own opening is judged as if that were in the block for which it was
    // judged itself: a height, which commits may not notice.
    let from = match (kind, from) {
        (Kind::Claim(_) | Kind::AttestedClaim(_) | Kind::Report, "alice") => "mia",
        (Kind::Open, _) => "alice",
        (_, from) => from,
    };
    let signed = |kind: &str, fields: &Value| sign(from, nonce, fee, kind, fields);
    let alices = || json!({"client_addr": address("alice").to_string(), "job_id": "job_1"});
    let receipt = format!("r{}", nonce % 2);
    match kind {
        Kind::Pay("nobody") => transfer(from, nonce, fee, Address::module("treasury"), 5_000_000),
        Kind::Pay(to) if to == from => transfer(from, nonce, fee, address("fresh"), 2_000_000),
        Kind::Pay(to) => transfer(from, nonce, fee, address(to), 2_000_000),
        Kind::PayAlmostNothing => transfer(from, nonce, fee, address("fresh"), 1),
        Kind::PayAllMoney => transfer(from, nonce, fee, address("bob"), 990_000_000),
        Kind::Spend => {
            let fields = json!({"to": address("bob").to_string(), "amount": 5_000_100});
            signed("TREASURY_SPEND", &fields)
        }
        Kind::Open => {
            let fields = draft::escrow_open("job_1", address("carol"), 60_000, 1_000);
            signed("ESCROW_OPEN", &fields)
        }
        Kind::Assign => {
            let fields = draft::escrow_assign(address("alice"), "job_1", address("mia"));
            signed("ESCROW_ASSIGN", &fields)
        }
        Kind::TopUp => {
            let fields = draft::escrow_topup(address("alice"), "job_1", 1_000);
            signed("ESCROW_TOPUP", &fields)
        }
        Kind::Cancel => signed("ESCROW_CANCEL", &json!({"job_id": "job_1"})),
        Kind::Release => signed("ESCROW_RELEASE", &alices()),
        Kind::Claim(opened) | Kind::AttestedClaim(opened) => {
            let work = work(from, "alice", &receipt, opened);
            let answer = matches!(kind, Kind::AttestedClaim(_))
                .then(|| work.attested_by(&Actor::named("carol"), opened));
            let fields = work.claim(&work.signed_by(&Actor::named(from)), answer.as_ref());
            signed("RECEIPT_CLAIM", &fields)
        }
        Kind::Report => {
            let miner = Actor::named("mia");
            let work = work("mia", "alice", &receipt, 1);
            let denial = work.denied_by(&Actor::named("carol"));
            let mut fields = work.report(&work.signed_by(&miner), &[denial]);
            fields["miner_pubkey"] = json!(miner.pubkey());
            signed("RECEIPT_REPORT", &fields)
        }
        Kind::Bond => signed("COORDINATOR_BOND", &json!({"amount": 1_000_000})),
        Kind::Unbond => signed("COORDINATOR_UNBOND", &json!({"amount": 1_000_000})),
        Kind::Stake => stake(from, nonce, fee, "a key"),
        Kind::Unstake => signed("UNSTAKE", &json!({"amount": 1})),
        Kind::BaseFee(value) => {
            let fields = draft::param_update("base_fee", value.into());
            signed("PARAM_UPDATE", &fields)
        }
        Kind::LeastBalance(value) => {
            let fields = draft::param_update("min_account_balance", value.into());
            signed("PARAM_UPDATE", &fields)
        }
        Kind::Admin => {
            let fields = draft::param_update("admin", address("dave").to_string().into());
            signed("PARAM_UPDATE", &fields)
        }
    }
}

fn kinds() -> impl Strategy<Value = Kind> {
    let recipients = select(&["alice", "bob", "carol", "fresh", "nobody"][..]);
    let heights = prop_oneof![3 => Just(1_u64), 1 => 2..5_u64];
    prop_oneof![
        6 => recipients.prop_map(Kind::Pay),
        1 => Just(Kind::PayAlmostNothing),
        1 => Just(Kind::PayAllMoney),
        1 => Just(Kind::Spend),
        3 => Just(Kind::Open),
        1 => Just(Kind::Assign),
        1 => Just(Kind::TopUp),
        1 => Just(Kind::Cancel),
        1 => Just(Kind::Release),
        4 => heights.clone().prop_map(Kind::Claim),
        2 => heights.prop_map(Kind::AttestedClaim),
        1 => Just(Kind::Report),
        1 => Just(Kind::Bond),
        1 => Just(Kind::Unbond),
        2 => Just(Kind::Stake),
        1 => Just(Kind::Unstake),
        1 => select(&[1_u64, 3_000][..]).prop_map(Kind::BaseFee),
        1 => select(&[0_u64, 2_000_001][..]).prop_map(Kind::LeastBalance),
        1 => Just(Kind::Admin),
    ]
}

fn transactions() -> impl Strategy<Value = Made> {
    let fees = prop_oneof![Just(100_u64), 2_000..4_000_u64, Just(1_200_000_u64)];
    (kinds(), select(&SENDERS[..]), 1..9_u64, fees)
}

fn steps() -> impl Strategy<Value = Step> {
    let some = |most| prop::collection::vec(any::<Index>(), 0..most);
    prop_oneof![
        12 => transactions().prop_map(Step::Submit),
        3 => (prop::collection::vec(transactions(), 1..8), some(3))
            .prop_map(|(new, known)| Step::Envelope(new, known)),
        1 => transactions().prop_map(Step::Preview),
        1 => prop::collection::vec(transactions(), 1..8).prop_map(Step::PreviewLines),
        2 => (any::<Index>(), prop::bool::weighted(0.8)).prop_map(|(of, good)| Step::Answer(of, good)),
        2 => some(2).prop_map(Step::Own),
        3 => (some(5), transactions(), some(2))
            .prop_map(|(known, new, silent)| Step::Others(known, new, silent)),
    ]
}

fn take(world: &mut World, step: Step) {
    let hashes: Vec<TxHash> = world.known.keys().copied().collect();
    let held = world.envelopes();
    let silenced = |chosen: &[Index]| -> HashSet<TxHash> {
        let all: Vec<TxHash> = hashes.iter().chain(&held).copied().collect();
        let chosen = chosen.iter().filter(|_| !all.is_empty());
        chosen.map(|index| *index.get(&all)).collect()
    };
    let pick = |chosen: &[Index]| -> Vec<TxHash> {
        let chosen = chosen.iter().filter(|_| !hashes.is_empty());
        chosen.map(|index| *index.get(&hashes)).collect()
    };
    match step {
        Step::Submit(tx) => {
            world.submit(&made(tx));
        }
        Step::Envelope(new, known) => {
            let known = pick(&known);
            let known = known.iter().map(|hash| world.known[hash].clone());
            let txs: Vec<Tx> = known.chain(new.into_iter().map(made)).collect();
            world.submit_envelope(&txs);
        }
        Step::Preview(tx) => world.preview(&made(tx)),
        Step::PreviewLines(txs) => {
            let txs: Vec<Tx> = txs.into_iter().map(made).collect();
            world.preview_lines(&txs);
        }
        Step::Answer(of, is_good) => world.answer(|count| of.index(count), is_good),
        Step::Own(silent) => {
            world.propose();
            world.compare();
            world.recheck(&silenced(&silent));
        }
        Step::Others(known, new, silent) => {
            let mut txs: Vec<Tx> = pick(&known)
                .iter()
                .map(|hash| world.known[hash].clone())
                .collect();
            txs.sort_by_key(|tx| tx.verified.tx.nonce);
            txs.push(made(new));
            world.decide_some(&txs);
            world.compare();
            world.recheck(&silenced(&silent));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn a_commit_does_what_judging_everything_anew_would(
        history in prop::collection::vec(steps(), 1..100)
    ) {
        let mut world = World::begin();
        for step in history {
            take(&mut world, step);
        }
        for _ in 0..30 {
            world.propose();
            world.compare();
            world.recheck(&HashSet::new());
        }
    }
}
