//! Simulation: what a transaction would do in the next block is told beforehand, exactly, and
//! nothing is done.

use ait_app::{
    Failure,
    simulate::{Simulation, simulate},
};
use ait_testkit::{
    actors::{Actor, alice, bob, coordinator, miner},
    chain::{Chain, code_name, differences},
    draft::{Draft, canonical},
};
use ait_tests::{model, scenes::miner_with_money};
use serde_json::{Value, json};

fn ask(chain: &Chain, tx: &Value) -> Simulation {
    simulate(&chain.state, &canonical(tx)).unwrap()
}

fn without(tx: &Draft, fields: &[&str]) -> Value {
    let mut json = tx.json();
    for field in fields {
        json.as_object_mut().unwrap().remove(*field);
    }
    json
}

/// A chain on which every kind of transaction has something to do.
fn prepared() -> Chain {
    let mut chain = miner_with_money().start();
    let opens = [
        chain.open(&alice(), "job_1", 60_000, 100),
        chain.open(&alice(), "job_2", 60_000, 100).later(1),
        chain.bond(&coordinator(), 50_000),
    ];
    chain.commit(opens);
    chain
}

#[test]
fn what_is_simulated_is_what_the_block_then_does() {
    let chain = prepared();
    let work = chain.work(&alice(), "job_1", &miner(), "rcpt");
    let good = work.attested_by(&coordinator(), 1);
    let txs = [
        chain.transfer(&alice(), &bob(), 12_345),
        chain.transfer(&alice(), &alice(), 1),
        chain.transfer(&alice(), &bob(), 5_000_000_000),
        chain.open(&bob(), "job", 60_000, 100),
        chain.open(&alice(), "job_1", 60_000, 100),
        chain.release(&coordinator(), &alice(), "job_2"),
        chain.release(&bob(), &alice(), "job_2"),
        chain.claim(&miner(), &work),
        chain.claim_with(&miner(), &work, Some(&work.attested_by(&bob(), 1))),
        chain.claim_with(&miner(), &work, Some(&work.denied_by(&coordinator()))),
        chain.claim(&miner(), &work.costing(1, 60_000)),
        chain.set_param("base_fee", 5),
        chain.param_update(&bob(), "base_fee", 5),
        chain.assign(&alice(), "job_1", &miner()),
        chain.top_up(&bob(), &alice(), "job_1", 500),
        chain.cancel(&alice(), "job_1"),
        chain.bond(&alice(), 700),
        chain.unbond(&coordinator(), 50_000),
        chain.report(&bob(), &miner(), &work, &[work.denied_by(&coordinator())]),
        chain.equivocation(
            &bob(),
            (&work, &good),
            (&work, &work.denied_by(&coordinator())),
        ),
        chain.spend_treasury(&alice(), bob().address(), 1),
        chain.accept_admin(&bob()),
        chain.first_stake(&alice(), &Actor::named("a key"), 1_000),
        chain.unjail(&alice()),
    ];
    for tx in txs {
        let root = chain.state.app_hash();
        let told = ask(&chain, &tx.json());
        assert_eq!(chain.state.app_hash(), root, "nothing is done");
        let mut after = chain.clone();
        // Nobody known proposes, so that no fee comes back to anybody of these.
        after.proposer = None;
        let (block, _) = after.finalize([tx.clone()]);
        assert_eq!(&told.result, block.result(0));
        assert_eq!(told.required_fee.get(), chain.required_fee(&tx));
        for change in &told.balances {
            assert_eq!(
                change.before.get(),
                chain.balance(change.address),
                "{}",
                tx.kind
            );
            assert_eq!(
                change.after.get(),
                after.balance(change.address),
                "{}",
                tx.kind
            );
            assert_ne!(change.before, change.after);
        }
        for change in &told.escrows {
            let escrow = change.after.as_ref().unwrap();
            let key = format!("/escrow/{}/{}", escrow.client, escrow.job_id);
            let json = |escrow| serde_json::to_value(escrow).unwrap();
            assert_eq!(change.before.as_ref().map(json), chain.record(&key));
            assert_eq!(Some(json(escrow)), after.record(&key));
        }
        let mut told: Vec<String> = told
            .balances
            .iter()
            .map(|c| c.address.to_string())
            .collect();
        let mut moved: Vec<String> = differences(&chain.records(), &after.records())
            .into_iter()
            .filter_map(|(key, (before, after))| {
                let address = key.strip_prefix("/account/")?.to_owned();
                let balance = |record: Option<Value>| {
                    record.map_or(0, |record| record["balance"].as_u64().unwrap())
                };
                (balance(before) != balance(after)).then_some(address)
            })
            .collect();
        moved.retain(|address| *address != model::treasury());
        told.sort();
        assert_eq!(told, moved, "{}", tx.kind);
    }
}

