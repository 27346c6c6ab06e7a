//! All that an address has on the chain: `getAccount`.

use serde_json::{Value, json};

use crate::harness::{
    Chain,
    keys::{ALICE, ALICE_CONSENSUS, BOB, FEE, Key, VALIDATOR},
};

async fn account(chain: &Chain, key: Key) -> Value {
    let path = format!("/rpc/getAccount/{}", key.address());
    chain.get(&path).await.ok()
}

#[tokio::test]
async fn an_account_never_seen_has_nothing() {
    let chain = Chain::start().await;
    assert_eq!(
        account(&chain, BOB).await,
        json!({
            "address": BOB.address(), "balance": 0, "nonce": 0, "next_nonce": 1, "pubkey": null,
            "stake": 0, "bond": 0, "unbonding": [], "escrows": {"open": 0, "locked": 0},
            "miner": null, "validator": null, "coordinator": null,
        })
    );
}

#[tokio::test]
async fn the_next_nonce_counts_what_is_pending() {
    let chain = Chain::start().await;
    for nonce in 1..=3 {
        chain.send(&ALICE.transfer(nonce, BOB, 10)).await.ok();
    }
    let pending = account(&chain, ALICE).await;
    assert_eq!(
        (&pending["nonce"], &pending["next_nonce"]),
        (&json!(0), &json!(4))
    );
    assert_eq!(pending["pubkey"], Value::Null);
    chain.comet.make_block().await;
    let committed = account(&chain, ALICE).await;
    assert_eq!(
        (&committed["nonce"], &committed["next_nonce"]),
        (&json!(3), &json!(4))
    );
    assert_eq!(committed["pubkey"], json!(ALICE.secret().public_key()));
    assert_eq!(committed["balance"], 1_000_000_000 - 3 * (10 + FEE));
}

#[tokio::test]
async fn open_escrows_of_the_client_are_counted() {
    let chain = Chain::start().await;
    chain
        .send(&ALICE.open_escrow(1, "job_1", 10_000))
        .await
        .ok();
    chain.send(&ALICE.open_escrow(2, "job_2", 5_000)).await.ok();
    assert_eq!(
        account(&chain, ALICE).await["escrows"],
        json!({"open": 0, "locked": 0})
    );
    chain.comet.make_block().await;
    assert_eq!(
        account(&chain, ALICE).await["escrows"],
        json!({"open": 2, "locked": 15_000})
    );
    assert_eq!(
        account(&chain, BOB).await["escrows"],
        json!({"open": 0, "locked": 0})
    );
}

#[tokio::test]
async fn stake_and_bond_and_what_leaves_them_are_shown() {
    let chain = Chain::start().await;
    for tx in [
        ALICE.stake(1, 3_000_000, ALICE_CONSENSUS),
        ALICE.bond(2, 500_000),
        ALICE.unbond(3, 100_000),
        ALICE.unstake(4, 1_000_000),
        ALICE.unstake(5, 500_000),
    ] {
        chain.send(&tx).await.ok();
    }
    chain.comet.make_block().await;
    let alice = account(&chain, ALICE).await;
    assert_eq!(
        (&alice["stake"], &alice["bond"]),
        (&json!(1_500_000), &json!(400_000))
    );
    // A bond leaves last: it answers for every escrow that named its coordinator.
    assert_eq!(
        alice["unbonding"],
        json!([
            {"amount": 1_000_000, "due_height": 122, "kind": "stake"},
            {"amount": 500_000, "due_height": 122, "kind": "stake"},
            {"amount": 100_000, "due_height": 100_122, "kind": "bond"},
        ])
    );
    assert_eq!(alice["validator"]["stake"], 1_500_000);
    assert_eq!(
        alice["validator"]["stake_pubkey"],
        json!(ALICE_CONSENSUS.secret().public_key())
    );
    assert_eq!(alice["coordinator"]["bond"], 400_000);
    assert_eq!(alice["coordinator"]["suspended"], Value::Null);
    assert_eq!(alice["miner"], Value::Null);
    let validator = account(&chain, VALIDATOR).await;
    assert_eq!(
        (&validator["stake"], &validator["validator"]["power"]),
        (&json!(0), &json!(10))
    );
}
