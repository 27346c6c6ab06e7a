//! The genesis: what a chain may begin with, and which faults it names before it does.

use ait_app::{Failure, genesis::Genesis, identifiers::ChainId, upgrades::record::ProtocolVersion};
use ait_testkit::{
    actors::{Actor, admin, alice, bob, coordinator, validator, validator_key},
    chain::{CHAIN_ID, Chain, EVIDENCE_MAX_AGE, Setup, authority},
    draft::{Draft, canonical},
};
use serde_json::{Value, json};

fn refused(app_state: &[u8]) -> (String, &'static str) {
    let refusal = Genesis::parse(app_state, EVIDENCE_MAX_AGE, ProtocolVersion::V2).unwrap_err();
    (refusal.message, refusal.code.name())
}

fn app_state() -> Value {
    serde_json::from_slice(&Setup::default().app_state()).unwrap()
}

#[test]
fn the_first_state_holds_balances_params_validators_and_the_supply() {
    let chain = Chain::start();
    assert_eq!(chain.height(), 0);
    let account = chain.record(&format!("/account/{}", alice().address()));
    let expected = json!({"balance": 1_000_000_000, "nonce": 0, "pubkey": null});
    assert_eq!(account, Some(expected));
    let expected = json!({
        "total": 4_000_000_000_u64,
        "genesis": 4_000_000_000_u64,
        "minted": 0,
        "burned": 0,
        "balances": 4_000_000_000_u64,
        "bonds": 0,
        "escrows": 0,
        "stakes": 0,
        "unbonding": 0,
    });
    assert_eq!(chain.supply(), expected);
    let key = validator_key().pubkey().to_string();
    let expected = json!({
        "address": validator().address().to_string(),
        "counted_blocks": 0,
        "jail": null,
        "keys": [key],
        "missed_blocks": 0,
        "power": 10,
        "proven": true,
        "pubkey": key,
        "stake": 0,
        "stake_pubkey": null,
        "unbonding": [],
        "window": 0,
    });
    assert_eq!(chain.validator(&validator()), expected);
    let expected = json!({
        "admin_candidate": null,
        "decays": [{"bps": 9_000, "epoch": 0}],
        "epochs": 0,
        "last_epoch_end": 0,
        "mode": "poa",
        "mode_changes": 0,
    });
    assert_eq!(chain.record("/consensus"), Some(expected));
    assert_eq!(chain.set().into_iter().collect::<Vec<_>>(), [(key, 10)]);
}

#[test]
fn the_first_block_has_the_initial_height() {
    for (initial, first) in [(0, 1), (1, 1), (77, 77)] {
        let setup = Setup {
            initial_height: initial,
            ..Setup::default()
        };
        let mut chain = setup.start();
        assert_eq!(
            chain.record("/consensus").unwrap()["last_epoch_end"],
            first - 1
        );
        assert_eq!(chain.commit(Vec::<Draft>::new()).height, first);
        let tx = chain.open(&alice(), "job", 5_000, 10);
        chain.commit([tx]);
        assert_eq!(chain.escrow(&alice(), "job")["expires_height"], first + 11);
    }
}

#[test]
fn a_chain_that_would_leave_the_range_of_heights_does_not_begin() {
    let genesis = Genesis::parse(
        &Setup::default().app_state(),
        EVIDENCE_MAX_AGE,
        ProtocolVersion::V2,
    )
    .unwrap();
    let chain_id: ChainId = CHAIN_ID.parse().unwrap();
    for too_high in [(1 << 52) + 1, (1 << 53) - 1, u64::MAX] {
        match genesis.state(chain_id.clone(), too_high) {
            Err(Failure::Refused(refusal)) => {
                assert!(refusal.message.contains("initial_height"), "{refusal}");
            }
            _ => panic!("began at {too_high}"),
        }
    }
    let setup = Setup {
        initial_height: 1 << 52,
        ..Setup::default()
    };
    let mut chain = setup.param("escrow_max_ttl_blocks", 10_000_000).start();
    let tx = chain.open(&alice(), "job", 5_000, 10_000_000);
    assert_eq!(chain.commit([tx]).codes(), [0]);
}

#[test]
fn the_same_genesis_written_otherwise_gives_the_same_root() {
    let pretty = serde_json::to_vec_pretty(&app_state()).unwrap();
    let reversed = {
        let accounts = app_state()["accounts"].as_object().unwrap().clone();
        let accounts: Vec<String> = accounts
            .iter()
            .rev()
            .map(|(address, balance)| format!("\"{address}\": {balance}"))
            .collect();
        format!(
            "{{\"params\": {}, \"accounts\": {{{}}}}}",
            app_state()["params"],
            accounts.join(",")
        )
    };
    let app_hash = |bytes: &[u8]| {
        let genesis = Genesis::parse(bytes, EVIDENCE_MAX_AGE, ProtocolVersion::V2).unwrap();
        genesis
            .state(CHAIN_ID.parse().unwrap(), 1)
            .unwrap()
            .app_hash()
    };
    assert_eq!(app_hash(&pretty), app_hash(&canonical(&app_state())));
    assert_eq!(app_hash(reversed.as_bytes()), app_hash(&pretty));
}

#[test]
fn params_that_are_not_named_have_their_defaults_and_named_ones_theirs() {
    let chain = Setup::default().param("base_fee", 9).start();
    assert_eq!(chain.param("base_fee"), 9);
    assert_eq!(chain.param("fee_per_kib"), 100);
}

