//! A sender's run of nonces in the pool: sequence, replacement, parking, limits.

use ait_abci::{Verdict, limits};
use ait_app::{Code, block::attestations_wire, tx::Transaction};
use ait_testkit::draft::{self, payload};
use tendermint_proto::v0_38::abci::RequestCheckTx;

use crate::driver::{Comet, address, sign, transfer, transfer_of, work::stake};

#[test]
fn a_run_of_nonces_is_committed_in_one_block_in_order() {
    let mut comet = Comet::begin(&["alice"]);
    let run: Vec<_> = (1..=50)
        .map(|nonce| transfer("alice", nonce, 100))
        .collect();
    for tx in &run {
        assert_eq!(comet.submit(tx).code, 0);
    }
    let block = comet.make_block();
    assert_eq!(block.len(), 50);
    assert!(run.iter().all(|tx| Comet::code_in(&block, tx) == Some(0)));
    assert_eq!(comet.balance("bob"), 50);
    assert_eq!(comet.node.mempool().stats().transactions, 0);
}

#[test]
fn higher_fees_go_first_but_never_before_the_senders_own_earlier_nonces() {
    let mut comet = Comet::begin(&["alice", "dave"]);
    let cheap_first = transfer("alice", 1, 100);
    let dear_second = transfer("alice", 2, 900);
    let middling = transfer("dave", 1, 500);
    for tx in [&cheap_first, &dear_second, &middling] {
        comet.submit(tx);
    }
    let wires: Vec<_> = comet.proposal();
    let expected: Vec<Vec<u8>> = [&middling, &cheap_first, &dear_second]
        .map(|tx| tx.to_wire())
        .into();
    assert_eq!(wires, expected);
}

#[test]
fn the_whole_run_counts_when_a_balance_is_checked() {
    let mut comet = Comet::begin(&["alice"]);
    assert_eq!(
        comet
            .submit(&transfer_of("alice", 1, 100, 999_000_000))
            .code,
        0
    );
    let parked = comet.submit(&transfer_of("alice", 2, 100, 999_000_000));
    assert_eq!(
        parked.code, 0,
        "another node may have seen a payment to alice"
    );
    assert!(parked.log.contains("payload.amount"), "{}", parked.log);
    assert_eq!(comet.proposal().len(), 1);
}

#[test]
fn a_replacement_needs_ten_percent_more_and_its_successors_stay() {
    let mut comet = Comet::begin(&["alice"]);
    let original = transfer("alice", 1, 100);
    let successor = transfer("alice", 2, 100);
    comet.submit(&original);
    comet.submit(&successor);
    let too_cheap = comet.submit(&transfer_of("alice", 1, 109, 2));
    assert_eq!(too_cheap.code, Code::ReplacementUnderpriced.number());
    let replacement = transfer_of("alice", 1, 110, 7);
    assert_eq!(comet.submit(&replacement).code, 0);
    let block = comet.make_block();
    assert_eq!(Comet::code_in(&block, &replacement), Some(0));
    assert_eq!(Comet::code_in(&block, &successor), Some(0));
    assert_eq!(Comet::code_in(&block, &original), None);
    assert_eq!(comet.balance("bob"), 8);
    assert!(
        comet.mempool.is_empty(),
        "the replaced one left the mempool"
    );
}

#[test]
fn successors_of_a_replacement_survive_rechecks_in_list_order() {
    let mut comet = Comet::begin(&["alice"]);
    let first = transfer("alice", 1, 100);
    let second = transfer("alice", 2, 100);
    comet.submit(&first);
    comet.submit(&second);
    let replacement = transfer("alice", 1, 200);
    comet.submit(&replacement);
    // An empty block, as another proposer might make it: everything is rechecked.
    comet.decide(Vec::new());
    assert!(comet.mempool_has(&second), "a nonce gap only in list order");
    assert!(comet.mempool_has(&replacement));
    comet.decide(Vec::new());
    assert!(
        !comet.mempool_has(&first),
        "displaced once CometBFT holds its replacement"
    );
    assert_eq!(comet.make_block().len(), 2);
}

