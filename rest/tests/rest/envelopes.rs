//! What comes at the same time goes to CometBFT together, and no user's transaction decides the fate of
//! another's.

use std::sync::Arc;

use ait_app::tx::Transaction;
use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::{
    Answer, Chain, hash_of,
    keys::{ALICE, BOB, Key},
};

/// A chain on which each of so many has money.
async fn crowded(count: u8) -> (Arc<Chain>, Vec<Key>) {
    let crowd: Vec<Key> = (20..20 + count).map(Key::numbered).collect();
    let fund = |genesis: &mut serde_json::Value| {
        for key in &crowd {
            genesis["accounts"][key.address().to_string()] = json!(1_000_000);
        }
    };
    let chain = Chain::of_genesis(fund, |_| {}).await;
    (Arc::new(chain), crowd)
}

/// Sends all at once; each one's answer in its place.
async fn send_at_once(chain: &Arc<Chain>, txs: &[Transaction]) -> Vec<Answer> {
    let mut sends = JoinSet::new();
    for (place, tx) in txs.iter().cloned().enumerate() {
        let chain = chain.clone();
        sends.spawn(async move { (place, chain.send(&tx).await) });
    }
    let mut answers = sends.join_all().await;
    answers.sort_by_key(|(place, _)| *place);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_transaction_goes_as_it_is() {
    let chain = Chain::start().await;
    let tx = ALICE.transfer(1, BOB, 1);
    chain.send(&tx).await.ok();
    assert_eq!(chain.comet.mempool(), [tx.to_wire()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_at_the_same_time_goes_together_and_each_is_answered() {
    let (chain, crowd) = crowded(100).await;
    let txs: Vec<Transaction> = crowd.iter().map(|key| key.transfer(1, BOB, 1)).collect();
    for (answer, tx) in send_at_once(&chain, &txs).await.into_iter().zip(&txs) {
        assert_eq!(answer.ok()["txHash"], hash_of(tx).to_string());
    }
    let broadcasts = chain.comet.broadcasts();
    assert!(broadcasts < 50, "{broadcasts} for {}", txs.len());
    chain.comet.make_block().await;
    assert_eq!(chain.balance(BOB).await, 100);
    assert_eq!(chain.comet.waiting(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_told_to_its_own_sender_alone() {
    let (chain, crowd) = crowded(60).await;
    let amount = |i: usize| if i.is_multiple_of(2) { 1 } else { 2_000_000 };
    let txs: Vec<Transaction> = (0..)
        .zip(&crowd)
        .map(|(i, key)| key.transfer(1, BOB, amount(i)))
        .collect();
    for (i, answer) in send_at_once(&chain, &txs).await.into_iter().enumerate() {
        if i.is_multiple_of(2) {
            answer.ok();
        } else {
            assert_eq!(answer.refusal(), (422, "insufficient_balance"));
        }
    }
    chain.comet.make_block().await;
    assert_eq!(chain.balance(BOB).await, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_envelope_loses_is_sent_singly() {
    let (chain, crowd) = crowded(30).await;
    let txs: Vec<Transaction> = crowd.iter().map(|key| key.transfer(1, BOB, 1)).collect();
    let lines: Vec<Vec<u8>> = txs.iter().map(Transaction::to_wire).collect();
    chain
        .comet
        .refuse_next("mempool is full: number of txs 40000 (max: 40000)");
    let answers = chain.send_lines(&lines).await;
    for (answer, tx) in answers.iter().zip(&txs) {
        assert_eq!(answer["txHash"], hash_of(tx).to_string());
    }
    chain.comet.make_block().await;
    assert_eq!(chain.balance(BOB).await, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn rivals_for_one_nonce_do_not_take_the_others_with_them() {
    let (chain, crowd) = crowded(20).await;
    let mut txs: Vec<Transaction> = crowd.iter().map(|key| key.transfer(1, BOB, 1)).collect();
    let rivals = (1..=40).map(|amount| ALICE.transfer(1, BOB, amount));
    txs.extend(rivals);
    let answers = send_at_once(&chain, &txs).await;
    let (crowds, rivals) = answers.split_at(20);
    assert!(crowds.iter().all(|answer| answer.status == 200));
    let taken = rivals.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(
        taken, 1,
        "one has the nonce, and the others do not pay more"
    );
    chain.comet.make_block().await;
    assert!((21..=60).contains(&chain.balance(BOB).await));
}
