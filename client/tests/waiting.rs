//! What became of a transaction that was sent: in a block, dropped with a reason, or unknown.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod stand_in;

use std::time::Duration;

use ait_app::{
    bank::transfer::Transfer,
    crypto::SecretKey,
    quantity::{Positive, Uait},
};
use ait_client::{Client, ExecuteError, NotCommitted, SendError, Wallet, http::Trust};
use stand_in::{Answer, HASH, StandIn};

/// Long enough for any machine.
const PATIENCE: Duration = Duration::from_secs(30);

fn client(node: &StandIn) -> Client {
    Client::new(&node.url, &Trust::default()).unwrap()
}

fn uait(amount: u64) -> Positive<Uait> {
    Positive::new(Uait::constant(amount)).unwrap()
}

async fn pay(node: &StandIn) -> Result<u64, ExecuteError> {
    let key = SecretKey::from_seed([1; 32]);
    let wallet = Wallet::connect(client(node), key).await.unwrap();
    let payment = Transfer {
        to: wallet.address(),
        amount: uait(5),
        memo: None,
    };
    let receipt = wallet.execute(payment, PATIENCE).await?;
    Ok(receipt.height)
}

#[tokio::test]
async fn a_payment_is_waited_for_over_what_passes() {
    let looks = [
        Answer::refused(404, "not_found"),
        Answer::pending(),
        Answer::Nothing,
        Answer::Page(502),
        Answer::in_block(0),
    ];
    let node = StandIn::start(&[Answer::taken()], &looks).await;
    assert_eq!(pay(&node).await, Ok(7));
    assert_eq!(node.sent().len(), 1);
}

#[tokio::test]
async fn one_that_was_not_clearly_taken_is_looked_for_before_it_counts_as_unknown() {
    let node = StandIn::start(&[Answer::Nothing], &[Answer::in_block(0)]).await;
    assert_eq!(pay(&node).await, Ok(7));
    let node = StandIn::start(&[Answer::Nothing], &[]).await;
    let error = pay(&node).await.unwrap_err();
    let is_unknown = matches!(error, ExecuteError::NotSent(SendError::Unknown { .. }));
    assert!(is_unknown, "{error}");
    node.sent_bytes();
}

#[tokio::test]
async fn one_that_failed_in_its_block_says_why() {
    let node = StandIn::start(&[Answer::taken()], &[Answer::in_block(5)]).await;
    let error = pay(&node).await.unwrap_err();
    assert!(matches!(error, ExecuteError::Failed(_)), "{error}");
    assert!(error.to_string().contains("too little"), "{error}");
}

#[tokio::test]
async fn one_that_was_dropped_says_why() {
    let looks = [Answer::pending(), Answer::dropped()];
    let node = StandIn::start(&[Answer::taken()], &looks).await;
    let error = client(&node).committed(HASH, None).await.unwrap_err();
    let NotCommitted::Dropped { reason, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(reason.code, "nonce_used");
    assert!(error.to_string().contains("another took it"), "{error}");
    assert!(!error.is_unknown());
}

#[tokio::test]
async fn one_that_the_node_knows_nothing_of_any_more_was_dropped() {
    let looks = [Answer::pending(), Answer::refused(404, "not_found")];
    let node = StandIn::start(&[Answer::taken()], &looks).await;
    let error = client(&node).committed(HASH, None).await.unwrap_err();
    assert!(matches!(error, NotCommitted::Forgotten { .. }), "{error}");
    assert!(!error.is_unknown());
}

#[tokio::test]
async fn one_that_stays_pending_is_unknown_when_the_time_is_over() {
    let node = StandIn::start(&[Answer::taken()], &[Answer::pending()]).await;
    let soon = Some(Duration::from_millis(400));
    let error = client(&node).committed(HASH, soon).await.unwrap_err();
    assert!(matches!(error, NotCommitted::TimeOver { .. }), "{error}");
    assert!(error.is_unknown());
}

#[tokio::test]
async fn a_faucet_is_asked_once_with_the_token_and_waited_for_like_any_other() {
    let node = StandIn::start(&[Answer::taken()], &[Answer::in_block(0)]).await;
    let client = client(&node).with_admin_token(Some("secret".to_owned()));
    assert!(!format!("{client:?}").contains("secret"));
    let key = SecretKey::from_seed([1; 32]);
    let to = ait_app::address::Address::of(&key.public_key());
    let sent = client.mint_faucet(to, uait(7)).await.unwrap();
    let committed = client.committed(&sent.tx_hash, Some(PATIENCE)).await;
    assert_eq!(committed.unwrap().done().unwrap().height, 7);
    // No other route is shown the token.
    let shown = node.authorizations();
    assert_eq!(shown[0].as_deref(), Some("Bearer secret"));
    assert!(shown.len() > 1 && shown[1..].iter().all(Option::is_none));
    let (path, body) = node.sent().remove(0);
    assert_eq!(path, "/admin/mintFaucet");
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body, serde_json::json!({"address": to, "amount": 7}));
}
