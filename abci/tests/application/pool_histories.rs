//! Random histories: whatever comes in whatever order, the node accepts its own proposals, and keeps
//! what CometBFT keeps.

use std::collections::BTreeSet;

use ait_abci::limits;
use ait_app::tx::Transaction;
use ait_testkit::work::Work;
use bytes::Bytes;
use proptest::{
    prelude::*,
    sample::{Index, select},
};
use serde_json::json;

use crate::driver::{
    Comet, transfer, transfer_of,
    work::{Says, attest, attested_claim, claim, escrow, release, report, stake, work},
};

const SENDERS: [&str; 4] = ["alice", "carol", "dave", "mia"];

/// Something that happens to the node.
#[derive(Debug, Clone)]
enum Step {
    /// A transaction comes; CometBFT may then find its mempool full.
    Submit(Kind, &'static str, u64, u64, bool),
    /// REST asks beforehand.
    Preview(Kind, &'static str, u64, u64),
    /// A coordinator answers for a waiting claim.
    Answer(Index, Says),
    /// A block of this node's.
    Own,
    /// A block of another's, with some of this node's transactions.
    Others(Vec<Index>),
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Transfer,
    AllMoney,
    Escrow,
    Release,
    Claim,
    AttestedClaim,
    Report,
    Stake,
}

fn transaction(kind: Kind, sender: &str, nonce: u64, fee: u64) -> Transaction {
    let receipt = format!("r{}", nonce % 2);
    let work = work(sender, "alice", "job_1", &receipt);
    match kind {
        Kind::Transfer => transfer(sender, nonce, fee),
        Kind::AllMoney => transfer_of(sender, nonce, fee, 999_000_000),
        Kind::Escrow => escrow(sender, nonce, "job_1"),
        Kind::Release => release("alice", "job_1", nonce),
        Kind::Claim => claim(&work, sender, nonce, fee),
        Kind::AttestedClaim => attested_claim(&work, sender, nonce, attest(&work, Says::Yes)),
        Kind::Report => report(sender, nonce, fee, &work, sender),
        Kind::Stake => stake(sender, nonce, fee, "a key"),
    }
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![
        4 => Just(Kind::Transfer),
        1 => Just(Kind::AllMoney),
        2 => Just(Kind::Escrow),
        1 => Just(Kind::Release),
        4 => Just(Kind::Claim),
        1 => Just(Kind::AttestedClaim),
        1 => Just(Kind::Report),
        2 => Just(Kind::Stake),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    let senders = select(&SENDERS[..]);
    let nonces = 1..9_u64;
    let fees = prop_oneof![Just(100_u64), 2_000..4_000_u64];
    let says = prop_oneof![
        3 => Just(Says::Yes),
        1 => Just(Says::NotPaid),
        1 => Just(Says::NoSuchWork),
    ];
    prop_oneof![
        10 => (kinds(), senders.clone(), nonces.clone(), fees.clone(), prop::bool::weighted(0.1))
            .prop_map(|(kind, sender, nonce, fee, full)| Step::Submit(kind, sender, nonce, fee, full)),
        2 => (kinds(), senders, nonces, fees)
            .prop_map(|(kind, sender, nonce, fee)| Step::Preview(kind, sender, nonce, fee)),
        2 => (any::<Index>(), says).prop_map(|(claim, says)| Step::Answer(claim, says)),
        2 => Just(Step::Own),
        2 => prop::collection::vec(any::<Index>(), 0..3).prop_map(Step::Others),
    ]
}

fn take(comet: &mut Comet, step: Step) {
    match step {
        Step::Submit(kind, sender, nonce, fee, is_full) => {
            let tx = transaction(kind, sender, nonce, fee);
            if is_full {
                comet.submit_when_full(&tx);
            } else if !comet.mempool_has(&tx) {
                comet.submit(&tx);
            }
        }
        Step::Preview(kind, sender, nonce, fee) => {
            let before = comet.node.mempool().stats();
            let tx = transaction(kind, sender, nonce, fee);
            comet.node.mempool().preview(&tx.to_wire()).unwrap();
            assert_eq!(comet.node.mempool().stats(), before);
        }
        Step::Answer(claim, says) => {
            let wanted = comet.node.mempool().attestations_wanted().unwrap();
            if !wanted.is_empty() {
                let wanted = claim.get(&wanted);
                let answer = attest(&Work::requested(&json!(wanted.request)), says);
                comet.attestation_arrived(&wanted.hash, answer).unwrap();
            }
        }
        Step::Own => {
            let block = comet.make_block();
            assert!(
                block
                    .iter()
                    .all(|(_, result)| result.code == 0 || result.code == 57)
            );
        }
        Step::Others(chosen) => {
            let pick = |index: Index| index.get(&comet.mempool).clone();
            let some = !comet.mempool.is_empty();
            let txs: BTreeSet<Bytes> = chosen.into_iter().filter(|_| some).map(pick).collect();
            comet.decide(txs.into_iter().collect());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_node_accepts_its_own_proposals_and_holds_what_comet_holds(
        history in prop::collection::vec(steps(), 1..80)
    ) {
        let mut comet = Comet::begin(&SENDERS);
        for step in history {
            take(&mut comet, step);
            let stats = comet.node.mempool().stats();
            prop_assert!(stats.parked <= SENDERS.len() * limits::MAX_PARKED_OF_SENDER);
            prop_assert!(stats.waiting_for_attestation <= SENDERS.len() * 4);
        }
        // Nobody adds anything: what can run runs, what can't is dropped in time.
        for _ in 0..limits::WAITING_BLOCKS + limits::PARKED_BLOCKS + 3 {
            comet.make_block();
            for tx in &comet.mempool {
                let hash = ait_app::tx::TxHash::of(tx);
                prop_assert!(comet.node.mempool().pending(&hash).is_some());
            }
        }
        prop_assert_eq!(comet.node.mempool().stats().transactions, 0);
        prop_assert!(comet.mempool.is_empty());
    }
}
