//! `ESCROW_OPEN`, `ESCROW_RELEASE` and expiry: locked coins have one place, a deadline and a way back.

use ait_testkit::{
    actors::{alice, arbiter, bob, coordinator, miner, witness},
    chain::{Chain, Setup},
    draft::{Draft, escrow_open},
};
use ait_tests::scenes::{miner_with_money, refused, with_attesters, with_opening};
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
        "amount": 60_000,
        "assigned": false,
        "attesters": [],
        "cancelled": false,
        "claims": 0,
        "client": alice().address().to_string(),
        "closed_height": null,
        "convicted": [],
        "coordinator": coordinator().address().to_string(),
        "deleted_height": null,
        "expires_height": 105,
        "job_id": "job_42",
        "keys": [coordinator().pubkey().to_string()],
        "last_receipt": null,
        "miner": null,
        "opened_height": 5,
        "paid": 0,
        "partial": false,
        "reason": null,
        "remaining": 60_000,
        "status": "open",
        "threshold": 1,
    });
    assert_eq!(chain.escrow(&alice(), "job_42"), expected);
    assert_eq!(chain.supply()["escrows"], 60_000);
    assert_eq!(chain.coordinator(&coordinator())["opened"], 1);
    let event = block.events("escrow_opened")[0];
    assert_eq!(event.get("job_id"), Some("job_42"));
    assert_eq!(event.get("client"), Some(&*alice().address().to_string()));
    assert_eq!(
        event.get("coordinator"),
        Some(&*coordinator().address().to_string())
    );
    assert_eq!(event.get("miner"), None);
    assert_eq!(event.get("amount"), Some("60000"));
}

#[test]
fn an_opening_may_name_a_miner_parts_and_more_coordinators() {
    let setup = Setup::default().coordinators(&[&coordinator(), &arbiter(), &witness()]);
    let (chain, _) = with_opening(&setup, |chain| {
        chain
            .open(&alice(), "job_42", 60_000, 100)
            .with("miner", miner().address().to_string())
            .with("partial", true)
            .with(
                "attesters",
                [witness(), arbiter()]
                    .map(|a| a.address().to_string())
                    .to_vec(),
            )
    });
    let escrow = chain.escrow(&alice(), "job_42");
    assert_eq!(escrow["miner"], miner().address().to_string());
    assert_eq!(escrow["assigned"], false, "the client named it");
    assert_eq!(escrow["partial"], true);
    let others = [witness(), arbiter()].map(|a| a.address().to_string());
    assert_eq!(escrow["attesters"], json!(others));
    let keys = [coordinator(), witness(), arbiter()].map(|a| a.pubkey().to_string());
    assert_eq!(escrow["keys"], json!(keys));
    assert_eq!(escrow["threshold"], 3, "all of them, where none is named");
    for who in [coordinator(), witness(), arbiter()] {
        assert_eq!(chain.coordinator(&who)["opened"], 1, "{}", who.name);
    }
}

#[test]
fn one_job_id_serves_two_clients() {
    let mut chain = Chain::start();
    let txs = [
        chain.open(&alice(), "job", 1_000, 5),
        chain.open(&bob(), "job", 2_000, 5),
    ];
    assert_eq!(chain.commit(txs).codes(), [0, 0]);
    assert_eq!(chain.escrow(&alice(), "job")["amount"], 1_000);
    assert_eq!(chain.escrow(&bob(), "job")["amount"], 2_000);
}

#[test]
fn an_open_escrow_is_not_opened_again() {
    let mut chain = Chain::start();
    let txs = [
        chain.open(&alice(), "job", 1_000, 5),
        chain.open(&alice(), "job", 2_000, 5).later(1),
    ];
    let block = chain.commit(txs);
    assert_eq!(block.code_name(1), "escrow_already_open");
    assert_eq!(chain.escrow(&alice(), "job")["amount"], 1_000);
}

#[test]
fn what_was_opened_in_a_block_is_not_opened_again_in_it() {
    let mut chain = Chain::start();
    let txs = [
        chain.open(&alice(), "job", 1_000, 5),
        chain.release(&coordinator(), &alice(), "job"),
        chain.open(&alice(), "job", 1_000, 5).later(1),
    ];
    let block = chain.commit(txs);
    assert_eq!(block.names(), ["", "", "opened_in_this_block"]);
    let tx = chain.open(&alice(), "job", 1_000, 5);
    assert_eq!(chain.commit([tx]).names(), [""]);
}

