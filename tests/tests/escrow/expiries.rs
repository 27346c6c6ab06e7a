//! How many escrows end in a block and in which order, what an overdue one is worth, and how the records
//! of refunded ones are deleted.

use ait_testkit::{
    actors::{Actor, alice, bob, coordinator, miner},
    chain::{Chain, Setup},
    draft::Draft,
};
use ait_tests::scenes::{miner_with_money, refused};
use serde_json::{Value, json};

/// As many end in a block.
const MOST: u64 = 10_000;

/// A chain with `MOST + extra` escrows of Alice's that are all due in block 12, the next one, named in
/// the order in which they end.
fn all_due_at_once(extra: u64) -> Chain {
    let mut chain = miner_with_money()
        .param("fee_per_kib", 0)
        .param("record_fee", 0)
        .param("min_escrow_amount", 1)
        .start();
    let count = MOST + extra;
    let txs: Vec<Draft> = (0..count)
        .map(|n| {
            let ttl = if n < 6_000 { 11 } else { 10 };
            chain
                .open(&alice(), &format!("job_{n:05}"), 10, ttl)
                .later(n)
        })
        .collect();
    // In blocks that an honest validator accepts by their size.
    for part in txs.chunks(6_000) {
        let block = chain.commit(part.to_vec());
        assert!(block.codes().iter().all(|code| *code == 0));
    }
    assert_eq!(chain.height(), 2);
    chain.advance_to(11);
    chain
}

#[test]
fn at_most_ten_thousand_escrows_end_in_a_block_and_the_rest_in_the_next() {
    let mut chain = all_due_at_once(50);
    let locked = chain.balance(alice().address());
    let block = chain.commit(Vec::<Draft>::new());
    assert_eq!(block.outcome.events.len(), 10_000);
    assert_eq!(chain.balance(alice().address()), locked + 100_000);
    assert_eq!(chain.escrow(&alice(), "job_09999")["status"], "refunded");
    assert_eq!(chain.escrow(&alice(), "job_10000")["status"], "open");
    let block = chain.commit(Vec::<Draft>::new());
    assert_eq!(block.outcome.events.len(), 50);
    assert_eq!(chain.supply()["escrows"], 0);
}

#[test]
fn an_overdue_escrow_counts_as_closed_and_reopening_it_refunds_it_first() {
    let mut chain = all_due_at_once(10);
    let job = "job_10005";
    let work = chain.work(&alice(), job, &miner(), "receipt").costing(1, 1);
    let before = chain.balance(alice().address());
    let txs = [
        chain.claim(&miner(), &work),
        chain.release(&coordinator(), &alice(), job),
        chain.assign(&alice(), job, &miner()).later(1),
        chain.top_up(&bob(), &alice(), job, 5),
        chain.cancel(&alice(), job),
        chain.open(&alice(), job, 3, 10).later(1),
    ];
    let fees = txs[4].fee + txs[5].fee;
    let block = chain.commit(txs);
    let closed = "escrow_closed";
    assert_eq!(block.names(), [closed, closed, closed, closed, closed, ""]);
    let events = block.result(5).events.iter();
    let kinds: Vec<_> = events.map(|e| e.kind.as_ref()).collect();
    assert_eq!(kinds, ["escrow_refunded", "escrow_opened"]);
    assert_eq!(chain.escrow(&alice(), job)["amount"], 3);
    assert_eq!(chain.escrow(&alice(), job)["expires_height"], 22);
    // 10,000 expired, one was refunded by its reopening, nine still wait.
    let expected = before + 100_000 + 10 - 3 - fees;
    assert_eq!(chain.balance(alice().address()), expected);
    let block = chain.commit(Vec::<Draft>::new());
    assert_eq!(block.outcome.events.len(), 9);
    assert_eq!(chain.escrow(&alice(), job)["status"], "open");
    assert_eq!(chain.supply()["escrows"], 3);
}

#[test]
fn escrows_expire_by_due_height_and_then_by_key() {
    let other = Actor::named("another client");
    let mut chain = Setup::default().balance(&other, 100_000).start();
    let txs = [
        chain.open(&alice(), "z", 1_000, 4),
        chain.open(&alice(), "b", 1_100, 5).later(1),
        chain.open(&alice(), "a", 1_200, 5).later(2),
        chain.open(&other, "a", 1_300, 5),
    ];
    assert_eq!(chain.commit(txs).codes(), [0; 4]);
    chain.advance_to(4);
    let amounts = |chain: &mut Chain| -> Vec<String> {
        let block = chain.commit(Vec::<Draft>::new());
        let events = block.outcome.events.iter();
        events
            .map(|e| e.get("amount").unwrap().to_owned())
            .collect()
    };
    assert_eq!(amounts(&mut chain), ["1000"]);
    let mut expected = ["1200", "1100"].map(str::to_owned).to_vec();
    let first = other.address().to_string() < alice().address().to_string();
    expected.insert(if first { 0 } else { 2 }, "1300".into());
    assert_eq!(amounts(&mut chain), expected);
}

/// Alice's record for a job.
fn record(chain: &Chain, job: &str) -> Option<Value> {
    chain.record(&format!("/escrow/{}/{job}", alice().address()))
}

