//! Validators under proof of authority: only differences are sent, and a consensus key belongs to its
//! first account for ever.

use std::collections::BTreeMap;

use ait_testkit::{
    actors::{Actor, alice, bob, validator, validator_key},
    chain::{Live, Setup, authority, new_authority},
};
use serde_json::{Value, json};

fn bobs_key() -> Actor {
    Actor::named("bob's consensus key")
}

/// The chain of the one authority, whose power is 10.
fn alone() -> Live {
    let mut live = Live::of(Setup::default().start());
    live.empty();
    live
}

/// Sets the authorities, and gives the updates of the block in which they hold.
fn set_authorities(live: &mut Live, list: Value) -> BTreeMap<String, u64> {
    let tx = live.set_param("authorities", list);
    let block = live.commit([tx]);
    assert_eq!(block.codes(), [0], "{}", block.result(0).log);
    let updates = block.updates();
    assert!(updates.is_empty(), "params hold from the next block");
    live.empty().updates()
}

/// The code of an update of the authorities that is refused.
fn refused(live: &mut Live, list: Value) -> &'static str {
    let (records, set) = (live.record("/param/authorities"), live.set());
    let tx = live.set_param("authorities", list);
    let code = live.commit([tx]).code_name(0);
    assert_ne!(code, "");
    live.empty();
    assert_eq!(
        (live.record("/param/authorities"), live.set()),
        (records, set)
    );
    code
}

fn expect(pairs: &[(&Actor, u64)]) -> BTreeMap<String, u64> {
    let pairs = pairs.iter();
    pairs
        .map(|(key, power)| (key.pubkey().to_string(), *power))
        .collect()
}

/// Bob's key comes in with power 4 beside the other's 10, and signs.
fn with_bob(live: &mut Live) {
    let list = json!([
        authority(&validator(), &validator_key(), 10),
        new_authority(&bob(), &bobs_key(), 4)
    ]);
    assert_eq!(set_authorities(live, list), expect(&[(&bobs_key(), 4)]));
    for _ in 0..3 {
        live.empty();
    }
    assert_eq!(live.validator(&bob())["proven"], true);
}

#[test]
fn validator_updates_are_only_the_difference_from_the_last_set_sent() {
    let mut live = alone();
    with_bob(&mut live);
    let (a, b) = (validator(), bob());
    let (k, l) = (validator_key(), bobs_key());
    let both = json!([authority(&a, &k, 10), authority(&b, &l, 4)]);
    assert!(set_authorities(&mut live, both).is_empty());
    let powers = json!([authority(&a, &k, 10), authority(&b, &l, 5)]);
    assert_eq!(set_authorities(&mut live, powers), expect(&[(&l, 5)]));
    assert!(live.empty().updates().is_empty(), "sent once");
    let alone = json!([authority(&b, &l, 5)]);
    assert_eq!(set_authorities(&mut live, alone), expect(&[(&k, 0)]));
    let back = json!([authority(&a, &k, 1), authority(&b, &l, 5)]);
    assert_eq!(set_authorities(&mut live, back), expect(&[(&k, 1)]));
}

#[test]
fn a_changed_consensus_key_is_a_removal_and_an_addition() {
    let mut live = alone();
    with_bob(&mut live);
    let new_key = Actor::named("bob's new consensus key");
    let list = json!([
        authority(&validator(), &validator_key(), 10),
        new_authority(&bob(), &new_key, 4)
    ]);
    let expected = expect(&[(&bobs_key(), 0), (&new_key, 4)]);
    assert_eq!(set_authorities(&mut live, list), expected);
    let record = live.validator(&bob());
    assert_eq!(record["pubkey"], new_key.pubkey().to_string());
    assert_eq!(record["proven"], false, "the new one has not signed");
    let keys = [bobs_key(), new_key.clone()].map(|key| key.pubkey().to_string());
    assert_eq!(record["keys"], json!(keys));
    // And back again, without a proof: it is his already.
    let list = json!([
        authority(&validator(), &validator_key(), 10),
        authority(&bob(), &bobs_key(), 4)
    ]);
    let expected = expect(&[(&bobs_key(), 4), (&new_key, 0)]);
    assert_eq!(set_authorities(&mut live, list), expected);
}

#[test]
fn a_consensus_key_belongs_to_its_first_account_for_ever() {
    let mut live = alone();
    with_bob(&mut live);
    let kept = authority(&validator(), &validator_key(), 10);
    // Alice can't have a key of somebody else, though it is proven to be held for her.
    for taken in [validator_key(), bobs_key()] {
        let list = json!([new_authority(&alice(), &taken, 4)]);
        let tx = live.set_param("authorities", list);
        let block = live.commit([tx]);
        assert_eq!(block.code_name(0), "consensus_key_taken");
        let (pubkey, log) = (taken.pubkey().to_string(), &block.result(0).log);
        assert!(log.contains(&pubkey), "{log}");
    }
    // Two accounts can't trade theirs, and one that left keeps its own.
    let traded = json!([
        new_authority(&validator(), &bobs_key(), 10),
        new_authority(&bob(), &validator_key(), 4)
    ]);
    assert_eq!(refused(&mut live, traded), "consensus_key_taken");
    set_authorities(&mut live, json!([kept.clone()]));
    let list = json!([kept.clone(), new_authority(&alice(), &bobs_key(), 1)]);
    assert_eq!(refused(&mut live, list), "consensus_key_taken");
    // Of two updates in one block that want a new key, the first has it.
    let fresh = Actor::named("fresh key");
    let txs = [
        live.set_param(
            "authorities",
            json!([kept.clone(), new_authority(&alice(), &fresh, 1)]),
        ),
        live.set_param(
            "authorities",
            json!([kept, new_authority(&bob(), &fresh, 1)]),
        )
        .later(1),
    ];
    let block = live.commit(txs);
    assert_eq!(
        (block.code_name(0), block.code_name(1)),
        ("", "consensus_key_taken")
    );
}

