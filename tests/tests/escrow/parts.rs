//! Escrows that are paid in parts: each part is planned for itself, and the last one says so.

use ait_testkit::{
    actors::{Actor, alice, bob, coordinator, miner},
    chain::{Chain, Setup},
    draft::Draft,
    work::Work,
};
use ait_tests::scenes::{miner_with_money, refused, with_opening};
use serde_json::{Value, json};

/// A chain with a partial escrow of 60,000 uait, bound to the miner or to nobody.
fn partial(setup: &Setup, bound: bool) -> (Chain, Work) {
    with_opening(setup, |chain| {
        let tx = chain
            .open(&alice(), "job_42", 60_000, 1_000)
            .with("partial", true);
        if bound {
            tx.with("miner", miner().address().to_string())
        } else {
            tx
        }
    })
}

fn part(chain: &Chain, work: &Work, receipt: &str, price: u64) -> Draft {
    chain.claim(&miner(), &work.named(receipt).costing(10, price))
}

fn last_part(chain: &Chain, work: &Work, receipt: &str, price: u64) -> Draft {
    let tx = part(chain, work, receipt, price).with("final", true);
    chain.priced(tx)
}

fn of_escrow(chain: &Chain, name: &str) -> Value {
    chain.escrow(&alice(), "job_42")[name].clone()
}

#[test]
fn a_part_is_paid_and_the_rest_waits_for_the_next_one() {
    let (mut chain, work) = partial(&Setup::default(), true);
    let client = chain.balance(alice().address());
    let mut left = 60_000;
    for (n, price) in (1..).zip([10_000, 5_000, 1]) {
        let receipt = format!("part_{n}");
        let tx = part(&chain, &work, &receipt, price);
        let fee = tx.fee;
        let block = chain.commit([tx]);
        assert_eq!(block.names(), [""]);
        assert!(block.events("escrow_settled").is_empty());
        // What the price cannot pay of the fee comes from what remains.
        left -= price.max(fee);
        assert_eq!(of_escrow(&chain, "remaining"), left);
        assert_eq!(of_escrow(&chain, "claims"), n);
        assert_eq!(of_escrow(&chain, "status"), "open");
        assert_eq!(of_escrow(&chain, "last_receipt")["receipt_id"], receipt);
    }
    assert_eq!(of_escrow(&chain, "paid"), 15_001);
    assert_eq!(of_escrow(&chain, "amount"), 60_000);
    assert_eq!(chain.balance(alice().address()), client);
}

#[test]
fn the_fee_of_a_part_comes_out_of_its_price_so_that_parts_can_be_planned() {
    let (mut chain, work) = partial(&Setup::default(), true);
    let prices = [20_000, 20_000, 20_000];
    let mut fees = 0;
    for (n, price) in (1..).zip(prices) {
        let tx = part(&chain, &work, &format!("part_{n}"), price);
        fees += tx.fee;
        assert_eq!(chain.commit([tx]).names(), [""]);
    }
    assert_eq!(of_escrow(&chain, "status"), "settled", "nothing remains");
    let minted = 3 * 10 * 1_000;
    assert_eq!(chain.balance(miner().address()), 60_000 + minted - fees);
}

#[test]
fn a_final_part_settles_and_returns_the_rest() {
    let (mut chain, work) = partial(&Setup::default(), true);
    let tx = part(&chain, &work, "first", 10_000);
    chain.commit([tx]);
    let client = chain.balance(alice().address());
    let tx = last_part(&chain, &work, "last", 10_000);
    let block = chain.commit([tx]);
    assert_eq!(block.names(), [""]);
    assert_eq!(chain.balance(alice().address()), client + 40_000);
    assert_eq!(of_escrow(&chain, "status"), "settled");
    let event = block.events("escrow_settled")[0];
    assert_eq!(event.get("paid"), Some("20000"), "all prices");
    assert_eq!(event.get("returned"), Some("40000"));
    assert_eq!(chain.coordinator(&coordinator())["settled"], 1);
}