#[test]
fn what_a_lost_replacement_displaced_revives() {
    let mut comet = Comet::begin(&["alice"]);
    let original = transfer("alice", 1, 100);
    comet.submit(&original);
    let lost = transfer_of("alice", 1, 200, 5);
    assert_eq!(comet.submit_when_full(&lost).code, 0);
    for _ in 0..3 {
        comet.decide(Vec::new());
    }
    assert!(!comet.pool_has(&lost));
    assert!(comet.mempool_has(&original) && comet.pool_has(&original));
    let block = comet.make_block();
    assert_eq!(Comet::code_in(&block, &original), Some(0));
}

#[test]
fn a_transaction_that_cometbft_dropped_leaves_the_pool() {
    let mut comet = Comet::begin(&["alice"]);
    let kept = transfer("alice", 1, 100);
    let lost = transfer("alice", 2, 100);
    comet.submit(&kept);
    assert_eq!(comet.submit_when_full(&lost).code, 0);
    for _ in 0..3 {
        comet.decide(Vec::new());
    }
    assert!(comet.pool_has(&kept));
    assert!(!comet.pool_has(&lost));
}

#[test]
fn a_future_nonce_is_parked_and_runs_once_the_gap_closes() {
    let mut comet = Comet::begin(&["alice"]);
    let third = transfer("alice", 3, 100);
    assert_eq!(comet.submit(&third).code, 0);
    assert!(comet.proposal().is_empty());
    assert_eq!(comet.node.mempool().stats().parked, 1);
    comet.submit(&transfer("alice", 2, 100));
    comet.submit(&transfer("alice", 1, 100));
    assert_eq!(comet.make_block().len(), 3);
}

#[test]
fn a_parked_transaction_is_dropped_after_five_blocks() {
    let mut comet = Comet::begin(&["alice"]);
    let parked = transfer("alice", 3, 100);
    comet.submit(&parked);
    for _ in 0..4 {
        comet.make_block();
        assert!(comet.mempool_has(&parked));
    }
    comet.make_block();
    assert!(!comet.mempool_has(&parked) && !comet.pool_has(&parked));
}

#[test]
fn at_most_sixteen_of_a_sender_are_parked() {
    let mut comet = Comet::begin(&["alice"]);
    for nonce in 3..19 {
        assert_eq!(comet.submit(&transfer("alice", nonce, 100)).code, 0);
    }
    let refused = comet.submit(&transfer("alice", 19, 100));
    assert_eq!(refused.code, Code::TooManyParked.number());
    assert!(refused.log.contains("16"), "{}", refused.log);
    assert_eq!(comet.submit(&transfer("alice", 1, 100)).code, 0);
    assert_eq!(comet.submit(&transfer("alice", 2, 100)).code, 0);
    assert_eq!(comet.make_block().len(), 18);
}

#[test]
fn at_most_five_hundred_are_parked_in_all() {
    let names: Vec<String> = (0..32).map(|i| format!("sender {i}")).collect();
    let funded: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut comet = Comet::begin(&funded);
    let mut codes = Vec::new();
    for name in &funded {
        for nonce in 2..18 {
            codes.push(comet.submit(&transfer(name, nonce, 100)).code);
        }
    }
    let accepted = codes.iter().filter(|code| **code == 0).count();
    assert_eq!(accepted, limits::MAX_PARKED);
    assert_eq!(codes.last(), Some(&Code::TooManyParked.number()));
}

#[test]
fn used_and_unreachable_nonces_are_refused() {
    let mut comet = Comet::begin(&["alice"]);
    comet.submit(&transfer("alice", 1, 100));
    comet.make_block();
    let used = comet.submit(&transfer_of("alice", 1, 200, 9));
    assert_eq!(used.code, Code::NonceUsed.number());
    let far = comet.submit(&transfer("alice", 2 + limits::MAX_NONCES_AHEAD, 100));
    assert_eq!(far.code, Code::NonceTooFarAhead.number());
    assert!(far.log.contains("256"), "{}", far.log);
    assert_eq!(
        comet.submit(&transfer("alice", 0, 100)).code,
        Code::NonceUsed.number()
    );
}

