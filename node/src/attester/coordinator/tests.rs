//! What one request may cost, and what counts as an answer.

use ait_app::{
    crypto::SecretKey,
    quantity::{Height, Positive, Uait, Units},
    receipts::attestation::{Facts, Quote},
};
use ait_client::http::Trust;
use axum::{
    Router,
    body::{Body, Bytes},
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use tokio::net::TcpListener;

use super::*;

fn request() -> AttestationRequest {
    let address = Address::treasury();
    AttestationRequest {
        chain_id: "ait-test".parse().unwrap(),
        receipt_id: "receipt_1".parse().unwrap(),
        job_id: "job_1".parse().unwrap(),
        client: address,
        miner: address,
        compute_units: Positive::new(Units::constant(1)).unwrap(),
        price: Positive::new(Uait::constant(1)).unwrap(),
        output_hash: format!("sha256:{}", "00".repeat(32)).parse().unwrap(),
        opened_height: Height::constant(1),
        miner_sig: SecretKey::from_seed([1; 32]).sign(&[0; 32]),
        miner_pubkey: None,
    }
}

fn attestation() -> Attestation {
    let request = request();
    let facts = Facts {
        exists: true,
        paid: true,
        not_double_spent: true,
        quote: Quote {
            price: Uait::constant(1),
            compute_units: Units::constant(1),
        },
    };
    let key = SecretKey::from_seed([2; 32]);
    let coordinator = Address::of(&key.public_key());
    Attestation::sign(
        &request.chain_id,
        &request.terms(),
        facts,
        coordinator,
        &key,
    )
}

/// Asks a coordinator on loopback whose one route is `handler`.
async fn ask<H, T>(handler: H) -> Result<Attestation, AskError>
where
    H: axum::handler::Handler<T, ()>,
    T: 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/attest/receipt", post(handler))
        .route("/elsewhere", post(|| async { axum::Json(attestation()) }));
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let limits = Limits {
        total: Duration::from_millis(500),
        ..Limits::default()
    };
    let coordinator =
        Coordinator::new(Address::treasury(), &url, &Trust::default(), limits).unwrap();
    let answer = coordinator.ask(&request()).await;
    server.abort();
    answer
}

#[tokio::test]
async fn an_attestation_is_read() {
    let answer = ask(|| async { axum::Json(attestation()) }).await.unwrap();
    assert_eq!(answer, attestation());
}

#[tokio::test]
async fn one_that_never_ends_its_answer_is_given_up() {
    async fn forever() -> Response {
        std::future::pending::<()>().await;
        ().into_response()
    }
    let error = ask(forever).await.unwrap_err();
    assert!(matches!(error, AskError::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn no_more_is_read_than_an_answer_may_have() {
    // The stream has no end: only the limit can stop it.
    async fn endless() -> Response {
        let parts =
            std::iter::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from(vec![b' '; 1024])));
        Body::from_stream(futures_util::stream::iter(parts)).into_response()
    }
    let error = ask(endless).await.unwrap_err();
    assert!(matches!(error, AskError::TooLarge(16_384)), "{error}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let error = ask(|| async { Redirect::temporary("/elsewhere") })
        .await
        .unwrap_err();
    assert!(matches!(error, AskError::Status(307)), "{error}");
}

#[tokio::test]
async fn statuses_are_told_apart() {
    let error = ask(|| async { StatusCode::CONFLICT }).await.unwrap_err();
    assert!(matches!(error, AskError::NotYet), "{error}");
    let error = ask(|| async { StatusCode::NOT_FOUND }).await.unwrap_err();
    assert!(matches!(error, AskError::Status(404)), "{error}");
}

#[tokio::test]
async fn the_answer_is_read_strictly() {
    let good = serde_json::to_value(attestation()).unwrap();
    let mut cases = Vec::new();
    for field in ["exists", "quote", "sig", "coordinator"] {
        let mut without = good.clone();
        without.as_object_mut().unwrap().remove(field);
        cases.push(without.to_string());
        let mut mistyped = good.clone();
        mistyped[field] = 1.into();
        cases.push(mistyped.to_string());
    }
    let mut more = good.clone();
    more["more"] = 1.into();
    cases.push(more.to_string());
    let text = good.to_string();
    cases.push(text.replacen("{", "{\"exists\":true,", 1));
    cases.push(text[..text.len() - 1].to_owned());
    cases.push(String::new());
    for case in cases {
        let body = case.clone();
        let error = ask(move || async move { body }).await.unwrap_err();
        assert!(matches!(error, AskError::Malformed(_)), "{case}: {error}");
    }
}

#[tokio::test]
async fn nobody_there_is_an_error_like_any_other() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let coordinator = Coordinator::new(
        Address::treasury(),
        &url,
        &Trust::default(),
        Limits::default(),
    )
    .unwrap();
    let error = coordinator.ask(&request()).await.unwrap_err();
    assert!(matches!(error, AskError::Unreachable(_)), "{error}");
}
