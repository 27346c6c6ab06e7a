//! A transaction is signed once; its bytes are sent until a node says clearly what it did with them.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod stand_in;

use ait_app::{
    bank::transfer::Transfer,
    crypto::SecretKey,
    quantity::{Nonce, Positive, Uait},
    tx::codec,
};
use ait_client::{
    Client, ClientError, FeeChoice, NonceChoice, SendError, SignError, Terms, Wallet, http::Trust,
};
use stand_in::{Answer, StandIn};

async fn wallet(node: &StandIn) -> Wallet {
    let client = Client::new(&node.url, &Trust::default()).unwrap();
    let key = SecretKey::from_seed([1; 32]);
    Wallet::connect(client, key).await.unwrap()
}

fn payment(wallet: &Wallet) -> Transfer {
    Transfer {
        to: wallet.address(),
        amount: Positive::new(Uait::constant(5)).unwrap(),
        memo: None,
    }
}

#[tokio::test]
async fn where_no_answer_comes_the_same_bytes_are_sent_again_until_one_does() {
    let answers = [Answer::Nothing, Answer::Page(502), Answer::taken()];
    let node = StandIn::start(&answers, &[]).await;
    let wallet = wallet(&node).await;
    let terms = Terms::default();
    let sent = wallet.send(payment(&wallet), &terms).await.unwrap();
    assert_eq!(sent.tx_hash, stand_in::HASH);
    assert_eq!(node.sent().len(), 3);
    let (tx, _) = codec::decode(&node.sent_bytes()).unwrap();
    assert_eq!((tx.nonce.get(), tx.fee.get()), (3, 60));
    let looked_up = |route: &str| {
        let asked = node.asked().into_iter();
        asked.filter(|path| path.starts_with(route)).count()
    };
    // A second signature would have needed them again.
    assert_eq!(looked_up("/rpc/getAccount/"), 1);
    assert_eq!(looked_up("/rpc/estimateFee"), 1);
}

#[tokio::test]
async fn a_clear_refusal_is_told_at_once() {
    let node = StandIn::start(&[Answer::refused(409, "nonce_used")], &[]).await;
    let wallet = wallet(&node).await;
    let refused = wallet.send(payment(&wallet), &Terms::default()).await;
    let refused = refused.unwrap_err();
    assert!(matches!(refused, SendError::NotTaken(_)), "{refused}");
    assert!(refused.is("nonce_used"), "{refused}");
    assert!(refused.to_string().contains("field nonce is 3"));
    assert_eq!(node.sent().len(), 1);
}

#[tokio::test]
async fn so_is_that_nobody_listens() {
    let node = StandIn::start(&[], &[]).await;
    // Nothing listens at a port that was just let go of.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let signed = wallet(&node).await;
    let payment = payment(&signed);
    let signed = signed.sign(payment, &Terms::default()).await.unwrap();
    let silent = Client::new(&url, &Trust::default()).unwrap();
    let error = signed.send(&silent).await.unwrap_err();
    let SendError::NotTaken(ClientError::Unreachable { maybe_heard, .. }) = error else {
        panic!("{error}");
    };
    assert!(!maybe_heard);
}

#[tokio::test]
async fn an_outcome_that_no_answer_tells_is_unknown_and_names_the_hash() {
    for silence in [Answer::Nothing, Answer::Page(504)] {
        let node = StandIn::start(&[silence], &[]).await;
        let wallet = wallet(&node).await;
        let terms = Terms::default();
        let signed = wallet.sign(payment(&wallet), &terms).await.unwrap();
        let error = signed.send(wallet.node()).await.unwrap_err();
        let SendError::Unknown { hash, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(*hash, signed.hash().to_string());
        assert!(error.to_string().contains(hash), "{error}");
        assert_eq!(node.sent().len(), 4, "the first, and three more");
        assert_eq!(node.sent_bytes(), signed.wire());
    }
}

#[tokio::test]
async fn a_nonce_that_was_named_replaces_and_no_other_does() {
    let seven = Nonce::constant(7);
    for (nonce, path) in [
        (NonceChoice::Found, "/rpc/sendTx?replace=false"),
        (NonceChoice::Counted(seven), "/rpc/sendTx?replace=false"),
        (NonceChoice::Named(seven), "/rpc/sendTx"),
    ] {
        let node = StandIn::start(&[Answer::taken()], &[]).await;
        let wallet = wallet(&node).await;
        let terms = Terms {
            nonce,
            ..Terms::default()
        };
        wallet.send(payment(&wallet), &terms).await.unwrap();
        assert_eq!(node.sent()[0].0, path);
    }
}

#[tokio::test]
async fn a_node_that_asks_for_more_than_the_limit_gets_no_signature() {
    let node = StandIn::start(&[Answer::taken()], &[]).await;
    let wallet = wallet(&node).await;
    let limit = Uait::constant(49);
    let terms = Terms {
        fee: FeeChoice::AtMost(Some(limit)),
        ..Terms::default()
    };
    let refused = wallet.send(payment(&wallet), &terms).await.unwrap_err();
    let required = Uait::constant(50);
    let expected = SignError::FeeAboveLimit { required, limit };
    assert_eq!(refused, SendError::NotSigned(expected));
    assert!(node.sent().is_empty());
}
