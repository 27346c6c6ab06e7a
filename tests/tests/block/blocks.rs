//! Blocks: their size, their fees, their validators, and what a transaction leaves behind that
//! should not be there.

use std::collections::BTreeMap;

use ait_app::{
    address::Address,
    block::{ConsensusAddress, protobuf_size},
};
use ait_testkit::{
    actors::{Actor, alice, bob, coordinator, miner, validator, validator_key},
    chain::{Chain, MAX_BLOCK_BYTES, Setup, differences},
    work::Says,
};
use ait_tests::scenes::{miner_with_money, with_escrow};
use serde_json::{Value, json};

#[test]
fn a_failing_transaction_pays_the_required_fee_advances_its_nonce_and_does_nothing_else() {
    let mut chain = miner_with_money().start();
    let tx = chain.open(&alice(), "job", 60_000, 100);
    chain.commit([tx]);
    let nowhere = chain.work(&alice(), "nowhere", &miner(), "rcpt");
    let failing = [
        chain.transfer(&bob(), &bob(), 1),
        chain.open(&alice(), "job", 5_000, 5),
        chain.release(&alice(), &alice(), "job"),
        chain.param_update(&bob(), "base_fee", 9),
        chain.open(&alice(), "poor", 5_000_000_000, 5),
        chain.claim(&miner(), &nowhere),
    ];
    for tx in failing {
        let (before, sender) = (chain.records(), tx.sender.clone());
        let height = chain.height() + 1;
        let required = tx.fee;
        let tx = tx.nonce(chain.nonce(sender.parse().unwrap()) + 1);
        let tx = tx.fee(required + 777);
        let block = chain.commit([tx.clone()]);
        assert_ne!(block.codes(), [0]);
        assert_eq!(block.fee(0), required, "{}, not what was offered", tx.kind);
        let account = format!("/account/{sender}");
        let proposer = format!("/account/{}", validator().address());
        let changed = differences(&before, &chain.records());
        let allowed = [account.as_str(), &proposer];
        for key in changed.keys() {
            assert!(allowed.contains(&key.as_str()), "block {height}: {key}");
        }
        let balance = |records: &BTreeMap<String, Value>| {
            records
                .get(&account)
                .map_or(0, |a| a["balance"].as_u64().unwrap())
        };
        assert_eq!(balance(&before) - required, balance(&chain.records()));
        assert_eq!(chain.nonce(sender.parse().unwrap()), tx.nonce);
    }
}

#[test]
fn a_transaction_that_does_what_it_asks_for_pays_what_it_offers() {
    let mut chain = Chain::start();
    let tx = chain.transfer(&alice(), &bob(), 1).fee(777);
    let block = chain.commit([tx]);
    assert_eq!((block.code_name(0), block.fee(0)), ("", 777));
    assert_eq!(chain.balance(validator().address()), 777);
}

#[test]
fn a_failing_claim_whose_sender_cannot_pay_has_no_place_in_a_block() {
    let required = {
        let (chain, work) = with_escrow(&Setup::default(), 60_000);
        chain.claim(&miner(), &work.costing(1, 70_000)).fee
    };
    for (balance, place) in [(required, true), (required - 1, false), (0, false)] {
        let setup = Setup::default().balance(&miner(), balance);
        let (mut chain, work) = with_escrow(&setup, 60_000);
        let claim = chain.claim(&miner(), &work.costing(1, 70_000));
        let before = chain.state.root();
        let (block, refusal) = chain.finalize([claim]);
        assert_eq!(block.code_name(0), "escrow_too_small");
        let fee = if place { required } else { 0 };
        assert_eq!(block.fee(0), fee);
        match refusal {
            None => assert!(place),
            Some(refusal) => {
                assert!(!place);
                assert_eq!(refusal.code.name(), "escrow_too_small");
                assert_eq!(chain.state.root(), before);
            }
        }
    }
}

#[test]
fn a_block_of_failing_claims_of_nobodys_is_rejected_and_leaves_no_record() {
    let (mut chain, _) = with_escrow(&Setup::default(), 60_000);
    let claims: Vec<_> = (0..50)
        .map(|n| {
            let nobody = Actor::named(&format!("nobody {n}"));
            let work = chain.work(&alice(), "job_42", &nobody, "rcpt");
            let answer = work.attested_by(&nobody, 1);
            chain.claim_with(&nobody, &work, Some(&answer))
        })
        .collect();
    let records = chain.records();
    let (block, refusal) = chain.finalize(claims);
    assert_eq!(refusal.unwrap().code.name(), "invalid_attestation");
    assert!(
        block
            .names()
            .iter()
            .all(|name| *name == "invalid_attestation")
    );
    assert_eq!(chain.records(), records);
}