#[test]
fn a_settled_escrow_uses_its_job_id_up_for_ever() {
    let setup = Setup::default().param("escrow_max_ttl_blocks", 5);
    let mut chain = setup.start();
    let tx = chain.open(&alice(), "job", 60_000, 5);
    chain.commit([tx]);
    let work = chain.work(&alice(), "job", &miner(), "receipt");
    let tx = chain.claim(&miner(), &work);
    assert_eq!(chain.commit([tx]).codes(), [0]);
    chain.advance_to(20);
    let txs = [
        chain.open(&alice(), "job", 1_000, 5),
        chain.open(&bob(), "job", 1_000, 5),
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
fn a_refunded_job_can_be_opened_again_with_a_wholly_new_record() {
    let (mut chain, _) = with_opening(&Setup::default(), |chain| {
        chain
            .open(&alice(), "job_42", 60_000, 5)
            .with("miner", bob().address().to_string())
            .with("partial", true)
    });
    let work = chain
        .work(&alice(), "job_42", &bob(), "part")
        .costing(10, 1_000);
    let tx = chain.claim(&bob(), &work);
    assert_eq!(chain.commit([tx]).names(), [""]);
    let tx = chain.release(&coordinator(), &alice(), "job_42");
    assert_eq!(chain.commit([tx]).codes(), [0]);
    let tx = chain.open(&alice(), "job_42", 70_000, 5);
    assert_eq!(chain.commit([tx]).codes(), [0]);
    let escrow = chain.escrow(&alice(), "job_42");
    let names = ["amount", "opened_height", "paid", "claims", "remaining"];
    let figures = names.map(|name| escrow[name].clone());
    assert_eq!(figures, [70_000, 4, 0, 0, 70_000].map(|n| json!(n)));
    let nothing = ["miner", "last_receipt", "closed_height", "deleted_height"];
    for name in nothing {
        assert_eq!(escrow[name], json!(null), "{name}");
    }
    assert_eq!(escrow["partial"], false);
    assert_eq!(chain.coordinator(&coordinator())["opened"], 2);
}

#[test]
fn only_the_escrows_coordinator_releases_it_and_all_goes_back_to_the_client() {
    let mut chain = Chain::start();
    let tx = chain.open(&alice(), "job", 60_000, 50);
    chain.commit([tx]);
    let locked = chain.balance(alice().address());
    for sender in [alice(), bob()] {
        let tx = chain.release(&sender, &alice(), "job");
        refused(&mut chain, tx, "not_the_coordinator");
    }
    let fees = locked - chain.balance(alice().address());
    let tx = chain.release(&coordinator(), &alice(), "job");
    let block = chain.commit([tx]);
    assert_eq!(chain.balance(alice().address()), locked - fees + 60_000);
    let event = block.events("escrow_refunded")[0];
    assert_eq!(event.get("amount"), Some("60000"));
    assert_eq!(event.get("reason"), Some("released"));
    assert_eq!(chain.supply()["escrows"], 0);
    let escrow = chain.escrow(&alice(), "job");
    assert_eq!(
        (&escrow["status"], &escrow["reason"], &escrow["remaining"]),
        (&json!("refunded"), &json!("released"), &json!(0))
    );
    assert_eq!(chain.coordinator(&coordinator())["released"], 1);
}

#[test]
fn only_the_first_of_several_coordinators_releases() {
    let (mut chain, _) = with_attesters(&Setup::default().balance(&arbiter(), 1_000), 1);
    let tx = chain.release(&arbiter(), &alice(), "job_42");
    refused(&mut chain, tx, "not_the_coordinator");
    let tx = chain.release(&coordinator(), &alice(), "job_42");
    assert_eq!(chain.commit([tx]).names(), [""]);
    for who in [coordinator(), arbiter(), witness()] {
        assert_eq!(chain.coordinator(&who)["released"], 1, "{}", who.name);
    }
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
    let expected = ["escrow_not_found", "", "escrow_closed", "escrow_not_found"];
    assert_eq!(block.names(), expected);
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
    let escrow = chain.escrow(&alice(), "job");
    assert_eq!(
        (
            &escrow["status"],
            &escrow["reason"],
            &escrow["closed_height"]
        ),
        (&json!("refunded"), &json!("expired"), &json!(4))
    );
    assert_eq!(chain.balance(alice().address()), locked + 60_000);
    assert_eq!(block.outcome.events.len(), 1);
    let event = &block.outcome.events[0];
    assert_eq!(
        (&*event.kind, event.get("reason")),
        ("escrow_refunded", Some("expired"))
    );
    assert_eq!(chain.coordinator(&coordinator())["expired"], 1);
    chain.advance_to(9);
    assert_eq!(chain.balance(alice().address()), locked + 60_000, "once");
}

#[test]
fn in_its_last_block_an_escrow_can_be_claimed_and_in_its_due_block_it_cannot() {
    for (claimed_in, code) in [(3, ""), (4, "escrow_closed")] {
        let mut chain = miner_with_money().start();
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
    let mut chain = Setup::default().balance(&alice(), 60_000 + 1_100).start();
    let tx = chain.open(&alice(), "job", 60_000, 2);
    assert_eq!(chain.commit([tx]).names(), [""]);
    chain.advance_to(2);
    let tx = chain.transfer(&alice(), &bob(), 50_000);
    assert_eq!(chain.commit([tx]).codes(), [0]);
}

#[test]
fn the_life_of_an_escrow_has_its_limits() {
    let mut chain = Setup::default().param("escrow_max_ttl_blocks", 10).start();
    let tx = chain.open(&alice(), "longest", 5_000, 10);
    assert_eq!(chain.commit([tx]).codes(), [0]);
    let tx = chain.open(&alice(), "too_long", 5_000, 11);
    let block = chain.commit([tx]);
    assert_eq!(block.code_name(0), "ttl_too_long");
    assert!(
        block.result(0).log.contains("payload.ttl_blocks"),
        "{}",
        block.result(0).log
    );
    let refusal = chain.reject([chain.open(&alice(), "none", 5_000, 0)]);
    assert_eq!(refusal.code.name(), "invalid_field");
    assert!(refusal.message.contains("payload.ttl_blocks"), "{refusal}");
}

#[test]
fn an_escrow_holds_at_least_the_minimum_amount() {
    let mut chain = Setup::default().param("min_escrow_amount", 5_000).start();
    let tx = chain.open(&alice(), "job", 4_999, 5);
    refused(&mut chain, tx, "escrow_too_low");
    let tx = chain.open(&alice(), "job", 5_000, 5);
    assert_eq!(chain.commit([tx]).names(), [""]);
}

#[test]
fn what_nobody_has_cannot_be_locked() {
    let required = Chain::start().open(&alice(), "job", 5_000, 5).fee;
    for (balance, code) in [
        (5_000 + required, ""),
        (4_999 + required, "insufficient_balance"),
    ] {
        let mut chain = Setup::default().balance(&alice(), balance).start();
        let tx = chain.open(&alice(), "job", 5_000, 5);
        assert_eq!(chain.commit([tx]).code_name(0), code);
        let escrow = chain.record(&format!("/escrow/{}/job", alice().address()));
        assert_eq!(escrow.is_some(), code.is_empty());
    }
}

#[test]
fn every_coordinator_of_an_opening_is_registered() {
    let setup = Setup::default().coordinators(&[&coordinator(), &arbiter()]);
    let mut chain = setup.start();
    let tx = chain.draft(
        &alice(),
        "ESCROW_OPEN",
        escrow_open("job", bob().address(), 10, 5),
    );
    refused(&mut chain, tx, "unknown_coordinator");
    for (attesters, code) in [([arbiter()], ""), ([bob()], "unknown_coordinator")] {
        let names = attesters.map(|a| a.address().to_string()).to_vec();
        let tx = chain
            .open(&alice(), "job", 5_000, 5)
            .with("attesters", names);
        let tx = chain.priced(tx);
        assert_eq!(chain.commit([tx]).code_name(0), code);
    }
}

#[test]
fn the_checks_of_an_opening_come_in_their_order() {
    let setup = Setup::default()
        .coordinators(&[&coordinator(), &arbiter()])
        .param("coordinator_min_bond", 10)
        .param("escrow_max_ttl_blocks", 100)
        .balance(&alice(), 10_000);
    let mut chain = setup.start();
    let bonded = chain.bond(&coordinator(), 10);
    chain.commit([bonded]);
    let tx = chain.open(&alice(), "job", 1_000, 5);
    assert_eq!(chain.commit([tx]).names(), [""]);
    let attesters = |name: String| vec![name];
    let open = |amount: u64, ttl: u64| chain.open(&alice(), "job", amount, ttl);
    let unknown = open(5, 101).with("attesters", attesters(bob().address().to_string()));
    let poor = open(5, 101).with("attesters", attesters(arbiter().address().to_string()));
    let cases = [
        (unknown, "unknown_coordinator"),
        (poor, "bond_too_small"),
        (open(5, 101), "ttl_too_long"),
        (open(5, 100), "escrow_too_low"),
        (open(1_000_000, 100), "escrow_already_open"),
        (
            chain.open(&alice(), "new", 1_000_000, 100),
            "insufficient_balance",
        ),
    ];
    for (tx, code) in cases {
        let mut chain = chain.clone();
        let tx = chain.priced(tx);
        refused(&mut chain, tx, code);
    }
}
