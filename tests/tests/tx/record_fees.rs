//! `record_fee`: what makes a lasting record of its sender's choice pays for it, once.

use ait_app::{simulate::required_fee, tx::Payload};
use ait_testkit::{
    actors::{Actor, alice, bob, coordinator, miner, validator, validator_key},
    chain::{Chain, Setup},
    draft::{Draft, canonical},
};
use ait_tests::scenes::refused;

const RECORD_FEE: u64 = 1_000;

fn by_size(tx: &Draft) -> u64 {
    2 + (100 * tx.payload_bytes()).div_ceil(1024)
}

/// The state machine asks for exactly this fee, and for no uait less.
fn requires(chain: &Chain, tx: &Draft, fee: u64) {
    let refusal = chain.reject([tx.clone().fee(fee - 1)]);
    assert_eq!(refusal.code.name(), "fee_too_low", "{}", tx.kind);
    let (block, _) = chain.clone().finalize([tx.clone().fee(fee)]);
    assert_ne!(block.code_name(0), "fee_too_low", "{}", tx.kind);
}

#[test]
fn a_first_bond_stake_opening_and_every_report_make_a_record() {
    let mut chain = Chain::start();
    let tx = chain.open(&alice(), "known", 60_000, 10);
    chain.commit([tx]);
    let work = chain.work(&alice(), "known", &miner(), "rcpt");
    let denial = work.denied_by(&coordinator());
    let makers = [
        chain.open(&alice(), "job", 60_000, 10),
        chain.bond(&bob(), 1_000),
        chain.first_stake(&bob(), &Actor::named("a key"), 1_000),
        chain.report(&bob(), &miner(), &work, &[denial]),
    ];
    for tx in makers {
        requires(&chain, &tx, by_size(&tx) + RECORD_FEE);
    }
    let others = [
        chain.transfer(&alice(), &Actor::named("newcomer"), 1_000),
        chain.assign(&alice(), "known", &miner()),
        chain.top_up(&bob(), &alice(), "known", 1_000),
        chain.cancel(&alice(), "known"),
        chain.release(&coordinator(), &alice(), "known"),
        chain.bond(&coordinator(), 1_000),
        chain.set_param("base_fee", 3),
        chain.claim(&miner(), &work),
    ];
    for tx in others {
        requires(&chain, &tx, by_size(&tx));
    }
}

#[test]
fn a_job_whose_record_is_there_is_opened_without_it() {
    let setup = Setup::default().param("escrow_max_ttl_blocks", 20);
    let mut chain = setup.start();
    let tx = chain.open(&alice(), "job", 60_000, 2);
    chain.commit([tx]);
    chain.advance_to(5);
    let tx = chain.open(&alice(), "job", 60_000, 2);
    requires(&chain, &tx, by_size(&tx));
    // Bob's job of that name is another.
    let tx = chain.open(&bob(), "job", 60_000, 2);
    requires(&chain, &tx, by_size(&tx) + RECORD_FEE);
    chain.advance_to(24);
    let tx = chain.open(&alice(), "job", 60_000, 2);
    requires(&chain, &tx, by_size(&tx) + RECORD_FEE);
}

#[test]
fn an_authority_that_stakes_has_its_record_already() {
    let mut chain = Setup::default().balance(&validator(), 10_000).start();
    let tx = chain.first_stake(&validator(), &validator_key(), 1_000);
    requires(&chain, &tx, by_size(&tx));
    assert_eq!(chain.commit([tx]).names(), [""]);
}

#[test]
fn whether_there_is_a_record_is_judged_at_each_transactions_turn() {
    let chain = Chain::start();
    let bond = chain.bond(&alice(), 1_000);
    let again = bond.clone().later(1);
    let cheap = again.clone().fee(by_size(&again));
    assert_eq!(
        chain.clone().commit([bond.clone(), cheap.clone()]).names(),
        ["", ""]
    );
    // An opening that names the coordinator makes its record first.
    let open = chain.open(&alice(), "job", 60_000, 10);
    let bond = chain.bond(&coordinator(), 1_000);
    let cheap = bond.clone().fee(by_size(&bond));
    assert_eq!(
        chain.clone().commit([open.clone(), cheap.clone()]).names(),
        ["", ""]
    );
    assert_eq!(chain.reject([cheap, open]).code.name(), "fee_too_low");
}

#[test]
fn what_fails_pays_it_and_makes_no_record() {
    let mut chain = Chain::start();
    let tx = chain.bond(&alice(), 5_000_000_000);
    let block = refused(&mut chain, tx, "insufficient_balance");
    assert!(block.fee(0) > RECORD_FEE);
    let record = chain.record(&format!("/coordinator/{}", alice().address()));
    assert_eq!(record, None);
    let tx = chain.bond(&alice(), 1_000);
    requires(&chain, &tx, by_size(&tx) + RECORD_FEE);
}

#[test]
fn the_record_fee_is_the_params() {
    for fee in [0, 7, 1_000_000] {
        let chain = Setup::default().param("record_fee", fee).start();
        let tx = chain.bond(&alice(), 1_000);
        requires(&chain, &tx, by_size(&tx) + fee);
    }
}

#[test]
fn the_estimate_is_what_is_asked_for() {
    let mut chain = Chain::start();
    let tx = chain.open(&alice(), "known", 60_000, 10);
    chain.commit([tx]);
    let estimate = |tx: &Draft, sender: Option<&Actor>| {
        let text = String::from_utf8(canonical(&tx.payload)).unwrap();
        let payload = Payload::read(&tx.kind, &text).unwrap();
        let address = sender.map(Actor::address);
        required_fee(&chain.state, &payload, address.as_ref())
            .unwrap()
            .get()
    };
    let tx = chain.open(&alice(), "known", 60_000, 10);
    assert_eq!(estimate(&tx, Some(&alice())), by_size(&tx));
    assert_eq!(estimate(&tx, Some(&bob())), by_size(&tx) + RECORD_FEE);
    assert_eq!(estimate(&tx, None), by_size(&tx) + RECORD_FEE);
    let tx = chain.transfer(&alice(), &bob(), 1);
    assert_eq!(estimate(&tx, None), by_size(&tx));
}
