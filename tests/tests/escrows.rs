//! `ESCROW_OPEN`, `ESCROW_RELEASE` and expiry: locked coins have one place, a deadline and a way back.

use ait_tests::{
    actors::{Actor, alice, bob, coordinator, miner},
    chain::{Chain, Setup},
    draft::{Draft, escrow_open},
};
use serde_json::json;

const RICH: u64 = 1_000_000_000;

#[test]
fn opening_locks_the_amount_under_client_and_job() {
    let mut chain = Chain::start();
    chain.advance_to(4);
    let tx = chain.open(&alice(), "job_42", 60_000, 100);
    let fee = tx.fee;
    let block = chain.commit([tx]);
    assert_eq!(block.codes(), [0]);
    assert_eq!(chain.balance(alice().address()), RICH - 60_000 - fee);
    let expected = json!({
        "client": alice().address().to_string(),
        "job_id": "job_42",
        "coordinator": coordinator().address().to_string(),
        "amount": 60_000,
        "status": "open",
        "opened_height": 5,
        "expires_height": 105,
    });
    assert_eq!(chain.escrow(&alice(), "job_42"), expected);
    assert_eq!(chain.supply()["escrows"], 60_000);
    let event = block.events("escrow_opened")[0];
    assert_eq!(event.get("job_id"), Some("job_42"));
    assert_eq!(event.get("client"), Some(&*alice().address().to_string()));
    assert_eq!(
        event.get("coordinator"),
        Some(&*coordinator().address().to_string())
    );
    assert_eq!(event.get("amount"), Some("60000"));
}

#[test]
fn one_job_id_serves_two_clients() {
    let mut chain = Chain::start();
    let txs = [
        chain.open(&alice(), "job", 10, 5),
        chain.open(&bob(), "job", 20, 5),
    ];
    assert_eq!(chain.commit(txs).codes(), [0, 0]);
    assert_eq!(chain.escrow(&alice(), "job")["amount"], 10);
    assert_eq!(chain.escrow(&bob(), "job")["amount"], 20);
}

#[test]
fn an_open_escrow_is_not_opened_again() {
    let mut chain = Chain::start();
    let txs = [
        chain.open(&alice(), "job", 10, 5),
        chain.open(&alice(), "job", 20, 5).later(1),
    ];
    let block = chain.commit(txs);
    assert_eq!(block.code_name(1), "escrow_already_open");
    assert_eq!(chain.escrow(&alice(), "job")["amount"], 10);
}

#[test]
fn a_settled_escrow_uses_its_job_id_up_for_ever() {
    let mut chain = Chain::start();
    let tx = chain.open(&alice(), "job", 60_000, 5);
    chain.commit([tx]);
    let work = chain.work(&alice(), "job", &miner(), "receipt");
    let tx = chain.claim(&miner(), &work);
    assert_eq!(chain.commit([tx]).codes(), [0]);
    chain.advance_to(20);
    let txs = [
        chain.open(&alice(), "job", 10, 5),
        chain.open(&bob(), "job", 10, 5),
    ];
    let block = chain.commit(txs);
    assert_eq!(block.code_name(0), "escrow_already_settled");
    assert_eq!(
        block.code_name(1),
        "",
        "another client's job is another job"
    );
}

#[test]
fn a_refunded_job_can_be_opened_again() {
    let mut chain = Chain::start();
    let tx = chain.open(&alice(), "job", 60_000, 5);
    chain.commit([tx]);
    let tx = chain.release(&coordinator(), &alice(), "job");
    assert_eq!(chain.commit([tx]).codes(), [0]);
    assert_eq!(chain.escrow(&alice(), "job")["status"], "refunded");
    let tx = chain.open(&alice(), "job", 70_000, 5);
    assert_eq!(chain.commit([tx]).codes(), [0]);
    let escrow = chain.escrow(&alice(), "job");
    assert_eq!(
        (&escrow["amount"], &escrow["opened_height"]),
        (&json!(70_000), &json!(3))
    );
}

#[test]
fn only_the_escrows_coordinator_releases_it_and_all_goes_back_to_the_client() {
    let mut chain = Chain::start();
    let tx = chain.open(&alice(), "job", 60_000, 50);
    chain.commit([tx]);
    let locked = chain.balance(alice().address());
    for sender in [alice(), bob()] {
        let tx = chain.release(&sender, &alice(), "job");
        let block = chain.commit([tx]);
        assert_eq!(block.code_name(0), "not_the_coordinator");
        assert_eq!(chain.escrow(&alice(), "job")["status"], "open");
    }
    let fees = locked - chain.balance(alice().address());
    let tx = chain.release(&coordinator(), &alice(), "job");
    let block = chain.commit([tx]);
    assert_eq!(chain.balance(alice().address()), locked - fees + 60_000);
    let event = block.events("escrow_refunded")[0];
    assert_eq!(event.get("amount"), Some("60000"));
    assert_eq!(event.get("reason"), Some("released"));
    assert_eq!(chain.supply()["escrows"], 0);
}

