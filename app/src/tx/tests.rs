//! Transactions against the byte-exact examples of the independent implementation.

use serde_json::Value;

use super::*;
use crate::{
    amount,
    identifiers::ChainId,
    json::Json,
    receipts::{Attestation, AttestationRequest},
};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../tests/vectors/protocol.json")).unwrap()
}

fn list<'a>(vectors: &'a Value, name: &str) -> &'a Vec<Value> {
    let list = vectors[name].as_array().unwrap();
    assert!(!list.is_empty());
    list
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

fn secret(hex_seed: &str) -> SecretKey {
    SecretKey::from_seed(hex::decode(hex_seed).unwrap().try_into().unwrap())
}

#[test]
fn keys_and_addresses_are_those_of_the_vectors() {
    let vectors = vectors();
    for case in list(&vectors, "keys") {
        let public = secret(text(case, "secret_seed")).public_key();
        assert_eq!(public.to_string(), text(case, "pubkey"));
        assert_eq!(Address::of(&public).to_string(), text(case, "address"));
    }
    for case in list(&vectors, "modules") {
        let address = Address::module(text(case, "name"));
        assert_eq!(address.to_string(), text(case, "address"));
    }
}

#[test]
fn every_kind_has_the_canonical_bytes_and_sign_bytes_of_the_vectors() {
    for case in list(&vectors(), "transactions") {
        let chain_id: ChainId = text(case, "chain_id").parse().unwrap();
        let tx = &case["tx"];
        let json = Json::parse(tx.to_string().as_bytes()).unwrap();
        let wire = json.canonical().unwrap();
        assert_eq!(wire, text(case, "wire").as_bytes());
        assert_eq!(TxHash::of(&wire).to_string(), text(case, "hash"));
        let payload = Json::parse(tx["payload"].to_string().as_bytes()).unwrap();
        let payload = payload.canonical().unwrap();
        assert_eq!(payload, text(case, "canonical_payload").as_bytes());
        let digest = codec::sign_bytes(
            &chain_id,
            text(tx, "type"),
            &text(tx, "sender").parse().unwrap(),
            tx["nonce"].as_u64().unwrap(),
            tx["fee"].as_u64().unwrap(),
            &payload,
        );
        assert_eq!(hex::encode(digest), text(case, "sign_bytes"));
        let key = secret(text(case, "secret_seed"));
        assert_eq!(key.sign(&digest).to_string(), text(tx, "sig"));
    }
}

#[test]
fn transactions_of_the_vectors_verify_and_sign_the_same() {
    let vectors = vectors();
    let known = list(&vectors, "transactions")
        .iter()
        .filter(|case| Payload::KINDS.contains(&text(&case["tx"], "type")));
    let mut count = 0;
    for case in known {
        let chain_id: ChainId = text(case, "chain_id").parse().unwrap();
        let wire = text(case, "wire").as_bytes();
        let verified = VerifiedTx::verify(wire, &chain_id).unwrap();
        assert_eq!(verified.hash.to_string(), text(case, "hash"));
        assert_eq!(
            verified.payload_bytes,
            text(case, "canonical_payload").len()
        );
        let tx = verified.tx;
        let key = secret(text(case, "secret_seed"));
        let again = Transaction::sign(&chain_id, &key, tx.nonce, tx.fee, tx.payload.clone());
        assert_eq!(again.to_wire(), wire);
        let elsewhere = VerifiedTx::verify(wire, &"other-chain".parse().unwrap());
        assert_eq!(elsewhere.unwrap_err().code, Code::InvalidSignature);
        count += 1;
    }
    assert!(count >= Payload::KINDS.len());
}

#[test]
fn receipts_and_attestations_are_those_of_the_vectors() {
    let vectors = vectors();
    for case in list(&vectors, "receipts") {
        let chain_id: ChainId = text(case, "chain_id").parse().unwrap();
        let payload = Json::parse(case["payload"].to_string().as_bytes()).unwrap();
        let miner: Address = text(&case["payload"], "miner_addr").parse().unwrap();
        let claim = ReceiptClaim::parse(&payload, miner).unwrap();
        assert_eq!(
            hex::encode(claim.terms.sign_bytes(&chain_id)),
            text(case, "sign_bytes")
        );
    }
    for case in list(&vectors, "attestations") {
        let request: AttestationRequest = serde_json::from_value(case["request"].clone()).unwrap();
        let terms = request.terms();
        let attestation: Attestation = serde_json::from_value(case["response"].clone()).unwrap();
        let digest = attestation.sign_bytes(&request.chain_id, &terms, request.opened_height);
        assert_eq!(hex::encode(digest), text(case, "sign_bytes"));
        assert_eq!(
            attestation.is_good_for(&terms),
            case["good"].as_bool().unwrap()
        );
        let keys = list(&vectors, "keys");
        let coordinator = attestation.coordinator.to_string();
        let key = keys
            .iter()
            .find(|key| text(key, "address") == coordinator)
            .unwrap();
        let key = text(key, "pubkey").parse().unwrap();
        let height = request.opened_height;
        assert!(attestation.is_signed_by(&key, &request.chain_id, &terms, height));
        assert!(!attestation.is_signed_by(&key, &request.chain_id, &terms, height + 1));
    }
}