#[test]
fn what_a_failing_claim_must_pay_was_its_senders_before_it() {
    // The claim succeeds by itself; behind one that takes the escrow, it fails with what is there.
    let (mut chain, work) = with_escrow(&Setup::default().balance(&miner(), 1_000), 60_000);
    let digger = Actor::named("digger");
    let rival = chain.work(&alice(), "job_42", &digger, "rcpt");
    let required = chain.claim(&miner(), &work).fee;
    let offered = required + 1_000;
    let txs = [
        chain.claim(&digger, &rival),
        chain.claim(&miner(), &work).fee(offered),
    ];
    let block = chain.commit(txs);
    assert_eq!(block.names(), ["", "escrow_closed"]);
    assert_eq!(block.fee(1), required);
    assert_eq!(chain.balance(miner().address()), 1_000 - required);
}

#[test]
fn what_fails_authentication_has_no_effect_and_no_honest_validator_accepts_it() {
    let chain = Setup::default().balance(&alice(), 1_000).start();
    let tx = chain.transfer(&alice(), &bob(), 1);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("malformed_json", b"{".to_vec()),
        ("malformed_json", Vec::new()),
        ("invalid_signature", tx.clone().for_chain("other").wire()),
        ("sender_mismatch", tx.clone().signed_by(&bob()).wire()),
        ("nonce_gap", tx.clone().later(1).wire()),
        ("nonce_used", tx.clone().nonce(0).wire()),
        ("fee_too_low", tx.clone().fee(tx.fee - 1).wire()),
        ("fee_not_affordable", tx.clone().fee(1_001).wire()),
        (
            "unknown_type",
            chain.draft(&alice(), "MINT", json!({"amount": 1})).wire(),
        ),
        ("unexpected_envelope", b"AIT-ENVELOPE/1\n{}\n{}".to_vec()),
    ];
    for (code, wire) in cases {
        assert_eq!(chain.reject([wire.clone()]).code.name(), code);
        let mut overruled = chain.clone();
        let (block, refusal) = overruled.finalize([wire, tx.wire()]);
        assert_eq!(refusal.unwrap().code.name(), code);
        assert_eq!(block.code_name(0), code);
        assert_eq!((block.fee(0), block.result(0).events.len()), (0, 0));
        assert_eq!(
            block.code_name(1),
            "",
            "what stands behind it is not harmed"
        );
        let mut alone = chain.clone();
        alone.commit([tx.clone()]);
        assert_eq!(overruled.state.app_hash(), alone.state.app_hash());
    }
}

#[test]
fn a_block_holds_4_mib_by_protobuf_size_and_not_one_byte_more() {
    // Tag, length as a varint, the bytes: the size of one field of protobuf's `repeated bytes`.
    for (bytes, size) in [
        (0, 2),
        (1, 3),
        (127, 129),
        (128, 131),
        (16_383, 16_386),
        (16_384, 16_388),
    ] {
        assert_eq!(protobuf_size(bytes), size);
    }

    let mut chain = Setup::default().param("fee_per_kib", 0).start();
    let bytes = |txs: &[Vec<u8>]| txs.iter().map(|tx| protobuf_size(tx.len())).sum::<usize>();
    let full = transfers_of(&chain, MAX_BLOCK_BYTES);
    assert_eq!(bytes(&full), MAX_BLOCK_BYTES);
    let over = transfers_of(&chain, MAX_BLOCK_BYTES + 1);
    assert_eq!(bytes(&over), MAX_BLOCK_BYTES + 1);
    let refusal = chain.reject(over);
    assert_eq!(refusal.code.name(), "too_large");
    assert!(refusal.message.contains("4194304"), "{refusal}");
    let block = chain.commit(full);
    assert!(block.codes().iter().all(|code| *code == 0));
}

