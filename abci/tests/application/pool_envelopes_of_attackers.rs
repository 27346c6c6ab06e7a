//! Envelopes that are meant to harm: refused by the first line that is wrong, nothing kept of what is not
//! worth its bytes, and no dearer than the same bytes as single transactions.

use std::fs;

use ait_abci::Envelope;
use ait_app::{Code, tx::Transaction};
use bytes::Bytes;

use crate::{
    driver::{Comet, hash, transfer, transfer_of},
    pool_envelopes::envelope_of,
};

fn run(sender: &str, count: u64) -> Vec<Transaction> {
    (1..=count)
        .map(|nonce| transfer(sender, nonce, 100))
        .collect()
}

/// An envelope of these lines, whatever they are.
fn of_lines<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Bytes {
    let mut envelope = Envelope::default();
    for line in lines {
        envelope.push(Bytes::copy_from_slice(line)).unwrap();
    }
    envelope.to_wire()
}

#[test]
fn the_first_line_that_fails_encoding_or_signature_is_the_envelopes_fault() {
    let mut comet = Comet::begin(&["alice"]);
    let good: Vec<Vec<u8>> = run("alice", 4).iter().map(Transaction::to_wire).collect();
    let mut forged = transfer("alice", 5, 100);
    forged.sig = transfer("alice", 6, 100).sig;
    let nested = of_lines([good[0].as_slice(), &good[1]]);
    let spaced = [good[0].as_slice(), b" "].concat();
    let attestations = br#"{"attestations":[],"type":"ATTESTATIONS"}"#;
    let large = vec![b'x'; 17 * 1024];
    for (line, code) in [
        (forged.to_wire(), Code::InvalidSignature),
        (nested.to_vec(), Code::UnexpectedEnvelope),
        (attestations.to_vec(), Code::UnexpectedAttestations),
        (spaced, Code::NotCanonical),
        (large, Code::TooLarge),
        (Vec::new(), Code::MalformedJson),
        (b"{}".to_vec(), Code::InvalidField),
    ] {
        let lines = [
            good[0].as_slice(),
            &good[1],
            &line,
            b"what comes after it",
            &good[2],
        ];
        let response = comet.submit_bytes(of_lines(lines));
        assert_eq!(response.code, code.number(), "{}", response.log);
        assert!(response.log.contains("transaction 3 "), "{}", response.log);
        assert_eq!(comet.node.mempool().stats().transactions, 0);
        assert_eq!(comet.offer(), []);
    }
}

#[test]
fn what_is_no_envelope_is_refused_by_its_size_or_its_count() {
    let mut comet = Comet::begin(&["alice"]);
    let line = transfer("alice", 1, 100).to_wire();
    let many = format!("AIT-ENVELOPE/1{}", "\n{}".repeat(2_001));
    let large = [b"AIT-ENVELOPE/1\n", line.as_slice(), &[b'x'; 512 * 1024]].concat();
    let lone = [b"AIT-ENVELOPE/1\n", line.as_slice()].concat();
    let ended = [b"AIT-ENVELOPE/1\n", line.as_slice(), b"\n"].concat();
    for (bytes, code, limit) in [
        (many.into_bytes(), Code::UnexpectedEnvelope, "2000"),
        (large, Code::TooLarge, "524288"),
        (lone, Code::UnexpectedEnvelope, "2 to"),
        (ended, Code::MalformedJson, "transaction 2 "),
        (b"AIT-ENVELOPE/1".to_vec(), Code::UnexpectedEnvelope, "2 to"),
    ] {
        let response = comet.submit_bytes(bytes.into());
        assert_eq!(response.code, code.number(), "{}", response.log);
        assert!(response.log.contains(limit), "{}", response.log);
    }
    assert_eq!(comet.node.mempool().stats().transactions, 0);
}

#[test]
fn a_line_that_is_repeated_counts_once() {
    let mut comet = Comet::begin(&["alice"]);
    let [one, other] = [transfer("alice", 1, 100), transfer("alice", 2, 100)];
    let response = comet.submit_bytes(envelope_of([&one, &one, &one]));
    assert_eq!(response.code, Code::Dropped.number(), "{}", response.log);
    assert!(!comet.pool_has(&one));
    // But it is worth being handed over by itself.
    assert_eq!(comet.offer(), [hash(&one)]);
    assert!(comet.pool_has(&one));
    let response = comet.submit_bytes(envelope_of([&other, &one, &one]));
    assert_eq!(response.code, Code::Dropped.number(), "{}", response.log);
}

