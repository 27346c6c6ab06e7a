//! Validators under proof of authority: only differences are sent, and a consensus key belongs to its
//! first account for ever.

use std::collections::BTreeMap;

use ait_tests::{
    actors::{Actor, alice, bob, validator, validator_key},
    chain::{Chain, authority},
    draft::Draft,
};
use serde_json::{Value, json};

/// Sets the authorities, and gives the updates of the block in which they hold.
fn set_authorities(chain: &mut Chain, list: Value) -> BTreeMap<String, u64> {
    let tx = chain.set_param("authorities", list);
    let block = chain.commit([tx]);
    assert_eq!(block.codes(), [0], "{}", block.result(0).log);
    assert!(
        block.updates().is_empty(),
        "params hold from the next block"
    );
    chain.commit(Vec::<Draft>::new()).updates()
}

fn expect(pairs: &[(&Actor, u64)]) -> BTreeMap<String, u64> {
    let pairs = pairs.iter();
    pairs
        .map(|(key, power)| (key.pubkey().to_string(), *power))
        .collect()
}

#[test]
fn validator_updates_are_only_the_difference_from_the_last_set_sent() {
    let mut chain = Chain::start();
    let (a, b) = (validator(), bob());
    let (k, l) = (validator_key(), Actor::named("bob's consensus key"));
    let both = json!([authority(&a, &k, 10), authority(&b, &l, 3)]);
    assert_eq!(
        set_authorities(&mut chain, both.clone()),
        expect(&[(&l, 3)])
    );
    assert!(
        chain.commit(Vec::<Draft>::new()).updates().is_empty(),
        "sent once"
    );
    assert!(set_authorities(&mut chain, both).is_empty());
    let powers = json!([authority(&a, &k, 10), authority(&b, &l, 4)]);
    assert_eq!(set_authorities(&mut chain, powers), expect(&[(&l, 4)]));
    let alone = json!([authority(&b, &l, 4)]);
    assert_eq!(set_authorities(&mut chain, alone), expect(&[(&k, 0)]));
    let back = json!([authority(&a, &k, 1), authority(&b, &l, 4)]);
    assert_eq!(set_authorities(&mut chain, back), expect(&[(&k, 1)]));
}

#[test]
fn a_changed_consensus_key_is_a_removal_and_an_addition() {
    let mut chain = Chain::start();
    let new_key = Actor::named("validator's new consensus key");
    let list = json!([authority(&validator(), &new_key, 10)]);
    let expected = expect(&[(&validator_key(), 0), (&new_key, 10)]);
    assert_eq!(set_authorities(&mut chain, list), expected);
    let record = chain
        .record(&format!("/validator/{}", validator().address()))
        .unwrap();
    assert_eq!(record["pubkey"], new_key.pubkey().to_string());
    let keys = [validator_key(), new_key.clone()].map(|key| key.pubkey().to_string());
    assert_eq!(record["keys"], json!(keys));
    // And back again.
    let list = json!([authority(&validator(), &validator_key(), 10)]);
    let expected = expect(&[(&validator_key(), 10), (&new_key, 0)]);
    assert_eq!(set_authorities(&mut chain, list), expected);
}

#[test]
fn a_consensus_key_belongs_to_its_first_account_for_ever() {
    let mut chain = Chain::start();
    let new_key = Actor::named("validator's new consensus key");
    let list = json!([authority(&validator(), &new_key, 10)]);
    set_authorities(&mut chain, list);
    // Bob can't take a key that the validator used once, nor two accounts trade theirs.
    for taken in [validator_key(), new_key.clone()] {
        let list = json!([authority(&bob(), &taken, 10)]);
        let tx = chain.set_param("authorities", list);
        let block = chain.commit([tx]);
        assert_eq!(block.code_name(0), "consensus_key_taken");
        let pubkey = taken.pubkey().to_string();
        assert!(
            block.result(0).log.contains(&pubkey),
            "{}",
            block.result(0).log
        );
    }
    let bobs_key = Actor::named("bob's key");
    let both = json!([
        authority(&validator(), &new_key, 1),
        authority(&bob(), &bobs_key, 1)
    ]);
    set_authorities(&mut chain, both);
    let traded = json!([
        authority(&validator(), &bobs_key, 1),
        authority(&bob(), &new_key, 1)
    ]);
    let tx = chain.set_param("authorities", traded);
    assert_eq!(chain.commit([tx]).code_name(0), "consensus_key_taken");
    // Of two updates in one block that want a new key, the first has it.
    let fresh = Actor::named("fresh key");
    let txs = [
        chain.set_param("authorities", json!([authority(&alice(), &fresh, 1)])),
        chain
            .set_param("authorities", json!([authority(&bob(), &fresh, 1)]))
            .later(1),
    ];
    let block = chain.commit(txs);
    assert_eq!(
        (block.code_name(0), block.code_name(1)),
        ("", "consensus_key_taken")
    );
}

#[test]
fn every_key_ever_used_still_earns_its_account_the_fees() {
    let mut chain = Chain::start();
    let new_key = Actor::named("validator's new consensus key");
    let list = json!([authority(&validator(), &new_key, 10)]);
    set_authorities(&mut chain, list);
    let before = chain.balance(validator().address());
    for proposer in [validator_key(), new_key] {
        chain.proposer = Some(proposer.consensus_address());
        let tx = chain.transfer(&alice(), &bob(), 1).fee(100);
        chain.commit([tx]);
    }
    assert_eq!(chain.balance(validator().address()), before + 200);
}

#[test]
fn a_failed_update_of_the_authorities_registers_no_key() {
    let mut chain = Chain::start();
    let fresh = Actor::named("fresh key");
    let list = json!([
        authority(&alice(), &fresh, 1),
        authority(&bob(), &validator_key(), 1)
    ]);
    let tx = chain.set_param("authorities", list);
    assert_eq!(chain.commit([tx]).code_name(0), "consensus_key_taken");
    assert_eq!(
        chain.record(&format!("/validator/{}", alice().address())),
        None
    );
    let tx = chain.set_param("authorities", json!([authority(&bob(), &fresh, 1)]));
    assert_eq!(chain.commit([tx]).code_name(0), "");
}

#[test]
fn blocks_of_many_authority_updates_stay_affordable_and_right() {
    let mut chain = Chain::start();
    let list = |round: u64| -> Value {
        (0..90)
            .map(|n| {
                let key = Actor::named(&format!("key {round} of authority {n}"));
                authority(&Actor::named(&format!("authority {n}")), &key, 1 + round)
            })
            .collect()
    };
    let txs: Vec<_> = (0..20)
        .map(|round| chain.set_param("authorities", list(round)).later(round))
        .collect();
    assert!(chain.commit(txs).codes().iter().all(|code| *code == 0));
    let block = chain.commit(Vec::<Draft>::new());
    assert_eq!(block.outcome.validator_updates.len(), 91);
    assert_eq!(chain.state.sent_validators().len(), 90);
    let first = chain.record(&format!(
        "/validator/{}",
        Actor::named("authority 0").address()
    ));
    let first = first.unwrap();
    assert_eq!(first["keys"].as_array().unwrap().len(), 20);
    assert_eq!(first["power"], 20);
}
