//! `TRANSFER`: coins move, whole and once.

use ait_app::address::Address;
use ait_testkit::{
    actors::{Actor, alice, bob, validator},
    chain::{CHAIN_ID, Chain, Setup},
    draft::{Draft, transfer},
};
use ait_tests::scenes::refused;
use serde_json::{Value, json};

#[test]
fn a_transfer_moves_the_amount_and_pays_its_fee_to_the_proposer() {
    let mut chain = Chain::start();
    let tx = chain.transfer(&alice(), &bob(), 12_345).fee(10);
    let block = chain.commit([tx]);
    assert_eq!(block.codes(), [0]);
    assert_eq!(block.fee(0), 10);
    assert_eq!(
        chain.balance(alice().address()),
        1_000_000_000 - 12_345 - 10
    );
    assert_eq!(chain.balance(bob().address()), 1_000_000_000 + 12_345);
    assert_eq!(chain.balance(validator().address()), 10);
}

#[test]
fn a_transfer_tells_who_paid_whom_and_how_much() {
    let mut chain = Chain::start();
    let tx = chain.transfer(&alice(), &bob(), 7);
    let block = chain.commit([tx]);
    let events = block.events("transfer");
    assert_eq!(events.len(), 1);
    let shown: Vec<(&str, &str, bool)> = events[0]
        .attributes
        .iter()
        .map(|a| (a.key.as_ref(), a.value.as_str(), a.index))
        .collect();
    let (from, to) = (alice().address().to_string(), bob().address().to_string());
    let expected = [
        ("sender", from.as_str(), true),
        ("recipient", &to, true),
        ("amount", "7", false),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn a_whole_balance_can_be_sent_and_not_one_uait_more() {
    let setup = Setup::default().balance(&alice(), 1_009);
    let required = {
        let chain = setup.start();
        let tx = chain.transfer(&alice(), &bob(), 1_000);
        chain.required_fee(&tx)
    };
    assert_eq!(required, 9);

    let mut chain = setup.start();
    let tx = chain.transfer(&alice(), &bob(), 1_001);
    let block = chain.commit([tx]);
    assert_eq!(block.code_name(0), "insufficient_balance");
    assert_eq!(chain.balance(bob().address()), 1_000_000_000);

    let mut chain = setup.start();
    let tx = chain.transfer(&alice(), &bob(), 1_000);
    let block = chain.commit([tx]);
    assert_eq!(block.codes(), [0]);
    assert_eq!(chain.balance(alice().address()), 0);
}

#[test]
fn nobody_transfers_to_oneself() {
    let mut chain = Chain::start();
    let tx = chain.transfer(&alice(), &alice(), 5);
    let block = chain.commit([tx]);
    assert_eq!(block.code_name(0), "self_transfer");
    assert_eq!(chain.balance(alice().address()), 1_000_000_000 - 9);
}

#[test]
fn a_run_of_nonces_goes_through_in_one_block_and_money_received_in_it_can_be_spent() {
    let mut chain = Chain::start();
    let newcomer = Actor::named("newcomer");
    let txs = [
        chain.transfer(&alice(), &newcomer, 1_500),
        chain.transfer(&newcomer, &bob(), 1_400),
        chain.transfer(&alice(), &newcomer, 30).later(1),
        chain.transfer(&newcomer, &alice(), 100).later(1),
        chain.transfer(&alice(), &bob(), 1).later(2),
    ];
    let block = chain.commit(txs);
    assert_eq!(block.codes(), [0; 5]);
    let left = 1_500 + 30 - 1_400 - 100 - 18;
    assert_eq!(chain.balance(newcomer.address()), left);
    assert_eq!(chain.nonce(alice().address()), 3);
    assert_eq!(chain.nonce(newcomer.address()), 2);
}

#[test]
fn a_receiver_needs_no_history_and_its_key_is_known_from_its_first_transaction() {
    let mut chain = Chain::start();
    let newcomer = Actor::named("newcomer");
    let path = format!("/account/{}", newcomer.address());
    assert_eq!(chain.record(&path), None);
    let tx = chain.transfer(&alice(), &newcomer, 1_000);
    chain.commit([tx]);
    let expected = json!({"balance": 1_000, "nonce": 0, "pubkey": null});
    assert_eq!(chain.record(&path), Some(expected));
    let tx = chain.transfer(&newcomer, &alice(), 1);
    chain.commit([tx]);
    let account = chain.record(&path).unwrap();
    assert_eq!(account["pubkey"], newcomer.pubkey().to_string());
    assert_eq!(account["nonce"], 1);
}

#[test]
fn an_account_begins_with_the_minimum_balance_at_least() {
    let newcomer = Actor::named("newcomer");
    let mut chain = Chain::start();
    let tx = chain.transfer(&alice(), &newcomer, 999);
    refused(&mut chain, tx, "below_min_balance");
    let tx = chain.transfer(&alice(), &newcomer, 1_000);
    assert_eq!(chain.commit([tx]).names(), [""]);
    let tx = chain.transfer(&alice(), &newcomer, 1);
    assert_eq!(chain.commit([tx]).names(), [""]);
    // The record stays when the money is gone.
    let tx = chain.transfer(&newcomer, &alice(), 992);
    assert_eq!(chain.commit([tx]).names(), [""]);
    assert_eq!(chain.balance(newcomer.address()), 0);
    let tx = chain.transfer(&alice(), &newcomer, 1);
    assert_eq!(chain.commit([tx]).names(), [""]);
}

#[test]
fn the_minimum_balance_is_the_params() {
    let newcomer = Actor::named("newcomer");
    for (least, amount, code) in [
        (0, 1, ""),
        (50_000, 49_999, "below_min_balance"),
        (50_000, 50_000, ""),
    ] {
        let mut chain = Setup::default().param("min_account_balance", least).start();
        let tx = chain.transfer(&alice(), &newcomer, amount);
        assert_eq!(chain.commit([tx]).names(), [code]);
    }
}

#[test]
fn an_account_that_an_earlier_transaction_of_the_block_made_takes_any_amount() {
    let newcomer = Actor::named("newcomer");
    let chain = Chain::start();
    let (small, whole) = (
        chain.transfer(&alice(), &newcomer, 1),
        chain.transfer(&alice(), &newcomer, 1_000),
    );
    let block = chain
        .clone()
        .commit([whole.clone(), small.clone().later(1)]);
    assert_eq!(block.names(), ["", ""]);
    let block = chain.clone().commit([small, whole.later(1)]);
    assert_eq!(block.names(), ["below_min_balance", ""]);
}

#[test]
fn the_checks_of_a_transfer_come_in_their_order() {
    let mut chain = Setup::default().balance(&alice(), 500).start();
    let tx = chain.transfer(&alice(), &alice(), 600);
    refused(&mut chain, tx, "self_transfer");
    let tx = chain.transfer(&alice(), &Actor::named("newcomer"), 600);
    refused(&mut chain, tx, "below_min_balance");
    let tx = chain.transfer(&alice(), &bob(), 600);
    refused(&mut chain, tx, "insufficient_balance");
}

#[test]
fn the_treasury_can_receive() {
    let mut chain = Chain::start();
    let tx = chain.draft(&alice(), "TRANSFER", transfer(Address::treasury(), 1_077));
    assert_eq!(chain.commit([tx]).codes(), [0]);
    assert_eq!(chain.balance(Address::treasury()), 1_077);
}

#[test]
fn a_memo_has_at_most_256_bytes_of_utf8_and_may_be_empty() {
    let mut chain = Chain::start();
    let with_memo = |chain: &Chain, memo: &str| -> Draft {
        let payload = transfer(bob().address(), 1);
        let mut payload: Value = payload;
        payload["memo"] = memo.into();
        chain.draft(&alice(), "TRANSFER", payload)
    };
    for memo in [
        "",
        "naïve \"quote\" \\ \n\u{7} € 😀",
        &"é".repeat(128),
        &"x".repeat(256),
    ] {
        let tx = with_memo(&chain, memo);
        assert_eq!(chain.commit([tx]).codes(), [0], "{memo}");
    }
    for memo in ["x".repeat(257), "é".repeat(129)] {
        let refusal = chain.reject([with_memo(&chain, &memo)]);
        assert_eq!(refusal.code.name(), "invalid_field");
        assert!(refusal.message.contains("payload.memo"), "{refusal}");
        assert!(refusal.message.contains("256"), "{refusal}");
    }
}

#[test]
fn a_longer_payload_costs_more() {
    let chain = Chain::start();
    let short = chain.transfer(&alice(), &bob(), 1);
    let long = chain
        .transfer(&alice(), &bob(), 1)
        .with("memo", "x".repeat(256));
    assert_eq!(
        chain.required_fee(&long),
        2 + (100 * long.payload_bytes()).div_ceil(1024)
    );
    assert!(chain.required_fee(&long) > chain.required_fee(&short));
    let refusal = chain.reject([long.clone()]);
    assert_eq!(refusal.code.name(), "fee_too_low");
    let required = chain.required_fee(&long);
    assert!(refusal.message.contains(&required.to_string()), "{refusal}");
    assert_eq!(chain.clone().commit([long.fee(required)]).codes(), [0]);
}

#[test]
fn a_transfer_for_another_chain_moves_nothing() {
    let chain = Chain::start();
    let tx = Draft::new(
        "other-chain",
        &alice(),
        "TRANSFER",
        transfer(bob().address(), 1),
    )
    .nonce(1)
    .fee(20);
    let refusal = chain.reject([tx]);
    assert_eq!(refusal.code.name(), "invalid_signature");
    assert!(refusal.message.contains(CHAIN_ID), "{refusal}");
}