#[test]
fn releasing_what_is_not_open_names_what_it_is() {
    let mut chain = Chain::start();
    let tx = chain.open(&alice(), "job", 60_000, 3);
    chain.commit([tx]);
    let txs = [
        chain.release(&coordinator(), &alice(), "no_such_job"),
        chain.release(&coordinator(), &alice(), "job").later(1),
        chain.release(&coordinator(), &alice(), "job").later(2),
        chain.release(&coordinator(), &bob(), "job").later(3),
    ];
    let block = chain.commit(txs);
    let names: Vec<_> = (0..4).map(|i| block.code_name(i)).collect();
    let expected = ["escrow_not_found", "", "escrow_closed", "escrow_not_found"];
    assert_eq!(names, expected);
    assert_eq!(chain.supply()["escrows"], 0);
}

#[test]
fn a_coordinator_that_is_no_longer_registered_can_still_release() {
    let mut chain = Chain::start();
    let tx = chain.open(&alice(), "job", 60_000, 50);
    chain.commit([tx]);
    let tx = chain.set_param("coordinators", json!({}));
    chain.commit([tx]);
    let tx = chain.open(&alice(), "other_job", 60_000, 50);
    assert_eq!(chain.commit([tx]).code_name(0), "unknown_coordinator");
    let tx = chain.release(&coordinator(), &alice(), "job");
    assert_eq!(chain.commit([tx]).codes(), [0]);
    assert_eq!(chain.escrow(&alice(), "job")["status"], "refunded");
}

#[test]
fn an_escrow_expires_in_block_opened_height_plus_ttl_and_not_before() {
    let mut chain = Chain::start();
    let tx = chain.open(&alice(), "job", 60_000, 3);
    chain.commit([tx]);
    let locked = chain.balance(alice().address());
    chain.advance_to(3);
    assert_eq!(chain.escrow(&alice(), "job")["status"], "open");
    assert_eq!(chain.balance(alice().address()), locked);
    let block = chain.commit(Vec::<Draft>::new());
    assert_eq!(block.height, 4);
    assert_eq!(chain.escrow(&alice(), "job")["status"], "refunded");
    assert_eq!(chain.balance(alice().address()), locked + 60_000);
    assert_eq!(block.outcome.events.len(), 1);
    let event = &block.outcome.events[0];
    assert_eq!(
        (&*event.kind, event.get("reason")),
        ("escrow_refunded", Some("expired"))
    );
    chain.advance_to(9);
    assert_eq!(chain.balance(alice().address()), locked + 60_000, "once");
}

#[test]
fn in_its_last_block_an_escrow_can_be_claimed_and_in_its_due_block_it_cannot() {
    for (claimed_in, code) in [(3, ""), (4, "escrow_closed")] {
        let mut chain = Chain::start();
        let tx = chain.open(&alice(), "job", 60_000, 3);
        chain.commit([tx]);
        chain.advance_to(claimed_in - 1);
        let work = chain.work(&alice(), "job", &miner(), "receipt");
        let tx = chain.claim(&miner(), &work);
        assert_eq!(chain.commit([tx]).code_name(0), code);
    }
}

#[test]
fn money_from_an_expired_escrow_can_be_spent_in_the_same_block() {
    let mut chain = Setup::default().balance(&alice(), 60_000 + 100).start();
    let tx = chain.open(&alice(), "job", 60_000, 2);
    chain.commit([tx]);
    chain.advance_to(2);
    let tx = chain.transfer(&alice(), &bob(), 50_000);
    assert_eq!(chain.commit([tx]).codes(), [0]);
}

#[test]
fn the_life_of_an_escrow_has_its_limits() {
    let mut chain = Setup::default().param("escrow_max_ttl_blocks", 10).start();
    let tx = chain.open(&alice(), "longest", 5, 10);
    assert_eq!(chain.commit([tx]).codes(), [0]);
    let tx = chain.open(&alice(), "too_long", 5, 11);
    let block = chain.commit([tx]);
    assert_eq!(block.code_name(0), "ttl_too_long");
    assert!(
        block.result(0).log.contains("payload.ttl_blocks"),
        "{}",
        block.result(0).log
    );
    let refusal = chain.reject([chain.open(&alice(), "none", 5, 0)]);
    assert_eq!(refusal.code.name(), "invalid_field");
    assert!(refusal.message.contains("payload.ttl_blocks"), "{refusal}");
}