#[test]
fn of_an_envelope_of_known_lines_nothing_is_kept_and_a_hundred_new_ones_are_handed_over() {
    let senders: Vec<String> = (0..10).map(|i| format!("sender {i}")).collect();
    let funded: Vec<&str> = senders.iter().map(String::as_str).collect();
    let mut comet = Comet::begin(&funded);
    let known: Vec<_> = funded[..5].iter().flat_map(|name| run(name, 40)).collect();
    let new: Vec<_> = funded[5..].iter().flat_map(|name| run(name, 32)).collect();
    comet.submit_all(&known);
    let stats = comet.node.mempool().stats();
    let all = known.iter().chain(&new[..160]);
    let response = comet.submit_bytes(envelope_of(all));
    assert_eq!(response.code, Code::Dropped.number(), "{}", response.log);
    assert_eq!(comet.node.mempool().stats(), stats);
    assert_eq!(comet.offer().len(), 100);
    assert_eq!(comet.node.mempool().stats().transactions, 300);
}

#[test]
fn an_envelope_that_is_not_kept_pushes_nobody_out() {
    let mut comet = Comet::begin(&["alice", "dave"]);
    let pending = run("alice", 3);
    comet.submit_all(&pending);
    let replacing: Vec<_> = (1..=3).map(|nonce| transfer("alice", nonce, 200)).collect();
    let unaffordable: Vec<_> = (200..240)
        .map(|fee| transfer_of("dave", 1, fee, 2_000_000_000))
        .collect();
    let response = comet.submit_bytes(envelope_of(replacing.iter().chain(&unaffordable)));
    assert_eq!(response.code, Code::Dropped.number(), "{}", response.log);
    assert!(
        pending
            .iter()
            .all(|tx| comet.pool_has(tx) && comet.dropped(tx).is_none())
    );
    assert!(!replacing.iter().any(|tx| comet.pool_has(tx)));
}

/// CPU time that CheckTx of these takes, nanoseconds.
fn cost(comet: &Comet, all: &[Bytes]) -> u64 {
    let begun = thread_time();
    for bytes in all {
        comet.check(bytes.clone());
    }
    thread_time() - begun
}

/// CPU time of this thread as Linux counts it: others may be at work beside it.
fn thread_time() -> u64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn worthless_envelopes_cost_no_more_than_the_same_bytes_as_single_transactions() {
    let senders: Vec<String> = (0..20).map(|i| format!("sender {i}")).collect();
    let funded: Vec<&str> = senders.iter().map(String::as_str).collect();
    let known: Vec<_> = funded[..10].iter().flat_map(|name| run(name, 60)).collect();
    let singles: Vec<Bytes> = known.iter().map(|tx| tx.to_wire().into()).collect();
    let mut comet = Comet::begin(&funded);
    let single = cost(&comet, &singles);

    // Known lines, each time in another order.
    let rotated = |by: usize| known.iter().cycle().skip(by).take(known.len());
    let repeated: Vec<Bytes> = (0..3).map(|by| envelope_of(rotated(by))).collect();
    let spent = cost(&comet, &repeated);
    assert!(
        spent < single * 3,
        "{spent} for three, {single} for one as singles"
    );

    // Lines of which less than half can be kept: judged, and taken back.
    let fresh: Vec<_> = funded[10..].iter().flat_map(|name| run(name, 50)).collect();
    let halves: Vec<Bytes> = (0..3)
        .map(|by| envelope_of(known.iter().chain(fresh.iter().skip(by))))
        .collect();
    let spent = cost(&comet, &halves[..1]);
    assert!(
        spent < single * 2,
        "{spent} with {single} for half of it as singles"
    );
    let spent = cost(&comet, &halves[1..]);
    assert!(
        spent < single * 4,
        "{spent} for two, {single} for half of one as singles"
    );

    // The last line is forged.
    let mut forged = transfer("sender 0", 61, 100);
    forged.sig = transfer("sender 0", 62, 100).sig;
    let spent = cost(&comet, &[envelope_of(fresh.iter().chain([&forged]))]);
    assert!(
        spent < single * 2,
        "{spent} with {single} for as many singles"
    );
    comet.mempool.clear();
}