/// A valid transfer of the vectors with one change to its JSON text.
fn changed(from: &str, to: &str) -> Result<VerifiedTx, Refusal> {
    let vectors = vectors();
    let wire = text(&list(&vectors, "transactions")[0], "wire");
    assert!(wire.contains(from), "{from}");
    let chain_id = "ait-devnet".parse().unwrap();
    VerifiedTx::verify(wire.replacen(from, to, 1).as_bytes(), &chain_id)
}

#[test]
fn every_malformed_transaction_is_refused_by_its_own_code_and_names_the_field() {
    let max = amount::MAX.to_string();
    let cases: &[(&str, &str, Code, &str)] = &[
        ("\"fee\":10", "\"fee\": 10", Code::NotCanonical, "canonical"),
        (
            "{\"fee\":10,\"nonce\":1",
            "{\"nonce\":1,\"fee\":10",
            Code::NotCanonical,
            "canonical",
        ),
        (
            "TRANSFER",
            "\\u0054RANSFER",
            Code::NotCanonical,
            "canonical",
        ),
        (
            "\"fee\":10,",
            "\"fee\":10,\"fee\":10,",
            Code::MalformedJson,
            "fee",
        ),
        ("\"fee\":10,", "", Code::InvalidField, "fee is missing"),
        (
            "\"fee\":10,",
            "\"fee\":10,\"gas\":1,",
            Code::InvalidField,
            "gas is unknown",
        ),
        ("\"fee\":10", "\"fee\":null", Code::InvalidField, "fee"),
        ("\"fee\":10", "\"fee\":-0", Code::InvalidField, "fee"),
        ("\"fee\":10", "\"fee\":\"10\"", Code::InvalidField, "fee"),
        (
            "\"amount\":12345",
            "\"amount\":0",
            Code::InvalidField,
            "payload.amount",
        ),
        (
            "\"amount\":12345",
            "\"amount\":-1",
            Code::InvalidField,
            "payload.amount",
        ),
        (
            "\"amount\":12345",
            "\"amount\":1.5",
            Code::InvalidField,
            "payload.amount",
        ),
        (
            "\"amount\":12345",
            "\"amount\":1e3",
            Code::InvalidField,
            "payload.amount",
        ),
        (
            "\"amount\":12345",
            "\"amount\":9007199254740992",
            Code::InvalidField,
            &max,
        ),
        (
            "\"amount\":12345",
            "\"amount\":12345,\"tip\":1",
            Code::InvalidField,
            "payload.tip",
        ),
        (
            "ait1xnlvg0r",
            "ait1Xnlvg0r",
            Code::InvalidAddress,
            "payload.to",
        ),
        (
            "ait1xnlvg0r",
            "ait1qnlvg0r",
            Code::InvalidAddress,
            "payload.to",
        ),
        (
            "\"type\":\"TRANSFER\"",
            "\"type\":\"MINT\"",
            Code::UnknownType,
            "MINT",
        ),
        (
            "\"type\":\"TRANSFER\"",
            "\"type\":\"ATTESTATIONS\"",
            Code::UnexpectedAttestations,
            "",
        ),
        (
            "\"amount\":12345",
            "\"amount\":12346",
            Code::InvalidSignature,
            "sig",
        ),
        ("\"nonce\":1", "\"nonce\":2", Code::InvalidSignature, "sig"),
        (
            "\"pubkey\":\"d5",
            "\"pubkey\":\"D5",
            Code::InvalidPublicKey,
            "pubkey",
        ),
        (
            "ait1rsxyjrcm255ds9euthjx6yc3vrjt9sxr7lv9kh",
            "ait1xnlvg0rle2u6auane79t4p27g8hxnj36h83k3w",
            Code::SenderMismatch,
            "sender",
        ),
        ("\"sig\":\"f5", "\"sig\":\"F5", Code::InvalidField, "sig"),
    ];
    for (from, to, code, named) in cases {
        let refusal = changed(from, to).unwrap_err();
        assert_eq!(refusal.code, *code, "{to}: {refusal}");
        assert!(refusal.message.contains(named), "{to}: {refusal}");
    }
}

#[test]
fn a_transaction_has_at_most_16_kib() {
    let refusal = codec::decode(&vec![b' '; MAX_WIRE_BYTES + 1]).unwrap_err();
    assert_eq!(refusal.code, Code::TooLarge);
    assert!(refusal.message.contains("16384"), "{refusal}");
}

#[test]
fn any_formatting_becomes_the_canonical_one_and_a_known_key_is_filled_in() {
    let vectors = vectors();
    let case = &list(&vectors, "transactions")[0];
    let mut tx = case["tx"].clone();
    let key: PublicKey = text(&tx, "pubkey").parse().unwrap();
    tx.as_object_mut().unwrap().remove("pubkey");
    let pretty = serde_json::to_vec_pretty(&tx).unwrap();
    let wire = canonicalise(&pretty, |_| Some(key)).unwrap();
    assert_eq!(wire, text(case, "wire").as_bytes());
    let entry = canonicalise(b"{\"attestations\":[],\"type\":\"ATTESTATIONS\"}", |_| None);
    assert_eq!(entry.unwrap_err().code, Code::UnexpectedAttestations);
    let refusal = canonicalise(&pretty, |_| None).unwrap_err();
    assert!(refusal.message.contains("pubkey is missing"), "{refusal}");
}