/// A run of Alice's transfers that has exactly this protobuf size: their memos fill it up.
fn transfers_of(chain: &Chain, mut room: usize) -> Vec<Vec<u8>> {
    let mut txs = Vec::new();
    while room > 0 {
        let tx = chain.transfer(&alice(), &bob(), 1).later(txs.len() as u64);
        let shortest = protobuf_size(tx.clone().with("memo", "").wire().len());
        let memo = if room > 3 * shortest {
            256
        } else if room > 2 * shortest {
            room / 2 - shortest
        } else {
            room - shortest
        };
        let wire = tx.with("memo", "z".repeat(memo.min(256))).wire();
        room -= protobuf_size(wire.len());
        txs.push(wire);
    }
    txs
}

#[test]
fn fees_go_to_the_account_of_the_proposers_key_and_to_the_treasury_where_it_is_unknown() {
    let fee_of = |proposer: Option<ConsensusAddress>, address: Address| {
        let mut chain = Chain::start();
        chain.proposer = proposer;
        let txs = [
            chain.transfer(&alice(), &bob(), 1).fee(50),
            chain.transfer(&bob(), &bob(), 1).fee(70),
        ];
        assert_eq!(chain.commit(txs).fee(1), 9);
        chain.balance(address)
    };
    let known = Some(validator_key().consensus_address());
    // What fails pays what it must.
    let all = 50 + 9;
    assert_eq!(fee_of(known, validator().address()), all);
    assert_eq!(fee_of(known, Address::treasury()), 0);
    let unknown = Some(Actor::named("unknown key").consensus_address());
    assert_eq!(fee_of(unknown, Address::treasury()), all);
    assert_eq!(fee_of(None, Address::treasury()), all);
    let account_key = Some(validator().consensus_address());
    assert_eq!(
        fee_of(account_key, Address::treasury()),
        all,
        "an account key is no consensus key"
    );
}

#[test]
fn fees_are_not_spendable_before_the_block_ends() {
    let mut chain = Chain::start();
    let txs = [
        chain.transfer(&alice(), &bob(), 1).fee(1_000),
        chain.transfer(&validator(), &bob(), 500),
    ];
    let refusal = chain.reject(txs.clone());
    assert_eq!(refusal.code.name(), "fee_not_affordable");
    let [first, _] = txs;
    chain.commit([first]);
    let tx = chain.transfer(&validator(), &bob(), 500);
    assert_eq!(chain.commit([tx]).codes(), [0]);
}

#[test]
fn a_block_refunds_first_then_runs_its_transactions_in_order() {
    let setup = miner_with_money().balance(&alice(), 62_200);
    let mut chain = setup.start();
    let tx = chain.open(&alice(), "job", 60_000, 2);
    chain.commit([tx]);
    chain.advance_to(2);
    let work = chain.work(&alice(), "job", &miner(), "rcpt");
    let txs = [
        chain.transfer(&alice(), &bob(), 50_000),
        chain.claim(&miner(), &work),
        chain.open(&alice(), "job", 11_000, 5).later(1),
        chain.transfer(&alice(), &bob(), 200).later(2),
    ];
    let block = chain.commit(txs);
    let expected = ["", "escrow_closed", "", "insufficient_balance"];
    assert_eq!(block.names(), expected);
}

#[test]
fn results_tell_the_code_its_codespace_and_a_message_for_people() {
    let mut chain = miner_with_money().start();
    let tx = chain.open(&alice(), "job", 60_000, 10);
    chain.commit([tx]);
    let work = chain.work(&alice(), "job", &miner(), "rcpt");
    let says = Says {
        paid: false,
        ..work.praise()
    };
    let answer = work.answered_by(&coordinator(), 1, says);
    let txs = [
        chain.transfer(&alice(), &bob(), 1),
        chain.transfer(&bob(), &bob(), 1),
        chain.release(&bob(), &alice(), "job").later(1),
        chain.claim_with(&miner(), &work, Some(&answer)),
        chain.param_update(&bob(), "base_fee", 2).later(2),
        chain.unbond(&bob(), 1).later(3),
        chain.unstake(&bob(), 1).later(4),
    ];
    let block = chain.commit(txs);
    let results = block.outcome.results.iter();
    let shown: Vec<_> = results
        .map(|r| (r.code, r.codespace.as_str(), r.log.is_empty()))
        .collect();
    let expected = [
        (0, "", true),
        (31, "bank", false),
        (46, "escrow", false),
        (57, "receipt", false),
        (70, "params", false),
        (110, "coordinator", false),
        (84, "stake", false),
    ];
    assert_eq!(shown, expected);
}