#[test]
fn nonce_fee_key_and_signature_may_be_left_out() {
    let chain = prepared();
    let tx = chain.transfer(&alice(), &bob(), 10);
    let whole = ask(&chain, &tx.json());
    assert_eq!(code_name(whole.result.code), "");
    for left_out in [
        &["sig"][..],
        &["sig", "pubkey"],
        &["sig", "pubkey", "nonce"],
        &["sig", "pubkey", "nonce", "fee"],
    ] {
        assert_eq!(ask(&chain, &without(&tx, left_out)), whole, "{left_out:?}");
    }
    let pretty = serde_json::to_vec_pretty(&tx.json()).unwrap();
    assert_eq!(simulate(&chain.state, &pretty).unwrap(), whole);
}

#[test]
fn what_would_be_refused_later_is_told_with_its_code() {
    let chain = prepared();
    let tx = chain.transfer(&alice(), &bob(), 10);
    let mut forged = tx.json();
    forged["fee"] = 5_000.into();
    let mut others_key = without(&tx, &["sig"]);
    others_key["pubkey"] = bob().pubkey().to_string().into();
    let cases = [
        (forged, "invalid_signature"),
        (others_key, "sender_mismatch"),
        (tx.clone().nonce(1).json(), "nonce_used"),
        (tx.clone().later(5).json(), "nonce_gap"),
        (tx.clone().fee(1).json(), "fee_too_low"),
        (tx.clone().fee(2_000_000_000).json(), "fee_not_affordable"),
    ];
    for (json, code) in cases {
        let told = ask(&chain, &json);
        assert_eq!(code_name(told.result.code), code);
        assert!(told.balances.is_empty() && told.escrows.is_empty());
        assert_eq!(told.result.fee.get(), 0);
    }
}

#[test]
fn a_claim_of_a_miner_that_the_chain_does_not_know_yet_needs_its_key() {
    let chain = prepared();
    let newcomer = Actor::named("new miner");
    let work = chain.work(&alice(), "job_1", &newcomer, "rcpt");
    let tx = chain.claim(&newcomer, &work);
    let told = ask(&chain, &without(&tx, &["sig", "nonce", "fee"]));
    assert_eq!(code_name(told.result.code), "");
    let blind = simulate(&chain.state, &canonical(&without(&tx, &["sig", "pubkey"])));
    match blind {
        Err(Failure::Refused(refusal)) => {
            assert!(refusal.message.contains("pubkey"), "{refusal}");
        }
        other => panic!("{other:?}"),
    }
    let bare = chain.claim_with(&newcomer, &work, None);
    let told = ask(&chain, &bare.json());
    assert_eq!(code_name(told.result.code), "attestation_missing");
}

#[test]
fn what_cannot_be_read_is_refused_by_name() {
    let chain = prepared();
    let tx = chain.transfer(&alice(), &bob(), 10).json();
    for (field, value) in [
        ("fee", json!(-1)),
        ("nonce", json!("1")),
        ("sender", json!("ait1x")),
        ("payload", json!(null)),
        ("pubkey", json!("00")),
        ("sig", json!("00")),
        ("gas", json!(1)),
    ] {
        let mut json = tx.clone();
        json[field] = value;
        match simulate(&chain.state, &canonical(&json)) {
            Err(Failure::Refused(refusal)) => {
                assert!(refusal.message.contains(field), "{refusal}");
            }
            other => panic!("{field}: {other:?}"),
        }
    }
    assert!(simulate(&chain.state, b"{").is_err());
}