#[test]
fn a_future_nonce_with_too_low_a_fee_is_not_worth_parking() {
    let mut comet = Comet::begin(&["alice"]);
    let refused = comet.submit(&transfer("alice", 5, 1));
    assert_ne!(refused.code, 0);
    assert_eq!(comet.node.mempool().stats().transactions, 0);
}

#[test]
fn a_transaction_sent_again_while_pending_is_accepted_and_counted_once() {
    let mut comet = Comet::begin(&["alice"]);
    let tx = transfer("alice", 1, 100);
    comet.submit(&tx);
    assert_eq!(comet.submit_when_full(&tx).code, 0);
    assert_eq!(comet.node.mempool().stats().transactions, 1);
    assert_eq!(comet.make_block().len(), 1);
}

#[test]
fn fees_count_by_the_byte() {
    let mut comet = Comet::begin(&["alice", "dave"]);
    let mut fields = draft::transfer(address("bob"), 1);
    fields["memo"] = "m".repeat(256).into();
    let long = sign("alice", 1, 120, payload("TRANSFER", &fields));
    let short = transfer("dave", 1, 100);
    comet.submit_all([&long, &short]);
    let proposal = comet.proposal();
    assert_eq!(proposal, [short.to_wire(), long.to_wire()]);
}

#[test]
fn the_next_nonce_counts_what_is_pending_in_sequence() {
    let mut comet = Comet::begin(&["alice"]);
    let next = |comet: &Comet| {
        comet
            .node
            .mempool()
            .next_nonce(&address("alice"))
            .unwrap()
            .get()
    };
    assert_eq!(next(&comet), 1);
    comet.submit_all(&[1, 2, 4].map(|nonce| transfer("alice", nonce, 100)));
    assert_eq!(next(&comet), 3);
    comet.submit_all(&[transfer("alice", 3, 100)]);
    assert_eq!(next(&comet), 5);
    comet.make_block();
    assert_eq!(next(&comet), 5);
}

#[test]
fn a_node_says_why_it_dropped_what_it_had_accepted() {
    let mut comet = Comet::begin(&["alice", "dave"]);
    let gap = transfer("alice", 3, 100);
    let original = transfer("dave", 1, 100);
    let replacement = transfer("dave", 1, 200);
    let never = transfer("dave", 400, 100);
    comet.submit_all([&gap, &original, &replacement]);
    assert_eq!(comet.submit(&never).code, Code::NonceTooFarAhead.number());
    for tx in [&gap, &original, &replacement] {
        assert_eq!(comet.dropped(tx), None, "it is pending");
    }
    let block = comet.make_block();
    assert_eq!(Comet::code_in(&block, &replacement), Some(0));
    for _ in 0..limits::PARKED_BLOCKS {
        comet.make_block();
    }
    assert_eq!(comet.dropped(&gap), Some("nonce_gap"));
    assert_eq!(comet.dropped(&original), Some("dropped"));
    assert_eq!(comet.dropped(&replacement), None, "it was committed");
    assert_eq!(comet.dropped(&never), None, "it was never accepted");
    comet.submit_all([&gap]);
    assert_eq!(comet.dropped(&gap), None, "it is pending again");
}

#[test]
fn a_rival_with_the_same_nonce_in_a_block_drops_the_pending_one() {
    let mut comet = Comet::begin(&["alice"]);
    let (mine, theirs) = (transfer("alice", 1, 100), transfer_of("alice", 1, 100, 2));
    comet.submit_all([&mine]);
    comet.decide(vec![theirs.to_wire().into()]);
    assert_eq!(comet.dropped(&mine), Some("nonce_used"));
    assert!(comet.mempool.is_empty());
}