#[test]
fn a_new_key_is_proven_to_be_held_for_its_account() {
    let mut live = alone();
    let kept = authority(&validator(), &validator_key(), 10);
    let good = new_authority(&bob(), &bobs_key(), 1);
    let with_proof = |proof: Value| {
        let mut entry = good.clone();
        entry["proof"] = proof;
        json!([kept.clone(), entry])
    };
    let for_alice = new_authority(&alice(), &bobs_key(), 1)["proof"].clone();
    let elsewhere = ait_testkit::chain::possession("other-chain", &bob(), &bobs_key());
    let by_another = ait_testkit::chain::possession("ait-devnet", &bob(), &validator_key());
    for proof in [for_alice, elsewhere.into(), by_another.into()] {
        assert_eq!(
            refused(&mut live, with_proof(proof)),
            "invalid_authority_proof"
        );
    }
    let none = json!([kept.clone(), authority(&bob(), &bobs_key(), 1)]);
    assert_eq!(refused(&mut live, none), "invalid_authority_proof");
    // The proof comes before the question whose the key is.
    let stolen = json!([kept.clone(), authority(&bob(), &validator_key(), 1)]);
    let tx = live.set_param("authorities", stolen);
    let code = live.reject([tx]).code.name();
    assert_eq!(code, "invalid_param_value", "a list names each key once");
    let stolen = json!([authority(&bob(), &validator_key(), 1)]);
    assert_eq!(refused(&mut live, stolen), "invalid_authority_proof");
    assert_eq!(
        live.record(&format!("/validator/{}", bob().address())),
        None
    );
    set_authorities(&mut live, json!([kept, good]));
}

#[test]
fn at_most_forty_new_keys_come_with_an_update() {
    let mut live = alone();
    let list = |count: usize| -> Value {
        let new = (0..count).map(|n| {
            let key = Actor::named(&format!("key of authority {n}"));
            new_authority(&Actor::named(&format!("authority {n}")), &key, 1)
        });
        let kept = authority(&validator(), &validator_key(), 1_000);
        std::iter::once(kept).chain(new).collect()
    };
    assert_eq!(refused(&mut live, list(41)), "param_conflict");
    let updates = set_authorities(&mut live, list(40));
    assert_eq!(updates.len(), 41);
    // Those forty are known: as many again may come.
    let block = live.commit([live.set_param("authorities", list(45))]);
    assert_eq!(block.codes(), [0]);
    live.empty();
    assert_eq!(live.set().len(), 46);
}

#[test]
fn every_key_ever_used_still_earns_its_account_the_fees() {
    let mut live = alone();
    with_bob(&mut live);
    set_authorities(
        &mut live,
        json!([authority(&validator(), &validator_key(), 10)]),
    );
    let before = live.balance(bob().address());
    live.proposer = Some(bobs_key().consensus_address());
    let tx = live.transfer(&alice(), &validator(), 1_000).fee(200);
    live.commit([tx]);
    assert_eq!(live.balance(bob().address()), before + 200);
    // An unknown key's go to the treasury.
    live.proposer = Some(Actor::named("nobody's key").consensus_address());
    let treasury = live.supply()["balances"].as_u64().unwrap();
    let tx = live.transfer(&alice(), &validator(), 1_000).fee(200);
    live.commit([tx]);
    assert_eq!(live.balance(ait_app::address::Address::treasury()), 200);
    assert_eq!(live.supply()["balances"], treasury);
}

#[test]
fn a_failed_update_of_the_authorities_registers_no_key() {
    let mut live = alone();
    let fresh = Actor::named("fresh key");
    let list = json!([
        new_authority(&alice(), &fresh, 1),
        new_authority(&bob(), &validator_key(), 1)
    ]);
    assert_eq!(refused(&mut live, list), "consensus_key_taken");
    assert_eq!(
        live.record(&format!("/validator/{}", alice().address())),
        None
    );
    let list = json!([
        authority(&validator(), &validator_key(), 10),
        new_authority(&bob(), &fresh, 1)
    ]);
    assert_eq!(set_authorities(&mut live, list), expect(&[(&fresh, 1)]));
}

#[test]
fn powers_that_the_first_authorities_have_are_those_of_the_genesis() {
    let setup = Setup::default().param(
        "authorities",
        json!([
            authority(&validator(), &validator_key(), 1_000_000_000),
            authority(&bob(), &bobs_key(), 1)
        ]),
    );
    let mut live = Live::of(setup.start());
    let expected = expect(&[(&validator_key(), 1_000_000_000), (&bobs_key(), 1)]);
    assert_eq!(live.set(), expected);
    for account in [validator(), bob()] {
        assert_eq!(live.validator(&account)["proven"], true, "from the start");
    }
    assert!(live.empty().updates().is_empty());
}
