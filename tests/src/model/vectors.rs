//! The model against the byte-exact examples of the protocol.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    Candidate, Model, Terms,
    attest::{Attestation, Receipt},
    canonical, classify, name_of, powers, settlement,
    settlement::share,
    treasury,
    wire::{Entry, read},
};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../vectors/protocol.json")).unwrap()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    let list = value[name].as_array().unwrap();
    assert!(!list.is_empty());
    list
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

fn number(value: &Value, name: &str, otherwise: u64) -> u128 {
    value
        .get(name)
        .map_or(otherwise, |n| n.as_u64().unwrap())
        .into()
}

fn a_model(vectors: &Value) -> Model {
    let key = &vectors["keys"][0];
    let app_state = json!({
        "accounts": {},
        "params": {
            "admin": key["address"],
            "authorities": [{"address": key["address"], "pubkey": key["pubkey"], "power": 1}],
        },
    });
    Model::new("ait-devnet", 1, &app_state, 100)
}

#[test]
fn transactions_are_read_and_priced() {
    let vectors = vectors();
    let model = a_model(&vectors);
    for case in list(&vectors, "transactions") {
        let (wire, chain_id) = (text(case, "wire"), text(case, "chain_id"));
        let name = text(case, "name");
        assert_eq!(canonical(&case["tx"]), wire, "{name}");
        assert_eq!(
            canonical(&case["tx"]["payload"]),
            text(case, "canonical_payload")
        );
        assert_eq!(
            classify(wire.as_bytes(), chain_id).map_err(name_of),
            Ok(()),
            "{name}"
        );
        let Ok(Entry::Tx(tx)) = read(wire.as_bytes(), chain_id) else {
            panic!("{name} is no transaction");
        };
        assert_eq!(tx.hash, text(case, "hash"));
        let (kind, sender) = (text(&case["tx"], "type"), text(&case["tx"], "sender"));
        let mut required = model.required_fee(kind, sender, &case["tx"]["payload"]);
        if ["ESCROW_OPEN", "RECEIPT_REPORT", "COORDINATOR_BOND"].contains(&kind) {
            required -= 1_000;
        }
        if kind == "STAKE" && !model.validators.contains_key(sender) {
            required -= 1_000;
        }
        assert_eq!(required, case["required_fee_without_record_fee"], "{name}");
    }
}

#[test]
fn no_other_bytes_are_those_transactions() {
    for case in list(&vectors(), "transactions") {
        let (wire, chain_id) = (text(case, "wire").as_bytes(), text(case, "chain_id"));
        let refused = |bytes: &[u8]| {
            let verdict = classify(bytes, chain_id);
            assert!(verdict.is_err(), "{}", String::from_utf8_lossy(bytes));
        };
        assert_eq!(
            classify(wire, "other-chain").map_err(name_of),
            Err("invalid_signature")
        );
        for place in 0..wire.len() {
            let mut changed = wire.to_vec();
            changed[place] ^= 1 << (place % 8);
            refused(&changed);
            refused(&wire[..place]);
            let mut spaced = wire.to_vec();
            spaced.insert(place, b' ');
            refused(&spaced);
        }
        for field in case["tx"].as_object().unwrap().keys() {
            let mut tx = case["tx"].clone();
            tx.as_object_mut().unwrap().remove(field);
            refused(canonical(&tx).as_bytes());
            tx[field] = Value::Null;
            refused(canonical(&tx).as_bytes());
        }
    }
}

fn work(request: &Value, client: &str, miner: &str) -> Receipt {
    let own = |name: &str| text(request, name).to_owned();
    Receipt {
        receipt_id: own("receipt_id"),
        job_id: own("job_id"),
        client: own(client),
        miner: own(miner),
        units: number(request, "compute_units", 0) as u64,
        price: number(request, "price", 0) as u64,
        output_hash: own("output_hash"),
    }
}

#[test]
fn receipts_and_attestations_say_what_they_say() {
    let vectors = vectors();
    let hash = |content: String| hex::encode(Sha256::digest(content));
    for case in list(&vectors, "receipts") {
        let work = work(&case["payload"], "client_addr", "miner_addr");
        let opened = number(case, "opened_height", 0) as u64;
        let content = work.content(text(case, "chain_id"), opened);
        assert_eq!(hash(content), text(case, "sign_bytes"));
    }
    for case in list(&vectors, "attestations") {
        let work = work(&case["request"], "client", "miner");
        let says = Attestation::read(&case["response"]).unwrap();
        let opened = number(&case["request"], "opened_height", 0) as u64;
        let content = says.content(text(case, "chain_id"), &work, opened);
        assert_eq!(hash(content), text(case, "sign_bytes"));
        assert_eq!(says.is_good(&work), case["good"]);
        assert_eq!(says.is_damning(&work), case["damning"]);
    }
    assert_eq!(treasury(), text(&vectors["modules"][0], "address"));
}

#[test]
fn settlements_are_those_of_the_vectors() {
    for case in list(&vectors(), "settlements") {
        let all = (1 << 53) - 1;
        let terms = Terms {
            remaining: number(case, "remaining", 0),
            price: number(case, "price", 0),
            units: number(case, "units", 0),
            required: number(case, "required", 0),
            partial: case.get("partial").is_some(),
            mint_per_unit: number(case, "mint_per_unit", 1_000),
            max_mint_per_price: number(case, "max_mint_per_price", 1_000),
            coordinator_bps: number(case, "coordinator_bps", 500),
            treasury_bps: number(case, "treasury_bps", 0),
            coordinator_left: number(case, "coordinator_left", all),
            supply_left: number(case, "supply_left", all),
        };
        let is = settlement(&terms);
        let parts = share(is.coordinators, number(case, "attesters", 1) as usize);
        let own_fee = number(case, "fee", 0) - terms.required;
        let is = json!({
            "miner": (is.miner - own_fee) as u64,
            "coordinators": parts.iter().map(|part| *part as u64).collect::<Vec<_>>(),
            "treasury": is.treasury as u64,
            "proposer": case["fee"],
            "remaining": is.remaining as u64,
            "minted": is.minted as u64,
            "limited_by": is.limited_by,
            "counted": is.counted as u64,
        });
        assert_eq!(is, case["result"], "{case}");
    }
}

#[test]
fn powers_are_those_of_the_vectors() {
    for case in list(&vectors(), "power") {
        let numbers = |name: &str| -> Vec<u64> {
            let values = list(case, name).iter();
            values.map(|value| value.as_u64().unwrap()).collect()
        };
        let pairs = numbers("stakes").into_iter().zip(numbers("scores"));
        let candidates: Vec<Candidate> = pairs
            .map(|(stake, score)| Candidate {
                stake: stake.into(),
                score: score.into(),
            })
            .collect();
        let weight = number(case, "work_weight_bps", 0) as u64;
        let floor = number(case, "work_score_floor", 0) as u64;
        assert_eq!(
            powers(&candidates, weight, floor),
            numbers("power"),
            "{case}"
        );
    }
}