#[test]
fn what_rest_asks_beforehand_changes_nothing() {
    let mut comet = Comet::begin(&["alice", "dave"]);
    let pending = [1, 2, 3].map(|nonce| transfer("alice", nonce, 100));
    comet.submit_all(&pending);
    let before = comet.node.mempool().stats();
    let ask = |tx: &Transaction| comet.node.mempool().preview(&tx.to_wire()).unwrap();
    assert_eq!(ask(&transfer("alice", 2, 200)), Verdict::Ready);
    assert_eq!(ask(&transfer("alice", 4, 100)), Verdict::Ready);
    assert_eq!(ask(&pending[0]), Verdict::Ready);
    let Verdict::Parked(gap) = ask(&transfer("dave", 2, 100)) else {
        panic!("a gap is for REST to refuse");
    };
    assert_eq!(gap.code, Code::NonceGap);
    let Verdict::Refused(used) = ask(&transfer("dave", 0, 100)) else {
        panic!("a used nonce is refused");
    };
    assert_eq!(used.code, Code::NonceUsed);
    assert_eq!(comet.node.mempool().stats(), before);
    assert_eq!(comet.make_block().len(), 3);
}

#[test]
fn envelopes_and_attestations_are_no_transactions() {
    let comet = Comet::begin(&["alice"]);
    let check = |wire: Vec<u8>| {
        let request = RequestCheckTx {
            tx: wire.into(),
            ..RequestCheckTx::default()
        };
        comet.node.check_tx(&request).unwrap().code
    };
    let envelope = |bytes: usize| [b"AIT-ENVELOPE/1\n".to_vec(), vec![b'x'; bytes]].concat();
    assert_eq!(check(envelope(10)), Code::UnexpectedEnvelope.number());
    assert_eq!(check(envelope(100_000)), Code::UnexpectedEnvelope.number());
    let entry = attestations_wire(&[]).unwrap();
    assert_eq!(check(entry), Code::UnexpectedAttestations.number());
}

#[test]
fn transactions_that_a_block_leaves_without_money_keep_no_more_places_than_parked_ones_have() {
    let names: Vec<String> = (0..40).map(|i| format!("sender {i}")).collect();
    let funded: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut comet = Comet::begin(&funded);
    for name in &funded {
        let run: Vec<_> = (1..=30).map(|nonce| transfer(name, nonce, 100)).collect();
        comet.submit_all(&run);
    }
    assert_eq!(comet.node.mempool().stats().parked, 0);
    let spend = |name: &&str| transfer_of(name, 1, 100, 999_999_900).to_wire().into();
    comet.decide(funded.iter().map(spend).collect());
    let stats = comet.node.mempool().stats();
    assert_eq!(
        (stats.transactions, stats.parked),
        (limits::MAX_PARKED, limits::MAX_PARKED)
    );
    assert_eq!(comet.mempool.len(), limits::MAX_PARKED);
    let lost = transfer(funded[0], 30, 100);
    assert_eq!(comet.dropped(&lost), Some("too_many_parked"));
    for _ in 0..limits::PARKED_BLOCKS {
        comet.make_block();
    }
    assert!(comet.mempool.is_empty() && comet.node.mempool().stats().transactions == 0);
}

#[test]
fn a_replacement_in_a_long_run_judges_one_signature() {
    let mut comet = Comet::begin(&["alice"]);
    let run: Vec<_> = (1..=256)
        .map(|nonce| {
            stake(
                "alice",
                nonce,
                2_000 + nonce,
                &format!("key {}", nonce.min(1)),
            )
        })
        .collect();
    comet.submit_all(&run);
    assert_eq!(comet.judged_signatures(), 1, "one key, one proof");
    let replacement = stake("alice", 1, 4_000, "another key");
    assert_eq!(comet.submit(&replacement).code, 0);
    assert_eq!(comet.judged_signatures(), 2);
    comet.decide(Vec::new());
    assert_eq!(comet.judged_signatures(), 2);
}
