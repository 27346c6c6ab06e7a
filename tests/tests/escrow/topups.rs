//! `ESCROW_TOPUP` and `ESCROW_CANCEL`: anyone adds coins, the client alone moves the end, and it gives
//! notice before it takes anything back.

use ait_testkit::{
    actors::{alice, arbiter, bob, coordinator, miner},
    chain::{Chain, Setup},
    draft::Draft,
    work::Work,
};
use ait_tests::scenes::{miner_with_money, refused, with_attesters, with_escrow, with_opening};
use serde_json::{Value, json};

/// A top-up by the client that also extends.
fn extending(chain: &Chain, amount: u64, ttl: u64) -> Draft {
    let tx = chain.top_up(&alice(), &alice(), "job_42", amount);
    chain.priced(tx.with("ttl_blocks", ttl))
}

/// A chain with an escrow of Alice's of 60,000 uait that ends in block 21.
fn with_short_escrow(setup: &Setup) -> (Chain, Work) {
    with_opening(setup, |chain| chain.open(&alice(), "job_42", 60_000, 20))
}

fn of_escrow(chain: &Chain, name: &str) -> Value {
    chain.escrow(&alice(), "job_42")[name].clone()
}

#[test]
fn anyone_adds_coins_to_an_open_escrow() {
    let (mut chain, _) = with_short_escrow(&miner_with_money());
    for (n, sender) in [bob(), alice(), miner(), coordinator()]
        .into_iter()
        .enumerate()
    {
        let before = chain.balance(sender.address());
        let tx = chain.top_up(&sender, &alice(), "job_42", 1_000);
        let fee = tx.fee;
        let block = chain.commit([tx]);
        assert_eq!(block.names(), [""]);
        assert_eq!(chain.balance(sender.address()), before - 1_000 - fee);
        let held = 60_000 + 1_000 * (u64::try_from(n).unwrap() + 1);
        assert_eq!(of_escrow(&chain, "remaining"), held);
        assert_eq!(of_escrow(&chain, "amount"), held);
        assert_eq!(of_escrow(&chain, "expires_height"), 21);
        let event = block.events("escrow_topped_up")[0];
        for (name, value) in [
            ("job_id", "job_42".to_owned()),
            ("client", alice().address().to_string()),
            ("sender", sender.address().to_string()),
            ("amount", "1000".into()),
            ("remaining", held.to_string()),
            ("expires_height", "21".into()),
        ] {
            assert_eq!(event.get(name), Some(&*value), "{name}");
        }
    }
}

#[test]
fn a_top_up_lets_a_dearer_receipt_be_paid() {
    let (mut chain, work) = with_escrow(&miner_with_money(), 60_000);
    let dear = work.costing(1, 70_000);
    let claim = chain.claim(&miner(), &dear);
    refused(&mut chain, claim, "escrow_too_small");
    let txs = [
        chain.top_up(&bob(), &alice(), "job_42", 10_000),
        chain.claim(&miner(), &dear),
    ];
    assert_eq!(chain.commit(txs).names(), ["", ""]);
}

#[test]
fn what_somebody_else_added_goes_back_to_the_client() {
    let (mut chain, _) = with_short_escrow(&Setup::default());
    let tx = chain.top_up(&bob(), &alice(), "job_42", 10_000);
    chain.commit([tx]);
    let before = chain.balance(alice().address());
    let tx = chain.release(&coordinator(), &alice(), "job_42");
    chain.commit([tx]);
    assert_eq!(chain.balance(alice().address()), before + 70_000);
}

#[test]
fn the_client_alone_extends() {
    let (mut chain, _) = with_short_escrow(&Setup::default());
    let tx = chain.top_up(&bob(), &alice(), "job_42", 1_000);
    let tx = chain.priced(tx.with("ttl_blocks", 50));
    refused(&mut chain, tx, "not_the_client");
    let tx = extending(&chain, 1_000, 50);
    assert_eq!(chain.commit([tx]).names(), [""]);
    assert_eq!(of_escrow(&chain, "expires_height"), 3 + 50);
    chain.advance_to(52);
    assert_eq!(of_escrow(&chain, "status"), "open");
    chain.advance_to(53);
    assert_eq!(of_escrow(&chain, "reason"), "expired");
}

#[test]
fn an_extension_never_shortens() {
    let (mut chain, _) = with_short_escrow(&Setup::default());
    let tx = extending(&chain, 1_000, 3);
    assert_eq!(chain.commit([tx]).names(), [""]);
    assert_eq!(of_escrow(&chain, "expires_height"), 21);
    assert_eq!(
        of_escrow(&chain, "remaining"),
        61_000,
        "the coins are added all the same"
    );
}