#[test]
fn balances_add_up_to_the_supply_limit_at_most() {
    let limit = (1_u64 << 53) - 1;
    let one = |balance: u64| {
        let mut setup = Setup::default();
        setup.accounts.clear();
        setup.balance(&alice(), balance).balance(&bob(), 1)
    };
    assert_eq!(one(limit - 1).start().supply()["total"], limit);
    let (message, _) = refused(&one(limit).app_state());
    assert!(message.contains("2^53-1"), "{message}");
}

#[test]
fn every_fault_of_a_genesis_is_named() {
    let change = |path: &str, value: Value| {
        let mut state = app_state();
        *state.pointer_mut(path).unwrap() = value;
        canonical(&state)
    };
    let add = |path: &str, name: &str, value: Value| {
        let mut state = app_state();
        state.pointer_mut(path).unwrap()[name] = value;
        canonical(&state)
    };
    let without = |path: &str, name: &str| {
        let mut state = app_state();
        let object = state.pointer_mut(path).unwrap().as_object_mut().unwrap();
        object.remove(name);
        canonical(&state)
    };
    let known = alice().address().to_string();
    let twice = json!([
        authority(&validator(), &validator_key(), 1),
        authority(&bob(), &validator_key(), 1),
    ]);
    let cases = [
        (b"".to_vec(), "JSON"),
        (b"{".to_vec(), "JSON"),
        (b"[]".to_vec(), "app_state"),
        (
            b"{\"accounts\":{},\"accounts\":{},\"params\":{}}".to_vec(),
            "accounts",
        ),
        (without("", "accounts"), "accounts"),
        (without("", "params"), "params"),
        (add("", "faucet", json!(1)), "faucet"),
        (change("/accounts", json!([])), "accounts"),
        (add("/accounts", &known, json!("5")), "accounts"),
        (add("/accounts", &known, json!(-5)), "accounts"),
        (add("/accounts", &known, json!(1_u64 << 53)), "accounts"),
        (add("/accounts", "ait1nobody", json!(5)), "ait1nobody"),
        (
            add("/accounts", &known.to_uppercase(), json!(5)),
            "lower case",
        ),
        (without("/params", "admin"), "admin"),
        (without("/params", "authorities"), "authorities"),
        (add("/params", "admin", json!("me")), "admin"),
        (add("/params", "block_reward", json!(5)), "block_reward"),
        (add("/params", "base_fee", json!(1_000_001)), "base_fee"),
        (add("/params", "base_fee", json!(null)), "base_fee"),
        (add("/params", "authorities", json!([])), "authorities"),
        (add("/params", "authorities", twice), "authorities"),
        (
            add("/params", "consensus_mode", json!("pow")),
            "consensus_mode",
        ),
        (
            add("/params", "unbonding_blocks", json!(111)),
            "unbonding_blocks",
        ),
        (
            add("/params", "evidence_max_age_num_blocks", json!(5)),
            "evidence_max_age_num_blocks",
        ),
        (add("/params", "epoch_blocks", json!(19)), "epoch_blocks"),
        (add("/params", "max_validators", json!(3)), "max_validators"),
        (
            add("/params", "revoked_keys", json!(["00"])),
            "revoked_keys",
        ),
    ];
    for (bytes, named) in cases {
        let (message, _) = refused(&bytes);
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        assert!(message.contains(named), "{named}: {message}\n{shown}");
    }
}

#[test]
fn unbonding_takes_longer_than_evidence_stays_valid_and_an_epoch_lasts() {
    // 120 blocks of unbonding, 10 of an epoch.
    let bytes = Setup::default().app_state();
    assert!(Genesis::parse(&bytes, 108, ProtocolVersion::V2).is_ok());
    let refusal = Genesis::parse(&bytes, 109, ProtocolVersion::V2).unwrap_err();
    assert_eq!(refusal.code.name(), "param_conflict");
    assert!(refusal.message.contains("unbonding_blocks"), "{refusal}");
    assert!(refusal.message.contains("109"), "{refusal}");
    let longer = Setup::default().param("unbonding_blocks", 121).app_state();
    assert!(Genesis::parse(&longer, 109, ProtocolVersion::V2).is_ok());
    assert!(Genesis::parse(&longer, u64::MAX, ProtocolVersion::V2).is_err());
}

#[test]
fn a_genesis_may_ask_for_compute_backed_proof_and_begins_under_its_authorities() {
    let chain = Setup::default().param("consensus_mode", "cbp").start();
    assert_eq!(chain.mode(), "poa");
    assert_eq!(chain.param("consensus_mode"), "cbp");
}

#[test]
fn a_genesis_account_can_be_the_treasury_or_have_nothing() {
    let mut setup = Setup::default().balance(&Actor::named("poor"), 0);
    let treasury = ait_app::address::Address::treasury();
    setup.accounts.insert(treasury.to_string(), 500);
    let chain = setup.start();
    assert_eq!(chain.balance(treasury), 500);
    let poor = chain.record(&format!("/account/{}", Actor::named("poor").address()));
    assert_eq!(poor.unwrap()["balance"], 0);
    assert_eq!(
        chain.balance(admin().address()),
        chain.balance(coordinator().address())
    );
}