#[test]
fn final_stands_only_where_the_escrow_is_partial_and_bound_to_the_sender() {
    let (mut chain, work) = partial(&miner_with_money(), false);
    let tx = last_part(&chain, &work, "last", 10_000);
    refused(&mut chain, tx, "final_not_allowed");
    let tx = chain.assign(&alice(), "job_42", &miner());
    chain.commit([tx]);
    let tx = last_part(&chain, &work, "last", 10_000);
    assert_eq!(chain.commit([tx]).names(), [""]);

    let (mut chain, work) = with_opening(&miner_with_money(), |chain| {
        let miner = miner().address().to_string();
        chain
            .open(&alice(), "job_42", 60_000, 1_000)
            .with("miner", miner)
    });
    let tx = last_part(&chain, &work, "last", 10_000);
    refused(&mut chain, tx, "final_not_allowed");
}

#[test]
fn parts_of_an_unbound_escrow_may_be_different_miners() {
    let (mut chain, work) = partial(&Setup::default(), false);
    let digger = Actor::named("digger");
    let other = chain
        .work(&alice(), "job_42", &digger, "rcpt_7f3a")
        .costing(10, 10_000);
    let txs = [
        part(&chain, &work, "rcpt_7f3a", 10_000),
        chain.claim(&digger, &other),
    ];
    assert_eq!(chain.commit(txs).names(), ["", ""]);
    assert_eq!(of_escrow(&chain, "claims"), 2);
    assert_eq!(
        of_escrow(&chain, "last_receipt")["miner"],
        digger.address().to_string()
    );
}

#[test]
fn a_part_is_paid_once() {
    let (mut chain, work) = partial(&miner_with_money(), true);
    let tx = part(&chain, &work, "part", 10_000);
    chain.commit([tx]);
    let tx = part(&chain, &work, "part", 10_000);
    refused(&mut chain, tx, "receipt_already_claimed");
}

#[test]
fn a_part_that_remains_too_little_for_waits_for_a_top_up() {
    let (mut chain, work) = partial(&miner_with_money(), true);
    let tx = part(&chain, &work, "first", 59_000);
    chain.commit([tx]);
    let tx = part(&chain, &work, "second", 1_001);
    refused(&mut chain, tx, "escrow_too_small");
    let txs = [
        chain.top_up(&bob(), &alice(), "job_42", 4_000),
        part(&chain, &work, "second", 1_001),
    ];
    assert_eq!(chain.commit(txs).names(), ["", ""]);
    assert_eq!(of_escrow(&chain, "remaining"), 3_999);
    assert_eq!(of_escrow(&chain, "amount"), 64_000);
}

#[test]
fn what_no_part_claimed_goes_back_when_the_escrow_ends() {
    let (mut chain, work) = with_opening(&Setup::default(), |chain| {
        chain
            .open(&alice(), "job_42", 60_000, 10)
            .with("partial", true)
    });
    let tx = part(&chain, &work, "part", 10_000);
    chain.commit([tx]);
    let client = chain.balance(alice().address());
    chain.advance_to(11);
    assert_eq!(chain.balance(alice().address()), client + 50_000);
    let escrow = chain.escrow(&alice(), "job_42");
    let shown = ["status", "reason", "paid", "claims", "remaining"].map(|n| escrow[n].clone());
    let expected = [
        json!("refunded"),
        json!("expired"),
        json!(10_000),
        json!(1),
        json!(0),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn each_part_mints_for_itself() {
    let setup = Setup::default().param("max_mint_per_price", 2);
    let (mut chain, work) = partial(&setup, true);
    for (receipt, price, minted) in [("a", 5_000, 10_500), ("b", 100, 210)] {
        let tx = chain.claim(&miner(), &work.named(receipt).costing(10, price));
        chain.commit([tx]);
        assert_eq!(chain.receipt(&miner(), receipt)["minted"], minted);
    }
}