#[test]
fn what_nobody_has_cannot_be_locked() {
    let mut chain = Setup::default().balance(&alice(), 1_000).start();
    let tx = chain.open(&alice(), "job", 1_000, 5);
    let block = chain.commit([tx]);
    assert_eq!(block.code_name(0), "insufficient_balance");
    assert_eq!(
        chain.record(&format!("/escrow/{}/job", alice().address())),
        None
    );
    assert_eq!(chain.supply()["escrows"], 0);
}

#[test]
fn an_unregistered_coordinator_gets_no_escrow() {
    let mut chain = Chain::start();
    let payload = escrow_open("job", bob().address(), 10, 5);
    let tx = chain.draft(&alice(), "ESCROW_OPEN", payload);
    let block = chain.commit([tx]);
    assert_eq!(block.code_name(0), "unknown_coordinator");
}

/// A chain in which `count` escrows of Alice are due in block 11, opened by name ascending.
fn with_due_escrows(count: u64) -> Chain {
    let mut chain = Setup::default().param("fee_per_kib", 0).start();
    let txs: Vec<Draft> = (0..count)
        .map(|n| {
            chain
                .open(&alice(), &format!("job_{n:04}"), 10, 10)
                .later(n)
        })
        .collect();
    assert!(chain.commit(txs).codes().iter().all(|code| *code == 0));
    chain.advance_to(10);
    chain
}

#[test]
fn at_most_a_thousand_escrows_expire_in_a_block_and_the_rest_in_the_next() {
    let mut chain = with_due_escrows(1_050);
    let locked = chain.balance(alice().address());
    let block = chain.commit(Vec::<Draft>::new());
    assert_eq!(block.outcome.events.len(), 1_000);
    assert_eq!(chain.balance(alice().address()), locked + 10_000);
    assert_eq!(chain.escrow(&alice(), "job_0999")["status"], "refunded");
    assert_eq!(chain.escrow(&alice(), "job_1000")["status"], "open");
    let block = chain.commit(Vec::<Draft>::new());
    assert_eq!(block.outcome.events.len(), 50);
    assert_eq!(chain.balance(alice().address()), locked + 10_500);
    assert_eq!(chain.supply()["escrows"], 0);
}

#[test]
fn an_overdue_escrow_counts_as_closed_and_reopening_it_refunds_it_first() {
    let mut chain = with_due_escrows(1_010);
    let work = chain
        .work(&alice(), "job_1005", &miner(), "receipt")
        .costing(1, 1);
    let before = chain.balance(alice().address());
    let txs = [
        chain.claim(&miner(), &work),
        chain.release(&coordinator(), &alice(), "job_1005"),
        chain.open(&alice(), "job_1005", 3, 10),
    ];
    let fees = txs[2].fee;
    let block = chain.commit(txs);
    assert_eq!(block.code_name(0), "escrow_closed");
    assert_eq!(block.code_name(1), "escrow_closed");
    assert_eq!(block.code_name(2), "");
    let kinds: Vec<_> = block
        .result(2)
        .events
        .iter()
        .map(|e| e.kind.as_str())
        .collect();
    assert_eq!(kinds, ["escrow_refunded", "escrow_opened"]);
    assert_eq!(chain.escrow(&alice(), "job_1005")["amount"], 3);
    assert_eq!(chain.escrow(&alice(), "job_1005")["expires_height"], 21);
    // 1,000 expired, one was refunded by its reopening, nine still wait.
    let expected = before + 10_000 + 10 - 3 - fees;
    assert_eq!(chain.balance(alice().address()), expected);
    let block = chain.commit(Vec::<Draft>::new());
    assert_eq!(block.outcome.events.len(), 9);
    assert_eq!(chain.escrow(&alice(), "job_1005")["status"], "open");
    assert_eq!(chain.supply()["escrows"], 3);
}

#[test]
fn escrows_expire_by_due_height_and_then_by_key() {
    let mut chain = Chain::start();
    let other = Actor::named("another client");
    let txs = [
        chain.transfer(&alice(), &other, 1_000),
        chain.open(&alice(), "z", 10, 4).later(1),
        chain.open(&alice(), "b", 11, 5).later(2),
        chain.open(&alice(), "a", 12, 5).later(3),
        chain.open(&other, "a", 13, 5),
    ];
    assert_eq!(chain.commit(txs).codes(), [0; 5]);
    chain.advance_to(4);
    let amounts = |chain: &mut Chain| -> Vec<String> {
        let block = chain.commit(Vec::<Draft>::new());
        let events = block.outcome.events.iter();
        events
            .map(|e| e.get("amount").unwrap().to_owned())
            .collect()
    };
    assert_eq!(amounts(&mut chain), ["10"]);
    let mut expected = ["12", "11"].map(str::to_owned).to_vec();
    let first = other.address().to_string() < alice().address().to_string();
    expected.insert(if first { 0 } else { 2 }, "13".into());
    assert_eq!(amounts(&mut chain), expected);
}
