//! What every node would refuse for its form is refused before it is sent, by the name of its field.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use ait_app::{
    crypto::SecretKey,
    quantity::{Nonce, Uait},
    receipts::{attestation::Attestation, claim_payload::Attestations, report::ReceiptReport},
};
use ait_client::{Client, FeeChoice, NonceChoice, SignError, Terms, Wallet, http::Trust};
use serde_json::Value;

#[tokio::test]
async fn what_the_node_would_refuse_is_refused_before_it_is_sent() {
    let key = SecretKey::from_seed([1; 32]);
    let vectors: Value =
        serde_json::from_str(include_str!("../../tests/vectors/protocol.json")).unwrap();
    let request = &vectors["attestations"][0]["request"];
    let denied: Attestation =
        serde_json::from_value(vectors["attestations"][2]["response"].clone()).unwrap();
    let field = |name: &str| request[name].as_str().unwrap();
    let report = ReceiptReport {
        attestations: Attestations::new(vec![denied]).unwrap(),
        client_addr: field("client").parse().unwrap(),
        compute_units: serde_json::from_value(request["compute_units"].clone()).unwrap(),
        job_id: field("job_id").parse().unwrap(),
        miner_addr: field("miner").parse().unwrap(),
        // Not the miner's.
        miner_pubkey: Some(key.public_key()),
        miner_sig: field("miner_sig").parse().unwrap(),
        opened_height: serde_json::from_value(request["opened_height"].clone()).unwrap(),
        output_hash: field("output_hash").parse().unwrap(),
        price: serde_json::from_value(request["price"].clone()).unwrap(),
        receipt_id: field("receipt_id").parse().unwrap(),
    };
    let node = Client::new("http://127.0.0.1:1", &Trust::default()).unwrap();
    let wallet = Wallet::new(node, "ait-devnet".parse().unwrap(), key);
    let terms = Terms {
        fee: FeeChoice::Named(Uait::constant(5_000)),
        nonce: NonceChoice::Named(Nonce::constant(1)),
    };
    let error = wallet.sign(report, &terms).await.unwrap_err();
    let SignError::Malformed(message) = error else {
        panic!("{error}");
    };
    assert!(message.contains("payload.miner_pubkey"), "{message}");
}