#[test]
fn the_record_of_a_refunded_escrow_goes_when_no_dispute_can_name_it_any_more() {
    let setup = Setup::default().param("escrow_max_ttl_blocks", 6);
    let mut chain = setup.start();
    let txs = [
        chain.open(&alice(), "released", 1_000, 6),
        chain.open(&alice(), "expired", 1_000, 3).later(1),
    ];
    chain.commit(txs);
    let tx = chain.release(&coordinator(), &alice(), "released");
    chain.commit([tx]);
    assert_eq!(record(&chain, "released").unwrap()["deleted_height"], 8);
    chain.advance_to(7);
    assert_eq!(record(&chain, "expired").unwrap()["deleted_height"], 10);
    assert!(record(&chain, "released").is_some());
    chain.advance_to(8);
    assert_eq!(record(&chain, "released"), None);
    chain.advance_to(9);
    assert!(record(&chain, "expired").is_some());
    chain.advance_to(10);
    assert_eq!(record(&chain, "expired"), None);
    let tx = chain.release(&coordinator(), &alice(), "expired");
    refused(&mut chain, tx, "escrow_not_found");
}

#[test]
fn at_most_ten_thousand_records_are_deleted_in_a_block() {
    let mut chain = Setup::default()
        .param("fee_per_kib", 0)
        .param("record_fee", 0)
        .param("escrow_max_ttl_blocks", 100)
        .start();
    let jobs: Vec<String> = (0..MOST + 10).map(|n| format!("job_{n:05}")).collect();
    let place = |n: usize| u64::try_from(n).unwrap();
    let opens: Vec<Draft> = jobs
        .iter()
        .enumerate()
        .map(|(n, job)| chain.open(&alice(), job, 1_000, 100).later(place(n)))
        .collect();
    for part in opens.chunks(6_000) {
        chain.commit(part.to_vec());
    }
    let releases: Vec<Draft> = jobs
        .iter()
        .enumerate()
        .map(|(n, job)| chain.release(&coordinator(), &alice(), job).later(place(n)))
        .collect();
    // Those of block 3 are deleted 100 blocks later, those of block 4 after 99.
    let mut first = releases[..6_000].to_vec();
    first.push(chain.set_param("escrow_max_ttl_blocks", 99));
    chain.commit(first);
    chain.commit(releases[6_000..].to_vec());
    let count = |chain: &Chain| {
        let entries = chain.state.entries().map(Result::unwrap);
        entries
            .filter(|leaf| leaf.key().starts_with(b"/escrow/"))
            .count()
    };
    chain.advance_to(102);
    assert_eq!(count(&chain), 10_010);
    chain.advance_to(103);
    assert_eq!(count(&chain), 10);
    assert!(record(&chain, "job_10000").is_some());
    chain.advance_to(104);
    assert_eq!(count(&chain), 0);
}

#[test]
fn when_a_record_is_deleted_was_settled_when_its_escrow_closed() {
    let setup = Setup::default().param("escrow_max_ttl_blocks", 6);
    let mut chain = setup.start();
    let tx = chain.open(&alice(), "job", 1_000, 6);
    chain.commit([tx]);
    let txs = [
        chain.set_param("escrow_max_ttl_blocks", 2),
        chain.release(&coordinator(), &alice(), "job"),
    ];
    chain.commit(txs);
    assert_eq!(record(&chain, "job").unwrap()["deleted_height"], 8);
    chain.advance_to(7);
    assert!(record(&chain, "job").is_some());
    chain.advance_to(8);
    assert_eq!(record(&chain, "job"), None);
}

#[test]
fn an_escrow_that_was_opened_again_is_not_deleted_for_its_earlier_life() {
    let setup = Setup::default().param("escrow_max_ttl_blocks", 6);
    let mut chain = setup.start();
    let tx = chain.open(&alice(), "job", 1_000, 6);
    chain.commit([tx]);
    let tx = chain.release(&coordinator(), &alice(), "job");
    chain.commit([tx]);
    chain.advance_to(6);
    let tx = chain.open(&alice(), "job", 2_000, 6);
    chain.commit([tx]);
    chain.advance_to(9);
    let escrow = record(&chain, "job").unwrap();
    assert_eq!(
        (&escrow["status"], &escrow["amount"]),
        (&json!("open"), &json!(2_000))
    );
}

#[test]
fn in_the_block_of_its_deletion_a_job_costs_the_record_fee_again() {
    let setup = Setup::default().param("escrow_max_ttl_blocks", 4);
    let mut chain = setup.start();
    let tx = chain.open(&alice(), "job", 1_000, 2);
    let with_record = tx.fee;
    chain.commit([tx]);
    chain.advance_to(6);
    // Refunded in 3, it is deleted at the beginning of 7, and a cheap opening comes too late.
    let cheap = chain.open(&alice(), "job", 1_000, 2);
    assert_eq!(cheap.fee, with_record - 1_000);
    let refusal = chain.reject([cheap.clone()]);
    assert_eq!(refusal.code.name(), "fee_too_low");
    assert_eq!(chain.commit([cheap.fee(with_record)]).names(), [""]);
}