#[test]
fn an_extension_keeps_to_the_limit_of_the_params_of_now() {
    let (mut chain, _) = with_short_escrow(&Setup::default().param("escrow_max_ttl_blocks", 30));
    let tx = extending(&chain, 1_000, 31);
    refused(&mut chain, tx, "ttl_too_long");
    let tx = extending(&chain, 1_000, 30);
    assert_eq!(chain.commit([tx]).names(), [""]);
}

#[test]
fn an_extension_asks_of_the_coordinators_what_an_opening_would() {
    let (chain, _) = with_attesters(&Setup::default(), 2);
    let changes: [(&str, Value, &str); 2] = [
        ("coordinator_min_bond", json!(1), "bond_too_small"),
        (
            "coordinators",
            json!({coordinator().address().to_string(): coordinator().pubkey().to_string()}),
            "unknown_coordinator",
        ),
    ];
    for (name, value, code) in changes {
        let mut chain = chain.clone();
        let tx = chain.set_param(name, value);
        chain.commit([tx]);
        let tx = extending(&chain, 1_000, 50);
        refused(&mut chain, tx, code);
        // Coins alone are always welcome.
        let tx = chain.top_up(&alice(), &alice(), "job_42", 1_000);
        assert_eq!(chain.commit([tx]).names(), [""]);
    }
}

#[test]
fn an_extension_keeps_the_keys_of_the_opening() {
    let (mut chain, work) = with_short_escrow(&Setup::default());
    let rotated = json!({coordinator().address().to_string(): arbiter().pubkey().to_string()});
    let tx = chain.set_param("coordinators", rotated);
    chain.commit([tx]);
    let tx = extending(&chain, 1_000, 50);
    assert_eq!(chain.commit([tx]).names(), [""]);
    let keys = json!([coordinator().pubkey().to_string()]);
    assert_eq!(of_escrow(&chain, "keys"), keys);
    let claim = chain.claim(&miner(), &work);
    assert_eq!(chain.commit([claim]).names(), [""]);
}

#[test]
fn a_top_up_names_what_is_wrong_in_its_order() {
    let (mut chain, _) = with_short_escrow(&Setup::default());
    let tx = chain.top_up(&bob(), &alice(), "none", 2_000_000_000);
    refused(&mut chain, tx, "escrow_not_found");
    let dear = chain.top_up(&bob(), &alice(), "job_42", 2_000_000_000);
    let tx = chain.priced(dear.clone().with("ttl_blocks", 5));
    refused(&mut chain, tx, "not_the_client");
    let dear = chain.top_up(&bob(), &alice(), "job_42", 2_000_000_000);
    refused(&mut chain, dear, "insufficient_balance");
    let tx = chain.release(&coordinator(), &alice(), "job_42");
    chain.commit([tx]);
    let tx = chain.top_up(&bob(), &alice(), "job_42", 5);
    refused(&mut chain, tx, "escrow_closed");
}

#[test]
fn a_cancel_ends_the_escrow_after_its_notice() {
    let setup = miner_with_money().param("cancel_notice_blocks", 5);
    let (mut chain, _) = with_short_escrow(&setup);
    let locked = chain.balance(alice().address());
    let tx = chain.cancel(&alice(), "job_42");
    let fee = tx.fee;
    let block = chain.commit([tx]);
    assert_eq!(block.names(), [""]);
    let event = block.events("escrow_cancelled")[0];
    for (name, value) in [
        ("job_id", "job_42".to_owned()),
        ("client", alice().address().to_string()),
        ("coordinator", coordinator().address().to_string()),
        ("expires_height", "7".into()),
    ] {
        assert_eq!(event.get(name), Some(&*value), "{name}");
    }
    assert_eq!(of_escrow(&chain, "cancelled"), true);
    chain.advance_to(6);
    assert_eq!(of_escrow(&chain, "status"), "open");
    let block = chain.commit(Vec::<Draft>::new());
    assert_eq!(
        block.events("escrow_refunded")[0].get("reason"),
        Some("cancelled")
    );
    assert_eq!(of_escrow(&chain, "reason"), "cancelled");
    assert_eq!(of_escrow(&chain, "cancelled"), true);
    assert_eq!(chain.balance(alice().address()), locked - fee + 60_000);
    let record = chain.coordinator(&coordinator());
    assert_eq!(
        (&record["cancelled"], &record["expired"]),
        (&json!(1), &json!(0))
    );
}

#[test]
fn during_the_notice_the_escrow_still_pays() {
    let setup = Setup::default().param("cancel_notice_blocks", 5);
    let (mut chain, work) = with_short_escrow(&setup);
    let tx = chain.cancel(&alice(), "job_42");
    chain.commit([tx]);
    chain.advance_to(5);
    let claim = chain.claim(&miner(), &work);
    assert_eq!(chain.commit([claim]).names(), [""], "block 6 is the last");
    assert_eq!(of_escrow(&chain, "reason"), "settled");
    assert_eq!(of_escrow(&chain, "cancelled"), false);
}

#[test]
fn a_cancel_that_would_not_come_sooner_changes_nothing() {
    let setup = Setup::default().param("cancel_notice_blocks", 100);
    let (mut chain, _) = with_short_escrow(&setup);
    let before = chain.escrow(&alice(), "job_42");
    let tx = chain.cancel(&alice(), "job_42");
    let block = chain.commit([tx]);
    assert_eq!(block.names(), [""]);
    assert_eq!(
        block.events("escrow_cancelled")[0].get("expires_height"),
        Some("21")
    );
    assert_eq!(chain.escrow(&alice(), "job_42"), before);
    chain.advance_to(21);
    assert_eq!(of_escrow(&chain, "reason"), "expired");
}

#[test]
fn while_a_miner_is_bound_the_client_cannot_cancel() {
    let (mut chain, _) = with_short_escrow(&Setup::default());
    let tx = chain.assign(&alice(), "job_42", &miner());
    chain.commit([tx]);
    let tx = chain.cancel(&alice(), "job_42");
    refused(&mut chain, tx, "miner_bound");
    let (mut chain, _) = with_opening(&Setup::default(), |chain| {
        let miner = miner().address().to_string();
        chain
            .open(&alice(), "job_42", 60_000, 20)
            .with("miner", miner)
    });
    let tx = chain.cancel(&alice(), "job_42");
    refused(&mut chain, tx, "miner_bound");
}

#[test]
fn a_cancelled_escrow_can_still_be_assigned_and_ends_all_the_same() {
    let setup = Setup::default().param("cancel_notice_blocks", 5);
    let (mut chain, _) = with_short_escrow(&setup);
    let tx = chain.cancel(&alice(), "job_42");
    chain.commit([tx]);
    let tx = chain.assign(&alice(), "job_42", &miner());
    assert_eq!(chain.commit([tx]).names(), [""]);
    chain.advance_to(7);
    assert_eq!(of_escrow(&chain, "reason"), "cancelled");
}

#[test]
fn nobody_cancels_an_escrow_of_somebody_elses() {
    let (mut chain, _) = with_short_escrow(&Setup::default());
    for sender in [bob(), coordinator()] {
        let tx = chain.cancel(&sender, "job_42");
        refused(&mut chain, tx, "escrow_not_found");
    }
    let tx = chain.release(&coordinator(), &alice(), "job_42");
    chain.commit([tx]);
    let tx = chain.cancel(&alice(), "job_42");
    refused(&mut chain, tx, "escrow_closed");
}

#[test]
fn a_clients_extension_takes_its_notice_back() {
    let setup = Setup::default().param("cancel_notice_blocks", 5);
    let (chain, _) = with_short_escrow(&setup);
    for (ttl, cancelled, reason) in [(30, false, "expired"), (2, true, "cancelled")] {
        let mut chain = chain.clone();
        let txs = [
            chain.cancel(&alice(), "job_42"),
            extending(&chain, 1_000, ttl).later(1),
        ];
        assert_eq!(chain.commit(txs).names(), ["", ""]);
        assert_eq!(of_escrow(&chain, "cancelled"), cancelled, "{ttl}");
        let end = of_escrow(&chain, "expires_height").as_u64().unwrap();
        chain.advance_to(end);
        assert_eq!(of_escrow(&chain, "reason"), reason);
    }
}

#[test]
fn a_strangers_coins_do_not_take_the_clients_notice_back() {
    let setup = Setup::default().param("cancel_notice_blocks", 5);
    let (mut chain, _) = with_short_escrow(&setup);
    let txs = [
        chain.cancel(&alice(), "job_42"),
        chain.top_up(&bob(), &alice(), "job_42", 1_000),
    ];
    chain.commit(txs);
    assert_eq!(of_escrow(&chain, "cancelled"), true);
    assert_eq!(of_escrow(&chain, "expires_height"), 7);
}
